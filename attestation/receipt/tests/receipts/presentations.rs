//! Parts of a receipt: what is shown verifies, and what is hidden is not there.

use attestation_receipt::{
    BodySide, ChunkDisclosure, Content, Disclosure, Piece, Place, ReceiptError, SignedReceipt, Value, redact,
};
use proptest::prelude::*;

use crate::world::{Exchange, RESPONSE_BYTES};

const SECRET: [u8; 32] = *b"a secret of thirty-two bytes len";

fn contains(bytes: &[u8], sought: &[u8]) -> bool {
    bytes.windows(sought.len()).any(|window| window == sought)
}

/// Everything in a disclosure that gives it away. Values of fields that are as short as an answer are left to `guesses`.
fn traces(disclosure: &Disclosure) -> Vec<Vec<u8>> {
    let (salt, values) = match disclosure {
        Disclosure::Leaf(leaf) => (leaf.salt, traces_of(&leaf.value)),
        Disclosure::Chunk(chunk) => (chunk.salt, vec![chunk.bytes.clone(), chunk.bytes[..16].to_vec()]),
    };
    [values, vec![salt.to_vec()]].concat()
}

fn traces_of(value: &Value) -> Vec<Vec<u8>> {
    match value {
        Value::Method(text) | Value::Scheme(text) | Value::Authority(text) | Value::PathWithQuery(text) => {
            vec![text.clone().into_bytes()]
        }
        Value::RequestField(field)
        | Value::RequestTrailer(field)
        | Value::ResponseField(field)
        | Value::ResponseTrailer(field) => {
            let value = Some(field.value.clone()).filter(|value| value.len() > 3);
            [vec![field.name.clone().into_bytes()], value.into_iter().collect()].concat()
        }
        Value::RequestBody(body) | Value::ResponseBody(body) => vec![body.root.to_vec()],
        // Two bytes may be anywhere: its leaf has its salt before them.
        Value::Status(_) => vec![],
    }
}

/// What remains of `all` if the n-th is kept exactly if `kept` says so.
fn remaining(all: &[Disclosure], kept: &[bool]) -> Vec<Disclosure> {
    let asked_for = || all.iter().zip(kept.iter().cycle()).filter(|(_, kept)| **kept).map(|(shown, _)| shown);
    let has_body =
        |side| asked_for().any(|shown| shown.as_leaf().is_some_and(|leaf| leaf.value.body(side).is_some()));
    let remains = |shown: &&Disclosure| shown.as_chunk().is_none_or(|chunk| has_body(chunk.body));
    asked_for().filter(remains).cloned().collect()
}

