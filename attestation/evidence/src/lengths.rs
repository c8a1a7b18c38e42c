//! Deterministic CBOR states every length (RFC 8949 §4.2.1).
//!
//! Checked before decoding, because the decoder keeps a list of the items that are open where one has no stated
//! length: while it passes over an unknown key, input made of nested arrays would cost 48 times its size in memory.

/// Whether no array, map or string in `bytes` leaves its length open. Says nothing else: what is no CBOR at all, the
/// decoder will refuse.
#[must_use]
pub fn states_every_length(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some((head, after_head)) = rest.split_first() {
        let (major, information) = (head >> 5, head & 0x1F);
        let argument_bytes = match information {
            0..=23 => 0,
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return false,
        };
        let Some((argument, content)) = after_head.split_at_checked(argument_bytes) else { return true };
        let is_string = matches!(major, 2 | 3);
        let content_bytes = match (is_string, argument) {
            (false, _) => 0,
            (true, []) => usize::from(information),
            (true, argument) => {
                let value = argument.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
                usize::try_from(value).unwrap_or(usize::MAX)
            }
        };
        rest = content.get(content_bytes..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_lengths_are_found_at_any_depth() {
        for open in [&[0x9F][..], &[0xBF], &[0x5F], &[0x7F], &[0xFF]] {
            let nested = [&[0x82, 0x01, 0xA1, 0x19, 0x01, 0x00][..], open].concat();
            for bytes in [open, &nested] {
                assert!(!states_every_length(bytes), "{bytes:x?}");
            }
        }
    }

    #[test]
    fn strings_are_not_looked_into() {
        let long = [&[0x59, 0x01, 0x00][..], &[0x9F; 256], &[0x62, 0xFF, 0x9F]].concat();
        assert!(states_every_length(&long));
        assert!(!states_every_length(&[&long[..], &[0x9F]].concat()));
    }

    #[test]
    fn what_ends_early_is_left_to_the_decoder() {
        for short in
            [&[][..], &[0x19, 0x01], &[0x42, 0x9F], &[0x5B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]]
        {
            assert!(states_every_length(short), "{short:x?}");
        }
    }
}
