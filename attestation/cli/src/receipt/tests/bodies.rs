//! Bodies that came apart.

use attestation_receipt::{Body, BodySide, Opening, ReceiptSecret, Recorder, RequestHead, ResponseHead};

use super::super::Opened;
use super::exchange::{Exchange, REQUEST_BODY, RESPONSE_BODY};
use super::{Case, flipped};

fn opened(opening: &Opening, bodies: &[(BodySide, &[u8])]) -> Option<Opened> {
    let body = |(side, bytes): &(BodySide, &[u8])| (*side, Body::of(bytes, &opening.secret().body(*side)));
    Some(Opened { opening: Ok(opening.clone()), bodies: bodies.iter().map(body).collect() })
}

#[test]
fn bodies_are_checked_by_the_opening() {
    let exchange = Exchange::good();
    let both = [(BodySide::Request, REQUEST_BODY), (BodySide::Response, RESPONSE_BODY)];
    let case = |bodies: &[(BodySide, &[u8])]| Case {
        opened: opened(&exchange.opening, bodies),
        ..Case::of_none(&exchange)
    };
    assert_eq!(case(&[]).failures(), [""; 0]);
    assert_eq!(case(&both).failures(), [""; 0]);
    assert_eq!(case(&[(BodySide::Request, RESPONSE_BODY)]).failures(), ["request body's file"]);
    for (_, forged) in flipped(RESPONSE_BODY) {
        assert_eq!(case(&[(BodySide::Response, &forged)]).failures(), ["response body's file"]);
    }
    let case = case(&[(BodySide::Response, &RESPONSE_BODY[1..])]);
    assert!(case.failure("response body's file").ends_with(&format!(" {} B", RESPONSE_BODY.len() - 1)));
}

/// Among several receipts it opens one.
#[test]
fn openings_are_of_one_receipt() {
    let exchange = Exchange::good();
    let (method, scheme) = ("GET".to_owned(), "https".to_owned());
    let (authority, path_with_query, fields) = ("a.example".to_owned(), "/".to_owned(), Vec::new());
    let head = RequestHead { method, scheme, authority, path_with_query, fields };
    let mut other = Recorder::new(ReceiptSecret::new([6; 32]), head);
    other.response(ResponseHead { status: 204, fields: Vec::new() }).unwrap();
    let other = other.finish().unwrap();
    let case = Case { opened: opened(&other, &[(BodySide::Response, b"")]), ..Case::of_none(&exchange) };
    assert_eq!(case.failures(), ["opening"]);
    let error = Opening::decode(b"no opening").unwrap_err();
    let broken = Opened { opening: Err(error), bodies: Vec::new() };
    let case = Case { opened: Some(broken), ..case };
    assert!(case.failure("opening").contains("not the expected CBOR"));
}
