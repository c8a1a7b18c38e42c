//! One claim, every byte of it, and a vector made by other people's code.

use attestation_evidence::{INSTANCE_KEY_BYTES, Platform};
use p256::ecdsa::SigningKey;
use proptest::prelude::*;

use super::*;
use crate::{Digested, LIMIT_NAME_MAX_BYTES, Measured, Outcome, Transcript, Usage};

fn instance_key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn public_key(key: &SigningKey) -> [u8; INSTANCE_KEY_BYTES] {
    key.verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap()
}

fn evidence() -> Evidence {
    Evidence {
        platform: Platform::Simulated,
        report: vec![1; 8],
        endorsement: vec![2; 4],
        instance_key: public_key(&instance_key()),
        hpke_key: None,
        manifest: br#"{"name":"golden"}"#.to_vec(),
    }
}

fn claim() -> Claim {
    Claim {
        component: [0x11; 32],
        artefact: [0x22; 32],
        manifest: Sha256::digest(&evidence().manifest).into(),
        input: Digested { sha256: [0x44; 32], bytes: 10_485_760 },
        output: Digested { sha256: [0x55; 32], bytes: 321 },
        outcome: Outcome::LimitExceeded { limit: "fuel".into() },
        sequence: 3,
        transcript: Transcript { root: [0x99; 32], entries: 12, bytes: 4711 },
        receipts_root: Some([0xAA; 32]),
        usage: Usage { fuel: 1_234_567_890_123, component_memory_bytes: 65536, error_output_bytes: 0 },
        measured: Measured { run_us: 987_654, heap_peak_bytes: 1 << 25 },
    }
}

const PLACE: ChainPlace = ChainPlace { number: 5, previous: [0x88; 32] };

/// The second of three.
fn sign(claim: &Claim) -> Vec<u8> {
    let numbered = |sequence| Claim { sequence, ..self::claim() }.encode();
    let claims = [numbered(2), claim.encode(), numbered(4)];
    let batch = sign_claims(&claims, PLACE, &evidence(), &instance_key()).unwrap();
    open_claims(&batch.bytes, &claims).unwrap().nth(1).unwrap()
}

/// Signs this payload in the place of the batch's.
fn sign_payload(envelope: &Envelope<'_>, payload: &[u8]) -> Vec<u8> {
    let signature = instance_key().ecdsa_p256_sha256(&to_be_signed(envelope.protected, payload)).unwrap();
    let opening = envelope.opening.clone();
    Envelope { opening, payload, signature: &signature, ..*envelope }.encode()
}

fn check(bytes: &[u8]) -> Result<VerifiedClaim, ClaimError> {
    SignedClaim::parse(bytes)?.verify()
}

#[test]
fn signed_claims_verify() {
    let bytes = sign(&claim());
    let verified = check(&bytes).unwrap();
    assert_eq!(verified.claim(), &claim());
    assert_eq!(verified.evidence(), &evidence());
    assert_eq!((verified.batch().number, verified.batch().claims), (5, 3));
    for claim in [
        Claim { outcome: Outcome::Exited { code: 9 }, sequence: 0, ..claim() },
        Claim { outcome: Outcome::Trapped, receipts_root: None, ..claim() },
    ] {
        assert_eq!(check(&sign(&claim)).unwrap().claim(), &claim);
    }
}

