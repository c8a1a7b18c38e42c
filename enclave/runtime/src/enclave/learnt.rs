//! How the guest's answers are written into transcripts.

use alloc::vec::Vec;

use super::{EnclaveFailure, PLAINTEXT_MAX_BYTES, Unsealed};
use crate::learnt::{Learnt, Text};

/// 0 for unsupported, 1 for forbidden or 2 for invalid, and the text.
impl Learnt for EnclaveFailure {
    fn write(&self, payload: &mut Vec<u8>) {
        let (number, text) = match self {
            Self::Unsupported(text) => (0, text),
            Self::Forbidden(text) => (1, text),
            Self::Invalid(text) => (2, text),
        };
        payload.push(number);
        payload.extend_from_slice(text.as_bytes());
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let (number, text) = payload.split_first()?;
        let Text(text) = Text::read(text)?;
        match number {
            0 => Some(Self::Unsupported(text)),
            1 => Some(Self::Forbidden(text)),
            2 => Some(Self::Invalid(text)),
            _ => None,
        }
    }
}

/// The counter as eight bytes, and the plaintext.
impl Learnt for Unsealed {
    fn write(&self, payload: &mut Vec<u8>) {
        payload.extend_from_slice(&self.counter.to_le_bytes());
        payload.extend_from_slice(&self.plaintext);
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let (counter, plaintext) = payload.split_first_chunk()?;
        let counter = u64::from_le_bytes(*counter);
        (plaintext.len() <= PLAINTEXT_MAX_BYTES).then(|| Self { counter, plaintext: plaintext.to_vec() })
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
    fn failures_have_one_spelling() {
        let text = || "why".into();
        let failures = [
            EnclaveFailure::Unsupported(text()),
            EnclaveFailure::Forbidden(text()),
            EnclaveFailure::Invalid(text()),
        ];
        for failure in failures {
            assert_eq!(EnclaveFailure::read(&written(&failure)), Some(failure));
        }
        for bad in [&[][..], &[3], &[0, 0xff]] {
            assert_eq!(EnclaveFailure::read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_was_opened_is_bounded() {
        let opened = |bytes| Unsealed { counter: 7, plaintext: vec![1; bytes] };
        assert_eq!(Unsealed::read(&written(&opened(3))), Some(opened(3)));
        assert_eq!(Unsealed::read(&written(&opened(0))), Some(opened(0)));
        assert!(Unsealed::read(&written(&opened(PLAINTEXT_MAX_BYTES))).is_some());
        assert!(Unsealed::read(&written(&opened(PLAINTEXT_MAX_BYTES + 1))).is_none());
        assert_eq!(Unsealed::read(&[0; 7]), None);
    }
}
