//! Transcripts of somebody who knows the format and computes chain values anew.

use super::support::{
    END, Piece, chain, entry, forge, header, join, pieces, renumber, sample, starts, write,
};
use crate::error::{EntryField, HeadField, Place};
use crate::{HeaderError, Kind, PAYLOAD_MAX_BYTES, Reader, TranscriptError, verify};

/// What reading says of it.
fn refusal(file: &[u8]) -> TranscriptError {
    Reader::new(file).and_then(Reader::finish).unwrap_err()
}

/// Where the body of the first segment with entries begins.
const BODY: usize = 8 + 20 + 110 + 32 + 20;

/// A place in an entry of that segment, at this byte of its body.
fn entry_at(position: usize, entry: u64) -> Place {
    Place { offset: BODY + position, segment: 1, entries: entry..entry + 1 }
}

#[test]
fn only_the_root_tells_a_consistent_forgery() {
    // Without fuel, which could give away segments that were moved.
    let still: Vec<_> = sample().into_iter().map(|(kind, _, payload)| (kind, 0, payload)).collect();
    let (file, root) = write(&still);
    let honest = pieces(&file);
    let forged = |change: fn(&mut Vec<Piece>)| {
        let mut pieces = honest.clone();
        change(&mut pieces);
        renumber(&mut pieces);
        chain(&mut pieces);
        let forged = join(&pieces);
        let found = Reader::new(&forged).unwrap().finish().unwrap().root;
        assert_eq!(verify(&forged, &root), Err(TranscriptError::WrongRoot { expected: root, found }));
    };
    forged(|pieces| pieces[1].body[50] ^= 1);
    forged(|pieces| drop(pieces.remove(1)));
    forged(|pieces| pieces.insert(1, pieces[1].clone()));
    forged(|pieces| pieces.swap(1, 2));
    // An entry is taken out, doubled, and exchanged with the next.
    assert_eq!(honest[3].body, [&entry(8, &[0], &[5], &[7; 5]), END].concat());
    forged(|pieces| pieces[3] = Piece::new(3, 7, &[END]));
    forged(|pieces| pieces[3] = Piece::new(3, 7, &[&entry(8, &[0], &[5], &[7; 5]).repeat(2), &[], END]));
    forged(|pieces| {
        let entries = pieces[1].body.split_off(7);
        let (second, rest) = entries.split_at(3);
        pieces[1].body = [second, &pieces[1].body, rest].concat();
    });
    // Another seed.
    forged(|pieces| pieces[0].body[109] ^= 1);
    assert!(verify(&file, &root).is_ok());
}

#[test]
fn fuel_gives_away_segments_that_are_exchanged() {
    let mut exchanged = pieces(&write(&sample()).0);
    exchanged.swap(1, 2);
    renumber(&mut exchanged);
    chain(&mut exchanged);
    let starts = starts(&exchanged);
    let at = Place { offset: starts[2] + 20 + 2, segment: 2, entries: 3..4 };
    assert_eq!(refusal(&join(&exchanged)), TranscriptError::FuelBackwards { at, before: 6000, found: 0 });
}

#[test]
fn numbers_must_follow_from_all_before() {
    let honest = pieces(&write(&sample()).0);
    let starts = starts(&honest);
    let changed = |segment: usize, change: fn(&mut Piece)| {
        let mut pieces = honest.clone();
        change(&mut pieces[segment]);
        chain(&mut pieces);
        refusal(&join(&pieces))
    };
    let number = |offset, segment, entries, field, expected, found| {
        let at = Place { offset, segment, entries };
        TranscriptError::Head { at, field, expected, found }
    };
    let second = |field, expected, found| number(starts[2], 2, 4..7, field, expected, found);
    assert_eq!(changed(2, |piece| piece.index = 3), second(HeadField::Index, 2, 3));
    assert_eq!(changed(2, |piece| piece.first = 3), second(HeadField::FirstEntry, 4, 3));
    let count = number(starts[2] + 20, 2, 4..7, HeadField::EntryCount, 3, 2);
    assert_eq!(changed(2, |piece| piece.count = 2), count);
    let of_header = |field, found, entries| number(starts[0], 0, entries, field, 0, found);
    assert_eq!(changed(0, |piece| piece.index = 1), of_header(HeadField::Index, 1, 0..0));
    assert_eq!(changed(0, |piece| piece.first = 1), of_header(HeadField::FirstEntry, 1, 0..0));
    assert_eq!(changed(0, |piece| piece.count = 1), of_header(HeadField::EntryCount, 1, 0..1));
}

