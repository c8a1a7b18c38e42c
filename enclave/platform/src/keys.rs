//! Keys of the guest, derived from the platform key and the manifest.
//!
//! SNP key requests cannot select HOST_DATA and TDX's ignore MRCONFIGID (DESIGN §5), so the platform key alone would be
//! the same for every manifest on a chip. Only keys that went through HKDF with the manifest's hash leave this module.

use attestation_manifest::Role;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Sealing state on this machine.
    LocalSeal,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::LocalSeal => b"local seal",
        }
    }
}

/// The keys that stay after boot. They wipe themselves.
pub struct DerivedKeys {
    local_seal: Zeroizing<[u8; 32]>,
}

impl DerivedKeys {
    /// Derives every key that the guest keeps.
    #[must_use]
    pub fn derive(platform_key: &[u8; 32], manifest_digest: &[u8; 32], role: Role) -> Self {
        Self { local_seal: derive_key(platform_key, manifest_digest, role, Purpose::LocalSeal) }
    }

    /// What seals state on this machine: the seal key of `enclave-sealing`.
    #[must_use]
    pub fn local_seal(&self) -> &[u8; 32] {
        &self.local_seal
    }

    /// Public name of the local seal key: equal names mean that sealed state can be opened.
    #[must_use]
    pub fn seal_key_id(&self) -> [u8; 16] {
        let digest =
            Sha256::new_with_prefix(b"redoubt seal key id v1").chain_update(*self.local_seal).finalize();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        id
    }
}

impl core::fmt::Debug for DerivedKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("DerivedKeys").finish_non_exhaustive()
    }
}

/// HKDF-SHA256(salt = label, ikm = platform key, info = manifest hash ‖ role ‖ 0 ‖ purpose).
#[must_use]
pub fn derive_key(
    platform_key: &[u8; 32],
    manifest_digest: &[u8; 32],
    role: Role,
    purpose: Purpose,
) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    let info = [manifest_digest.as_slice(), role.as_str().as_bytes(), &[0], purpose.label()];
    let expanded = Hkdf::<Sha256>::new(Some(b"redoubt derived key v1"), platform_key)
        .expand_multi_info(&info, key.as_mut_slice());
    debug_assert!(expanded.is_ok(), "32 bytes are within what HKDF-SHA256 can give");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_changes_the_key() {
        let base = derive_key(&[1; 32], &[2; 32], Role::Workload, Purpose::LocalSeal);
        assert_ne!(*base, *derive_key(&[9; 32], &[2; 32], Role::Workload, Purpose::LocalSeal));
        assert_ne!(*base, *derive_key(&[1; 32], &[9; 32], Role::Workload, Purpose::LocalSeal));
        assert_ne!(*base, [0; 32]);
    }

    #[test]
    fn the_id_is_stable_and_not_the_key() {
        let keys = DerivedKeys::derive(&[1; 32], &[2; 32], Role::Workload);
        assert_eq!(keys.seal_key_id(), DerivedKeys::derive(&[1; 32], &[2; 32], Role::Workload).seal_key_id());
        assert_ne!(keys.seal_key_id(), keys.local_seal()[..16]);
    }
}
