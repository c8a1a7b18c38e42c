//! Guest policy: what the owner of a guest demanded of the firmware at launch.

use core::fmt;

/// `POLICY` of a report (56860, table "Guest Policy"). Bits that nobody has defined yet survive and print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestPolicy(pub u64);

impl GuestPolicy {
    /// Simultaneous multithreading may be on.
    pub const SMT_ALLOWED: u64 = 1 << 16;
    /// Always one.
    pub const RESERVED_MUST_BE_ONE: u64 = 1 << 17;
    /// A migration agent may move the guest.
    pub const MIGRATE_MA: u64 = 1 << 18;
    /// The host may read the guest's memory and registers.
    pub const DEBUG: u64 = 1 << 19;
    /// Only on machines with one socket.
    pub const SINGLE_SOCKET: u64 = 1 << 20;
    /// CXL memory may be used.
    pub const CXL_ALLOW: u64 = 1 << 21;
    /// Memory must be encrypted with AES-256-XTS.
    pub const MEM_AES_256_XTS: u64 = 1 << 22;
    /// Running average power limit must be off.
    pub const RAPL_DIS: u64 = 1 << 23;
    /// Ciphertext of DRAM must be hidden from the host.
    pub const CIPHERTEXT_HIDING_DRAM: u64 = 1 << 24;
    /// The host may not swap guest pages.
    pub const PAGE_SWAP_DISABLE: u64 = 1 << 25;

    /// Whether all of `bits` are set.
    #[must_use]
    pub const fn has(self, bits: u64) -> bool {
        self.0 & bits == bits
    }

    /// Whether the host may read the guest: no secret and no claim survives that.
    #[must_use]
    pub const fn is_debug(self) -> bool {
        self.has(Self::DEBUG)
    }

    /// Smallest ABI version that the guest accepts, as major and minor.
    #[must_use]
    pub const fn abi_version(self) -> (u8, u8) {
        let [minor, major, ..] = self.0.to_le_bytes();
        (major, minor)
    }
}

impl fmt::Display for GuestPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// `PLATFORM_INFO` of a report (56860, table "PLATFORM_INFO").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlatformInfo(pub u64);

impl PlatformInfo {
    /// Simultaneous multithreading is on.
    pub const SMT: u64 = 1;
    /// Transparent SME is on.
    pub const TSME: u64 = 1 << 1;
    /// Memory has error correction.
    pub const ECC: u64 = 1 << 2;
    /// Running average power limit is off.
    pub const RAPL_DISABLED: u64 = 1 << 3;
    /// Ciphertext of DRAM is hidden from the host.
    pub const CIPHERTEXT_HIDING: u64 = 1 << 4;
    /// Memory was checked for aliases since the last reset, and there were none.
    pub const ALIAS_CHECK_COMPLETE: u64 = 1 << 5;
    /// SEV-TIO is on.
    pub const TIO: u64 = 1 << 7;
    /// All bits with a meaning.
    pub const KNOWN: u64 = Self::SMT
        | Self::TSME
        | Self::ECC
        | Self::RAPL_DISABLED
        | Self::CIPHERTEXT_HIDING
        | Self::ALIAS_CHECK_COMPLETE
        | Self::TIO;

    /// Bits that the table does not define. Bit 6 is one, and set on real Turin parts.
    #[must_use]
    pub const fn unknown_bits(self) -> u64 {
        self.0 & !Self::KNOWN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_without_a_name_are_unknown() {
        assert_eq!(PlatformInfo(0xBF).unknown_bits(), 0);
        assert_eq!(PlatformInfo(0x165).unknown_bits(), 0x140);
    }

    #[test]
    fn bits_are_read_where_the_specification_puts_them() {
        let debug = GuestPolicy(0xB_0000);
        assert!(debug.is_debug() && debug.has(GuestPolicy::SMT_ALLOWED | GuestPolicy::RESERVED_MUST_BE_ONE));
        assert!(!GuestPolicy(0x3_0000).is_debug());
        assert_eq!(GuestPolicy(0x3_011F).abi_version(), (1, 31));
    }
}
