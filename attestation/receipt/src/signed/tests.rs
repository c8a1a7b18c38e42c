//! One file, every byte of it, and a vector made by other people's code.

use attestation_signature::SigningError;
use p256::ecdsa::SigningKey;
use proptest::prelude::*;

use super::*;
use crate::fixtures::{BODY, bare, certificates, evidence, full, key, opening, public_key, receipt, sha256};
use crate::{Kind, Place, RECEIPT_MAX_BYTES};

fn check_file(bytes: &[u8]) -> Result<VerifiedReceipt, ReceiptError> {
    SignedReceipt::parse(bytes)?.verify()
}

/// The authority, the body of the response, and its only chunk.
fn presentation() -> SignedReceipt {
    full().redacted(|disclosure| match disclosure {
        Disclosure::Leaf(leaf) => matches!(leaf.value.kind(), Kind::Authority | Kind::ResponseBody),
        Disclosure::Chunk(_) => true,
    })
}

/// Signs this payload, whatever it is.
fn sign_payload(payload: &[u8]) -> Vec<u8> {
    let evidence = evidence().encode();
    let protected = protected_header(&sha256(&evidence));
    let signature = key().ecdsa_p256_sha256(&to_be_signed(&protected, payload)).unwrap();
    let evidence = Some(evidence.as_slice());
    Envelope { protected: &protected, evidence, payload, signature: &signature, ..Envelope::default() }
        .encode()
}

