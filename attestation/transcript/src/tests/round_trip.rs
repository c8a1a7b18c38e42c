//! What is written is what is read, however segments are taken, and nothing else is the same transcript.

use proptest::collection::vec;
use proptest::prelude::*;

use super::support::{Learnt, header, join, pieces, sample, write};
use crate::{Entry, Kind, MAGIC, PAYLOAD_MAX_BYTES, Reader, Writer, describe, verify};

fn read(file: &[u8]) -> Vec<Learnt> {
    let reader = Reader::new(file).unwrap();
    assert_eq!(*reader.header(), header());
    let mut number = 0;
    let mut learnt = |entry: Entry<'_>| {
        assert_eq!(entry.number, number);
        number += 1;
        (entry.kind.0, entry.fuel, entry.payload.to_vec())
    };
    reader.map(|entry| learnt(entry.unwrap())).collect()
}

#[test]
fn the_sample_round_trips_and_is_packed_as_described() {
    let (file, root) = write(&sample());
    assert_eq!(read(&file), sample());
    let summary = verify(&file, &root).unwrap();
    assert_eq!((summary.entries, summary.segments, summary.fuel), (9, 4, 8000));
    assert_eq!((summary.bytes, summary.header, summary.root), (file.len(), header(), root));
    let pieces = pieces(&file);
    let numbers: Vec<_> = pieces.iter().map(|piece| (piece.index, piece.first, piece.count)).collect();
    assert_eq!(numbers, [(0, 0, 0), (1, 0, 4), (2, 4, 3), (3, 7, 2)]);
    assert_eq!(join(&pieces), file);
}

#[test]
fn entries_know_their_segment() {
    let (file, _) = write(&sample());
    let segments: Vec<u64> = Reader::new(&file).unwrap().map(|entry| entry.unwrap().segment).collect();
    assert_eq!(segments, [1, 1, 1, 1, 2, 2, 2, 3, 3]);
}

#[test]
fn the_longest_payload_fits_wherever_it_comes() {
    for before in [0, 4093 - 3, 4094 - 3] {
        let first = (1, 0, vec![1; before]);
        let long = |fuel| (4, fuel, vec![2; PAYLOAD_MAX_BYTES]);
        let entries = [first, long(u64::MAX - 1), long(u64::MAX), (11, u64::MAX, Vec::new())];
        let (file, root) = write(&entries);
        assert_eq!(read(&file), entries);
        assert!(verify(&file, &root).is_ok());
    }
}

#[test]
fn a_description_is_a_line_without_the_payload() {
    let entry =
        Entry { number: 42, segment: 3, kind: Kind::HTTP_RESPONSE, fuel: 1_234_567, payload: b"secret" };
    let line = describe(&entry).to_string();
    assert_eq!(line, "      42  http-response    fuel        1234567       6 bytes");
}

#[test]
fn what_is_printed_for_debugging_has_nothing_of_the_content() {
    let (file, _) = write(&sample());
    let mut writer = Writer::new(&header());
    writer.append(Kind::KEYVALUE, 5, &[0x77; 40]).unwrap();
    assert_eq!(format!("{writer:?}"), "Writer { entries: 1, bytes: 265, .. }");
    assert_eq!(format!("{:?}", Reader::new(&file).unwrap()), "Reader { next_entry: 0, offset: 170, .. }");
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let sizes = prop_oneof![8 => 0..40_usize, 3 => 0..3000_usize, 1 => 60_000..=PAYLOAD_MAX_BYTES];
    (sizes, any::<u8>()).prop_map(|(size, byte)| vec![byte; size])
}

fn learnt() -> impl Strategy<Value = Vec<Learnt>> {
    let step = prop_oneof![0..200_u64, any::<u32>().prop_map(u64::from), Just(u64::MAX / 64)];
    (vec((1..=10_u8, step, payload()), 0..60), payload()).prop_map(|(mut entries, last)| {
        let mut total = 0;
        for (_, fuel, _) in &mut entries {
            total += *fuel;
            *fuel = total;
        }
        entries.push((Kind::END.0, total, last));
        entries
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_written_is_read(entries in learnt(), takes in vec(any::<bool>(), 60)) {
        let (mut writer, mut file) = (Writer::new(&header()), MAGIC.to_vec());
        for ((kind, fuel, payload), take) in entries.iter().zip(takes.iter().cycle()) {
            writer.append(Kind(*kind), *fuel, payload).unwrap();
            let taken = if *take { writer.take_segment() } else { None };
            file.extend(taken.unwrap_or_default());
        }
        prop_assert_eq!(writer.entries(), entries.len() as u64);
        let bytes = writer.bytes();
        let finished = writer.finish().unwrap();
        finished.segments.iter().for_each(|segment| file.extend(segment));
        prop_assert_eq!((bytes, finished.bytes), (file.len() as u64, file.len() as u64));

        let summary = verify(&file, &finished.root).unwrap();
        prop_assert_eq!((summary.entries, summary.bytes), (entries.len() as u64, file.len()));
        prop_assert_eq!(read(&file), entries.clone());
        prop_assert_eq!(write(&entries), (file, finished.root));
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..300)) {
        for file in [bytes.clone(), [&MAGIC[..], &bytes].concat()] {
            let _ = Reader::new(&file).map(Reader::finish);
        }
    }
}
