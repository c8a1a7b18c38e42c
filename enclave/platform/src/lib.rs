//! The TEE under the guest: simulated, SEV-SNP or TDX; reports and derived keys.
