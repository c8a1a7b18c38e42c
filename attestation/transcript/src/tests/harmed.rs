//! Transcripts that came to harm, without anybody computing chain values anew: refused, with the right place.

use super::support::{Piece, header, join, pieces, sample, starts, write};
use crate::error::{HeadField, Place, RunField};
use crate::{Reader, Run, TranscriptError, verify, verify_run};

/// Reading, verifying and proving say the same.
fn refusal(file: &[u8]) -> TranscriptError {
    let error = verify(file, &write(&sample()).1).unwrap_err();
    let read = Reader::new(file).and_then(Reader::finish);
    assert!(matches!(error, TranscriptError::WrongRoot { .. }) || read == Err(error.clone()));
    error
}

fn place(offset: usize, segment: u64, entries: core::ops::Range<u64>) -> Place {
    Place { offset, segment, entries }
}

/// The numbers of the entries in a segment of the sample.
fn entries_of(piece: &Piece) -> core::ops::Range<u64> {
    piece.first..piece.first + u64::from(piece.count)
}

#[test]
fn every_changed_bit_is_refused_in_its_segment() {
    let (file, root) = write(&sample());
    let (pieces, starts) = (pieces(&file), starts(&pieces(&file)));
    for offset in 0..file.len() {
        let segment = starts.iter().rposition(|start| *start <= offset);
        // All bits where structure is, one of each byte of long payloads.
        let is_dense = segment.is_none_or(|segment| {
            let (from_start, to_end) = (offset - starts[segment], starts[segment + 1] - offset);
            from_start < 100 || to_end < 50
        });
        for bit in (0..8).filter(|bit| is_dense || *bit == offset % 8) {
            let mut changed = file.clone();
            changed[offset] ^= 1 << bit;
            let error = verify(&changed, &root).unwrap_err();
            let Some(segment) = segment else {
                assert!(matches!(error, TranscriptError::Magic { .. }), "{error:?}");
                continue;
            };
            let expected = place(starts[segment], segment as u64, entries_of(&pieces[segment]));
            let at = error.place().unwrap();
            assert_eq!(*at, expected, "byte {offset}, bit {bit}: {error:?}");
        }
    }
}

#[test]
fn a_changed_number_is_told_from_changed_bytes() {
    let (file, _) = write(&sample());
    let (pieces, starts) = (pieces(&file), starts(&pieces(&file)));
    let changed = |change: fn(&mut Piece)| {
        let mut pieces = pieces.clone();
        change(&mut pieces[2]);
        refusal(&join(&pieces))
    };
    let at = || place(starts[2], 2, 4..7);
    let number = |field, expected, found| TranscriptError::Head { at: at(), field, expected, found };
    assert_eq!(changed(|piece| piece.index = 3), number(HeadField::Index, 2, 3));
    assert_eq!(changed(|piece| piece.index = 1), number(HeadField::Index, 2, 1));
    assert_eq!(changed(|piece| piece.first = 5), number(HeadField::FirstEntry, 4, 5));
    assert_eq!(changed(|piece| piece.count = 9), number(HeadField::EntryCount, 3, 9));
    assert_eq!(changed(|piece| piece.body[100] ^= 1), TranscriptError::Changed { at: at() });
    assert_eq!(changed(|piece| piece.chain[31] ^= 1), TranscriptError::Changed { at: at() });
}

