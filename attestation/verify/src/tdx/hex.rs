//! Digests and identities as people read them.

use core::fmt;

/// Prints bytes in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The bytes of `text`, which has two digits for each, in either case.
pub(super) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_case_is_read_and_nothing_else() {
        assert_eq!(decode("00fFA5"), Some([0x00, 0xFF, 0xA5]));
        for wrong in ["", "00ff", "00ffa", "00ffa55a", "00ffg5", "+0ffa5", "0ü00a"] {
            assert_eq!(decode::<3>(wrong), None, "{wrong}");
        }
        assert_eq!(Hex(&[0, 0xAB]).to_string(), "00ab");
    }
}
