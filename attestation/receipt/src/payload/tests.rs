//! One payload, every field of it.

use proptest::prelude::*;

use super::*;
use crate::fixtures::receipt;
use crate::{CERTIFICATES_MAX, Validity};

/// The payload in the vector of `signed`, by the script there.
const GOLDEN_PAYLOAD: &str = concat!(
    "aa00010103025820888888888888888888888888888888888888888888888888888888888888888803a4005820111111",
    "11111111111111111111111111111111111111111111111111111111110158200549f748d3e603eff23846b1ff8d9a48",
    "d6009ca8f2e2adcd4a7bec7609c3c3580202030104a2005820642172692bb06e24019c497c246e4e09b04a08f5efd14c",
    "0ea92e8ccbe43a9c4d010905a3006f6170692e6578616d706c652e636f6d0144c0000207021901bb06af001903040119",
    "130102181d03f40448687474702f312e3105582041414141414141414141414141414141414141414141414141414141",
    "41414141075820424242424242424242424242424242424242424242424242424242424242424208582098da6b618f82",
    "ee89aeb3a81541b4547c73de69d37b632563c6b63cde38a35d0509835820b3eacd33433b31b5252351032c9b3e7a2e7a",
    "a7738d5decdf0dd6c62680853c0658208aca4f36774f82a67c507cb9c96679482e2cc767f2d38502269557a566b092fb",
    "5820535c6f8eb511f5d966a1b0725df92ebf27514faba945cbbd698e23ac72c417570a8200020b582043434343434343",
    "434343434343434343434343434343434343434343434343430c58204444444444444444444444444444444444444444",
    "4444444444444444444444440df50ea2001a6553f100011a6b49d2000fa3001904030158822020202020202020202020",
    "202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020",
    "2020202020544c5320312e332c2073657276657220436572746966696361746556657269667900454545454545454545",
    "454545454545454545454545454545454545454545454502584646464646464646464646464646464646464646464646",
    "464646464646464646464646464646464646464646464646464646464646464646464646464646464646464646464646",
    "07000882000109a6001a684ee180011a684ee18302582047474747474747474747474747474747474747474747474747",
    "47474747474747031a004c4b40041a004dd1e0051a004f5880",
);

fn out_of_range(field: &'static str, least: u64, most: u64, found: u64) -> Result<(), ReceiptError> {
    Err(ReceiptError::OutOfRange { field, least, most, found })
}

fn changed(change: impl FnOnce(&mut Receipt)) -> Receipt {
    let mut receipt = receipt();
    change(&mut receipt);
    receipt
}

#[test]
fn an_independent_encoder_agrees() {
    let golden = hex::decode(GOLDEN_PAYLOAD).unwrap();
    assert_eq!(receipt().encode(), golden);
    assert_eq!(Receipt::decode(&golden), Ok(receipt()));
    assert_eq!(
        hex::encode(receipt().digest()),
        "1de8746add3686f845e62e0fbdd354933b661e0d7531ecc7dd54599d98e0ceaf"
    );
}

#[test]
fn every_field_counts() {
    type Change = fn(&mut Receipt);
    let changes: [Change; 40] = [
        |r| r.version = 2,
        |r| r.number = 4,
        |r| r.previous = [0x89; 32],
        |r| r.run.component = [0; 32],
        |r| r.run.manifest = [0; 32],
        |r| r.run.sequence = 0,
        |r| r.run.exchange = 0,
        |r| r.leaves.root = [0; 32],
        |r| r.leaves.count = 10,
        |r| r.peer.host = "example.com".into(),
        |r| r.peer.address = [192, 0, 2, 8].into(),
        |r| r.peer.port = 8443,
        |r| r.tls.version = 0x0303,
        |r| r.tls.cipher_suite = 0x1302,
        |r| r.tls.group = 23,
        |r| r.tls.was_retried = true,
        |r| r.tls.alpn = None,
        |r| r.tls.alpn = Some(b"h2".to_vec()),
        |r| r.tls.client_random = [0; 32],
        |r| r.tls.server_random = Some([0; 32]),
        |r| r.tls.exporter = [0; 32],
        |r| r.tls.spki_sha256 = [0; 32],
        |r| r.tls.chain[2] = [0; 32],
        |r| r.tls.path = vec![0, 1],
        |r| r.tls.root_spki_sha256 = [0; 32],
        |r| r.tls.roots_digest = [0; 32],
        |r| r.tls.was_pinned = false,
        |r| r.tls.validity.not_before_s = 0,
        |r| r.tls.validity.not_after_s = 1_800_000_001,
        |r| r.tls.signature.scheme = 0x0503,
        |r| r.tls.signature.message[0] = 0,
        |r| r.tls.signature.signature[0] = 0,
        |r| r.request = RequestOutcome::Cut,
        |r| r.response = ResponseOutcome::Complete { end: BodyEnd::Length },
        |r| r.response = ResponseOutcome::Complete { end: BodyEnd::Closed },
        |r| r.response = ResponseOutcome::Truncated,
        |r| r.time.earliest_s -= 1,
        |r| r.time.latest_s += 1,
        |r| r.time.roughtime = None,
        |r| r.time.sent_us = 0,
    ];
    let mut digests: Vec<_> = changes.into_iter().map(|change| changed(change).digest()).collect();
    digests.push(changed(|r| r.time.first_byte_us += 1).digest());
    digests.push(changed(|r| r.time.last_byte_us += 1).digest());
    digests.push(receipt().digest());
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count, "two receipts have one digest");
}