#[test]
fn every_claim_of_a_batch_has_its_file() {
    let claims: Vec<_> = (0..7).map(|sequence| Claim { sequence, ..claim() }).collect();
    let encoded: Vec<_> = claims.iter().map(Claim::encode).collect();
    let batch = sign_claims(&encoded, PLACE, &evidence(), &instance_key()).unwrap();
    let files: Vec<_> = open_claims(&batch.bytes, &encoded).unwrap().collect();
    assert_eq!(files.len(), claims.len());
    for (file, claim) in files.iter().zip(&claims) {
        let verified = check(file).unwrap();
        assert_eq!((verified.claim(), verified.digest()), (claim, &batch.digest));
    }
    assert_eq!(SignedClaim::parse(&batch.bytes).unwrap_err(), ClaimError::NoOpening);
    let others = [&encoded[1..], &encoded[..1]].concat();
    for wrong in [&encoded[..6], &others, &[]] {
        let found = wrong.len() as u64;
        let refused = open_claims(&batch.bytes, wrong).err();
        assert_eq!(refused, Some(ClaimError::OtherClaims { expected: 7, found }));
    }
    assert!(open_claims(&files[0], &encoded).is_err(), "a claim is no batch");
    // A file's claim in the place of another one's.
    let (first, second) = (Envelope::decode(&files[0]).unwrap(), Envelope::decode(&files[1]).unwrap());
    let (Some(first), Some(opening)) = (first.opening, second.opening.clone()) else { panic!("opened") };
    for opening in [
        Opening { claim: first.claim, ..opening.clone() },
        Opening { index: 2, ..opening.clone() },
        Opening { index: u64::MAX, ..opening.clone() },
        Opening { path: opening.path[1..].to_vec(), ..opening.clone() },
        Opening { path: Vec::new(), ..opening },
    ] {
        let index = opening.index;
        let forged = Envelope { opening: Some(opening), ..second }.encode();
        assert_eq!(check(&forged), Err(ClaimError::Opening { index, claims: 7 }));
    }
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
///
/// key = ec.derive_private_key(int.from_bytes(bytes([7] * 32), "big"), ec.SECP256R1())
/// public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
/// manifest = b'{"name":"golden"}'
/// evidence = dump({0: 1, 1: 1, 2: bytes([1] * 8), 3: bytes([2] * 4), 4: public, 6: manifest})
/// claims = [dump({
///     0: bytes([0x11] * 32), 1: bytes([0x22] * 32), 2: sha(manifest),
///     3: {0: bytes([0x44] * 32), 1: 10_485_760}, 4: {0: bytes([0x55] * 32), 1: 321},
///     5: [2, "fuel"], 6: number,
///     7: {0: bytes([0x99] * 32), 1: 12, 2: 4711}, 8: bytes([0xAA] * 32),
///     9: {0: 1_234_567_890_123, 1: 65536, 2: 0}, 10: {0: 987_654, 1: 1 << 25},
/// }) for number in (2, 3, 4)]
/// first, second, third = (sha(b"\x00" + claim) for claim in claims)
/// root = sha(b"\x01" + sha(b"\x01" + first + second) + third)
/// batch = dump({0: 3, 1: 5, 2: bytes([0x88] * 32), 3: 3, 4: root})
/// protected = dump({1: -7, 3: "application/redoubt-claim+cbor", -65537: sha(evidence)})
/// signed = dump(["Signature1", protected, b"redoubt claim 3", batch])
/// r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
/// signature = r.to_bytes(32, "big") + min(s, N - s).to_bytes(32, "big")
/// headers = {-65538: evidence, -65539: [claims[1], 1, [first, third]]}
/// print(dump(cbor2.CBORTag(18, [protected, headers, batch, signature])).hex())
/// ```
const GOLDEN_CLAIM: &str = concat!(
    "d284584ba3012603781e6170706c69636174696f6e2f7265646f7562742d636c61696d2b63626f723a0001000058203b",
    "315b568f83db84d68931d80c682c3eba962eb57239de5819e056520284fdcba23a00010001586ca60001010102480101",
    "010101010101034402020202045841041e18532fd4754c02f3041d9c75ceb33b83ffd81ac7ce4fe882ccb1c98bc5896e",
    "a46c311c4e2ff40dd96a3653e6e45445d32dfe486eced75c7a90c6a18881c0a306517b226e616d65223a22676f6c6465",
    "6e227d3a0001000283590138ab0058201111111111111111111111111111111111111111111111111111111111111111",
    "01582022222222222222222222222222222222222222222222222222222222222222220258200549f748d3e603eff238",
    "46b1ff8d9a48d6009ca8f2e2adcd4a7bec7609c3c35803a2005820444444444444444444444444444444444444444444",
    "4444444444444444444444011a00a0000004a20058205555555555555555555555555555555555555555555555555555",
    "55555555555501190141058202646675656c060307a30058209999999999999999999999999999999999999999999999",
    "999999999999999999010c02191267085820aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "aaaa09a3001b0000011f71fb04cb011a0001000002000aa2001a000f1206011a0200000001825820b211aa30c1f544cd",
    "7f1d8652b9be0d839db99a60831f77317ac73421152a366258207d754df21f11fdf0f3761b61251fb033ff52bbd46821",
    "b428164fcaeb5c3f6d2a584da50003010502582088888888888888888888888888888888888888888888888888888888",
    "888888880303045820cf5a00fddc8a46083734ed72d0d4fbcfd67268487c638026df567fac6654a3a5584001d15aeb79",
    "f135dfcb495534a57804e346f36b60abb4385affb460b8baa836c207a85be6192a83d3e5bb953ba193f4ee7f21ddfb15",
    "48f66304e92b4da352b1d5",
);

#[test]
fn an_independent_implementation_agrees() {
    let golden = hex::decode(GOLDEN_CLAIM).unwrap();
    assert_eq!(check(&golden).unwrap().claim(), &claim());
    assert_eq!(sign(&claim()), golden, "RFC 6979 makes signatures comparable");
}

#[test]
fn no_byte_can_change() {
    let bytes = sign(&claim());
    for index in 0..bytes.len() {
        let mut forged = bytes.clone();
        forged[index] ^= 1;
        assert!(check(&forged).is_err(), "byte {index}");
    }
}

#[test]
fn no_prefix_and_no_suffix_parses() {
    let bytes = sign(&claim());
    for length in 0..bytes.len() {
        assert!(SignedClaim::parse(&bytes[..length]).is_err(), "prefix of {length} bytes");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(SignedClaim::parse(&longer).unwrap_err(), ClaimError::NotDeterministic);
    let huge = vec![0; CLAIM_MAX_BYTES + 1];
    let refused = ClaimError::TooLong { limit: CLAIM_MAX_BYTES, found: CLAIM_MAX_BYTES + 1 };
    assert_eq!(SignedClaim::parse(&huge).unwrap_err(), refused);
}

#[test]
fn the_other_s_is_refused() {
    let mut bytes = sign(&claim());
    let start = bytes.len() - SIGNATURE_BYTES;
    let signature = Signature::from_slice(&bytes[start..]).unwrap();
    let (r, s) = signature.split_scalars();
    let other = Signature::from_scalars(r, -*s).unwrap();
    bytes[start..].copy_from_slice(&other.to_bytes());
    assert_eq!(check(&bytes), Err(ClaimError::Signature));
}

#[test]
fn evidence_cannot_be_exchanged() {
    let bytes = sign(&claim());
    let envelope = Envelope::decode(&bytes).unwrap();
    let other = Evidence { endorsement: vec![3; 4], ..evidence() }.encode();
    let exchanged = Envelope { evidence: &other, ..envelope }.encode();
    assert_eq!(check(&exchanged), Err(ClaimError::EvidenceDigest));
}

#[test]
fn another_key_signs_in_vain() {
    let thief = SigningKey::from_slice(&[8; 32]).unwrap();
    let (stolen, _) = sign_claim(&claim(), PLACE, &evidence(), &thief).unwrap();
    assert_eq!(check(&stolen), Err(ClaimError::Signature));
    let no_point = Evidence { instance_key: [4; INSTANCE_KEY_BYTES], ..evidence() };
    let (keyless, _) = sign_claim(&claim(), PLACE, &no_point, &instance_key()).unwrap();
    assert_eq!(check(&keyless), Err(ClaimError::InstanceKey));
}

#[test]
fn what_the_key_does_not_sign_is_no_claim() {
    #[derive(Debug)]
    struct Broken;
    impl P256Signer for Broken {
        fn public_key(&self) -> [u8; INSTANCE_KEY_BYTES] {
            public_key(&instance_key())
        }
        fn ecdsa_p256_sha256(&self, _message: &[u8]) -> Result<[u8; SIGNATURE_BYTES], SigningError> {
            Err(SigningError)
        }
    }
    assert_eq!(sign_claims(&[claim().encode()], PLACE, &evidence(), &Broken), Err(SigningError));
    assert_eq!(sign_claim(&claim(), PLACE, &evidence(), &Broken), Err(SigningError));
}

#[test]
fn claim_and_evidence_are_of_one_manifest() {
    let other = Claim { manifest: [9; 32], ..claim() };
    assert_eq!(check(&sign(&other)), Err(ClaimError::Manifest));
}

#[test]
fn the_content_is_checked() {
    let name = "x".repeat(LIMIT_NAME_MAX_BYTES + 1);
    let limit = Claim { outcome: Outcome::LimitExceeded { limit: name }, ..claim() };
    assert_eq!(check(&sign(&limit)), Err(ClaimError::LimitName { limit: 64, found: 65 }));
    let bytes = sign(&claim());
    let envelope = Envelope::decode(&bytes).unwrap();
    let batch = Batch::decode(envelope.payload).unwrap();
    let check = |batch: &Batch| check(&sign_payload(&envelope, &batch.encode())).map(drop);
    assert_eq!(check(&batch), Ok(()));
    let version = Batch { version: 2, ..batch };
    assert_eq!(check(&version), Err(ClaimError::Version { expected: 3, found: 2 }));
    assert_eq!(check(&Batch { number: 0, ..batch }), Err(ClaimError::Chain { number: 0 }));
    assert_eq!(check(&Batch { previous: [0; 32], ..batch }), Err(ClaimError::Chain { number: 5 }));
    assert_eq!(check(&Batch { claims: 9, ..batch }), Err(ClaimError::Opening { index: 1, claims: 9 }));
}

#[test]
fn other_headers_and_other_payload_encodings_are_refused() {
    let bytes = sign(&claim());
    let envelope = Envelope::decode(&bytes).unwrap();
    let mut header = envelope.protected.to_vec();
    // `a3 01 26 …`: algorithm -7 becomes -8.
    assert_eq!(header[..3], [0xA3, 0x01, 0x26]);
    header[2] = 0x27;
    let other = Envelope { protected: &header, ..envelope }.encode();
    assert_eq!(check(&other), Err(ClaimError::ProtectedHeader));

    let envelope = Envelope::decode(&bytes).unwrap();
    // `a5 00 03 …`: version 3 in two bytes, signed by the right key.
    assert_eq!(envelope.payload[..3], [0xA5, 0x00, 0x03]);
    let payload = [&[0xA5, 0x00, 0x18, 0x03], &envelope.payload[3..]].concat();
    let long_form = sign_payload(&envelope, &payload);
    assert_eq!(check(&long_form), Err(ClaimError::NotDeterministic));
}

#[test]
fn a_length_field_allocates_nothing() {
    // Tag 18, array of four, protected header that claims 2^63 bytes.
    let lie = [0xD2, 0x84, 0x5B, 0x80, 0, 0, 0, 0, 0, 0, 0];
    assert!(matches!(SignedClaim::parse(&lie), Err(ClaimError::Structure { .. })));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(SignedClaim::parse(&bytes).is_err());
    }

    #[test]
    fn no_changes_verify(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let original = sign(&claim());
        let mut bytes = original.clone();
        for (place, value) in changes {
            let index = place.index(bytes.len());
            bytes[index] = value;
        }
        prop_assert_eq!(check(&bytes).is_ok(), bytes == original);
    }
}