#[test]
fn a_segment_that_is_removed_swapped_or_repeated_is_named() {
    let (file, _) = write(&sample());
    let (pieces, starts) = (pieces(&file), starts(&pieces(&file)));
    let last = pieces.len() - 1;
    for index in 0..pieces.len() {
        let (number, entries) = (index as u64, entries_of(&pieces[index]));
        let mut removed = pieces.clone();
        removed.remove(index);
        let at = place(starts[index], number, entries.clone());
        let expected = if index == last {
            TranscriptError::NoEnd { at: place(starts[last], number, entries.start..entries.start) }
        } else {
            TranscriptError::Missing { at, found: number + 1 }
        };
        assert_eq!(refusal(&join(&removed)), expected);

        let mut repeated = pieces.clone();
        repeated.insert(index, pieces[index].clone());
        let at = place(starts[index + 1], number + 1, entries.end..entries.end);
        assert_eq!(refusal(&join(&repeated)), TranscriptError::Repeated { at, found: number });

        for other in index + 1..pieces.len() {
            let mut swapped = pieces.clone();
            swapped.swap(index, other);
            let at = place(starts[index], number, entries.clone());
            assert_eq!(refusal(&join(&swapped)), TranscriptError::Swapped { at, found: other as u64 });
        }
    }
    // An earlier one after the end.
    let again = [file, pieces[1].bytes()].concat();
    let at = place(starts[last + 1], 4, 9..9);
    assert_eq!(refusal(&again), TranscriptError::Repeated { at, found: 1 });
}

#[test]
fn an_entry_that_is_removed_swapped_or_repeated_is_found_in_its_segment() {
    let entries = sample();
    let (file, _) = write(&entries);
    let (pieces, starts) = (pieces(&file), starts(&pieces(&file)));
    for (index, piece) in pieces.iter().enumerate().skip(1) {
        let whole: Vec<Vec<u8>> = split(piece);
        for entry in 0..whole.len() {
            let mut removed = whole.clone();
            removed.remove(entry);
            let mut repeated = whole.clone();
            repeated.insert(entry, whole[entry].clone());
            let mut swapped = whole.clone();
            swapped.swap(entry, (entry + 1) % whole.len());
            for harmed in [removed, repeated, swapped] {
                // With and without the count in the head set right.
                for count in [harmed.len() as u32, piece.count] {
                    let mut pieces = pieces.clone();
                    pieces[index] = Piece { count, body: harmed.concat(), ..piece.clone() };
                    let (start, end) = (piece.first, piece.first + u64::from(count));
                    let at = place(starts[index], index as u64, start..end);
                    assert_eq!(refusal(&join(&pieces)), TranscriptError::Changed { at });
                }
            }
        }
    }
}

/// The entries of a segment of the sample as bytes.
fn split(piece: &Piece) -> Vec<Vec<u8>> {
    let payloads = sample().into_iter().skip(piece.first as usize).take(piece.count as usize);
    let mut rest = piece.body.as_slice();
    let mut entries = Vec::new();
    for (_, _, payload) in payloads {
        let is_low = |byte: &u8| byte & 0x80 == 0;
        let fuel = 1 + rest[1..].iter().position(is_low).unwrap() + 1;
        let prefix = fuel + rest[fuel..].iter().position(is_low).unwrap() + 1;
        let (entry, after) = rest.split_at(prefix + payload.len());
        assert!(entry.ends_with(&payload));
        entries.push(entry.to_vec());
        rest = after;
    }
    assert!(rest.is_empty());
    entries
}

#[test]
fn every_cut_is_named_with_what_is_missing() {
    let (file, root) = write(&sample());
    let starts = starts(&pieces(&file));
    for length in 0..file.len() {
        let error = verify(&file[..length], &root).unwrap_err();
        let segment = starts.iter().rposition(|start| *start <= length).unwrap_or(0);
        let at = error.place().unwrap();
        let offset = if length < starts[0] { 0 } else { starts[segment] };
        assert_eq!((at.offset, at.segment), (offset, segment as u64), "{length} bytes: {error:?}");
        match error {
            TranscriptError::NoEnd { .. } => assert!(starts.contains(&length)),
            TranscriptError::Truncated { expected, found, .. } => {
                assert!(!starts.contains(&length) && found == length - offset && expected > found);
                let is_head_whole = found >= 20;
                assert!(!is_head_whole || expected == starts[segment + 1] - starts[segment]);
            }
            other => panic!("{length} bytes: {other:?}"),
        }
    }
}

