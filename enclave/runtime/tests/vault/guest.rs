//! `redoubt:enclave`: evidence, sealing, receipts, and what is not there yet.

use attestation_transcript::Kind;
use enclave_runtime::{EVIDENCE_MAX_BYTES, Outcome, PLAINTEXT_MAX_BYTES};

use crate::harness::{CLOSED, Vault, run, words};
use crate::script::Script;

#[test]
fn the_manifest_is_what_the_run_is_named_after() {
    let (said, host) = words(&Script::new().manifest().manifest(), Vault::default());
    assert_eq!((said, host.asked), (format!("{0}\n{0}\n", "m".repeat(32)), 0));
}

#[test]
fn evidence_of_any_length_is_told_whole() {
    for (bytes, pieces) in [(0, 1), (1, 1), (65_535, 1), (65_536, 2), (65_537, 2), (EVIDENCE_MAX_BYTES, 5)] {
        let host = Vault { evidence: Some(vec![7; bytes]), ..Vault::default() };
        let done = run(&Script::new().attestation().attestation(), host);
        let said = String::from_utf8(done.host.stdout.clone()).unwrap();
        assert_eq!(said, format!("{bytes} bytes\n{bytes} bytes\n"));
        assert_eq!(done.host.asked, 2, "once for each call");
        let told = done.entries().iter().filter(|entry| entry.0 == Kind::ENCLAVE).count();
        assert_eq!(told, 2 * pieces, "{bytes}");
    }
}

#[test]
fn without_evidence_the_run_ends() {
    let long = Vault { evidence: Some(vec![7; EVIDENCE_MAX_BYTES + 1]), ..Vault::default() };
    for host in [Vault::default(), long] {
        let done = run(&Script::new().attestation(), host);
        let Outcome::Trapped { message } = &done.report.outcome else { panic!("{:?}", done.report.outcome) };
        assert!(message.contains("this is no confidential guest"), "{message}");
    }
}

#[test]
fn what_was_sealed_opens_again_or_says_why_not() {
    let script = Script::new().seal("notes", 7, "text").unseal("notes", 7).unseal("notes", 0);
    let script = script.unseal("note", 7).unseal("notes", 8).flip(3).unseal("notes", 7);
    let (said, _) = words(&script, Vault::default());
    assert_eq!(
        said,
        "sealed 6 bytes\ncounter 7 text\ncounter 7 text\ninvalid: not ours\ninvalid: rolled back\n\
         invalid: not ours\n"
    );
}

#[test]
fn reasons_of_the_guest_are_cut() {
    let done = run(&Script::new().seal(CLOSED, 1, "text"), Vault::default());
    let said = String::from_utf8(done.host.stdout.clone()).unwrap();
    assert_eq!(said, format!("forbidden: {}\n", "é".repeat(100)), "the script shows 200 bytes");
    assert_eq!(done.entries()[0].2.len(), 33 + 2 + 512);
}

#[test]
fn arguments_are_bounded_and_nobody_is_asked_beyond() {
    let (context, plaintext) = ("c".repeat(64), "p".repeat(PLAINTEXT_MAX_BYTES));
    let fits = Script::new().seal(&context, 1, &plaintext).unseal(&context, 1);
    let (said, host) = words(&fits, Vault::default());
    let opened = format!("counter 1 {}\n", "p".repeat(200));
    assert_eq!((said, host.asked), (format!("sealed 65282 bytes\n{opened}"), 2));
    let (long_context, long_plaintext) = (format!("{context}c"), format!("{plaintext}p"));
    let beyond =
        Script::new().seal(&long_context, 1, "").unseal(&long_context, 1).seal("", 1, &long_plaintext);
    let beyond = beyond.code("(global.set $blob-bytes (i32.const 65537))").unseal("", 1);
    let (said, host) = words(&beyond, Vault::default());
    let context_refused = "invalid: context: expected at most 64 bytes, found 65\n".repeat(2);
    let plaintext_refused = "invalid: plaintext: expected at most 65280 bytes, found 65281\n";
    let blob_refused = "invalid: blob: expected at most 65536 bytes, found 65537\n";
    assert_eq!((said, host.asked), (format!("{context_refused}{plaintext_refused}{blob_refused}"), 0));
}

#[test]
fn receipts_are_told_as_they_are_and_replayed_without_them() {
    let host = Vault { receipt: Some(b"signed".to_vec()), ..Vault::default() };
    let script = Script::new().newest_receipt().receipt_opening();
    let (said, host) = words(&script, host);
    assert_eq!((said, host.asked), ("signed\nopened signed\n".into(), 2));
    let (said, host) = words(&script, Vault::default());
    assert_eq!((said, host.asked), ("invalid: nothing was fetched\n".repeat(2), 2));
}

#[test]
fn what_is_not_there_yet_says_so_and_nobody_is_asked() {
    let done = run(&Script::new().not_yet(), Vault::default());
    let said = String::from_utf8(done.host.stdout.clone()).unwrap();
    assert_eq!(
        said,
        "unsupported: inference.complete: offered with the inference engine, which this release does not have\n\
         unsupported: checkpoint.save: offered with checkpoints, which this release does not have\n"
    );
    assert_eq!((done.host.asked, done.entries().len()), (0, 1), "the end is all that is recorded");
}
