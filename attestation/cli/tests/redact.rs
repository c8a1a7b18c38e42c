//! `redoubt-verify redact` as people run it: what is left verifies, and what is hidden is gone.
#![expect(clippy::unwrap_used, reason = "a test")]

mod desk;
#[expect(dead_code, reason = "parts are for tests beside the code")]
mod exchange;
#[expect(dead_code, reason = "parts are for tests of claims")]
mod world;

use desk::{Desk, EVIDENCE, TIME, json};
use exchange::{PASSWORD, Setting};

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn what_is_redacted_still_verifies_and_hides_what_it_should() {
    let desk = Desk::new();
    let before = desk.read("receipt-1.cbor");
    let text =
        desk.redacted(&["--hide", "request-field:Authorization", "--hide", "path", "--out", "less.cbor"]);
    let after = desk.read("less.cbor");
    let expected = format!(
        "less.cbor: {} bytes
shown   method
shown   scheme
shown   authority
shown   request-field:accept
shown   request-body
shown   status
shown   response-field:content-type
shown   response-field:date
shown   response-body
shown   request-body:0-16
shown   response-body:0-40
shown   certificates
hidden  path
hidden  request-field:authorization
note    host, address, TLS session, times, the run and the number of leaves are always seen
note    the body of the request is shown, so its length is seen: 17 bytes
note    the body of the response is shown, so its length is seen: 41 bytes
note    nothing was verified: `redoubt-verify receipt` does that
",
        after.len()
    );
    assert_eq!(text, expected);
    assert_eq!(desk.read("receipt-1.cbor"), before);
    for hidden in [PASSWORD.as_bytes(), b"authorization", b"/v1/rates"] {
        assert!(contains(&before, hidden) && !contains(&after, hidden));
    }
    desk.write("receipt-1.cbor", &after);
    let text = desk.accepted(&[&EVIDENCE[..], &TIME].concat());
    assert!(text.contains("\n  > POST https://api.example.com\n  > hidden (1 leaf)\n"), "{text}");
    assert!(text.contains("\n  > accept: application/json\n  hidden (1 leaf)\n  > body"), "{text}");

    // Once more: what was hidden before nobody knows any more.
    let document = json(&desk.redacted(&["--hide", "status", "--out", "least.cbor", "--json"]));
    assert_eq!(
        (&document["hidden"], &document["hidden_before"]),
        (&serde_json::json!(["status"]), &2.into())
    );
}

#[test]
fn only_what_is_named_is_shown() {
    let body: Vec<u8> = (0..10_000_u32).flat_map(|number| number.to_be_bytes()).take(10_000).collect();
    let desk = Desk::with(&Setting { response_body: &body, ..Setting::default() });
    let show = ["--show", "status", "--show", "response-body:4095-4096", "--show", "response-fields"];
    let more = ["--hide", "response-field:date", "--out", "less.cbor", "--json"];
    let document = json(&desk.redacted(&[&show[..], &more].concat()));
    let shown = ["status", "response-field:content-type", "response-body", "response-body:0-8191"];
    assert_eq!(document["shown"], serde_json::json!(shown));
    let hidden = document["hidden"].as_array().unwrap();
    for part in ["method", "response-field:date", "response-body:8192-9999", "certificates"] {
        assert!(hidden.contains(&part.into()), "{document:#}");
    }
    let less = desk.read("less.cbor");
    assert!(contains(&less, &body[4096..8192]) && !contains(&less, &body[8192..8300]));
    desk.write("receipt-1.cbor", &less);
    let text = desk.accepted(&EVIDENCE);
    let expected = "\n  < body, 10000 bytes:\n    8192 bytes that are no text, SHA-256:\n";
    assert!(text.contains(expected) && text.ends_with("\n    hidden (1808 bytes)\n"), "{text}");
    assert!(text.contains("note  server's certificates: not enclosed"), "{text}");
}

#[test]
fn words_that_name_nothing_are_refused() {
    let desk = Desk::new();
    desk.write("taken.cbor", b"as before");
    for (more, words) in [
        (&["--hide", "evidence"][..], "--hide evidence: expected something that receipt-1.cbor shows"),
        (&["--show", "request-field:cookie"], "--show request-field:cookie: expected something"),
        (&["--hide", "response-trailers"], "--hide response-trailers"),
        (&["--hide", "response-body:0-41"], "expected bytes of a body with 41 bytes"),
        (&["--hide", "body"], "expected method, scheme"),
        (&[], "--hide <WHAT>|--show <WHAT>"),
    ] {
        let (status, stdout, stderr) =
            desk.run(&[&["redact", "receipt-1.cbor", "--out", "new.cbor"], more].concat());
        assert_eq!((status, stdout.as_str()), (2, ""), "{more:?}: {stderr}");
        assert!(stderr.contains(words), "{more:?}: {stderr}");
    }
    assert!(!desk.exists("new.cbor"));
    let (status, _, stderr) =
        desk.run(&["redact", "receipt-1.cbor", "--hide", "path", "--out", "taken.cbor"]);
    assert!(status == 2 && stderr.contains("taken.cbor: there is a file already"), "{stderr}");
    assert_eq!(desk.read("taken.cbor"), b"as before");
    let (status, _, stderr) = desk.run(&["redact", "claim.cbor", "--hide", "path", "--out", "new.cbor"]);
    assert!(status == 2 && stderr.contains("expected one receipt, found claim"), "{stderr}");
}
