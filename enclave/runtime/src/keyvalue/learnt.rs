//! How the store's answers are written into transcripts.

use alloc::vec::Vec;

use super::{KeyPage, KeyValueFailure};
use crate::learnt::{Learnt, Text};

/// 0 for no such store, 1 for access denied, or 2 and the text.
impl Learnt for KeyValueFailure {
    fn write(&self, payload: &mut Vec<u8>) {
        match self {
            Self::NoSuchStore => payload.push(0),
            Self::AccessDenied => payload.push(1),
            Self::Other(text) => {
                payload.push(2);
                payload.extend_from_slice(text.as_bytes());
            }
        }
    }

    fn read(payload: &[u8]) -> Option<Self> {
        match payload {
            [0] => Some(Self::NoSuchStore),
            [1] => Some(Self::AccessDenied),
            [2, text @ ..] => Text::read(text).map(|text| Self::Other(text.0)),
            _ => None,
        }
    }
}

/// 0, or 1 and the cursor as eight bytes; then each key's length as two bytes, and the key.
impl Learnt for KeyPage {
    fn write(&self, payload: &mut Vec<u8>) {
        payload.push(u8::from(self.cursor.is_some()));
        if let Some(cursor) = self.cursor {
            payload.extend_from_slice(&cursor.to_le_bytes());
        }
        for key in &self.keys {
            // Longer keys are refused before they are learnt.
            payload.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_le_bytes());
            payload.extend_from_slice(key.as_bytes());
        }
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let (cursor, mut rest) = match payload {
            [0, rest @ ..] => (None, rest),
            [1, rest @ ..] => {
                let (cursor, rest) = rest.split_first_chunk()?;
                (Some(u64::from_le_bytes(*cursor)), rest)
            }
            _ => return None,
        };
        let mut keys = Vec::new();
        while !rest.is_empty() {
            let (length, after) = rest.split_first_chunk()?;
            let (key, after) = after.split_at_checked(u16::from_le_bytes(*length).into())?;
            keys.push(core::str::from_utf8(key).ok()?.into());
            rest = after;
        }
        let page = Self { keys, cursor };
        page.fits().then_some(page)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::super::{KEY_MAX_BYTES, PAGE_KEYS_MAX};
    use super::*;

    fn written(value: &impl Learnt) -> Vec<u8> {
        let mut payload = Vec::new();
        value.write(&mut payload);
        payload
    }

    #[test]
    fn failures_have_one_spelling() {
        let failures = [
            KeyValueFailure::NoSuchStore,
            KeyValueFailure::AccessDenied,
            KeyValueFailure::Other("full".into()),
            KeyValueFailure::Other(String::new()),
        ];
        for failure in failures {
            assert_eq!(KeyValueFailure::read(&written(&failure)), Some(failure));
        }
        for bad in [&[][..], &[3], &[0, 0], &[1, 0], &[2, 0xff]] {
            assert_eq!(KeyValueFailure::read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn pages_have_one_spelling_and_bounds() {
        let page =
            |keys: &[&str], cursor| KeyPage { keys: keys.iter().map(|key| (*key).into()).collect(), cursor };
        for page in [page(&[], None), page(&["", "a", "é"], Some(u64::MAX)), page(&["a"], Some(0))] {
            assert_eq!(KeyPage::read(&written(&page)), Some(page));
        }
        for bad in [&[][..], &[2], &[1, 0], &[0, 1], &[0, 2, 0, b'a'], &[0, 1, 0, 0xff]] {
            assert_eq!(KeyPage::read(bad), None, "{bad:?}");
        }
        let many = vec!["k"; PAGE_KEYS_MAX];
        assert!(KeyPage::read(&written(&page(&many, None))).is_some());
        assert!(KeyPage::read(&written(&page(&[&many[..], &["k"]].concat(), None))).is_none());
        let long = "k".repeat(KEY_MAX_BYTES);
        assert!(KeyPage::read(&written(&page(&[&long[..]; 32], None))).is_some());
        assert!(KeyPage::read(&written(&page(&[&long[..]; 33], None))).is_none());
        let longer = "k".repeat(KEY_MAX_BYTES + 1);
        assert!(KeyPage::read(&written(&page(&[&longer], None))).is_none());
    }
}
