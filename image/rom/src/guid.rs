//! GUIDs in the mixed-endian form of UEFI tables.

use core::fmt;

/// A GUID as it lies in a file: the first three fields little-endian, the rest as written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Guid([u8; 16]);

impl Guid {
    /// Ends the GUID table of firmware ("OVMF table footer").
    pub const FOOTER: Self = Self::new(0x96b5_82de, 0x1fb2, 0x45f7, 0xbaea_a366_c55a_082d);
    /// Distance from the end of the ROM to the SEV metadata.
    pub const SEV_METADATA: Self = Self::new(0xdc88_6566, 0x984a, 0x4798, 0xa75e_5585_a7bf_67cc);
    /// Where the other processors of an SEV-ES or SNP guest start.
    pub const AP_RESET: Self = Self::new(0x00f7_71de, 0x1a7e, 0x4fcb, 0x890e_68c7_7e2f_b44e);
    /// Distance from the end of the ROM to the TDVF descriptor.
    pub const TDX_METADATA: Self = Self::new(0xe47a_6535, 0x984a, 0x4798, 0x865e_4685_a7bf_8ec2);
    /// Directly before the TDVF descriptor.
    pub const TDVF: Self = Self::new(0xe9ea_f9f3, 0x168e, 0x44d5, 0xa8eb_7f4d_8738_f6ae);

    /// From the four groups of the usual spelling; the last one joins the last two groups.
    #[must_use]
    pub const fn new(first: u32, second: u16, third: u16, last: u64) -> Self {
        let ([a0, a1, a2, a3], [b0, b1], [c0, c1]) =
            (first.to_le_bytes(), second.to_le_bytes(), third.to_le_bytes());
        let [d0, d1, d2, d3, d4, d5, d6, d7] = last.to_be_bytes();
        Self([a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, d2, d3, d4, d5, d6, d7])
    }

    /// From the bytes in a file.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes in a file.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a0, a1, a2, a3, b0, b1, c0, c1, d @ ..] = self.0;
        let (first, second, third) = (
            u32::from_le_bytes([a0, a1, a2, a3]),
            u16::from_le_bytes([b0, b1]),
            u16::from_le_bytes([c0, c1]),
        );
        let last = u64::from_be_bytes(d);
        write!(f, "{first:08x}-{second:04x}-{third:04x}-{:04x}-{:012x}", last >> 48, last & 0xFFFF_FFFF_FFFF)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Guid;

    #[test]
    fn prints_the_usual_spelling() {
        assert_eq!(Guid::FOOTER.to_string(), "96b582de-1fb2-45f7-baea-a366c55a082d");
        assert_eq!(Guid::AP_RESET.to_string(), "00f771de-1a7e-4fcb-890e-68c77e2fb44e");
    }

    #[test]
    fn first_three_fields_are_little_endian() {
        assert_eq!(Guid::FOOTER.as_bytes()[..8], [0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45]);
        assert_eq!(Guid::FOOTER.as_bytes()[8..], [0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d]);
    }
}