#[test]
fn encoding_round_trips() {
    let truncated = changed(|r| {
        r.response = ResponseOutcome::Truncated;
        r.request = RequestOutcome::Cut;
        r.tls.alpn = None;
        r.tls.server_random = Some([1; 32]);
        r.time.roughtime = None;
    });
    let first = changed(|r| (r.number, r.previous) = (0, [0; 32]));
    let largest = changed(|r| {
        r.number = u64::MAX;
        r.peer.host = "a".repeat(253);
        r.tls.alpn = Some(vec![0; 255]);
        r.tls.chain = vec![[1; 32]; CERTIFICATES_MAX];
        r.tls.path = (0..10).collect();
        r.tls.signature.message = vec![2; 512];
        r.tls.signature.signature = vec![3; 1024];
    });
    for receipt in [&truncated, &first, &largest] {
        assert_eq!(Receipt::decode(&receipt.encode()).as_ref(), Ok(receipt));
    }
    assert!(largest.encode().len() <= RECEIPT_MAX_BYTES);
}

#[test]
fn limits_hold_for_every_field() {
    let host = "bytes of the host's name";
    let cases: [(fn(&mut Receipt), _); 18] = [
        (|r| r.leaves.count = 6, out_of_range("leaves", 7, 1024, 6)),
        (|r| r.leaves.count = 1025, out_of_range("leaves", 7, 1024, 1025)),
        (|r| r.peer.host.clear(), out_of_range(host, 1, 253, 0)),
        (|r| r.peer.host = "a".repeat(254), out_of_range(host, 1, 253, 254)),
        (|r| r.tls.alpn = Some(vec![]), out_of_range("bytes of ALPN", 1, 255, 0)),
        (|r| r.tls.alpn = Some(vec![0; 256]), out_of_range("bytes of ALPN", 1, 255, 256)),
        (|r| r.tls.chain.clear(), out_of_range("certificates", 1, 10, 0)),
        (|r| r.tls.chain = vec![[0; 32]; 11], out_of_range("certificates", 1, 10, 11)),
        (|r| r.tls.path.clear(), out_of_range("certificates of the path", 1, 3, 0)),
        (|r| r.tls.path = vec![0, 1, 2, 3], out_of_range("certificates of the path", 1, 3, 4)),
        (|r| r.tls.path = vec![1], out_of_range("first certificate of the path", 0, 0, 1)),
        (|r| r.tls.path = vec![0, 3], out_of_range("certificate of the path", 0, 2, 3)),
        (|r| r.tls.path = vec![0, 1, 0], Err(ReceiptError::PathRepeats { index: 0 })),
        (
            |r| r.tls.signature.message = vec![0; 513],
            out_of_range("bytes that the server signed", 1, 512, 513),
        ),
        (|r| r.tls.signature.signature.clear(), out_of_range("bytes of its signature", 1, 1024, 0)),
        (
            |r| r.tls.validity = Validity { not_before_s: 5, not_after_s: 4 },
            out_of_range("last second of the path", 5, u64::MAX, 4),
        ),
        (
            |r| r.time.latest_s = 1_749_999_999,
            out_of_range("latest second", 1_750_000_000, u64::MAX, 1_749_999_999),
        ),
        (
            |r| r.time.first_byte_us = 4_999_999,
            out_of_range("microsecond of the first byte", 5_000_000, u64::MAX, 4_999_999),
        ),
    ];
    for (change, refused) in cases {
        let receipt = changed(change);
        assert_eq!(receipt.check(), refused);
        assert_eq!(Receipt::decode(&receipt.encode()).map(drop), refused);
    }
    let late = changed(|r| r.time.last_byte_us = 5_099_999);
    let refused = out_of_range("microsecond of the last byte", 5_100_000, u64::MAX, 5_099_999);
    assert_eq!(late.check(), refused);
}

#[test]
fn hosts_can_be_printed() {
    for host in ["API.example.com", "a b", "a\u{1b}[m", "exämple.com", "a:443", "*.com"] {
        let receipt = changed(|receipt| receipt.peer.host = host.into());
        assert_eq!(receipt.check(), Err(ReceiptError::Host { found: host.into() }));
    }
    assert_eq!(changed(|receipt| receipt.peer.host = "192.0.2.7".into()).check(), Ok(()));
}

#[test]
fn only_the_first_has_no_previous() {
    let orphan = changed(|r| r.previous = [0; 32]);
    assert_eq!(orphan.check(), Err(ReceiptError::First { number: 3 }));
    let numbered = changed(|r| r.number = 0);
    assert_eq!(numbered.check(), Err(ReceiptError::First { number: 0 }));
}

#[test]
fn other_encodings_of_the_same_content_are_refused() {
    let bytes = receipt().encode();
    let indefinite = [&[0xBF], &bytes[1..], &[0xFF]].concat();
    let unknown = [&[0xAB], &bytes[1..], &[0x18, 0x63, 0x00]].concat();
    let trailing = [&bytes[..], &[0x00]].concat();
    for other in [indefinite, unknown, trailing] {
        assert_eq!(Receipt::decode(&other), Err(ReceiptError::NotDeterministic));
    }
    let repeated = [&[0xAB, 0x00, 0x01], &bytes[1..]].concat();
    assert!(Receipt::decode(&repeated).is_err());
    for length in 0..bytes.len() {
        assert!(Receipt::decode(&bytes[..length]).is_err(), "prefix of {length} bytes");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(Receipt::decode(&bytes).is_err());
    }

    #[test]
    fn whatever_decodes_has_one_encoding(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = receipt().encode();
        for (place, value) in changes {
            let index = place.index(bytes.len());
            bytes[index] = value;
        }
        if let Ok(receipt) = Receipt::decode(&bytes) {
            prop_assert_eq!(receipt.encode(), bytes);
        }
    }
}