#[test]
fn a_header_must_be_one() {
    let changed = |change: fn(&mut Vec<u8>)| {
        let mut pieces = pieces(&write(&sample()).0);
        change(&mut pieces[0].body);
        chain(&mut pieces);
        refusal(&join(&pieces))
    };
    let refused = |error| {
        let at = Place { offset: 28, segment: 0, entries: 0..0 };
        TranscriptError::Header { at, error }
    };
    assert_eq!(changed(Vec::clear), refused(HeaderError::Malformed { offset: 0 }));
    assert_eq!(changed(|body| body[2] = 2), refused(HeaderError::Version { found: 2 }));
    assert_eq!(changed(|body| body.push(0)), refused(HeaderError::NotDeterministic));
    assert_eq!(changed(|body| body.resize(200, 0)), refused(HeaderError::TooLong { found: 200 }));
    let error = changed(|body| body[0] = 0xA4);
    assert_eq!(
        error.to_string(),
        "transcript, segment 0 (header), byte 28: header: not the expected CBOR at its byte 1"
    );
}

#[test]
fn numbers_have_one_form() {
    let body = |fuel: &[u8], length: &[u8]| {
        refusal(&forge(&[Piece::new(
            1,
            0,
            &[&entry(1, &[5], &[1], &[7]), &entry(2, fuel, length, &[0; 40]), END],
        )]))
    };
    let fuel = |error: fn(Place, EntryField) -> TranscriptError| error(entry_at(5, 1), EntryField::Fuel);
    let long = |at, field| TranscriptError::LongForm { at, field };
    let overflow = |at, field| TranscriptError::Overflow { at, field };
    assert_eq!(body(&[0x80, 0], &[40]), fuel(long));
    assert_eq!(body(&[0xFF, 0xFF, 0x80, 0], &[40]), fuel(long));
    assert_eq!(body(&[0x80; 10], &[40]), fuel(overflow));
    assert_eq!(body(&[&[0xFF; 9][..], &[2]].concat(), &[40]), fuel(overflow));
    assert_eq!(body(&[0], &[0xA8, 0]), long(entry_at(6, 1), EntryField::PayloadLength));
    assert_eq!(body(&[0], &[0xFF; 10]), overflow(entry_at(6, 1), EntryField::PayloadLength));
    // 5 and all 64 bits.
    let most = [&[0xFF; 9][..], &[1]].concat();
    assert_eq!(body(&most, &[40]), overflow(entry_at(15, 1), EntryField::Fuel));
    let limit = PAYLOAD_MAX_BYTES;
    let longer = |found| TranscriptError::PayloadLength { at: entry_at(6, 1), limit, found };
    assert_eq!(body(&[0], &[0xC1, 0x80, 0x04]), longer(65_601));
    assert_eq!(body(&[0], &most), longer(u64::MAX));
}

