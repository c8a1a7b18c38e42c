//! Security version numbers of the firmware that a guest relies on.

use core::fmt;

/// `TCB_VERSION`: eight bytes whose meaning depends on the product, not on the report's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcbVersion(pub u64);

/// Which product's layout a [`TcbVersion`] has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TcbLayout {
    /// Milan, Genoa, Bergamo, Siena.
    Milan,
    /// Turin.
    Turin,
}

/// The parts of a [`TcbVersion`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcbParts {
    /// Firmware mailbox controller; Turin only.
    pub fmc: Option<u8>,
    /// Boot loader of the secure processor.
    pub boot_loader: u8,
    /// Its operating system.
    pub tee: u8,
    /// SNP firmware.
    pub snp: u8,
    /// Microcode of the cores.
    pub microcode: u8,
}

impl TcbVersion {
    /// Splits the number, `None` when a byte that the layout reserves is not zero.
    #[must_use]
    pub const fn parts(self, layout: TcbLayout) -> Option<TcbParts> {
        match (layout, self.0.to_le_bytes()) {
            (TcbLayout::Milan, [boot_loader, tee, 0, 0, 0, 0, snp, microcode]) => {
                Some(TcbParts { fmc: None, boot_loader, tee, snp, microcode })
            }
            (TcbLayout::Turin, [fmc, boot_loader, tee, snp, 0, 0, 0, microcode]) => {
                Some(TcbParts { fmc: Some(fmc), boot_loader, tee, snp, microcode })
            }
            _ => None,
        }
    }
}

impl TcbParts {
    /// Whether no part is older than in `floor`. A part that only one side has never satisfies the other.
    #[must_use]
    pub fn is_at_least(&self, floor: &Self) -> bool {
        let fmc_ok = match (self.fmc, floor.fmc) {
            (Some(mine), Some(wanted)) => mine >= wanted,
            (None, None) => true,
            _ => false,
        };
        fmc_ok
            && self.boot_loader >= floor.boot_loader
            && self.tee >= floor.tee
            && self.snp >= floor.snp
            && self.microcode >= floor.microcode
    }
}

/// `FMC 1, boot loader 4, TEE 0, SNP 24, microcode 219`; the FMC only where there is one.
impl fmt::Display for TcbParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fmc) = self.fmc {
            write!(f, "FMC {fmc}, ")?;
        }
        let Self { boot_loader, tee, snp, microcode, .. } = self;
        write!(f, "boot loader {boot_loader}, TEE {tee}, SNP {snp}, microcode {microcode}")
    }
}

impl fmt::Display for TcbVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_differ_by_product() {
        let tcb = TcbVersion(u64::from_le_bytes([3, 1, 0, 0, 0, 0, 8, 0x73]));
        let parts = tcb.parts(TcbLayout::Milan).unwrap();
        assert_eq!((parts.boot_loader, parts.tee, parts.snp, parts.microcode), (3, 1, 8, 0x73));
        assert_eq!(tcb.parts(TcbLayout::Turin), None);
    }

    #[test]
    fn one_older_part_is_enough_to_fall_short() {
        let floor = TcbParts { fmc: Some(1), boot_loader: 2, tee: 3, snp: 4, microcode: 5 };
        assert!(floor.is_at_least(&floor));
        for older in [
            TcbParts { fmc: Some(0), ..floor },
            TcbParts { fmc: None, ..floor },
            TcbParts { boot_loader: 1, ..floor },
            TcbParts { tee: 2, ..floor },
            TcbParts { snp: 3, ..floor },
            TcbParts { microcode: 4, ..floor },
        ] {
            assert!(!older.is_at_least(&floor), "{older:?}");
        }
    }
}