/// The same file with other parts.
fn changed(change: impl FnOnce(&mut Envelope<'_>)) -> Vec<u8> {
    let bytes = full().encode();
    let mut envelope = Envelope::decode(&bytes).unwrap();
    change(&mut envelope);
    envelope.encode()
}

#[test]
fn signed_receipts_verify() {
    let verified = check_file(&full().encode()).unwrap();
    assert_eq!(verified.receipt(), &receipt());
    assert_eq!(verified.digest(), &receipt().digest());
    assert_eq!(verified.evidence(), &evidence());
    assert_eq!(verified.certificates(), certificates());
    assert_eq!(verified.disclosures().len(), 10);
    let values = opening();
    let shown = values.values().iter().enumerate();
    let shown: Vec<_> = shown.map(|(index, value)| Content::Shown { index: index as u64, value }).collect();
    assert_eq!(verified.contents(), shown);
    assert_eq!(verified.pieces(BodySide::Request), Some(vec![]));
    assert_eq!(verified.pieces(BodySide::Response), Some(vec![Piece::Shown { offset: 0, bytes: BODY }]));
    assert_eq!(verified.body(BodySide::Response), opening().body(BodySide::Response));
}

/// Printed by this script, with `cbor2` 6.3.0 and `cryptography` 50.0.2 from PyPI; nothing of ours takes part:
/// ```python
/// import hashlib
/// import cbor2
/// from cryptography.hazmat.primitives import hashes
/// from cryptography.hazmat.primitives.asymmetric import ec
/// from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
/// from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
///
/// N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
/// dump = lambda value: cbor2.dumps(value, canonical=True)
/// sha = lambda data: hashlib.sha256(data).digest()
/// derive = lambda label, secret, i: sha(label + secret + i.to_bytes(8, "big"))
/// salt = lambda secret, i: derive(b"redoubt receipt salt 1", secret, i)[:16]
/// leaf_hash = lambda leaf: sha(b"\x00" + leaf)
/// node = lambda left, right: sha(b"\x01" + left + right)
///
/// key = ec.derive_private_key(int.from_bytes(bytes([7] * 32), "big"), ec.SECP256R1())
/// public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
/// manifest = b'{"name":"golden"}'
/// evidence = dump({0: 1, 1: 1, 2: bytes([1] * 8), 3: bytes([2] * 4), 4: public, 6: manifest})
/// secret = bytes([5] * 32)
/// body_secret = derive(b"redoubt receipt body 1", secret, 1)
/// chunk = dump([salt(body_secret, 0), 11, 0, b"hello"])
/// values = [
///     [0, "GET"], [1, "https"], [2, "api.example.com"], [3, "/v1?x=1"], [4, "accept", b"*/*"],
///     [5, 0, 0, sha(b"")], [7, 200], [8, "content-type", b"text/plain"], [9, 5, 1, leaf_hash(chunk)],
/// ]
/// leaves = [dump([salt(secret, i)] + value) for i, value in enumerate(values)]
/// h = [leaf_hash(leaf) for leaf in leaves]
/// pairs = [node(h[i], h[i + 1]) for i in (0, 2, 4, 6)]
/// halves = [node(pairs[0], pairs[1]), node(pairs[2], pairs[3])]
/// eight = node(*halves)
/// root = node(eight, h[8])
/// signed = b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + bytes([0x45] * 32)
/// certificates = [b"server", b"stranger", b"issuer"]
/// receipt = dump({
///     0: 1, 1: 3, 2: bytes([0x88] * 32),
///     3: {0: bytes([0x11] * 32), 1: sha(manifest), 2: 2, 3: 1},
///     4: {0: root, 1: 9},
///     5: {0: "api.example.com", 1: bytes([192, 0, 2, 7]), 2: 443},
///     6: {
///         0: 0x0304, 1: 0x1301, 2: 29, 3: False, 4: b"http/1.1", 5: bytes([0x41] * 32), 7: bytes([0x42] * 32),
///         8: sha(b"key of the server"), 9: [sha(der) for der in certificates], 10: [0, 2],
///         11: bytes([0x43] * 32), 12: bytes([0x44] * 32), 13: True, 14: {0: 1_700_000_000, 1: 1_800_000_000},
///         15: {0: 0x0403, 1: signed, 2: bytes([0x46] * 70)},
///     },
///     7: 0, 8: [0, 1],
///     9: {0: 1_750_000_000, 1: 1_750_000_003, 2: bytes([0x47] * 32), 3: 5_000_000, 4: 5_100_000, 5: 5_200_000},
/// })
/// protected = dump({1: -7, 3: "application/redoubt-receipt+cbor", -65537: sha(evidence)})
/// to_be_signed = dump(["Signature1", protected, b"redoubt receipt 1", receipt])
/// r, s = decode_dss_signature(key.sign(to_be_signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
/// signature = r.to_bytes(32, "big") + min(s, N - s).to_bytes(32, "big")
/// enclosed = {
///     -65538: evidence,
///     -65540: [[2, leaves[2], [h[3], pairs[0], halves[1], h[8]]], [8, leaves[8], [eight]]],
///     -65541: [[9, chunk, []]],
///     -65542: certificates,
/// }
/// print(dump(cbor2.CBORTag(18, [protected, enclosed, receipt, signature])).hex())
/// ```
const GOLDEN_RECEIPT: &str = concat!(
    "d284584da301260378206170706c69636174696f6e2f7265646f7562742d726563656970742b63626f723a0001000058",
    "203b315b568f83db84d68931d80c682c3eba962eb57239de5819e056520284fdcba43a00010001586ca6000101010248",
    "0101010101010101034402020202045841041e18532fd4754c02f3041d9c75ceb33b83ffd81ac7ce4fe882ccb1c98bc5",
    "896ea46c311c4e2ff40dd96a3653e6e45445d32dfe486eced75c7a90c6a18881c0a306517b226e616d65223a22676f6c",
    "64656e227d3a0001000382830258238350b88bdf685bd36bb290962e0643c99c3c026f6170692e6578616d706c652e63",
    "6f6d8458204a08e1e6a94b12456ca1b38b0717687bee55a515b7ce04ffab92f607f71ceaa658201b581c1174b7b21da0",
    "ee5e1241e46de1b2e7baaea5d628a9eba8b29e5e424b765820ad09474d8ccd07b921854f4315e4b314d770b5df441d88",
    "872f930f7c6daa96c058203f44f099266724fa18a5f4d034f3a8f3ca7d6a76e02c656e2eba94005c339a9d8308583785",
    "5004d46abddf6d28c86d61430bc4e0566b0905015820b3ce484bb948f3dfe6d94d4daf74d9989a766c529278e1fecfb6",
    "14482dc5aaa781582010a4f9f4778ae7ae602ad0de5563f35c2bcdbd4ceaa8d7971a747f05cb45c8c33a000100048183",
    "09581a845068aed18877e41f3e547735d7546bc66f0b004568656c6c6f803a0001000583467365727665724873747261",
    "6e67657246697373756572590319aa000101030258208888888888888888888888888888888888888888888888888888",
    "88888888888803a400582011111111111111111111111111111111111111111111111111111111111111110158200549",
    "f748d3e603eff23846b1ff8d9a48d6009ca8f2e2adcd4a7bec7609c3c3580202030104a2005820642172692bb06e2401",
    "9c497c246e4e09b04a08f5efd14c0ea92e8ccbe43a9c4d010905a3006f6170692e6578616d706c652e636f6d0144c000",
    "0207021901bb06af001903040119130102181d03f40448687474702f312e310558204141414141414141414141414141",
    "414141414141414141414141414141414141075820424242424242424242424242424242424242424242424242424242",
    "424242424208582098da6b618f82ee89aeb3a81541b4547c73de69d37b632563c6b63cde38a35d0509835820b3eacd33",
    "433b31b5252351032c9b3e7a2e7aa7738d5decdf0dd6c62680853c0658208aca4f36774f82a67c507cb9c96679482e2c",
    "c767f2d38502269557a566b092fb5820535c6f8eb511f5d966a1b0725df92ebf27514faba945cbbd698e23ac72c41757",
    "0a8200020b582043434343434343434343434343434343434343434343434343434343434343430c5820444444444444",
    "44444444444444444444444444444444444444444444444444440df50ea2001a6553f100011a6b49d2000fa300190403",
    "015882202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020",
    "20202020202020202020202020202020202020544c5320312e332c207365727665722043657274696669636174655665",
    "726966790045454545454545454545454545454545454545454545454545454545454545450258464646464646464646",
    "464646464646464646464646464646464646464646464646464646464646464646464646464646464646464646464646",
    "464646464646464646464646464607000882000109a6001a684ee180011a684ee1830258204747474747474747474747",
    "474747474747474747474747474747474747474747031a004c4b40041a004dd1e0051a004f58805840ecf08d9cc139d5",
    "74de3e70f8dbc0a7bacea0383a4c22f0b8413027fb05fd86f94ac325dfa48603ec03cae1e0f91656e79408bfeaef1ebd",
    "22411d4bf1b69e67da",
);

#[test]
fn an_independent_implementation_agrees() {
    let golden = ::hex::decode(GOLDEN_RECEIPT).unwrap();
    assert_eq!(check_file(&golden).unwrap().receipt(), &receipt());
    assert_eq!(presentation().encode(), golden, "RFC 6979 makes signatures comparable");
}

#[test]
fn no_byte_can_change() {
    for signed in [presentation(), full()] {
        let bytes = signed.encode();
        for index in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[index] ^= 1;
            assert!(check_file(&forged).is_err(), "byte {index}");
        }
    }
}

