//! What is not in a receipt, and which kinds can be where.

use super::*;
use crate::fixtures::{BODY, field, opening};
use crate::{Disclosure, Recorder};

fn all() -> Vec<Disclosure> {
    let chunks = opening().disclose_body(BodySide::Response, 0..5, BODY).unwrap();
    [opening().disclose(|_| true), chunks].concat()
}

fn check_changed(change: impl FnOnce(&mut Vec<Disclosure>)) -> Result<(), ReceiptError> {
    let mut disclosures = all();
    change(&mut disclosures);
    check(&disclosures, &opening().leaves())
}

fn leaf(disclosure: &mut Disclosure) -> &mut LeafDisclosure {
    let Disclosure::Leaf(leaf) = disclosure else { panic!("a leaf") };
    leaf
}

fn chunk(disclosure: &mut Disclosure) -> &mut ChunkDisclosure {
    let Disclosure::Chunk(chunk) = disclosure else { panic!("a chunk") };
    chunk
}

/// Only this leaf is shown, changed.
fn check_alone(index: usize, change: impl FnOnce(&mut LeafDisclosure)) -> Result<(), ReceiptError> {
    check_changed(|disclosures| {
        disclosures.drain(index + 1..);
        disclosures.drain(..index);
        change(leaf(&mut disclosures[0]));
    })
}

#[test]
fn what_is_in_a_receipt_is_shown() {
    assert_eq!(check_changed(|_| ()), Ok(()));
    assert_eq!(check_changed(Vec::clear), Ok(()));
    for index in 0..9 {
        assert_eq!(check_alone(index, |_| ()), Ok(()));
    }
}

#[test]
fn nothing_of_a_leaf_can_change() {
    let refused = |index| Err(ReceiptError::NotUnderRoot { place: Place::Leaf(index) });
    assert_eq!(check_alone(2, |leaf| leaf.value = Value::Authority("other.example".into())), refused(2));
    assert_eq!(check_alone(2, |leaf| leaf.salt[15] ^= 1), refused(2));
    assert_eq!(check_alone(2, |leaf| leaf.path[0][0] ^= 1), refused(2));
    assert_eq!(check_alone(2, |leaf| leaf.path.truncate(3)), refused(2));
    assert_eq!(check_alone(2, |leaf| leaf.path.push([0; 32])), refused(2));
    // A field elsewhere among fields, and a field of the other side.
    assert_eq!(check_alone(4, |leaf| leaf.index = 5), refused(5));
    let Value::RequestField(field) = opening().values()[4].clone() else { panic!("a field") };
    assert_eq!(
        check_alone(4, |leaf| leaf.value = Value::RequestTrailer(field.clone())),
        kind(4, Kind::RequestTrailer)
    );
    assert_eq!(
        check_alone(7, |leaf| (leaf.index, leaf.value) = (6, Value::RequestTrailer(field))),
        refused(6)
    );
}

fn kind(index: u64, found: Kind) -> Result<(), ReceiptError> {
    Err(ReceiptError::Kind { index, leaves: 9, found })
}

#[test]
fn leaves_of_other_kinds_and_places_are_refused() {
    assert_eq!(check_alone(0, |leaf| leaf.value = Value::Scheme("GET".into())), kind(0, Kind::Scheme));
    assert_eq!(check_alone(0, |leaf| leaf.index = 1), kind(1, Kind::Method));
    assert_eq!(check_alone(8, |leaf| leaf.index = 9), kind(9, Kind::ResponseBody));
    assert_eq!(check_alone(8, |leaf| leaf.index = u64::MAX), kind(u64::MAX, Kind::ResponseBody));
    let second = check_changed(|disclosures| leaf(&mut disclosures[7]).value = Value::Status(200));
    assert_eq!(second, kind(7, Kind::Status));
}

#[test]
fn nothing_is_shown_twice_or_in_another_order() {
    let twice = check_changed(|disclosures| disclosures.insert(3, disclosures[2].clone()));
    assert_eq!(twice, Err(ReceiptError::Repeated { place: Place::Leaf(2) }));
    // Other content for the same place is no way around it.
    let twice = check_changed(|disclosures| {
        disclosures.insert(3, disclosures[2].clone());
        leaf(&mut disclosures[3]).value = Value::Authority("other.example".into());
    });
    assert_eq!(twice, Err(ReceiptError::Repeated { place: Place::Leaf(2) }));
    let place = Place::Chunk { body: BodySide::Response, index: 0 };
    let twice = check_changed(|disclosures| disclosures.push(disclosures[9].clone()));
    assert_eq!(twice, Err(ReceiptError::Repeated { place }));
    let swapped = check_changed(|disclosures| disclosures.swap(8, 9));
    assert_eq!(swapped, Err(ReceiptError::Order { before: place, place: Place::Leaf(8) }));
}

