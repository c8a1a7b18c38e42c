//! What the guest is asked, and what it says: the door's part of `redoubt:enclave`.

use alloc::string::String;
use alloc::vec::Vec;

use attestation_transcript::{Kind, PAYLOAD_MAX_BYTES};
use sha2::{Digest, Sha256};

use super::{
    EVIDENCE_MAX_BYTES, EnclaveFailure, PLAINTEXT_MAX_BYTES, RECEIPT_MAX_BYTES, SEALED_MAX_BYTES, Unsealed,
};
use crate::host::JobHost;
use crate::io::PIECE_BYTES;
use crate::learnt::{Piece, Text};
use crate::limits::RunEnd;
use crate::outside::Outside;

/// Separates digests of questions from every other use of SHA-256, and this version of them from the next.
const QUESTION_DOMAIN: &[u8] = b"redoubt enclave question 1\0";

/// The function and the digest.
const DEED_BYTES: usize = 33;

const _: () = assert!(
    DEED_BYTES + 1 + SEALED_MAX_BYTES <= PAYLOAD_MAX_BYTES
        && DEED_BYTES + 9 + PLAINTEXT_MAX_BYTES <= PAYLOAD_MAX_BYTES
        && 2 + PIECE_BYTES <= PAYLOAD_MAX_BYTES,
    "an entry holds whatever the guest answers"
);

/// How entries begin; part of the transcript's format.
const EVIDENCE: u8 = 0;
const SEAL: u8 = 1;
const UNSEAL: u8 = 2;
const RECEIPT: u8 = 3;
const RECEIPT_OPENING: u8 = 4;

/// What may come back, or why the run ends.
type Answer<T> = Result<Result<T, EnclaveFailure>, RunEnd>;

impl<H: JobHost + ?Sized> Outside<H> {
    /// The evidence, which is written down in pieces: until one that is not full. `None` where there is none.
    pub(super) fn evidence(&mut self) -> Result<Option<Vec<u8>>, RunEnd> {
        let (mut whole, mut told) = (None, Vec::new());
        loop {
            let piece: Option<Piece> = self.act(Kind::ENCLAVE, &[EVIDENCE], another, |host| {
                let whole = whole.get_or_insert_with(|| evidence_of(host)).as_ref()?;
                let rest = whole.get(told.len()..).unwrap_or_default();
                Some(Piece(rest.get(..PIECE_BYTES).unwrap_or(rest).to_vec()))
            })?;
            let Some(Piece(piece)) = piece else { return Ok(None) };
            told.extend_from_slice(&piece);
            if piece.len() < PIECE_BYTES || told.len() > EVIDENCE_MAX_BYTES {
                return Ok(Some(told));
            }
        }
    }

    /// The receipt of the newest exchange, which is written down in pieces as evidence is.
    pub(super) fn receipt(&mut self) -> Answer<Vec<u8>> {
        self.in_pieces(RECEIPT, |host| host.receipt())
    }

    /// What opens it.
    pub(super) fn receipt_opening(&mut self) -> Answer<Vec<u8>> {
        self.in_pieces(RECEIPT_OPENING, |host| host.receipt_opening())
    }

    fn in_pieces(
        &mut self,
        function: u8,
        ask: impl Fn(&mut H) -> Result<Vec<u8>, EnclaveFailure>,
    ) -> Answer<Vec<u8>> {
        let (mut whole, mut told) = (None, Vec::new());
        loop {
            let piece = self.act(Kind::ENCLAVE, &[function], another, |host| {
                let whole = whole.get_or_insert_with(|| bounded(ask(host)));
                let whole = whole.as_ref().map_err(|failure: &EnclaveFailure| failure.clone())?;
                let rest = whole.get(told.len()..).unwrap_or_default();
                Ok(Piece(rest.get(..PIECE_BYTES).unwrap_or(rest).to_vec()))
            })?;
            let Piece(piece) = match piece {
                Ok(piece) => piece,
                Err(failure) => return Ok(Err(failure)),
            };
            told.extend_from_slice(&piece);
            if piece.len() < PIECE_BYTES || told.len() > RECEIPT_MAX_BYTES {
                return Ok(Ok(told));
            }
        }
    }

