//! Exchanges as they pass, and what there is no receipt of.

use super::*;
use crate::fixtures::{BODY, SECRET, field, opening, request};
use crate::{Body, Kind};

fn recorder() -> Recorder {
    Recorder::new(ReceiptSecret::new(SECRET), request())
}

fn response() -> ResponseHead {
    ResponseHead { status: 200, fields: vec![field("content-type", "text/plain")] }
}

fn kinds(opening: &Opening) -> Vec<Kind> {
    opening.values().iter().map(Value::kind).collect()
}

#[test]
fn leaves_have_one_order_however_things_happened() {
    let mut recorder = recorder();
    recorder.request_body(b"first ");
    // The server answers before all was sent.
    recorder.response(response()).unwrap();
    recorder.response_trailers([field("r", "1")]);
    recorder.response_body(b"he");
    recorder.request_trailers([field("q", "1"), field("q", "2")]);
    recorder.request_body(b"second");
    recorder.response_body(b"");
    recorder.response_body(b"llo");
    assert_eq!(recorder.body_bytes(), (12, 5));
    assert!(!format!("{recorder:?}").contains("accept"), "heads do not get into logs");
    let opening = recorder.finish().unwrap();
    let trailer = Kind::RequestTrailer;
    let mut expected = Kind::ALL.to_vec();
    expected.insert(7, trailer);
    assert_eq!(kinds(&opening), expected);
    let secret = ReceiptSecret::new(SECRET);
    let body = |side, bytes| Some(Body::of(bytes, &secret.body(side)));
    assert_eq!(opening.body(BodySide::Request).copied(), body(BodySide::Request, b"first second"));
    assert_eq!(opening.body(BodySide::Response).copied(), body(BodySide::Response, BODY));
}

#[test]
fn without_fields_there_are_seven_leaves() {
    let request = RequestHead { fields: vec![], ..request() };
    let mut recorder = Recorder::new(ReceiptSecret::new(SECRET), request);
    recorder.response(ResponseHead { status: 204, fields: vec![] }).unwrap();
    let opening = recorder.finish().unwrap();
    assert_eq!(opening.leaves().count, crate::LEAVES_MIN);
}

#[test]
fn both_bodies_are_hidden_differently() {
    let mut recorder = recorder();
    recorder.request_body(BODY);
    recorder.response(response()).unwrap();
    recorder.response_body(BODY);
    let opening = recorder.finish().unwrap();
    let [request, response] =
        [BodySide::Request, BodySide::Response].map(|side| opening.body(side).unwrap().root);
    assert_ne!(request, response);
    assert_ne!(opening.leaves(), self::opening().leaves());
}

#[test]
fn there_is_one_final_response_with_a_status() {
    assert_eq!(recorder().finish().map(drop), Err(RecordError::NoResponse));
    let mut recorder = recorder();
    for found in [0, 99, 1000] {
        let refused = recorder.response(ResponseHead { status: found, ..response() });
        assert_eq!(refused, Err(RecordError::Status { found }));
    }
    assert_eq!(recorder.response(response()), Ok(()));
    assert_eq!(recorder.response(response()), Err(RecordError::SecondResponse));
}

#[test]
fn there_are_as_many_leaves_as_a_receipt_can_have() {
    for (fields, found) in [(1016, None), (1017, Some(1025))] {
        let mut recorder = recorder();
        let fields = vec![field("a", "b"); fields];
        recorder.response(ResponseHead { status: 200, fields }).unwrap();
        let refused = found.map(|found| RecordError::TooManyLeaves { limit: 1024, found });
        assert_eq!(recorder.finish().err(), refused);
    }
}