#[test]
fn no_prefix_and_no_suffix_parses() {
    let bytes = presentation().encode();
    for length in 0..bytes.len() {
        assert!(SignedReceipt::parse(&bytes[..length]).is_err(), "prefix of {length} bytes");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(SignedReceipt::parse(&longer).unwrap_err(), ReceiptError::NotDeterministic);
    let (limit, found) = (SIGNED_RECEIPT_MAX_BYTES, SIGNED_RECEIPT_MAX_BYTES + 1);
    assert_eq!(SignedReceipt::parse(&vec![0; found]).unwrap_err(), ReceiptError::TooLong { limit, found });
    let long = sign_payload(&[0; RECEIPT_MAX_BYTES + 1]);
    assert!(matches!(check_file(&long), Err(ReceiptError::TooLong { limit: RECEIPT_MAX_BYTES, .. })));
}

#[test]
fn the_other_s_is_refused() {
    let mut bytes = full().encode();
    let start = bytes.len() - SIGNATURE_BYTES;
    let signature = Signature::from_slice(&bytes[start..]).unwrap();
    let (r, s) = signature.split_scalars();
    let other = Signature::from_scalars(r, -*s).unwrap();
    bytes[start..].copy_from_slice(&other.to_bytes());
    assert_eq!(check_file(&bytes), Err(ReceiptError::Signature));
}

#[test]
fn evidence_is_enclosed_or_apart_but_never_another() {
    let apart = full().without_evidence();
    assert_eq!(check_file(&apart.encode()), Err(ReceiptError::NoEvidence));
    let read = SignedReceipt::parse(&apart.encode()).unwrap();
    assert_eq!(read.evidence_digest(), &sha256(&evidence().encode()));
    assert_eq!(read.clone().verify_with(evidence()).unwrap().receipt(), &receipt());
    let other = Evidence { endorsement: vec![3; 4], ..evidence() };
    let found = sha256(&other.encode());
    let refused = ReceiptError::EvidenceDigest { expected: sha256(&evidence().encode()), found };
    assert_eq!(read.clone().verify_with(other.clone()).unwrap_err(), refused);
    assert_eq!(read.with_evidence(other.clone()).unwrap_err(), refused);
    let encoded = other.encode();
    let bytes = full().encode();
    let mut envelope = Envelope::decode(&bytes).unwrap();
    envelope.evidence = Some(&encoded);
    assert_eq!(check_file(&envelope.encode()), Err(refused));
}

#[test]
fn another_key_signs_in_vain() {
    let thief = SigningKey::from_slice(&[8; 32]).unwrap();
    let digest = sha256(&evidence().encode());
    let stolen = sign_receipt(&receipt(), &digest, &thief).unwrap();
    assert_eq!(stolen.verify_with(evidence()), Err(ReceiptError::Signature));
    for (instance_key, refused) in
        [([4; 65], ReceiptError::InstanceKey), (public_key(&thief), ReceiptError::Signature)]
    {
        let other = Evidence { instance_key, ..evidence() };
        let signed = sign_receipt(&receipt(), &sha256(&other.encode()), &key()).unwrap();
        assert_eq!(signed.verify_with(other), Err(refused));
    }
}

#[test]
fn what_the_key_does_not_sign_is_no_receipt() {
    #[derive(Debug)]
    struct Broken;
    impl P256Signer for Broken {
        fn public_key(&self) -> [u8; 65] {
            public_key(&key())
        }
        fn ecdsa_p256_sha256(&self, _message: &[u8]) -> Result<P256Signature, SigningError> {
            Err(SigningError)
        }
    }
    let refused = sign_receipt(&receipt(), &[0; 32], &Broken).unwrap_err();
    assert_eq!(refused, ReceiptError::Unsigned(SigningError));
}

#[test]
fn receipt_and_evidence_are_of_one_manifest() {
    let mut other = receipt();
    other.run.manifest = [9; 32];
    let refused = ReceiptError::Manifest { expected: receipt().run.manifest, found: [9; 32] };
    assert_eq!(bare(&other).verify_with(evidence()), Err(refused));
}

#[test]
fn what_nobody_would_read_is_not_signed() {
    let mut strange = receipt();
    strange.version = 2;
    let refused = ReceiptError::Version { expected: 1, found: 2 };
    assert_eq!(sign_receipt(&strange, &[0; 32], &key()).unwrap_err(), refused);
    assert_eq!(check_file(&sign_payload(&strange.encode())), Err(refused));
}

#[test]
fn certificates_are_those_that_were_presented() {
    let digest = |index: usize| sha256(&certificates()[index]);
    let mut swapped = certificates();
    swapped.swap(1, 2);
    let refused = ReceiptError::Certificate { index: 1, expected: digest(1), found: digest(2) };
    assert_eq!(bare(&receipt()).with_certificates(swapped.clone()).unwrap_err(), refused);
    let file = changed(|envelope| envelope.certificates = swapped);
    assert_eq!(SignedReceipt::parse(&file).unwrap_err(), refused);
    for found in [1, 2, 4] {
        let certificates = [certificates(), certificates()].concat()[..found].to_vec();
        let file = changed(|envelope| envelope.certificates = certificates);
        let refused = ReceiptError::CertificateCount { expected: 3, found };
        assert_eq!(SignedReceipt::parse(&file).unwrap_err(), refused);
    }
    let many = changed(|envelope| envelope.certificates = vec![Vec::new(); 11]);
    assert!(matches!(SignedReceipt::parse(&many), Err(ReceiptError::Structure { .. })));
    let without = check_file(&full().without_certificates().encode()).unwrap();
    assert!(without.certificates().is_empty());
}

#[test]
fn other_headers_and_other_encodings_are_refused() {
    let bytes = full().encode();
    let mut envelope = Envelope::decode(&bytes).unwrap();
    let mut header = envelope.protected.to_vec();
    // `a3 01 26 …`: algorithm -7 becomes -8.
    assert_eq!(header[..3], [0xA3, 0x01, 0x26]);
    header[2] = 0x27;
    envelope.protected = &header;
    assert_eq!(check_file(&envelope.encode()), Err(ReceiptError::ProtectedHeader));
    envelope.protected = &[];
    assert_eq!(check_file(&envelope.encode()), Err(ReceiptError::ProtectedHeader));
    // `aa 00 01 …`: version 1 in two bytes, signed by the right key.
    let payload = receipt().encode();
    assert_eq!(payload[..3], [0xAA, 0x00, 0x01]);
    let long_form = [&[0xAA, 0x00, 0x18, 0x01], &payload[3..]].concat();
    assert_eq!(check_file(&sign_payload(&long_form)), Err(ReceiptError::NotDeterministic));
    // An unprotected map of one empty list of leaves.
    let bytes = bare(&receipt()).encode();
    let at = bytes.windows(2).position(|pair| pair == [0xA0, 0x59]).unwrap();
    let empty = [&bytes[..at], &[0xA1, 0x3A, 0, 1, 0, 3, 0x80], &bytes[at + 1..]].concat();
    assert_eq!(SignedReceipt::parse(&empty).unwrap_err(), ReceiptError::NotDeterministic);
}

/// Headers have one order, and each is there once.
#[test]
fn other_unprotected_headers_are_refused() {
    let bytes = full().encode();
    let envelope = Envelope::decode(&bytes).unwrap();
    let evidence = envelope.evidence.unwrap();
    let file = |headers: [i64; 2]| {
        crate::written::written(|encoder| {
            encoder.tag(minicbor::data::Tag::new(18))?.array(4)?.bytes(envelope.protected)?.map(2)?;
            for header in headers {
                encoder.i64(header)?;
                match header {
                    -65_542 => {
                        encoder.array(3)?;
                        certificates().iter().try_for_each(|der| encoder.bytes(der).map(drop))?;
                    }
                    _ => drop(encoder.bytes(evidence)?),
                }
            }
            encoder.bytes(envelope.payload)?.bytes(envelope.signature).map(drop)
        })
    };
    assert!(check_file(&file([-65_538, -65_542])).is_ok());
    for headers in [[-65_542, -65_538], [-65_538, -65_538], [-65_542, -65_542]] {
        assert_eq!(check_file(&file(headers)), Err(ReceiptError::NotDeterministic), "{headers:?}");
    }
    assert!(matches!(check_file(&file([-65_538, -65_543])), Err(ReceiptError::Structure { .. })));
}

#[test]
fn lists_have_limits() {
    let changes: [fn(&mut Envelope<'_>); 3] = [
        |envelope| envelope.leaves[0].path = vec![[0; 32]; 33],
        |envelope| {
            let leaf = |_| ShownLeaf { index: 0, leaf: vec![], path: vec![] };
            envelope.leaves = (0..1025).map(leaf).collect();
        },
        |envelope| {
            let chunk = |_| ShownChunk { body: BodySide::Request, leaf: vec![], path: vec![] };
            envelope.chunks = (0..1025).map(chunk).collect();
        },
    ];
    for change in changes {
        let refused = SignedReceipt::parse(&changed(change));
        assert!(matches!(refused, Err(ReceiptError::Structure { .. })));
    }
}

#[test]
fn what_is_shown_is_a_leaf_and_a_chunk() {
    let file = changed(|envelope| envelope.leaves[3].leaf = vec![0x80]);
    assert_eq!(SignedReceipt::parse(&file).unwrap_err(), ReceiptError::Leaf { index: 3 });
    let file = changed(|envelope| envelope.chunks[0].leaf.push(0));
    assert_eq!(SignedReceipt::parse(&file).unwrap_err(), ReceiptError::Chunk { number: 0 });
    let file = changed(|envelope| envelope.leaves.swap(4, 5));
    let (before, place) = (Place::Leaf(5), Place::Leaf(4));
    assert_eq!(SignedReceipt::parse(&file).unwrap_err(), ReceiptError::Order { before, place });
}

#[test]
fn a_length_field_allocates_nothing() {
    // Tag 18, array of four, protected header that claims 2^63 bytes; then a list that claims as many leaves.
    let lie = [0xD2, 0x84, 0x5B, 0x80, 0, 0, 0, 0, 0, 0, 0];
    assert!(matches!(SignedReceipt::parse(&lie), Err(ReceiptError::Structure { .. })));
    let list = [0xD2, 0x84, 0x40, 0xA1, 0x3A, 0, 1, 0, 3, 0x9B, 0x80, 0, 0, 0, 0, 0, 0, 0];
    assert!(matches!(SignedReceipt::parse(&list), Err(ReceiptError::Structure { .. })));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(SignedReceipt::parse(&bytes).is_err());
    }

    #[test]
    fn no_changes_verify(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let original = full().encode();
        let mut bytes = original.clone();
        for (place, value) in changes {
            let index = place.index(bytes.len());
            bytes[index] = value;
        }
        prop_assert_eq!(check_file(&bytes).is_ok(), bytes == original);
    }
}
