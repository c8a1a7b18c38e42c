//! What a domain may do, and what may be done to it.

use core::fmt;

/// `TDATTRIBUTES` (TDX module ABI, table "ATTRIBUTES Definition"). Bits that nobody has defined yet survive and print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TdAttributes(pub u64);

impl TdAttributes {
    /// The host may read and change the domain.
    pub const DEBUG: u64 = 1;
    /// Linear address space separation.
    pub const LASS: u64 = 1 << 27;
    /// A page that the host takes away ends the domain instead of raising an exception that it may be fooled by.
    pub const SEPT_VE_DISABLE: u64 = 1 << 28;
    /// The domain may be migrated.
    pub const MIGRATABLE: u64 = 1 << 29;
    /// Protection keys for supervisor pages.
    pub const PKS: u64 = 1 << 30;
    /// Key locker.
    pub const KL: u64 = 1 << 31;
    /// Performance monitoring.
    pub const PERFMON: u64 = 1 << 63;
    /// `TUD`: any of these bits puts the domain's secrets at the host's mercy.
    pub const TUD: u64 = 0xFF;
    /// Every bit with a name.
    pub const KNOWN: u64 = Self::DEBUG
        | Self::LASS
        | Self::SEPT_VE_DISABLE
        | Self::MIGRATABLE
        | Self::PKS
        | Self::KL
        | Self::PERFMON;

    /// Whether all of `bits` are set.
    #[must_use]
    pub const fn has(self, bits: u64) -> bool {
        self.0 & bits == bits
    }

    /// Whether the host may read the domain: no secret and no claim survives that.
    #[must_use]
    pub const fn is_debug(self) -> bool {
        self.has(Self::DEBUG)
    }

    /// Bits that the table does not define.
    #[must_use]
    pub const fn unknown_bits(self) -> u64 {
        self.0 & !Self::KNOWN
    }
}

impl fmt::Display for TdAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

/// `XFAM`: extended features of the processor that the domain may use, as in `XCR0` and `IA32_XSS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Xfam(pub u64);

impl Xfam {
    /// x87 and SSE: set in every domain.
    pub const FIXED_ONE: u64 = 0b11;
    /// AVX.
    pub const AVX: u64 = 1 << 2;
    /// AVX-512: opmask, upper halves, upper registers.
    pub const AVX_512: u64 = 0b111 << 5;
    /// Processor trace.
    pub const PT: u64 = 1 << 8;
    /// Protection keys for user pages.
    pub const PK: u64 = 1 << 9;
    /// Control-flow enforcement: user and supervisor state.
    pub const CET: u64 = 0b11 << 11;
    /// Last branch records.
    pub const LBR: u64 = 1 << 15;
    /// Advanced matrix extensions: configuration and tiles.
    pub const AMX: u64 = 0b11 << 17;

    /// Whether all of `bits` are set.
    #[must_use]
    pub const fn has(self, bits: u64) -> bool {
        self.0 & bits == bits
    }
}

impl fmt::Display for Xfam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_where_the_specification_puts_them() {
        let debug = TdAttributes(0x1000_0001);
        assert!(debug.is_debug() && debug.has(TdAttributes::SEPT_VE_DISABLE));
        assert!(TdAttributes(0x4000_0000).has(TdAttributes::PKS));
        assert!(!TdAttributes(0x1000_0000).is_debug());
        assert_eq!(TdAttributes(0x8000_0000_1000_0000).unknown_bits(), 0);
        assert_eq!(TdAttributes(0x1000_0002).unknown_bits(), 2);
        assert_eq!(TdAttributes(1).to_string(), "0x0000000000000001");
    }

    #[test]
    fn processors_without_avx_512_and_amx_show_it() {
        let (emerald, sierra_forest) = (Xfam(0x6_02E7), Xfam(0x207));
        assert!(emerald.has(Xfam::AVX_512 | Xfam::AMX | Xfam::PK | Xfam::FIXED_ONE));
        assert!(!sierra_forest.has(Xfam::AVX_512) && !sierra_forest.has(Xfam::AMX));
        assert!(!sierra_forest.has(Xfam::CET | Xfam::PT | Xfam::LBR) && sierra_forest.has(Xfam::AVX));
    }
}
