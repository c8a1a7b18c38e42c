//! How what a component learns is written into its transcript.

use alloc::string::String;
use alloc::vec::Vec;

use crate::io::PIECE_BYTES;

/// A value that comes from outside. What is written is read again as the same value; nothing else is accepted.
pub(crate) trait Learnt: Sized {
    /// Appends the value.
    fn write(&self, payload: &mut Vec<u8>);

    /// The value, if `payload` is one and nothing more.
    fn read(payload: &[u8]) -> Option<Self>;
}

/// Little endian without trailing zeros: clocks and lengths are small numbers.
impl Learnt for u64 {
    fn write(&self, payload: &mut Vec<u8>) {
        let bytes = self.to_le_bytes();
        let used = bytes.len() - usize::try_from(self.leading_zeros() / 8).unwrap_or(0);
        payload.extend_from_slice(bytes.get(..used).unwrap_or(&bytes));
    }

    fn read(payload: &[u8]) -> Option<Self> {
        if payload.last() == Some(&0) {
            return None;
        }
        let mut bytes = [0; 8];
        bytes.get_mut(..payload.len())?.copy_from_slice(payload);
        Some(Self::from_le_bytes(bytes))
    }
}

/// Where all that matters is when.
impl Learnt for () {
    fn write(&self, _payload: &mut Vec<u8>) {}

    fn read(payload: &[u8]) -> Option<Self> {
        payload.is_empty().then_some(())
    }
}

impl Learnt for bool {
    fn write(&self, payload: &mut Vec<u8>) {
        payload.push(u8::from(*self));
    }

    fn read(payload: &[u8]) -> Option<Self> {
        match payload {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

/// One byte says whether there is a value.
impl<T: Learnt> Learnt for Option<T> {
    fn write(&self, payload: &mut Vec<u8>) {
        payload.push(u8::from(self.is_some()));
        if let Some(value) = self {
            value.write(payload);
        }
    }

    fn read(payload: &[u8]) -> Option<Self> {
        match payload {
            [0] => Some(None),
            [1, value @ ..] => T::read(value).map(Some),
            _ => None,
        }
    }
}

/// 0 and the error, or 1 and the value.
impl<T: Learnt, E: Learnt> Learnt for Result<T, E> {
    fn write(&self, payload: &mut Vec<u8>) {
        payload.push(u8::from(self.is_ok()));
        match self {
            Ok(value) => value.write(payload),
            Err(error) => error.write(payload),
        }
    }

    fn read(payload: &[u8]) -> Option<Self> {
        match payload {
            [0, error @ ..] => E::read(error).map(Err),
            [1, value @ ..] => T::read(value).map(Ok),
            _ => None,
        }
    }
}

/// Bytes, at most [`PIECE_BYTES`] of them. Whoever lets a host say them sees to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece(pub(crate) Vec<u8>);

impl Learnt for Piece {
    fn write(&self, payload: &mut Vec<u8>) {
        payload.extend_from_slice(&self.0);
    }

    fn read(payload: &[u8]) -> Option<Self> {
        (payload.len() <= PIECE_BYTES).then(|| Self(payload.to_vec()))
    }
}

/// Most bytes of a text that says why something was refused.
const TEXT_MAX_BYTES: usize = 512;

/// Text for people, cut where it is too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Text {
    pub(crate) fn cut(mut text: String) -> Self {
        text.truncate(text.floor_char_boundary(TEXT_MAX_BYTES));
        Self(text)
    }
}

impl Learnt for Text {
    fn write(&self, payload: &mut Vec<u8>) {
        payload.extend_from_slice(self.0.as_bytes());
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(payload).ok().filter(|text| text.len() <= TEXT_MAX_BYTES)?;
        Some(Self(text.into()))
    }
}

/// Indices of a list of pollables, ascending, each as two bytes: there are never more than that many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadyList(pub(crate) Vec<u32>);

impl Learnt for ReadyList {
    fn write(&self, payload: &mut Vec<u8>) {
        for index in &self.0 {
            payload.extend_from_slice(&u16::try_from(*index).unwrap_or(u16::MAX).to_le_bytes());
        }
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let (indices, rest) = payload.as_chunks::<2>();
        let indices: Vec<u32> = indices.iter().map(|bytes| u32::from(u16::from_le_bytes(*bytes))).collect();
        let is_valid = rest.is_empty() && !indices.is_empty() && indices.is_sorted_by(|a, b| a < b);
        is_valid.then_some(Self(indices))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &impl Learnt) -> Vec<u8> {
        let mut payload = Vec::new();
        value.write(&mut payload);
        payload
    }

    #[test]
    fn numbers_are_short_and_have_one_spelling() {
        for (number, bytes) in
            [(0_u64, &[][..]), (1, &[1]), (255, &[255]), (256, &[0, 1]), (1 << 56, &[0, 0, 0, 0, 0, 0, 0, 1])]
        {
            assert_eq!(written(&number), bytes);
            assert_eq!(u64::read(bytes), Some(number));
        }
        assert_eq!(u64::read(&u64::MAX.to_le_bytes()), Some(u64::MAX));
        assert_eq!(u64::read(&[1, 0]), None);
        assert_eq!(u64::read(&[1; 9]), None);
    }

    #[test]
    fn pieces_and_texts_are_bounded() {
        let (longest, longer) = (vec![7; PIECE_BYTES], vec![7; PIECE_BYTES + 1]);
        assert_eq!(Piece::read(&longest), Some(Piece(longest.clone())));
        assert_eq!(Piece::read(&longer), None);
        let cut = Text::cut("é".repeat(300));
        assert_eq!(cut.0.len(), TEXT_MAX_BYTES);
        assert_eq!(Text::read(&written(&cut)), Some(cut));
        assert_eq!(Text::cut(format!("a{}", "é".repeat(300))).0.len(), TEXT_MAX_BYTES - 1);
        assert_eq!(Text::read(&[b'a'; TEXT_MAX_BYTES + 1]), None);
        assert_eq!(Text::read(&[0xff]), None);
        assert_eq!(Result::<bool, u64>::read(&[1, 1]), Some(Ok(true)));
        assert_eq!(Result::<bool, u64>::read(&[0, 9]), Some(Err(9)));
        assert_eq!(Result::<bool, u64>::read(&[2, 1]), None);
    }

    #[test]
    fn options_lists_and_flags_refuse_other_bytes() {
        assert_eq!(Option::<u64>::read(&written(&Some(7_u64))), Some(Some(7)));
        assert_eq!(Option::<u64>::read(&written(&None::<u64>)), Some(None));
        assert_eq!(Option::<u64>::read(&[0, 1]), None);
        assert_eq!(Option::<u64>::read(&[]), None);
        assert_eq!(bool::read(&[2]), None);
        assert_eq!(bool::read(&written(&true)), Some(true));
        let list = ReadyList([0, 3, 4095].to_vec());
        assert_eq!(ReadyList::read(&written(&list)), Some(list));
        for bad in [&[][..], &[1], &[1, 0, 1, 0], &[2, 0, 1, 0]] {
            assert_eq!(ReadyList::read(bad), None, "{bad:?}");
        }
    }
}
