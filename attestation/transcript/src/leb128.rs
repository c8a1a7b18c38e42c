//! Unsigned LEB128 of at most 64 bits, in its shortest form only.

use alloc::vec::Vec;

/// The most bytes that 64 bits take.
pub(crate) const MAX_BYTES: usize = 10;

/// Why bytes are no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// They end before the number does.
    Cut,
    /// A zero byte at its end could be left out.
    LongForm,
    /// More than 64 bits.
    Overflow,
}

/// Appends a number.
#[inline]
pub(crate) fn write(mut value: u64, to: &mut Vec<u8>) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            return to.push(low);
        }
        to.push(low | 0x80);
    }
}

/// Reads the number that `bytes` begin with, and returns how many bytes it takes.
pub(crate) fn read(bytes: &[u8]) -> Result<(u64, usize), Refused> {
    let (mut value, mut shift, mut taken) = (0_u64, 0_u32, 0_usize);
    for byte in bytes.iter().take(MAX_BYTES) {
        let low = u64::from(byte & 0x7F);
        taken = taken.saturating_add(1);
        // Bits that the shift drops are beyond the 64.
        if (low << shift) >> shift != low {
            return Err(Refused::Overflow);
        }
        value |= low << shift;
        if byte & 0x80 == 0 {
            let is_long = low == 0 && taken > 1;
            return if is_long { Err(Refused::LongForm) } else { Ok((value, taken)) };
        }
        shift = shift.saturating_add(7);
    }
    Err(if taken == MAX_BYTES { Refused::Overflow } else { Refused::Cut })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_number_has_one_form() {
        // The example of the DWARF standard (version 5, figure 23): 12857.
        assert_eq!(read(&[0xB9, 0x64]), Ok((12857, 2)));
        assert_eq!(read(&[0x00, 7]), Ok((0, 1)));
        assert_eq!(read(&[0x80, 0x00]), Err(Refused::LongForm));
        assert_eq!(read(&[0xB9, 0xE4, 0x00]), Err(Refused::LongForm));
        assert_eq!(read(&[]), Err(Refused::Cut));
        assert_eq!(read(&[0x80]), Err(Refused::Cut));
        let most = [&[0xFF; 9][..], &[0x01]].concat();
        assert_eq!(read(&most), Ok((u64::MAX, 10)));
        assert_eq!(read(&[&[0xFF; 9][..], &[0x02]].concat()), Err(Refused::Overflow));
        assert_eq!(read(&[0x80; 10]), Err(Refused::Overflow));
        assert_eq!(read(&[&[0x80; 10][..], &[0x00]].concat()), Err(Refused::Overflow));
        assert_eq!(read(&[&[0x80; 9][..], &[0x00]].concat()), Err(Refused::LongForm));
    }

    proptest! {
        #[test]
        fn numbers_round_trip(value in any::<u64>(), shift in 0_u32..64, rest in any::<[u8; 3]>()) {
            let value = value >> shift;
            let mut bytes = Vec::new();
            write(value, &mut bytes);
            let taken = bytes.len();
            bytes.extend_from_slice(&rest);
            prop_assert_eq!(read(&bytes), Ok((value, taken)));
        }

        #[test]
        fn whatever_is_read_is_what_is_written(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            if let Ok((value, taken)) = read(&bytes) {
                let mut written = Vec::new();
                write(value, &mut written);
                prop_assert_eq!(&written[..], &bytes[..taken]);
            }
        }
    }
}