#[test]
fn nothing_may_follow() {
    let (file, _) = write(&sample());
    let at = || place(file.len(), 4, 9..9);
    for rest in [vec![0], vec![0; 52], vec![0xFF; 500]] {
        let found = rest.len();
        let longer = [file.clone(), rest].concat();
        assert_eq!(refusal(&longer), TranscriptError::AfterEnd { at: at(), found });
    }
}

#[test]
fn other_files_and_other_runs_are_called_that() {
    let (file, root) = write(&sample());
    let run = header().run;
    assert!(verify_run(&file, &root, &run).is_ok());
    let (expected, found) = ([9; 32], [0xC0; 32]);
    let other = TranscriptError::OtherRun { field: RunField::Component, expected, found };
    assert_eq!(verify_run(&file, &root, &Run { component: expected, ..run }), Err(other));
    let found = [0x3A; 32];
    let other = TranscriptError::OtherRun { field: RunField::Manifest, expected, found };
    assert_eq!(verify_run(&file, &root, &Run { manifest: expected, ..run }), Err(other));
    let other = TranscriptError::OtherJob { expected: 8, found: 7 };
    assert_eq!(verify_run(&file, &root, &Run { sequence: 8, ..run }), Err(other));

    let (another, found) = write(&sample()[8..]);
    let wrong = TranscriptError::WrongRoot { expected: root, found };
    assert_eq!(verify(&another, &root), Err(wrong.clone()));
    assert_eq!(verify_run(&another, &root, &run), Err(wrong));

    let magic = |found: &[u8; 8]| TranscriptError::Magic { found: *found };
    assert_eq!(refusal(b"\xA5sealed, or anything"), magic(b"\xA5sealed,"));
    assert_eq!(refusal(b"\x89RDBTT2\n"), magic(b"\x89RDBTT2\n"));
    assert_eq!(refusal(b"PK"), magic(b"PK\0\0\0\0\0\0"));
}

#[test]
fn reading_ends_with_the_error_and_keeps_it() {
    let (mut file, _) = write(&sample());
    let starts = starts(&pieces(&file));
    file[starts[2] + 50] ^= 1;
    let mut reader = Reader::new(&file).unwrap();
    let read: Vec<_> = reader.by_ref().collect();
    let (error, before) = read.split_last().unwrap();
    assert!(before.len() == 4 && before.iter().all(Result::is_ok));
    let error = error.clone().unwrap_err();
    assert_eq!(error, TranscriptError::Changed { at: place(starts[2], 2, 4..7) });
    assert_eq!(reader.next(), None);
    assert_eq!(reader.finish(), Err(error));
}

#[test]
fn messages_say_where_and_what_to_do() {
    let (file, root) = write(&sample());
    let (pieces, starts) = (pieces(&file), starts(&pieces(&file)));
    let says = |file: &[u8], message: &str| assert_eq!(refusal(file).to_string(), message);
    let mut changed = file.clone();
    changed[starts[2] + 50] ^= 1;
    says(
        &changed,
        "transcript, segment 2 (entries 4 to 6), byte 4339: bytes of this segment were changed; get it \
         from another copy",
    );
    says(
        &join(&[pieces[0].clone(), pieces[2].clone(), pieces[3].clone()]),
        "transcript, segment 1 (entries 0 to 3), byte 170: found segment 2 there, and the expected one nowhere \
         after it; it was removed: get it from another copy",
    );
    says(
        &file[..200],
        "transcript, segment 1 (entries 0 to 3), byte 170: the segment has 4169 bytes, found 30; get the file \
         again from there on",
    );
    says(
        &file[..starts[3]],
        "transcript, segment 3 (from entry 7 on), byte 8615: the file ends before the entry that is its last; \
         get it again from there on",
    );
    let mut header = file.clone();
    header[40] ^= 1;
    says(
        &header,
        "transcript, segment 0 (header), byte 8: bytes of this segment were changed; get it from another \
         copy",
    );
    let wrong = verify(&write(&sample()[8..]).0, &root).unwrap_err().to_string();
    assert!(wrong.contains(&root.to_string()) && wrong.ends_with("or somebody made it up"), "{wrong}");
}
