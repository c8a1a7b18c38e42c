//! Tags: what a value in a message is called.

use core::cmp::Ordering;
use core::fmt;

/// Up to four capital letters and zero bytes behind them (RFC 10049 §4.1.3). Those of others are kept as they are:
/// whatever is not asked for is passed over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tag(pub [u8; 4]);

impl Tag {
    /// The certificate of the key that signed.
    pub const CERT: Self = Self(*b"CERT");
    /// What the long-term key signed.
    pub const DELE: Self = Self(*b"DELE");
    /// Place of the request in the tree.
    pub const INDX: Self = Self(*b"INDX");
    /// Last second of a delegation.
    pub const MAXT: Self = Self(*b"MAXT");
    /// What time it is.
    pub const MIDP: Self = Self(*b"MIDP");
    /// First second of a delegation.
    pub const MINT: Self = Self(*b"MINT");
    /// The nonce.
    pub const NONC: Self = Self(*b"NONC");
    /// Siblings on the way to the root of the tree.
    pub const PATH: Self = Self(*b"PATH");
    /// The key that a delegation is for.
    pub const PUBK: Self = Self(*b"PUBK");
    /// How far off the time may be.
    pub const RADI: Self = Self(*b"RADI");
    /// Root of the tree.
    pub const ROOT: Self = Self(*b"ROOT");
    /// A signature.
    pub const SIG: Self = Self(*b"SIG\0");
    /// What the delegated key signed.
    pub const SREP: Self = Self(*b"SREP");
    /// Hash of the long-term key that is asked for.
    pub const SRV: Self = Self(*b"SRV\0");
    /// Request or response.
    pub const TYPE: Self = Self(*b"TYPE");
    /// Versions that the client speaks, version of the response.
    pub const VER: Self = Self(*b"VER\0");
    /// Versions that the server speaks.
    pub const VERS: Self = Self(*b"VERS");
    /// Zeros that make a request long enough.
    pub const ZZZZ: Self = Self(*b"ZZZZ");

    const fn number(self) -> u32 {
        u32::from_le_bytes(self.0)
    }
}

/// By the number that the bytes are, little-endian: the order in messages.
impl Ord for Tag {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl PartialOrd for Tag {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Its letters. Other bytes are escaped: they come from outside.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = self.0.as_slice();
        while let Some(before) = letters.strip_suffix(&[0]) {
            letters = before;
        }
        write!(f, "{}", letters.escape_ascii())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of the registry (RFC 10049 §12.3), in its order.
    #[test]
    fn tags_have_the_numbers_of_the_registry() {
        let registry = [
            (Tag::SIG, 0x0047_4953),
            (Tag::VER, 0x0052_4556),
            (Tag::SRV, 0x0056_5253),
            (Tag::NONC, 0x434E_4F4E),
            (Tag::DELE, 0x454C_4544),
            (Tag::TYPE, 0x4550_5954),
            (Tag::PATH, 0x4854_4150),
            (Tag::RADI, 0x4944_4152),
            (Tag::PUBK, 0x4B42_5550),
            (Tag::MIDP, 0x5044_494D),
            (Tag::SREP, 0x5045_5253),
            (Tag::VERS, 0x5352_4556),
            (Tag::MINT, 0x544E_494D),
            (Tag::ROOT, 0x544F_4F52),
            (Tag::CERT, 0x5452_4543),
            (Tag::MAXT, 0x5458_414D),
            (Tag::INDX, 0x5844_4E49),
            (Tag::ZZZZ, 0x5A5A_5A5A),
        ];
        for (tag, number) in registry {
            assert_eq!(tag.number(), number, "{tag}");
        }
        assert!(registry.is_sorted_by(|(before, _), (tag, _)| before < tag));
    }

    #[test]
    fn tags_are_printed_as_letters_and_nothing_worse() {
        assert_eq!((Tag::SIG.to_string(), Tag::ZZZZ.to_string()), ("SIG".into(), "ZZZZ".into()));
        assert_eq!(Tag(*b"\x1B[m\0").to_string(), r"\x1b[m");
        assert_eq!(Tag([0; 4]).to_string(), "");
    }
}
