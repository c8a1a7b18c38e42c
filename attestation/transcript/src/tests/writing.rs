//! What the writer refuses, and what it counts.

use super::support::{header, sample};
use crate::{Kind, MAGIC, PAYLOAD_MAX_BYTES, WriteError, Writer};

#[test]
fn refused_entries_leave_no_trace() {
    let mut writer = Writer::new(&header());
    writer.append(Kind::READY, 100, b"x").unwrap();
    let (entries, bytes) = (writer.entries(), writer.bytes());
    let kind = Kind::STREAM_READ;
    let backwards = WriteError::FuelBackwards { kind, before: 100, found: 99 };
    assert_eq!(writer.append(kind, 99, b""), Err(backwards));
    for found in [Kind(0), Kind(13)] {
        assert_eq!(writer.append(found, 100, b""), Err(WriteError::UnknownKind { found }));
    }
    let (limit, found) = (PAYLOAD_MAX_BYTES, PAYLOAD_MAX_BYTES + 1);
    let long = WriteError::PayloadLength { kind, limit, found };
    assert_eq!(writer.append(kind, 100, &vec![0; found]), Err(long));
    assert_eq!((writer.entries(), writer.bytes()), (entries, bytes));
    writer.append(Kind::END, 100, b"").unwrap();
    assert_eq!(writer.append(kind, 100, b""), Err(WriteError::AfterEnd { kind }));
    let finished = writer.finish().unwrap();

    let mut undisturbed = Writer::new(&header());
    undisturbed.append(Kind::READY, 100, b"x").unwrap();
    undisturbed.append(Kind::END, 100, b"").unwrap();
    assert_eq!(undisturbed.finish().unwrap(), finished);
}

#[test]
fn a_transcript_without_its_last_entry_has_no_root() {
    let mut writer = Writer::new(&header());
    writer.append(Kind::READY, 1, b"x").unwrap();
    assert_eq!(writer.finish(), Err(WriteError::NoEnd));
    assert_eq!(WriteError::NoEnd.to_string(), "transcript: finished without an entry of end");
}

#[test]
fn the_number_of_segments_is_bounded() {
    let mut writer = Writer::new(&header());
    writer.pretend_segments(1 << 32);
    let full = WriteError::Full { segments: 1 << 32 };
    assert_eq!(writer.append(Kind::READY, 1, b"x"), Err(full));
}

#[test]
fn segments_come_while_the_run_goes_on() {
    let mut writer = Writer::new(&header());
    let mut bytes = MAGIC.len() as u64 + writer.take_segment().unwrap().len() as u64;
    assert_eq!((writer.bytes(), writer.entries()), (bytes, 0));
    let mut taken = Vec::new();
    for (index, (kind, fuel, payload)) in sample().iter().enumerate() {
        writer.append(Kind(*kind), *fuel, payload).unwrap();
        while let Some(segment) = writer.take_segment() {
            bytes += segment.len() as u64;
            assert_eq!(writer.bytes(), bytes);
            taken.push(index);
        }
        assert!(writer.bytes() >= bytes);
    }
    assert_eq!(taken, [3, 6, 8]);
    let finished = writer.finish().unwrap();
    assert!(finished.segments.is_empty());
    assert_eq!((finished.entries, finished.bytes), (9, bytes));
}