#[test]
fn nothing_of_a_chunk_can_change() {
    let place = Place::Chunk { body: BodySide::Response, index: 0 };
    let check =
        |change: fn(&mut ChunkDisclosure)| check_changed(|disclosures| change(chunk(&mut disclosures[9])));
    let refused = Err(ReceiptError::NotUnderRoot { place });
    assert_eq!(check(|chunk| chunk.bytes[0] ^= 1), refused);
    assert_eq!(check(|chunk| chunk.salt[0] ^= 1), refused);
    assert_eq!(check(|chunk| chunk.path.push([0; 32])), refused);
    let length = |expected, found| Err(ReceiptError::ChunkLength { place, expected, found });
    assert_eq!(check(|chunk| chunk.bytes.clear()), length(5, 0));
    assert_eq!(check(|chunk| chunk.bytes.push(0)), length(5, 6));
    for index in [1, u64::MAX] {
        let place = Place::Chunk { body: BodySide::Response, index };
        let refused = check_changed(|disclosures| chunk(&mut disclosures[9]).index = index);
        assert_eq!(refused, Err(ReceiptError::ChunkLength { place, expected: 0, found: 5 }));
    }
    // The request's body is empty.
    let place = Place::Chunk { body: BodySide::Request, index: 0 };
    let refused = check_changed(|disclosures| chunk(&mut disclosures[9]).body = BodySide::Request);
    assert_eq!(refused, Err(ReceiptError::ChunkLength { place, expected: 0, found: 5 }));
    let hidden = check_changed(|disclosures| drop(disclosures.remove(8)));
    assert_eq!(hidden, Err(ReceiptError::BodyHidden { body: BodySide::Response }));
}

#[test]
fn places_and_kinds_read_as_in_a_sentence() {
    let place = Place::Chunk { body: BodySide::Request, index: 7 };
    let refused = ReceiptError::NotUnderRoot { place };
    let text = "receipt, chunk 7 of the body of the request: expected what is under the root that was signed, \
        found something else";
    assert_eq!(refused.to_string(), text);
    assert_eq!(format!("{:?}", chunk(&mut all()[9])), "chunk 0 of the body of the response: 5 bytes");
}

fn shown(index: u64, kind: Kind) -> Disclosure {
    let body = Body { bytes: 0, chunks: 0, root: [0; 32] };
    let value = match kind {
        Kind::Method => Value::Method(String::new()),
        Kind::Scheme => Value::Scheme(String::new()),
        Kind::Authority => Value::Authority(String::new()),
        Kind::PathWithQuery => Value::PathWithQuery(String::new()),
        Kind::RequestField => Value::RequestField(field("", "")),
        Kind::RequestBody => Value::RequestBody(body),
        Kind::RequestTrailer => Value::RequestTrailer(field("", "")),
        Kind::Status => Value::Status(200),
        Kind::ResponseField => Value::ResponseField(field("", "")),
        Kind::ResponseBody => Value::ResponseBody(body),
        Kind::ResponseTrailer => Value::ResponseTrailer(field("", "")),
    };
    Disclosure::Leaf(LeafDisclosure { index, salt: [0; 16], value, path: vec![] })
}

/// All exchanges with so many leaves, as kinds.
fn exchanges(leaves: usize) -> Vec<Vec<Kind>> {
    let counts = (0..4 * 4 * 4 * 4).map(|number| [number & 3, number >> 2 & 3, number >> 4 & 3, number >> 6]);
    let fitting = counts.filter(|counts| counts.iter().sum::<usize>() + 7 == leaves);
    let exchange = |counts: [usize; 4]| {
        let mut counts = counts.into_iter();
        let times = |kind: Kind| if kind.is_field() { counts.next().unwrap() } else { 1 };
        let times: Vec<usize> = Kind::ALL.into_iter().map(times).collect();
        Kind::ALL.into_iter().zip(times).flat_map(|(kind, times)| vec![kind; times]).collect()
    };
    fitting.map(exchange).collect()
}

/// Two or three leaves of any kinds at any places, in every combination: they are taken exactly if there is an exchange
/// that has them.
#[test]
fn kinds_fit_exactly_if_some_exchange_has_them() {
    for leaves in 7..=10_usize {
        let exchanges = exchanges(leaves);
        let places = || (0..leaves).flat_map(|index| Kind::ALL.map(|kind| (index, kind)));
        let (first, second) = (places().collect::<Vec<_>>(), places().collect::<Vec<_>>());
        for (a, b) in first.iter().flat_map(|a| second.iter().map(move |b| (a, b))).filter(|(a, b)| a.0 < b.0)
        {
            for c in [None].into_iter().chain(places().filter(|c| c.0 > b.0).map(Some)) {
                let wanted = [Some(*a), Some(*b), c].into_iter().flatten();
                let has_all =
                    |exchange: &&Vec<Kind>| wanted.clone().all(|(index, kind)| exchange[index] == kind);
                let exists = exchanges.iter().find(has_all).is_some();
                let disclosures: Vec<_> =
                    wanted.clone().map(|(index, kind)| shown(index as u64, kind)).collect();
                assert_eq!(check_kinds(&disclosures, leaves as u64).is_ok(), exists, "{disclosures:?}");
            }
        }
    }
}

/// A recorder is the only one who makes leaves: whatever it makes fits.
#[test]
fn recorders_keep_the_order() {
    for (request_fields, trailers, response_fields) in [(0, 0, 0), (1, 0, 3), (9, 2, 0), (0, 3, 1)] {
        let fields = |count: usize| vec![field("a", "b"); count];
        let head = crate::RequestHead { fields: fields(request_fields), ..crate::fixtures::request() };
        let mut recorder = Recorder::new(crate::ReceiptSecret::new([1; 32]), head);
        recorder.request_trailers(fields(trailers));
        recorder.response(crate::ResponseHead { status: 200, fields: fields(response_fields) }).unwrap();
        recorder.response_trailers(fields(trailers));
        let opening = recorder.finish().unwrap();
        assert_eq!(check(&opening.disclose(|_| true), &opening.leaves()), Ok(()));
    }
}
