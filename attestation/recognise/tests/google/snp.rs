//! Reports of SEV-SNP.

use attestation_recognise::{Item, Kind, RecogniseError, recognise};

use crate::wire::{delimited, number};

/// Number in `sevsnp.proto`; offset and size in 56860, table "ATTESTATION_REPORT". The second of each kind.
const NUMBERS: [(u32, usize, usize); 19] = [
    (1, 0x00, 4),
    (2, 0x04, 4),
    (3, 0x08, 8),
    (6, 0x30, 4),
    (7, 0x34, 4),
    (8, 0x38, 8),
    (9, 0x40, 8),
    (10, 0x48, 4),
    (18, 0x180, 8),
    (20, 0x1E0, 8),
    (21, 0x1E8, 1),
    (22, 0x1E9, 1),
    (23, 0x1EA, 1),
    (24, 0x1EC, 1),
    (25, 0x1ED, 1),
    (26, 0x1EE, 1),
    (27, 0x1F0, 8),
    (30, 0x1F8, 8),
    (31, 0x200, 8),
];
const BYTES: [(u32, usize, usize); 11] = [
    (4, 0x10, 16),
    (5, 0x20, 16),
    (11, 0x50, 64),
    (12, 0x90, 48),
    (13, 0xC0, 32),
    (14, 0xE0, 48),
    (15, 0x110, 48),
    (16, 0x140, 32),
    (17, 0x160, 32),
    (19, 0x1A0, 64),
    (28, 0x2A0, 512),
];
const PROCESSOR: usize = 0x188;

/// `Report` of `sevsnp.proto`. As in every message of version 3 of the language, zeros are left out.
fn message(report: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    for (field, offset, size) in NUMBERS {
        let mut value = [0; 8];
        value[..size].copy_from_slice(&report[offset..][..size]);
        let value = u64::from_le_bytes(value);
        if value != 0 {
            message.extend(number(field, value));
        }
    }
    for (field, offset, size) in BYTES {
        message.extend(delimited(field, &report[offset..][..size]));
    }
    let [family, model, stepping] = [0, 1, 2].map(|index| u64::from(report[PROCESSOR + index]));
    let base = family.min(0x0F);
    let eax = (family - base) << 20 | (model >> 4) << 16 | base << 8 | (model & 0x0F) << 4 | stepping;
    if eax != 0 {
        message.extend(number(29, eax));
    }
    message
}

/// A report in which no two bytes that stand beside each other are the same, reserved ones aside.
fn sample() -> Vec<u8> {
    let mut report = vec![0; 0x4A0];
    for (_, offset, size) in NUMBERS.into_iter().chain(BYTES) {
        for (at, byte) in report.iter_mut().enumerate().skip(offset).take(size) {
            *byte = u8::try_from(at * 7 % 251).unwrap() | 1;
        }
    }
    report[0] = 5;
    report[1..4].fill(0);
    report[0x34..0x38].copy_from_slice(&[1, 0, 0, 0]);
    report[PROCESSOR..PROCESSOR + 3].copy_from_slice(&[0x1A, 0x11, 0x03]);
    report
}

fn only_report(message: &[u8]) -> Item {
    let mut items = recognise(message).unwrap();
    assert_eq!(items.len(), 1, "{items:?}");
    let item = items.remove(0);
    assert_eq!(
        (item.kind, item.within.as_slice()),
        (Kind::SnpReport, &["protobuf of go-sev-guest".into()][..])
    );
    item
}

#[test]
fn a_report_is_put_together_again() {
    let report = sample();
    assert_eq!(only_report(&message(&report)).bytes, report);
    let attestation = [delimited(1, &message(&report)), delimited(3, &number(1, 2))].concat();
    assert_eq!(only_report(&attestation).bytes, report);
}

#[test]
fn real_reports_are_put_together_again() {
    let Some(folder) = tests_needs::fixture("snp") else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let Ok(report) = std::fs::read(entry.unwrap().path().join("report.bin")) else { continue };
        if report.len() == 0x4A0 && report[0] >= 2 && report[0x34] == 1 {
            assert_eq!(only_report(&message(&report)).bytes, report);
            count += 1;
        }
    }
    assert!(count > 3, "{count}");
}

#[test]
fn certificates_come_along() {
    let Some(folder) = tests_needs::fixture("snp/genoa-v5-oak") else { return };
    let vcek = std::fs::read(folder.join("vcek.der")).unwrap();
    let extra = [delimited(1, b"firmware"), delimited(2, b"endorsement")].concat();
    let chain = [delimited(1, &vcek), delimited(7, &extra)].concat();
    let attestation = [delimited(1, &message(&sample())), delimited(2, &chain)].concat();
    let items = recognise(&attestation).unwrap();
    assert_eq!(items.iter().map(|item| item.kind).collect::<Vec<_>>(), [Kind::SnpReport, Kind::Certificate]);
    assert_eq!((&items[1].bytes, &items[1].within[1]), (&vcek, &"vcek_cert".into()));
}

#[test]
fn wrong_messages_are_told() {
    let report = message(&sample());
    for (more, problem) in [
        (number(1, 5), "version: expected once, found again"),
        (number(32, 1), "field 32 of a report is not known"),
        (number(100, 1), "field 100 of a report is not known"),
    ] {
        let error = recognise(&[report.clone(), more].concat()).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
    let mut old = sample();
    // Left out, because it is zero, and put in as something else.
    for (field, offset, size, put, problem) in [
        (21, 0x1E8, 1, number(21, 256), "current_build: expected at most 255, found 256"),
        (2, 4, 4, number(2, 1 << 32), "guest_svn: expected at most 4294967295, found 4294967296"),
        (8, 0x38, 8, delimited(8, b"tcb"), "current_tcb: expected a number, found 3 bytes"),
        (30, 0x1F8, 8, delimited(30, b""), "launch_mit_vector: expected a number, found 0 bytes"),
    ] {
        let kept = old[offset..offset + size].to_vec();
        old[offset..offset + size].fill(0);
        let error = recognise(&[message(&old), put].concat()).unwrap_err();
        assert!(error.to_string().contains(problem), "{field}: {error}");
        assert!(matches!(error, RecogniseError::Malformed { .. }));
        old[offset..offset + size].copy_from_slice(&kept);
    }
    let mut short = message(&sample());
    let at = short.windows(2).position(|bytes| bytes == [11 << 3 | 2, 64]).unwrap();
    short.remove(at + 2);
    short[at + 1] = 63;
    let error = recognise(&short).unwrap_err();
    assert!(error.to_string().contains("report_data: expected 64 bytes, found 63"), "{error}");
    // Cut off, it is no message at all.
    let error = recognise(&report[..report.len() - 1]).unwrap_err();
    assert!(matches!(error, RecogniseError::Unknown { .. }), "{error}");
}
