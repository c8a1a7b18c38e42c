//! SHA-256 values, read and shown as lower-case hexadecimal.

use core::fmt;

/// A SHA-256 value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Reads 64 hexadecimal digits, of either case.
    #[must_use]
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; 32];
        let (pairs, rest) = text.as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = (nibble(high)? << 4) | nibble(low)?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_goes_both_ways() {
        let text = "00ff".repeat(16);
        let digest = Digest::from_hex(text.as_bytes()).unwrap();
        assert_eq!(digest.to_string(), text);
        assert_eq!(Digest::from_hex(text.to_uppercase().as_bytes()), Some(digest));
    }

    #[test]
    fn what_is_not_sixty_four_digits_is_refused() {
        let whole = "5a".repeat(32);
        for wrong in ["", "5a", &whole[1..], &format!("{whole}5a"), &format!("{}+5", &whole[2..])] {
            assert_eq!(Digest::from_hex(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
