//! What goes to the store, and what comes back: the door's part of `wasi:keyvalue`.

use alloc::string::String;
use alloc::vec::Vec;

use attestation_transcript::{Kind, PAYLOAD_MAX_BYTES};
use sha2::{Digest, Sha256};

use super::{KEY_MAX_BYTES, KeyPage, KeyValueFailure, PAGE_BYTES_MAX, PAGE_KEYS_MAX, VALUE_MAX_BYTES};
use crate::host::JobHost;
use crate::learnt::{Learnt, Piece, Text};
use crate::limits::RunEnd;
use crate::outside::Outside;
use crate::vault::VaultHost;

/// Separates digests of questions from every other use of SHA-256, and this version of them from the next.
const QUESTION_DOMAIN: &[u8] = b"redoubt key-value question 1\0";

/// The function and the digest.
const DEED_BYTES: usize = 33;

const _: () = assert!(
    DEED_BYTES + 2 + VALUE_MAX_BYTES <= PAYLOAD_MAX_BYTES && PAGE_BYTES_MAX < VALUE_MAX_BYTES,
    "an entry holds whatever the store answers"
);

/// What may come back, or why the run ends.
type Answer<T> = Result<Result<T, KeyValueFailure>, RunEnd>;

/// A function of the store. Numbers are part of the transcript's format.
#[derive(Debug, Clone, Copy)]
enum Function {
    Open = 0,
    Get = 1,
    Set = 2,
    Delete = 3,
    Exists = 4,
    ListKeys = 5,
    Increment = 6,
}

/// A function and its arguments.
struct Question<'a> {
    function: Function,
    bucket: &'a str,
    key: &'a str,
    rest: &'a [u8],
}

impl Question<'_> {
    /// How the entry begins: the function, and a digest of everything that is asked. Who knows the store can show by it
    /// what an entry is about.
    fn deed(&self) -> [u8; DEED_BYTES] {
        let mut hash = Sha256::new_with_prefix(QUESTION_DOMAIN);
        hash.update([self.function as u8]);
        for part in [self.bucket.as_bytes(), self.key.as_bytes()] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
        hash.update(self.rest);
        let mut deed = [self.function as u8; DEED_BYTES];
        let [_function, digest @ ..] = &mut deed;
        *digest = hash.finalize().into();
        deed
    }
}

impl<H: JobHost + ?Sized> Outside<H> {
    pub(super) fn open_bucket(&mut self, bucket: &str) -> Answer<()> {
        let question = Question { function: Function::Open, bucket, key: "", rest: &[] };
        self.ask(&question, |vault| vault.open(bucket))
    }

    pub(super) fn get_value(&mut self, bucket: &str, key: &str) -> Answer<Option<Vec<u8>>> {
        let question = Question { function: Function::Get, bucket, key, rest: &[] };
        let value = self.ask(&question, |vault| match vault.get(bucket, key)? {
            Some(value) if value.len() > VALUE_MAX_BYTES => Err(strange("a longer value than it takes")),
            value => Ok(value.map(Piece)),
        })?;
        Ok(value.map(|value| value.map(|piece| piece.0)))
    }

    pub(super) fn set_value(&mut self, bucket: &str, key: &str, value: &[u8]) -> Answer<()> {
        let question = Question { function: Function::Set, bucket, key, rest: value };
        self.ask(&question, |vault| vault.set(bucket, key, value))
    }

    pub(super) fn delete_value(&mut self, bucket: &str, key: &str) -> Answer<()> {
        let question = Question { function: Function::Delete, bucket, key, rest: &[] };
        self.ask(&question, |vault| vault.delete(bucket, key))
    }

    pub(super) fn has_value(&mut self, bucket: &str, key: &str) -> Answer<bool> {
        let question = Question { function: Function::Exists, bucket, key, rest: &[] };
        self.ask(&question, |vault| vault.exists(bucket, key))
    }

    pub(super) fn list_keys(&mut self, bucket: &str, from: u64) -> Answer<KeyPage> {
        let question = Question { function: Function::ListKeys, bucket, key: "", rest: &from.to_le_bytes() };
        self.ask(&question, |vault| {
            let page = vault.list_keys(bucket, from)?;
            if page.fits() { Ok(page) } else { Err(strange("a longer list of keys than asked for")) }
        })
    }

    pub(super) fn increment_value(&mut self, bucket: &str, key: &str, delta: u64) -> Answer<u64> {
        let question = Question { function: Function::Increment, bucket, key, rest: &delta.to_le_bytes() };
        self.ask(&question, |vault| vault.increment(bucket, key, delta))
    }

    fn ask<T: Learnt>(
        &mut self,
        question: &Question<'_>,
        ask: impl FnOnce(&mut dyn VaultHost) -> Result<T, KeyValueFailure>,
    ) -> Answer<T> {
        let other = || alloc::format!("another question to the store: {:?}", question.function);
        self.act(Kind::KEYVALUE, &question.deed(), other, |host| {
            let vault = host.vault().ok_or(KeyValueFailure::AccessDenied)?;
            ask(vault).map_err(KeyValueFailure::cut)
        })
    }
}

impl KeyPage {
    pub(super) fn fits(&self) -> bool {
        let bytes = self.keys.iter().map(String::len).fold(0, usize::saturating_add);
        self.keys.len() <= PAGE_KEYS_MAX
            && bytes <= PAGE_BYTES_MAX
            && self.keys.iter().all(|key| key.len() <= KEY_MAX_BYTES)
    }
}

impl KeyValueFailure {
    /// With no longer text than transcripts take.
    fn cut(self) -> Self {
        match self {
            Self::Other(text) => Self::Other(Text::cut(text).0),
            failure => failure,
        }
    }
}

/// A store that breaks its own rules.
fn strange(what: &str) -> KeyValueFailure {
    KeyValueFailure::Other(alloc::format!("the store gave {what}"))
}
