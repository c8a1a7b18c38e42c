//! Event logs: where they lead, and what is no log.

use attestation_verify::tdx::{CcelEvents, EVENT_LOG_MAX_BYTES, EventLog, EventLogError};
use sha2::{Digest, Sha384};

use crate::bundle::{Bundle, Log, codes};
use crate::fixtures::Fixtures;
use crate::pki::World;

const EV_NO_ACTION: u32 = 3;
const EV_POST_CODE: u32 = 1;

/// Algorithms with their sizes, then events: index, type, data.
fn ccel(algorithms: &[(u16, u16)], events: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let mut id = b"Spec ID Event03\0".to_vec();
    id.extend([0, 0, 0, 0, 0, 2, 0, 2]);
    id.extend(u32::try_from(algorithms.len()).unwrap().to_le_bytes());
    for (algorithm, bytes) in algorithms {
        id.extend([algorithm.to_le_bytes(), bytes.to_le_bytes()].concat());
    }
    id.push(0);
    let mut log = [1_u32.to_le_bytes(), EV_NO_ACTION.to_le_bytes()].concat();
    log.extend([0; 20]);
    log.extend(u32::try_from(id.len()).unwrap().to_le_bytes());
    log.extend(id);
    for (index, event_type, data) in events {
        log.extend([index.to_le_bytes(), event_type.to_le_bytes()].concat());
        log.extend(u32::try_from(algorithms.len()).unwrap().to_le_bytes());
        for (algorithm, bytes) in algorithms {
            log.extend(algorithm.to_le_bytes());
            let digest = Sha384::digest(data);
            log.extend(&digest[..usize::from(*bytes)]);
        }
        log.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        log.extend(*data);
    }
    log
}

fn sha384(events: &[(u32, u32, &[u8])]) -> Vec<u8> {
    ccel(&[(0x0C, 48)], events)
}

fn extended(digests: &[&[u8]]) -> [u8; 48] {
    digests.iter().fold([0; 48], |rtmr, data| {
        Sha384::digest([rtmr.as_slice(), Sha384::digest(data).as_slice()].concat()).into()
    })
}

#[test]
fn events_extend_the_register_after_their_index() {
    let events: [(u32, u32, &[u8]); 4] =
        [(1, EV_POST_CODE, b"a"), (4, EV_POST_CODE, b"b"), (1, EV_NO_ACTION, b"c"), (1, EV_POST_CODE, b"d")];
    let expected = [extended(&[b"a", b"d"]), [0; 48], [0; 48], extended(&[b"b"])];
    let two = ccel(&[(0x0B, 32), (0x0C, 48)], &events);
    for end in [&[][..], &[0xFF; 100], &[0; 100]] {
        for log in [sha384(&events), two.clone()] {
            assert_eq!(EventLog::Ccel(&[&log, end].concat()).replay(), Ok(expected));
        }
    }
    let log = sha384(&events);
    let list: Vec<_> = CcelEvents::parse(&log).unwrap().map(Result::unwrap).collect();
    assert_eq!(list.len(), 4);
    assert!(list.iter().all(|event| event.is_digest_of_data()));
    assert_eq!((list[1].index, list[1].data, list[2].is_extended()), (4, b"b".as_slice(), false));
}