fn keeping<'k>(all: &'k [Disclosure], kept: &'k [bool]) -> impl Fn(&Disclosure) -> bool + use<'k> {
    move |shown| {
        let index = all.iter().position(|other| other.place() == shown.place()).unwrap();
        kept[index % kept.len()]
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_kept_verifies_and_nothing_else_is_there(kept in proptest::collection::vec(any::<bool>(), 1..25)) {
        let exchange = Exchange::new(SECRET);
        let all = exchange.disclosures();
        let bytes = redact(&exchange.file(), keeping(&all, &kept)).unwrap();
        let verified = SignedReceipt::parse(&bytes).unwrap().verify().unwrap();
        let shown = remaining(&all, &kept);
        prop_assert_eq!(verified.disclosures(), &shown);
        prop_assert_eq!(verified.digest(), &exchange.receipt.digest());
        for hidden in all.iter().filter(|disclosure| !shown.contains(disclosure)) {
            for trace in traces(hidden) {
                prop_assert!(!contains(&bytes, &trace), "{}: {:?}", hidden.place(), trace);
            }
        }
        let secret = exchange.opening.secret();
        prop_assert!(!contains(&bytes, secret.expose()));
        for side in [BodySide::Request, BodySide::Response] {
            prop_assert!(!contains(&bytes, secret.body(side).expose()));
        }
    }

    #[test]
    fn one_redaction_after_another_is_both(
        first in proptest::collection::vec(any::<bool>(), 1..25),
        second in proptest::collection::vec(any::<bool>(), 1..25),
    ) {
        let exchange = Exchange::new(SECRET);
        let (all, file) = (exchange.disclosures(), exchange.file());
        let (first, second) = (keeping(&all, &first), keeping(&all, &second));
        let twice = redact(&redact(&file, &first).unwrap(), &second).unwrap();
        let both = redact(&file, |shown| first(shown) && second(shown)).unwrap();
        prop_assert_eq!(twice, both);
    }

    #[test]
    fn what_was_taken_out_can_be_put_in_again(kept in proptest::collection::vec(any::<bool>(), 1..25)) {
        let exchange = Exchange::new(SECRET);
        let (all, file) = (exchange.disclosures(), exchange.file());
        let redacted = SignedReceipt::parse(&redact(&file, keeping(&all, &kept)).unwrap()).unwrap();
        let shown = redacted.unverified_disclosures().to_vec();
        let missing = all.iter().filter(|disclosure| !shown.contains(disclosure)).cloned();
        prop_assert_eq!(redacted.with_disclosures(missing).unwrap().encode(), file);
    }
}

#[test]
fn traces_are_found_where_they_are() {
    let exchange = Exchange::new(SECRET);
    let file = exchange.file();
    for disclosure in exchange.disclosures() {
        for trace in traces(&disclosure) {
            assert!(contains(&file, &trace), "{}: {trace:?}", disclosure.place());
        }
    }
}

#[test]
fn what_is_hidden_is_a_gap() {
    let exchange = Exchange::new(SECRET);
    let shown =
        |value: &Value| matches!(value, Value::PathWithQuery(_) | Value::Status(_) | Value::ResponseBody(_));
    let chunks =
        exchange.opening.disclose_body(BodySide::Response, 5000..13_000, &exchange.response_body).unwrap();
    let signed = exchange.signed().with_disclosures(exchange.opening.disclose(shown)).unwrap();
    let verified = signed.with_disclosures(chunks).unwrap().verify().unwrap();
    let values = exchange.opening.values();
    let leaf = |index: usize| Content::Shown { index: index as u64, value: &values[index] };
    let contents = [
        Content::Hidden { first: 0, count: 3 },
        leaf(3),
        Content::Hidden { first: 4, count: 4 },
        leaf(8),
        Content::Hidden { first: 9, count: 2 },
        leaf(11),
        Content::Hidden { first: 12, count: 1 },
    ];
    assert_eq!(verified.contents(), contents);
    let piece = |index: usize| {
        let (start, end) = (index * 4096, (index + 1) * 4096);
        Piece::Shown { offset: start as u64, bytes: &exchange.response_body[start..end] }
    };
    let pieces = [
        Piece::Hidden { offset: 0, bytes: 4096 },
        piece(1),
        piece(2),
        piece(3),
        Piece::Hidden { offset: 16_384, bytes: RESPONSE_BYTES as u64 - 16_384 },
    ];
    assert_eq!(verified.pieces(BodySide::Response), Some(pieces.to_vec()));
    assert_eq!(verified.pieces(BodySide::Request), None);
    let nothing = exchange.signed().verify().unwrap();
    assert_eq!(nothing.contents(), [Content::Hidden { first: 0, count: 13 }]);
}

#[test]
fn chunks_go_with_the_leaf_of_their_body() {
    let exchange = Exchange::new(SECRET);
    let without_bodies = redact(&exchange.file(), |shown| {
        shown.as_leaf().is_none_or(|leaf| leaf.value.body(BodySide::Response).is_none())
    });
    let verified = SignedReceipt::parse(&without_bodies.unwrap()).unwrap().verify().unwrap();
    let sides: Vec<_> =
        verified.disclosures().iter().filter_map(Disclosure::as_chunk).map(|chunk| chunk.body).collect();
    assert_eq!(sides, [BodySide::Request; 3]);
    let chunks = exchange.disclosures().into_iter().filter(|shown| shown.as_chunk().is_some());
    let refused = exchange.signed().with_disclosures(chunks).unwrap_err();
    assert_eq!(refused, ReceiptError::BodyHidden { body: BodySide::Request });
}

#[test]
fn nothing_of_one_receipt_can_be_shown_for_another() {
    let (one, other) = (Exchange::new(SECRET), Exchange::new([9; 32]));
    assert_eq!(one.opening.values()[0], other.opening.values()[0], "they differ in salts alone");
    for disclosure in one.disclosures() {
        let place = disclosure.place();
        let mut disclosures = other.disclosures();
        let index = disclosures.iter().position(|shown| shown.place() == place).unwrap();
        disclosures[index] = disclosure;
        let refused = other.signed().with_disclosures(disclosures).unwrap_err();
        assert_eq!(refused, ReceiptError::NotUnderRoot { place });
    }
}

#[test]
fn chunks_cannot_be_exchanged_between_bodies() {
    let exchange = Exchange::new(SECRET);
    let mut disclosures = exchange.disclosures();
    let is_first = |shown: &Disclosure| shown.place() == Place::Chunk { body: BodySide::Request, index: 0 };
    let index = disclosures.iter().position(is_first).unwrap();
    let Disclosure::Chunk(chunk) = disclosures[index].clone() else { return };
    disclosures.retain(|shown| shown.as_chunk().is_none_or(|chunk| chunk.body == BodySide::Request));
    disclosures.push(Disclosure::Chunk(ChunkDisclosure { body: BodySide::Response, ..chunk }));
    let place = Place::Chunk { body: BodySide::Response, index: 0 };
    assert_eq!(
        exchange.signed().with_disclosures(disclosures).unwrap_err(),
        ReceiptError::NotUnderRoot { place }
    );
}

#[test]
fn certificates_and_evidence_can_be_left_out() {
    let exchange = Exchange::new(SECRET);
    let file = exchange.file();
    let bare = SignedReceipt::parse(&file).unwrap().without_certificates().without_evidence();
    let read = SignedReceipt::parse(&bare.encode()).unwrap();
    assert_eq!(read.unverified_disclosures(), exchange.disclosures());
    let verified = read.verify_with(crate::world::evidence()).unwrap();
    assert!(verified.certificates().is_empty());
    assert!(bare.encode().len() + 2000 < file.len());
}
