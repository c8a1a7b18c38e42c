//! The notary against answers worked out by hand, and against the definition of a receipt.

use examples_notary_service::{Answer, Digest, Document, Facts, Method, Refusal, Task, plan};
use sha2::{Digest as _, Sha256};

fn facts(pieces: &[&[u8]]) -> Facts {
    let mut document = Document::default();
    pieces.iter().for_each(|piece| document.feed(piece));
    document.finish()
}

fn digest(byte: u8) -> Digest {
    Digest([byte; 32])
}

#[test]
fn facts_of_a_known_document() {
    // FIPS 180-2, appendix B.1.
    let abc = facts(&[b"abc"]);
    assert_eq!(abc.sha256.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!((abc.bytes, abc.lines), (3, 1));
    let empty = facts(&[]);
    assert_eq!(empty.sha256.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!((empty.bytes, empty.lines), (0, 0));
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    for (text, lines) in [("\n", 1), ("a\n", 1), ("a\nb", 2), ("a\n\nb\n", 3), ("\r\n\r\n", 2)] {
        assert_eq!(facts(&[text.as_bytes()]).lines, lines, "{text:?}");
    }
}

#[test]
fn it_does_not_matter_how_a_document_arrives() {
    let whole = b"first\nsecond\n\nlast, without a line break";
    let expected = facts(&[whole]);
    for cut in 0..=whole.len() {
        let (head, tail) = whole.split_at(cut);
        assert_eq!(facts(&[head, b"", tail]), expected, "cut at {cut}");
    }
}

#[test]
fn receipts_are_what_their_definition_says() {
    let facts = facts(&[b"one\n"]);
    let expected = |flag: u8, previous: Digest| {
        let mut preimage = b"redoubt notary receipt 1\0".to_vec();
        preimage.push(flag);
        preimage.extend(previous.0);
        preimage.extend(facts.sha256.0);
        preimage.extend([0, 0, 0, 0, 0, 0, 0, 4]);
        preimage.extend([0, 0, 0, 0, 0, 0, 0, 1]);
        Digest(Sha256::digest(&preimage).into())
    };
    assert_eq!(facts.receipt(None), expected(0, digest(0)));
    assert_eq!(facts.receipt(Some(digest(7))), expected(1, digest(7)));
    assert_ne!(facts.receipt(None), facts.receipt(Some(digest(0))), "a first receipt is not one after zeros");
}

#[test]
fn every_fact_and_the_past_change_the_receipt() {
    let base = facts(&[b"one\n"]);
    let variants =
        [Facts { sha256: digest(1), ..base }, Facts { bytes: 5, ..base }, Facts { lines: 2, ..base }];
    for variant in variants {
        assert_ne!(variant.receipt(Some(digest(9))), base.receipt(Some(digest(9))), "{variant:?}");
    }
    assert_ne!(base.receipt(Some(digest(8))), base.receipt(Some(digest(9))));
}

#[test]
fn requests_are_told_apart() {
    let previous = digest(0xab).to_string().into_bytes();
    assert_eq!(plan(Method::Get, "/health", &[]), Ok(Task::Health));
    assert_eq!(plan(Method::Get, "/health?verbose=1", &[]), Ok(Task::Health));
    assert_eq!(plan(Method::Post, "/documents", &[]), Ok(Task::Certify { previous: None }));
    let after = Task::Certify { previous: Some(digest(0xab)) };
    assert_eq!(plan(Method::Post, "/documents", std::slice::from_ref(&previous)), Ok(after));
    let twice = [previous.clone(), previous];
    assert_eq!(plan(Method::Post, "/documents", &twice), Err(Refusal::Previous));
    assert_eq!(plan(Method::Post, "/documents", &[b"abc".to_vec()]), Err(Refusal::Previous));
    assert_eq!(plan(Method::Get, "/documents", &[]), Err(Refusal::Method { allowed: "POST" }));
    assert_eq!(plan(Method::Post, "/health", &[]), Err(Refusal::Method { allowed: "GET" }));
    assert_eq!(plan(Method::Other, "/documents", &[]), Err(Refusal::Method { allowed: "POST" }));
    for path in ["", "/", "/document", "/documents/", "/health/../documents", "//health"] {
        assert_eq!(plan(Method::Get, path, &[]), Err(Refusal::Path), "{path:?}");
    }
}

#[test]
fn answers_are_one_line_of_json() {
    let facts = facts(&[b"abc"]);
    let receipt = facts.receipt(Some(digest(0x11)));
    let expected = format!(
        "{{\"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"bytes\":3,\"lines\":1,\
         \"previous\":\"{}\",\"receipt\":\"{receipt}\"}}\n",
        "11".repeat(32)
    );
    let answer = Answer::certified(&facts, Some(digest(0x11)));
    assert_eq!((answer.status, answer.allow, answer.body), (200, None, expected));
    assert!(Answer::certified(&facts, None).body.contains("\"previous\":null,"));
    assert_eq!(Answer::healthy().body, "{\"status\":\"ok\"}\n");
}

#[test]
fn refusals_have_their_statuses() {
    let cases = [
        (Refusal::Path, 404, None, "no such path"),
        (Refusal::Method { allowed: "POST" }, 405, Some("POST"), "expected POST"),
        (Refusal::Previous, 400, None, "notary-previous"),
        (Refusal::Truncated, 400, None, "broke off"),
    ];
    for (refusal, status, allow, part) in cases {
        let answer = Answer::from(refusal);
        assert_eq!((answer.status, answer.allow), (status, allow), "{refusal:?}");
        let error = answer.body.strip_prefix("{\"error\":\"").unwrap();
        assert!(error.contains(part) && error.ends_with("\"}\n"), "{error}");
    }
}