#[test]
fn what_is_no_log_is_refused_by_name() {
    let event: (u32, u32, &[u8]) = (1, EV_POST_CODE, b"a");
    let wrong: [(Vec<u8>, &str); 7] = [
        (ccel(&[(0x0B, 32)], &[event]), "expected SHA-384 among them"),
        (ccel(&[(0x0C, 32)], &[event]), "expected SHA-384 among them"),
        (ccel(&[(0x0C, 48), (0x0C, 48)], &[event]), "expected each once"),
        (ccel(&[(0x0C, 48); 9], &[]), "expected 1 to 8, found 9"),
        (ccel(&[], &[]), "expected 1 to 8, found 0"),
        (sha384(&[(0, EV_POST_CODE, b"a")]), "expected 1 to 4, found 0"),
        (sha384(&[(5, EV_POST_CODE, b"a")]), "expected 1 to 4, found 5"),
    ];
    for (log, expected) in wrong {
        let error = EventLog::Ccel(&log).replay().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let log = sha384(&[event]);
    for length in 0..log.len() {
        // Exactly the first event is a log, too.
        let replayed = EventLog::Ccel(&log[..length]).replay();
        assert!(matches!(replayed, Err(EventLogError::Truncated { .. })) || length == 65, "{length}");
    }
    let mut changed = log;
    changed[4] = 1;
    assert!(EventLog::Ccel(&changed).replay().unwrap_err().to_string().contains("EV_NO_ACTION"));
    (changed[4], changed[32]) = (3, b'X');
    assert!(EventLog::Ccel(&changed).replay().unwrap_err().to_string().contains("Spec ID Event03"));
    let long = vec![0; EVENT_LOG_MAX_BYTES + 1];
    for log in [EventLog::Ccel(&long), EventLog::Digests(&long)] {
        assert!(matches!(log.replay(), Err(EventLogError::TooLong { .. })));
    }
}

#[test]
fn lists_of_digests_are_read_strictly() {
    let digest: String = Sha384::digest(b"a").iter().map(|byte| format!("{byte:02x}")).collect();
    let entry = |imr: u32, rest: &str| {
        format!("{{\"imr\":{imr},\"event_type\":1,\"digest\":\"{digest}\",\"event\":\"a\\n\"{rest}}}")
    };
    let payload = ",\"event_payload\":\"\"";
    let list = format!("[{},{}]", entry(3, payload), entry(0, payload));
    let expected = [extended(&[b"a"]), [0; 48], [0; 48], extended(&[b"a"])];
    assert_eq!(EventLog::Digests(list.as_bytes()).replay(), Ok(expected));
    for (list, expected) in [
        (format!("[{}]", entry(4, payload)), "imr 0 to 3, found 4"),
        (format!("[{}]", entry(0, "")), "missing field `event_payload`"),
        (format!("[{}]", entry(0, ",\"event_payload\":\"\",\"more\":1")), "unknown field `more`"),
        (format!("[{}]", entry(0, payload).replace(&digest, "00")), "48 bytes in hexadecimal"),
        (format!("[{}]]", entry(0, payload)), "trailing characters"),
        ("{}".to_owned(), "a list of events"),
    ] {
        let error = EventLog::Digests(list.as_bytes()).replay().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_log_is_judged_and_the_quote_is_not_touched() {
    let registers = |log: Vec<u8>| {
        let mut world = World { event_log: Some(Log::Ccel(log)), ..World::default() };
        world.body[328..376].copy_from_slice(&extended(&[b"a"]));
        codes(&world.verify(), None).into_iter().collect::<Vec<_>>()
    };
    let matching: [(u32, u32, &[u8]); 1] = [(1, EV_POST_CODE, b"a")];
    assert_eq!(registers(sha384(&matching)), ["event-log-match", "tcb-status:UpToDate"]);
    let other: [(u32, u32, &[u8]); 2] = [(1, EV_POST_CODE, b"a"), (3, EV_POST_CODE, b"b")];
    assert_eq!(registers(sha384(&other)), ["event-log-mismatch:rtmr2", "tcb-status:UpToDate"]);
    // What is no log leads to no register.
    let none = ["0", "1", "2", "3"].map(|register| format!("event-log-mismatch:rtmr{register}"));
    assert_eq!(registers(vec![0])[..4], none);
}

#[test]
fn real_logs_describe_what_they_measured() {
    let Some(fixtures) = Fixtures::open() else { return };
    let case = fixtures.cases.iter().find(|(name, _)| name == "google-ccel").unwrap();
    let bundles = fixtures.bundles(&case.1);
    let [Bundle { event_log: Some(Log::Ccel(log)), .. }] = bundles.as_slice() else { panic!("one log") };
    let events: Vec<_> = CcelEvents::parse(log).unwrap().map(Result::unwrap).collect();
    let described = events.iter().filter(|event| event.is_digest_of_data()).count();
    assert!(events.len() > 20 && described > 5, "{described} of {}", events.len());
}
