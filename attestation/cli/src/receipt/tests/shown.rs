//! What people and programs see of an exchange.

use attestation_receipt::{Disclosure, Kind};
use base64ct::{Base64, Encoding};

use super::super::{json, table};
use super::exchange::{Exchange, PASSWORD, RESPONSE_BODY, Setting};
use super::{Case, given};
use crate::render::Colours;

fn case_showing(exchange: &Exchange, keep: impl Fn(&Disclosure) -> bool) -> Case {
    let bytes = exchange.signed().redacted(keep).encode();
    Case { receipts: vec![given("receipt", bytes)], ..Case::of_none(exchange) }
}

fn is_kind(disclosure: &Disclosure, kinds: &[Kind]) -> bool {
    disclosure.as_leaf().is_some_and(|leaf| kinds.contains(&leaf.value.kind()))
}

fn text(case: &Case) -> String {
    let text = table(&case.check(), Colours::Off);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    text
}

#[test]
fn hidden_parts_are_counted_where_they_are() {
    let exchange = Exchange::good();
    let kinds = [Kind::Method, Kind::Authority, Kind::RequestBody, Kind::Status, Kind::ResponseBody];
    let shown = text(&case_showing(&exchange, |shown| is_kind(shown, &kinds)));
    let expected = "
  > POST api.example.com
  > hidden (2 leaves)
  hidden (2 leaves)
  > body, 17 bytes:
    hidden (17 bytes)
  < 200
  hidden (2 leaves)
  < body, 41 bytes:
    hidden (41 bytes)
";
    assert!(shown.ends_with(expected), "{shown}");
    let nothing = text(&case_showing(&exchange, |_| false));
    assert!(
        nothing.ends_with("Z, only asserted by the guest\n  > hidden (4 leaves)\n  hidden (7 leaves)\n"),
        "{nothing}"
    );
    let one = text(&case_showing(&exchange, |shown| !is_kind(shown, &[Kind::PathWithQuery])));
    assert!(one.contains("\n  > POST https://api.example.com\n  > hidden (1 leaf)\n  > accept:"), "{one}");
}

#[test]
fn what_is_refused_is_not_shown() {
    let mut case = Case::of(&Exchange::good());
    case.reference.component.sha256.0[0] ^= 1;
    let checked = case.check();
    let (text, json) = (table(&checked, Colours::Off), json(&checked, None));
    assert!(text.contains("REFUSED") && text.contains("redoubt-verify show"), "{text}");
    assert!(!text.contains("rates") && !text.contains("1.1548"), "{text}");
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["verdict"], "refused");
    assert_eq!(document["receipts"], serde_json::json!([]));
}

/// Bodies and fields are a stranger's.
#[test]
fn nothing_from_outside_reaches_the_terminal_as_it_is() {
    let body = "\u{1b}[2Jfirst\r\nACCEPTED: all\u{202e} checks hold\n> GET /\n".as_bytes();
    let shown = text(&Case::of_none(&Exchange::of(&Setting { response_body: body, ..Setting::default() })));
    for line in ["    | \\u{1b}[2Jfirst\n", "    | ACCEPTED: all\\u{202e} checks hold\n", "    | > GET /\n"] {
        assert!(shown.contains(line), "{shown}");
    }
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\r']), "{shown}");
}

#[test]
fn long_bodies_are_cut_and_what_is_no_text_is_hashed() {
    let show = |body: &[u8]| {
        text(&Case::of_none(&Exchange::of(&Setting { response_body: body, ..Setting::default() })))
    };
    // Each é has two bytes, and the first of them is the last that would fit.
    let long = show(format!("x{}", "é".repeat(4000)).as_bytes());
    assert!(long.contains("\n    cut here: 8001 bytes are shown in the receipt, SHA-256:\n"), "{long}");
    assert_eq!(long.matches('é').count(), 2047);
    let binary = show(&[0xFF; 5000]);
    assert!(
        binary.contains("\n  < body, 5000 bytes:\n    5000 bytes that are no text, SHA-256:\n"),
        "{binary}"
    );
    assert!(show(b"").ends_with("  < no body\n"));
    // One line of a stranger is none of ours, and nothing of it is lost.
    let one_line = show("0123456789".repeat(150).as_bytes());
    let (_, body) = one_line.split_once("< body, 1500 bytes:\n    | ").unwrap();
    assert_eq!(body.replace(['\n', ' '], ""), "0123456789".repeat(150));
}

#[test]
fn json_has_everything() {
    let exchange = Exchange::good();
    let checked = Case::of(&exchange).check();
    let document: serde_json::Value = serde_json::from_str(&json(&checked, None)).unwrap();
    assert_eq!(document["verdict"], "accepted");
    let receipt = &document["receipts"][0];
    assert_eq!(receipt["host"], "api.example.com");
    assert_eq!(receipt["tls"]["cipher_suite"], "TLS_AES_128_GCM_SHA256");
    assert_eq!(receipt["request"]["fields"][1]["value"], PASSWORD);
    assert_eq!(receipt["response"]["status"], 200);
    assert_eq!(receipt["response"]["body"]["base64"], Base64::encode_string(RESPONSE_BODY));
    assert_eq!(receipt["time"]["not_before"]["server"], "time-3.example.org:2002");
    assert_eq!(receipt["time"]["not_after"]["bound"], "proven");
    assert_eq!(receipt["leaves"]["hidden"], serde_json::json!([]));

    let case = case_showing(&exchange, |shown| is_kind(shown, &[Kind::ResponseBody]));
    let document: serde_json::Value = serde_json::from_str(&json(&case.check(), None)).unwrap();
    let receipt = &document["receipts"][0];
    assert_eq!(receipt["response"]["body"]["base64"], serde_json::Value::Null);
    assert_eq!(receipt["response"]["body"]["pieces"][0]["hidden_bytes"], 41);
    assert_eq!(receipt["response"]["status"], serde_json::Value::Null);
    assert_eq!(receipt["leaves"]["hidden"][0], serde_json::json!({ "first": 0, "count": 10 }));
    assert_eq!(receipt["time"]["not_after"]["bound"], "asserted");
}
