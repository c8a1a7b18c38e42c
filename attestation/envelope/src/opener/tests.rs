//! Opened piece by piece is opened whole, with the same errors.

use alloc::sync::Arc;

use proptest::prelude::*;

use crate::tests::{key, long, readers, sealed};
use crate::{
    Content, EnvelopeError, INPUT_RECORD_MAX_BYTES, JOB_HEAD_BYTES, JobHead, JobHeadError, MAGIC, Opener,
    RECORD_MAX_BYTES, open,
};

fn whole(bytes: &[u8], expected: Content) -> Result<Vec<u8>, EnvelopeError> {
    open(bytes.to_vec(), &key(1), expected)
}

/// Given to an opener in these pieces.
fn streamed<'p>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
    expected: Content,
) -> Result<Vec<u8>, EnvelopeError> {
    let mut opener = Opener::new(Arc::new(key(1)), expected);
    let mut plaintext = Vec::new();
    for piece in pieces {
        if let Err(error) = opener.push(piece, &mut plaintext) {
            assert_eq!(opener.push(b"more", &mut plaintext), Err(error), "it stays so");
            assert_eq!(opener.finish(), Err(error));
            return Err(error);
        }
    }
    opener.finish().map(|()| plaintext)
}

fn small() -> Vec<u8> {
    let pieces = [long("a"), b"rest".to_vec()];
    sealed(&readers(&[2, 1]), &[&pieces[0], &pieces[1]]).1
}

#[test]
fn every_split_opens() {
    let bytes = small();
    let expected = whole(&bytes, Content::Transcript);
    assert!(expected.is_ok());
    for place in 0..=bytes.len() {
        assert_eq!(streamed([&bytes[..place], &bytes[place..]], Content::Transcript), expected, "{place}");
    }
    assert_eq!(streamed(bytes.chunks(1), Content::Transcript), expected);
}

#[test]
fn every_cut_is_the_same_error() {
    let bytes = small();
    for length in 0..bytes.len() {
        let expected = whole(&bytes[..length], Content::Transcript);
        assert!(expected.is_err());
        assert_eq!(streamed([&bytes[..length]], Content::Transcript), expected, "{length} bytes");
        assert_eq!(streamed(bytes[..length].chunks(97), Content::Transcript), expected, "{length} bytes");
    }
}

#[test]
fn every_flipped_byte_is_refused() {
    let bytes = small();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 0x40;
        let found = streamed(changed.chunks(61), Content::Transcript);
        assert!(found.is_err(), "byte {place}");
        assert_eq!(found, whole(&changed, Content::Transcript), "byte {place}");
    }
}

#[test]
fn what_follows_the_end_is_refused_in_whichever_piece_it_comes() {
    let bytes = small();
    let offset = bytes.len();
    for pieces in [vec![[&bytes[..], b"x"].concat()], vec![bytes, b"x".to_vec()]] {
        let found = streamed(pieces.iter().map(Vec::as_slice), Content::Transcript);
        assert_eq!(found, Err(EnvelopeError::Trailing { offset }));
    }
}

#[test]
fn another_key_or_content_is_refused_with_the_head() {
    let bytes = sealed(&readers(&[2]), &[b"x"]).1;
    let refused = EnvelopeError::NotAReader { readers: 1 };
    assert_eq!(streamed(bytes.chunks(10), Content::Transcript), Err(refused));
    let (expected, found) = (Content::PrivateInput, Content::Transcript);
    assert_eq!(streamed([&bytes[..]], expected), Err(EnvelopeError::OtherContent { expected, found }));
    // What cannot become one any more is refused at once.
    let mut opener = Opener::new(Arc::new(key(1)), Content::Transcript);
    assert_eq!(opener.push(&MAGIC[..4], &mut Vec::new()), Ok(()));
    assert_eq!(opener.push(b"!", &mut Vec::new()), Err(EnvelopeError::NotAnEnvelope));
}

/// What a stranger sends makes the guest hold less than what a reader gets.
#[test]
fn records_of_a_private_input_are_shorter() {
    let piece = vec![7; INPUT_RECORD_MAX_BYTES + 1];
    let (mut envelope, head) = readers(&[1]).begin(Content::PrivateInput, [5; 32]);
    let offset = head.len();
    let mut bytes = [head, envelope.seal(&piece), envelope.finish()].concat();
    assert_eq!(streamed(bytes.chunks(50_000), Content::PrivateInput).unwrap(), piece);
    let found = u32::try_from(INPUT_RECORD_MAX_BYTES + 1).unwrap();
    bytes[offset..offset + 4].copy_from_slice(&found.to_le_bytes());
    let refused = EnvelopeError::RecordTooLong { record: 0, offset, limit: INPUT_RECORD_MAX_BYTES, found };
    // Before any of it has come.
    assert_eq!(streamed([&bytes[..offset + 4]], Content::PrivateInput), Err(refused));
    assert_eq!(whole(&bytes, Content::PrivateInput), Err(refused));
}

#[test]
fn no_more_is_held_than_a_record() {
    let piece = vec![9; 3 * RECORD_MAX_BYTES];
    let bytes = readers(&[1]).seal(Content::Log, [5; 32], &piece);
    let mut opener = Opener::new(Arc::new(key(1)), Content::Log);
    let mut plaintext = Vec::new();
    for part in bytes.chunks(100_000) {
        opener.push(part, &mut plaintext).unwrap();
        assert!(opener.waiting.len() <= RECORD_MAX_BYTES + 20);
    }
    assert_eq!(opener.finish(), Ok(()));
    assert!(plaintext == piece);
}

#[test]
fn the_head_of_a_private_input_is_read_back() {
    let head = JobHead { reply_key: [3; 32] };
    let bytes = head.encode();
    assert_eq!(JobHead::parse(&bytes), Ok(head));
    for place in 0..8 {
        let mut changed: [u8; JOB_HEAD_BYTES] = bytes;
        changed[place] ^= 1;
        assert_eq!(JobHead::parse(&changed), Err(JobHeadError::Magic));
    }
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_as_if_they_were_whole(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9000), 0..5),
        size in 1..5000_usize,
        flip in any::<Option<(prop::sample::Index, u8)>>(),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let borrowed: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let mut bytes = sealed(&readers(&[1]), &borrowed).1;
        if let Some((place, mask)) = flip {
            let place = place.index(bytes.len());
            bytes[place] ^= mask;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        prop_assert_eq!(streamed(bytes.chunks(size), Content::Transcript), whole(&bytes, Content::Transcript));
    }
}
