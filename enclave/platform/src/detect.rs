//! Which of the three worlds this is.

use attestation_evidence::Platform;
use enclave_wire::layout::SNP_C_BIT;
use enclave_x86::paging::Encryption;

/// What the reset code found, as it passes it on (`enclave/fw/src/reset.s`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootMode(pub u32);

impl BootMode {
    /// No TEE: the simulated platform.
    pub const PLAIN: Self = Self(0);
    /// SEV-SNP.
    pub const SNP: Self = Self(1);
    /// TDX.
    pub const TDX: Self = Self(2);
}

/// A world and what follows from it for the page tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected {
    /// Which.
    pub platform: Platform,
    /// How private and shared memory are told apart.
    pub encryption: Encryption,
}

/// Guest-physical address widths that a TD can have (TDX module base specification, GPAW).
const TDX_GPA_WIDTHS: [u32; 2] = [48, 52];

/// Translates the reset code's finding. `tdx_gpa_width` is what the TDX module reported, where it did.
///
/// This chooses a code path, it establishes no trust: a host that makes an SNP guest believe it is a plain machine has
/// a guest without VMPCK and without report.
#[must_use]
pub fn detect(mode: BootMode, tdx_gpa_width: Option<u32>) -> Option<Detected> {
    match (mode, tdx_gpa_width) {
        (BootMode::PLAIN, _) => {
            Some(Detected { platform: Platform::Simulated, encryption: Encryption::None })
        }
        (BootMode::SNP, _) => {
            Some(Detected { platform: Platform::Snp, encryption: Encryption::PrivateBit(SNP_C_BIT) })
        }
        (BootMode::TDX, Some(width)) if TDX_GPA_WIDTHS.contains(&width) => {
            Some(Detected { platform: Platform::Tdx, encryption: Encryption::SharedBit(width - 1) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_world_has_its_bit() {
        assert_eq!(detect(BootMode::PLAIN, None).unwrap().encryption, Encryption::None);
        assert_eq!(detect(BootMode::SNP, None).unwrap().encryption, Encryption::PrivateBit(51));
        assert_eq!(detect(BootMode::TDX, Some(48)).unwrap().encryption, Encryption::SharedBit(47));
        assert_eq!(detect(BootMode::TDX, Some(52)).unwrap().encryption, Encryption::SharedBit(51));
        assert_eq!(detect(BootMode::TDX, Some(47)), None);
        assert_eq!(detect(BootMode::TDX, None), None);
        assert_eq!(detect(BootMode(3), None), None);
    }
}