#[test]
fn entries_end_in_their_segment() {
    let cut = |bytes: &[u8]| {
        let piece = Piece::new(1, 0, &[&entry(1, &[5], &[1], &[7]), bytes]);
        match refusal(&forge(&[piece])) {
            TranscriptError::EntryCut { at, expected, found } => (at, expected, found),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(cut(&[2]), (entry_at(5, 1), 1, 0));
    assert_eq!(cut(&[2, 0x80]), (entry_at(5, 1), 2, 1));
    assert_eq!(cut(&[2, 0]), (entry_at(6, 1), 1, 0));
    assert_eq!(cut(&[2, 0, 0x80]), (entry_at(6, 1), 2, 1));
    assert_eq!(cut(&[2, 0, 3, 9, 9]), (entry_at(7, 1), 3, 2));
}

#[test]
fn kinds_are_known_ones() {
    for kind in [0, 13, 0xFF] {
        let piece = Piece::new(1, 0, &[&entry(1, &[5], &[1], &[7]), &entry(kind, &[0], &[0], &[]), END]);
        let refused = TranscriptError::UnknownKind { at: entry_at(4, 1), found: Kind(kind) };
        assert_eq!(refusal(&forge(&[piece])), refused);
    }
}

#[test]
fn the_same_entries_are_packed_in_one_way() {
    let small = entry(1, &[0], &[1], &[7]);
    let nearly = entry(4, &[0], &[0xFC, 0x1F], &[0; 4092]);
    // 4096 bytes with it.
    let full = entry(4, &[0], &[0xF8, 0x1F], &[0; 4088]);
    assert_eq!((nearly.len(), full.len()), (4096, 4092));
    let end = |index, first| Piece::new(index, first, &[END]);
    let read = |pieces: &[Piece]| Reader::new(&forge(pieces)).and_then(Reader::finish);

    assert!(read(&[Piece::new(1, 0, &[&small, &full]), end(2, 2)]).is_ok());
    assert!(read(&[Piece::new(1, 0, &[&nearly]), end(2, 1)]).is_ok());
    assert!(read(&[Piece::new(1, 0, &[&small, END])]).is_ok());

    let at = entry_at(4096, 2);
    let late = TranscriptError::ClosedLate { at, limit: 4096 };
    assert_eq!(read(&[Piece::new(1, 0, &[&small, &full, END])]), Err(late));
    let early = |position, entry| {
        let at = entry_at(position, entry);
        Err(TranscriptError::ClosedEarly { at, expected: 4096, found: position })
    };
    assert_eq!(read(&[Piece::new(1, 0, &[&small]), end(2, 1)]), early(4, 1));
    assert_eq!(read(&[Piece::new(1, 0, &[&full]), end(2, 1)]), early(4092, 1));
    assert_eq!(read(&[Piece::new(1, 0, &[]), end(2, 0)]), early(0, 0));
    let after = TranscriptError::EntryAfterEnd { at: entry_at(3, 1) };
    assert_eq!(read(&[Piece::new(1, 0, &[END, &small])]), Err(after));
    // A segment after the last, which fits the chain.
    let follows = [Piece::new(1, 0, &[END]), end(2, 1)];
    let at = Place { offset: BODY + 3 + 32, segment: 2, entries: 1..1 };
    assert_eq!(read(&follows), Err(TranscriptError::AfterEnd { at, found: 55 }));
}

#[test]
fn a_body_longer_than_any_is_not_looked_for() {
    let mut file = forge(&[Piece::new(1, 0, &[END])]);
    let limit = 69_709;
    for found in [69_710_u32, u32::MAX] {
        file[BODY - 4..BODY].copy_from_slice(&found.to_le_bytes());
        let at = Place { offset: BODY - 20, segment: 1, entries: 0..1 };
        assert_eq!(refusal(&file), TranscriptError::BodyLength { at, limit, found });
    }
    file[BODY - 4..BODY].copy_from_slice(&69_709_u32.to_le_bytes());
    assert!(matches!(refusal(&file), TranscriptError::Truncated { expected: 69_761, found: 55, .. }));
}

#[test]
fn the_forger_of_these_tests_writes_what_the_writer_writes() {
    let (file, _) = write(&sample());
    let mut again = pieces(&file);
    again.iter_mut().for_each(|piece| piece.chain = [0; 32]);
    chain(&mut again);
    assert_eq!(join(&again), file);
    assert_eq!(*Reader::new(&forge(&again[1..])).unwrap().header(), header());
}
