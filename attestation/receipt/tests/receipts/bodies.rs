//! Bodies: of any length, ended or not, shown in whole, in part, or not at all.

use attestation_receipt::{
    Body, BodySecret, BodySide, Disclosure, Piece, ReceiptError, ReceiptSecret, Recorder, RequestHead,
    RequestOutcome, ResponseHead, ResponseOutcome, RunningBody, SignedReceipt, Value,
};

use crate::world::{Exchange, bytes, in_pieces};

fn is_body(value: &Value) -> bool {
    value.body(BodySide::Response).is_some()
}

fn post() -> RequestHead {
    RequestHead {
        method: "POST".into(),
        scheme: "https".into(),
        authority: "api.example.com:8443".into(),
        path_with_query: "/".into(),
        fields: vec![],
    }
}

#[test]
fn a_bodys_secret_opens_all_of_it_and_nothing_else() {
    let exchange = Exchange::new([1; 32]);
    let signed = exchange.signed().with_disclosures(exchange.opening.disclose(is_body)).unwrap();
    let verified = signed.clone().verify().unwrap();
    let secret = BodySecret::new(*exchange.opening.secret().body(BodySide::Response).expose());
    let body = verified.body(BodySide::Response).unwrap();
    assert_eq!(body.check(&exchange.response_body, &secret), Ok(()));
    let refused = Err(ReceiptError::OtherBody { expected: 25_000, found: 9000 });
    assert_eq!(body.check(&exchange.request_body, &secret), refused);
    // Whoever has it shows parts as well.
    let chunks = body.disclose(BodySide::Response, 24_999..25_000, &exchange.response_body, &secret).unwrap();
    let verified = signed.with_disclosures(chunks).unwrap().verify().unwrap();
    let pieces = verified.pieces(BodySide::Response).unwrap();
    let offset = 6 * 4096;
    let last = &exchange.response_body[offset..];
    let offset = offset as u64;
    assert_eq!(pieces, [Piece::Hidden { offset: 0, bytes: offset }, Piece::Shown { offset, bytes: last }]);
    let request = exchange.opening.body(BodySide::Request).unwrap();
    assert!(request.check(&exchange.request_body, &secret).is_err());
}

/// The salts that are shown are of no use for the rest.
#[test]
fn a_salt_opens_one_chunk() {
    let exchange = Exchange::new([1; 32]);
    let salts: Vec<_> = exchange
        .disclosures()
        .iter()
        .map(|shown| match shown {
            Disclosure::Leaf(leaf) => leaf.salt,
            Disclosure::Chunk(chunk) => chunk.salt,
        })
        .collect();
    let mut distinct = salts.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), salts.len());
}

#[test]
fn a_long_body_takes_little_and_comes_out_the_same() {
    let secret = ReceiptSecret::new([4; 32]);
    let long = bytes(8, 3 << 20);
    let whole = Body::of(&long, &secret.body(BodySide::Response));
    let mut running = RunningBody::new(secret.body(BodySide::Response));
    in_pieces(&long, |piece| running.update(piece));
    assert_eq!((running.bytes(), running.finish()), (3 << 20, whole));
    assert_eq!(whole.chunks, 768);
    let shown = whole.disclose(BodySide::Response, 1 << 20..2 << 20, &long, &secret.body(BodySide::Response));
    assert_eq!(shown.unwrap().len(), 256);
}

/// What would not be read is not put into a file. All of a longer body is shown apart.
#[test]
fn a_file_shows_four_megabytes_of_bodies() {
    let secret = ReceiptSecret::new([4; 32]);
    let long = vec![7; (4 << 20) + 1];
    let mut recorder = Recorder::new(secret.clone(), post());
    recorder.response(ResponseHead { status: 200, fields: vec![] }).unwrap();
    recorder.response_body(&long);
    let opening = recorder.finish().unwrap();
    let mut exchange = Exchange::new([1; 32]);
    exchange.receipt.leaves = opening.leaves();
    let signed = exchange.signed().with_disclosures(opening.disclose(is_body)).unwrap();
    let chunks = |end| opening.disclose_body(BodySide::Response, 0..end, &long).unwrap();
    let most = signed.clone().with_disclosures(chunks(4 << 20)).unwrap().encode();
    assert!(SignedReceipt::parse(&most).unwrap().verify().is_ok());
    let refused = signed.clone().with_disclosures(chunks((4 << 20) + 1)).unwrap_err();
    let (least, most, found) = (0, 1024, 1025);
    assert_eq!(refused, ReceiptError::OutOfRange { field: "chunks that are shown", least, most, found });
    let body = *signed.verify().unwrap().body(BodySide::Response).unwrap();
    assert_eq!(body.check(&long, &secret.body(BodySide::Response)), Ok(()));
}

#[test]
fn what_was_cut_is_what_there_was() {
    let mut recorder = Recorder::new(ReceiptSecret::new([4; 32]), post());
    recorder.request_body(b"half of ");
    recorder.response(ResponseHead { status: 413, fields: vec![] }).unwrap();
    recorder.response_body(b"too lo");
    let opening = recorder.finish().unwrap();
    let mut exchange = Exchange::new([1; 32]);
    exchange.receipt.leaves = opening.leaves();
    exchange.receipt.request = RequestOutcome::Cut;
    exchange.receipt.response = ResponseOutcome::Truncated;
    let signed = exchange.signed().with_disclosures(opening.disclose(|_| true)).unwrap();
    let verified = signed.verify().unwrap();
    let receipt = verified.receipt();
    assert_eq!((receipt.request, receipt.response), (RequestOutcome::Cut, ResponseOutcome::Truncated));
    let body = |side| verified.body(side).map(|body| body.bytes);
    assert_eq!((body(BodySide::Request), body(BodySide::Response)), (Some(8), Some(6)));
}