    /// The plaintext is not in the digest: whoever has the transcript of a run could try what it may have been.
    pub(super) fn seal(&mut self, context: &str, counter: u64, plaintext: &[u8]) -> Answer<Vec<u8>> {
        let length = u64::try_from(plaintext.len()).unwrap_or(u64::MAX);
        let deed = deed(SEAL, context, counter, &length.to_le_bytes());
        let blob = self.act(Kind::ENCLAVE, &deed, another, |host| {
            let mut salt = [0; 32];
            host.fill_random(&mut salt);
            let vault = host.vault().ok_or_else(no_key)?;
            let blob = vault.seal(context, counter, plaintext, salt).map_err(EnclaveFailure::cut)?;
            if blob.len() > SEALED_MAX_BYTES {
                return Err(EnclaveFailure::Invalid("the guest gave a longer blob than it opens".into()));
            }
            Ok(Piece(blob))
        })?;
        Ok(blob.map(|piece| piece.0))
    }

    pub(super) fn unseal(&mut self, context: &str, least_counter: u64, blob: &[u8]) -> Answer<Unsealed> {
        let deed = deed(UNSEAL, context, least_counter, blob);
        self.act(Kind::ENCLAVE, &deed, another, |host| {
            let vault = host.vault().ok_or_else(no_key)?;
            let opened = vault.unseal(context, least_counter, blob).map_err(EnclaveFailure::cut)?;
            if opened.plaintext.len() > PLAINTEXT_MAX_BYTES {
                return Err(EnclaveFailure::Invalid(
                    "the guest gave a longer plaintext than it seals".into(),
                ));
            }
            Ok(opened)
        })
    }
}

/// None is better than a part.
fn evidence_of<H: JobHost + ?Sized>(host: &mut H) -> Option<Vec<u8>> {
    host.vault()?.evidence().filter(|evidence| evidence.len() <= EVIDENCE_MAX_BYTES)
}

/// What a guest may give out as a receipt, or as what opens one.
fn bounded(answer: Result<Vec<u8>, EnclaveFailure>) -> Result<Vec<u8>, EnclaveFailure> {
    let bytes = answer.map_err(EnclaveFailure::cut)?;
    if bytes.len() > RECEIPT_MAX_BYTES {
        return Err(EnclaveFailure::Invalid("the receipt is longer than any may be".into()));
    }
    Ok(bytes)
}

/// How an entry begins: the function, and a digest of what it is given.
fn deed(function: u8, context: &str, counter: u64, rest: &[u8]) -> [u8; DEED_BYTES] {
    let context_bytes = u64::try_from(context.len()).unwrap_or(u64::MAX);
    let mut deed = [function; DEED_BYTES];
    let [_function, digest @ ..] = &mut deed;
    *digest = Sha256::new_with_prefix(QUESTION_DOMAIN)
        .chain_update([function])
        .chain_update(context_bytes.to_le_bytes())
        .chain_update(context)
        .chain_update(counter.to_le_bytes())
        .chain_update(rest)
        .finalize()
        .into();
    deed
}

fn no_key() -> EnclaveFailure {
    EnclaveFailure::Unsupported("sealing: this is no confidential guest, so it has no key".into())
}

fn another() -> String {
    "another question to the guest".into()
}

impl EnclaveFailure {
    /// With no longer text than transcripts take.
    fn cut(self) -> Self {
        let cut = |text| Text::cut(text).0;
        match self {
            Self::Unsupported(text) => Self::Unsupported(cut(text)),
            Self::Forbidden(text) => Self::Forbidden(cut(text)),
            Self::Invalid(text) => Self::Invalid(cut(text)),
        }
    }
}
