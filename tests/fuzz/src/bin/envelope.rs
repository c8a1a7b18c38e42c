//! Envelopes: what opens is what was sealed, and no changed bit opens; in pieces it is the same as whole.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::Arc;

use attestation_envelope::{
    Content, EnvelopeError, Head, Opener, ReaderKey, Readers, envelope_bytes_max, open,
};
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "envelope", max_bytes: 16 << 10, budget: Budget::DEFAULT, run }.drive()
}

/// The seeds' too.
fn key() -> ReaderKey {
    ReaderKey::generate([7; 32])
}

/// The first byte says what the rest is.
fn run(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else { return };
    match choice & 1 {
        0 => open_strangers(rest),
        _ => seal_and_change(rest),
    }
}

fn open_strangers(bytes: &[u8]) {
    let head = Head::parse(bytes);
    for content in [Content::Transcript, Content::Request, Content::PrivateInput] {
        let whole = open(bytes.to_vec(), &key(), content);
        assert!(in_pieces(bytes, content) == whole);
        match whole {
            Ok(opened) => {
                assert!(head.is_ok_and(|head| head.content == content));
                assert!(opened.len() < bytes.len());
            }
            Err(error) => drop(error.to_string()),
        }
    }
}

/// The first byte says how long they are.
fn in_pieces(bytes: &[u8], content: Content) -> Result<Vec<u8>, EnvelopeError> {
    let size = bytes.first().map_or(1, |byte| usize::from(*byte).saturating_add(1));
    let (mut opener, mut plaintext) = (Opener::new(Arc::new(key()), content), Vec::new());
    bytes.chunks(size).try_for_each(|piece| opener.push(piece, &mut plaintext))?;
    opener.finish().map(|()| plaintext)
}

/// A bit to change, the length of the first piece, and both pieces.
fn seal_and_change(input: &[u8]) {
    let Some((position, rest)) = input.split_first_chunk::<4>() else { return };
    let Some((length, plaintext)) = rest.split_first_chunk::<2>() else { return };
    let (first, second) =
        plaintext.split_at_checked(u16::from_le_bytes(*length).into()).unwrap_or((plaintext, &[]));
    let Ok(readers) = Readers::new(&[key().public_key()], [8; 32]) else { return };
    let (mut envelope, mut bytes) = readers.begin(Content::Transcript, [9; 32]);
    bytes.extend(envelope.seal(first));
    bytes.extend(envelope.seal(second));
    bytes.extend(envelope.finish());
    let most = envelope_bytes_max(u64::try_from(plaintext.len()).unwrap_or(u64::MAX));
    assert!(u64::try_from(bytes.len()).is_ok_and(|length| length <= most));
    assert!(open(bytes.clone(), &key(), Content::Transcript).as_deref() == Ok(plaintext));
    assert!(in_pieces(&bytes, Content::Transcript).as_deref() == Ok(plaintext));
    let bits = bytes.len().saturating_mul(8);
    let position = usize::try_from(u32::from_le_bytes(*position)).unwrap_or_default();
    let bit = position.checked_rem(bits).unwrap_or_default();
    if let Some(byte) = bytes.get_mut(bit >> 3) {
        *byte ^= 1 << (bit & 7);
    }
    let whole = open(bytes.clone(), &key(), Content::Transcript);
    assert!(in_pieces(&bytes, Content::Transcript) == whole);
    assert!(whole.is_err(), "bit {bit} may be changed");
}
