//! Where a run parts from a transcript that is not its own, and that the entry is named.

use attestation_transcript::Kind;
use enclave_runtime::Parting;

use crate::harness::{Done, Entry, Vault, run};
use crate::script::Script;

/// Entries: open, set, get, sum, list, seal, unseal, evidence, end.
fn script() -> Script {
    let script = Script::new().open("a").set("k", "v").get("k").increment("n", 2).list(false);
    script.seal("c", 7, "text").unseal("c", 7).attestation()
}

fn done() -> Done {
    run(&script(), Vault { evidence: Some(vec![1, 2, 3]), ..Vault::default() })
}

fn kinds(done: &Done) -> Vec<Kind> {
    done.entries().iter().map(|entry| entry.0).collect()
}

#[test]
fn every_answer_is_an_entry() {
    let done = done();
    let [kept, guest] = [Kind::KEYVALUE, Kind::ENCLAVE];
    assert_eq!(kinds(&done), [kept, kept, kept, kept, kept, guest, guest, guest, Kind::END]);
    let entries = done.entries();
    let answers: Vec<&[u8]> = entries.iter().take(7).map(|entry| &entry.2[33..]).collect();
    let expected: [&[u8]; 5] = [&[1], &[1], &[1, 1, b'v'], &[1, 2], &[1, 0, 1, 0, b'k', 1, 0, b'n']];
    assert_eq!(answers[..5], expected);
    assert_eq!(answers[6], [&[1, 7, 0, 0, 0, 0, 0, 0, 0][..], b"text"].concat());
    assert_eq!(entries[7].2, [0, 1, 1, 2, 3]);
    let numbers: Vec<u8> = entries.iter().take(8).map(|entry| entry.2[0]).collect();
    assert_eq!(numbers, [0, 2, 1, 6, 5, 1, 2, 0], "functions have these numbers for ever");
}

/// The digest of a question, computed here from its definition.
#[test]
fn questions_are_digested_as_documented() {
    use sha2::{Digest, Sha256};
    let entries = done().entries();
    let set: &[&[u8]] = &[
        b"redoubt key-value question 1\0",
        &[2],
        &1_u64.to_le_bytes(),
        b"a",
        &1_u64.to_le_bytes(),
        b"k",
        b"v",
    ];
    assert_eq!(entries[1].2[1..33], Sha256::digest(set.concat())[..]);
    let seal: &[&[u8]] = &[
        b"redoubt enclave question 1\0",
        &[1],
        &1_u64.to_le_bytes(),
        b"c",
        &7_u64.to_le_bytes(),
        &4_u64.to_le_bytes(),
    ];
    assert_eq!(entries[5].2[1..33], Sha256::digest(seal.concat())[..], "the plaintext is not in it");
}

fn parting(change: impl FnOnce(&mut Vec<Entry>)) -> Parting {
    done().parting(change).expect("the run is not that of the transcript")
}

#[test]
fn answers_that_make_no_sense_are_refused_where_they_are() {
    for entry in 0..8 {
        let parting = parting(|entries| entries[entry].2.truncate(if entry == 7 { 1 } else { 33 }));
        assert_eq!(parting.entry, entry as u64);
        assert_eq!(parting.found.detail, "whose content makes no sense");
    }
    let number = parting(|entries| entries[3].2.extend([0, 0]));
    assert_eq!((number.entry, number.found.detail.as_str()), (3, "whose content makes no sense"));
}

#[test]
fn another_question_than_the_recorded_one() {
    for entry in 0..8 {
        let parting = parting(|entries| entries[entry].2[0] ^= 0x40);
        assert_eq!(parting.entry, entry as u64);
        assert!(parting.found.detail.starts_with("another question to the"), "{parting}");
    }
    let parting = parting(|entries| entries[1].2[32] ^= 1);
    assert_eq!((parting.entry, parting.found.detail.as_str()), (1, "another question to the store: Set"));
    assert!(parting.backtrace.contains("Main!set"), "{parting}");
}

/// The same calls, so the same fuel, with other arguments.
#[test]
fn a_run_that_asks_or_writes_something_else_parts_there() {
    let done = done();
    let with = |bucket: &str, key: &str, value: &str, delta, context: &str, counter| {
        let script = Script::new().open(bucket).set("k", value).get(key).increment("n", delta).list(false);
        done.parting_of(&script.seal(context, counter, "text").unseal("c", 7).attestation())
    };
    assert_eq!(with("a", "k", "v", 2, "c", 7), None);
    let entry = |parting: Option<Parting>| parting.expect("they part").entry;
    assert_eq!(entry(with("b", "k", "v", 2, "c", 7)), 0, "bucket");
    assert_eq!(entry(with("a", "k", "w", 2, "c", 7)), 1, "value");
    assert_eq!(entry(with("a", "j", "v", 2, "c", 7)), 2, "key");
    assert_eq!(entry(with("a", "k", "v", 3, "c", 7)), 3, "number");
    assert_eq!(entry(with("a", "k", "v", 2, "d", 7)), 5, "context");
    assert_eq!(entry(with("a", "k", "v", 2, "c", 8)), 5, "counter");
}

#[test]
fn entries_that_are_removed_repeated_or_swapped() {
    let removed = parting(|entries| drop(entries.remove(2)));
    assert_eq!((removed.entry, removed.found.kind), (2, Kind::KEYVALUE));
    let repeated = parting(|entries| entries.insert(2, entries[2].clone()));
    assert_eq!(repeated.entry, 3);
    let swapped = parting(|entries| {
        let (get, sum) = (entries[2].2.clone(), entries[3].2.clone());
        (entries[2].2, entries[3].2) = (sum, get);
    });
    assert_eq!(swapped.entry, 2);
}

/// An answer that could have been is believed, and shows where the component does something else because of it.
#[test]
fn a_changed_answer_shows_in_what_comes_after() {
    let blob = parting(|entries| entries[5].2[34] ^= 1);
    assert_eq!((blob.entry, blob.found.detail.as_str()), (6, "another question to the guest"));
    let refused = parting(|entries| {
        entries[2].2.truncate(33);
        entries[2].2.extend([0, 1]);
    });
    assert_eq!(refused.entry, 3);
    assert!(refused.found.fuel_used != refused.recorded.expect("there is more").fuel_used);
}
