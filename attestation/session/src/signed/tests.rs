//! What proofs hold, and what they are refused for.

use attestation_evidence::Platform;
use attestation_signature::RustCrypto;
use p256::ecdsa::SigningKey;
use proptest::prelude::*;

use super::*;
use crate::Role;

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn evidence_of(key: &SigningKey, manifest: &[u8]) -> KnownEvidence {
    KnownEvidence::new(Evidence {
        platform: Platform::Simulated,
        report: vec![1; 40],
        endorsement: vec![2; 20],
        instance_key: key.public_key(),
        hpke_key: None,
        manifest: manifest.to_vec(),
    })
}

fn connection() -> Connection {
    Connection {
        role: Role::Server,
        prover_nonce: [1; 32],
        asker_nonce: [2; 32],
        prover_spki: [3; 32],
        asker_spki: [0; 32],
        exporter: [4; 32],
    }
}

fn statement() -> Statement {
    Statement { connection: connection(), manifest: Sha256::digest(b"{}").into(), time: Some((5, 9)) }
}

fn proof(known: Option<&[u8; 32]>) -> Vec<u8> {
    sign_session(&statement(), &evidence_of(&key(), b"{}"), known, &key()).unwrap()
}

fn verify(bytes: &[u8], seen: &Connection) -> Result<VerifiedSession, SessionError> {
    SignedSession::parse(bytes)?.verify(seen, None, &RustCrypto)
}

/// Written down with the cbor2 and cryptography packages of Python, whose signature is another one of the same key:
///
/// ```python
/// import cbor2, hashlib
/// from cryptography.hazmat.primitives.asymmetric import ec, utils
/// from cryptography.hazmat.primitives import hashes
/// key = ec.derive_private_key(int.from_bytes(bytes([7] * 32), "big"), ec.SECP256R1())
/// n = key.public_key().public_numbers()
/// point = b"\x04" + n.x.to_bytes(32, "big") + n.y.to_bytes(32, "big")
/// evidence = cbor2.dumps({0: 1, 1: 1, 2: bytes([1] * 40), 3: bytes([2] * 20), 4: point, 6: b"{}"})
/// protected = cbor2.dumps({1: -7, 3: "application/redoubt-session+cbor", -65537: hashlib.sha256(evidence).digest()})
/// payload = cbor2.dumps({0: 1, 1: 1, **{i: bytes([v] * 32) for i, v in zip(range(2, 7), (1, 2, 3, 0, 4))},
///     7: hashlib.sha256(b"{}").digest(), 8: [5, 9]})
/// tbs = cbor2.dumps(["Signature1", protected, b"redoubt session 1", payload])
/// r, s = utils.decode_dss_signature(key.sign(tbs, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
/// s = min(s, 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551 - s)
/// sig = r.to_bytes(32, "big") + s.to_bytes(32, "big")
/// print(hashlib.sha256(cbor2.dumps(cbor2.CBORTag(18, [protected, {-65538: evidence}, payload, sig]))).hexdigest())
/// ```
#[test]
fn a_proof_is_what_another_implementation_writes() {
    let expected = "983dcd00a129d9d4b2fca55e0e4d1fc68037bd569fc5139a8852e8f9c98517fa";
    assert_eq!(hex::encode(Sha256::digest(proof(None))), expected);
}

#[test]
fn a_proof_holds_for_its_connection() {
    let verified = verify(&proof(None), &connection()).unwrap();
    assert_eq!(verified.statement(), &statement());
    assert_eq!(verified.evidence(), &evidence_of(&key(), b"{}"));
}

#[test]
fn evidence_that_is_known_does_not_come_again() {
    let evidence = evidence_of(&key(), b"{}");
    let short = proof(Some(evidence.digest()));
    assert!(short.len() < 450 && proof(Some(&[9; 32])).len() > short.len());
    let parse = || SignedSession::parse(&short).unwrap();
    assert!(parse().verify(&connection(), Some(&evidence), &RustCrypto).is_ok());
    let other = evidence_of(&key(), b"{ }");
    for known in [None, Some(&other)] {
        let error = parse().verify(&connection(), known, &RustCrypto).unwrap_err();
        assert!(matches!(error, SessionError::EvidenceDigest { .. }), "{error}");
    }
}

#[test]
fn another_connection_is_named_by_what_differs() {
    type Change = fn(&mut Connection);
    let cases: [(Change, SessionError); 6] = [
        (|seen| seen.role = Role::Client, SessionError::Role { expected: "client", found: "server" }),
        (|seen| seen.asker_nonce = [8; 32], SessionError::Nonce),
        (|seen| seen.prover_spki = [8; 32], SessionError::ProverKey),
        (|seen| seen.asker_spki = [8; 32], SessionError::AskerKey),
        (|seen| seen.exporter = [8; 32], SessionError::Exporter),
        (|seen| seen.exporter = [0; 32], SessionError::NoExporter),
    ];
    for (change, error) in cases {
        let mut seen = connection();
        change(&mut seen);
        assert_eq!(verify(&proof(None), &seen), Err(error));
    }
}

#[test]
fn a_connection_without_a_value_is_not_signed() {
    let mut statement = statement();
    statement.connection.exporter = [0; 32];
    let signed = sign_session(&statement, &evidence_of(&key(), b"{}"), None, &key());
    assert_eq!(signed, Err(SessionError::NoExporter));
}

#[test]
fn nobody_signs_for_somebody_else() {
    let thief = SigningKey::from_slice(&[8; 32]).unwrap();
    let stolen = sign_session(&statement(), &evidence_of(&key(), b"{}"), None, &thief).unwrap();
    assert_eq!(verify(&stolen, &connection()), Err(SessionError::Signature));
    let mut other = statement();
    other.manifest = [0; 32];
    let other = sign_session(&other, &evidence_of(&key(), b"{}"), None, &key()).unwrap();
    assert_eq!(verify(&other, &connection()), Err(SessionError::Manifest));
}

#[test]
fn every_byte_counts() {
    let bytes = proof(None);
    for place in 0..bytes.len() {
        for bit in [0x01, 0x80] {
            let mut changed = bytes.clone();
            changed[place] ^= bit;
            assert!(verify(&changed, &connection()).is_err(), "byte {place}");
        }
        assert!(verify(&bytes[..place], &connection()).is_err(), "cut at {place}");
    }
    assert!(verify(&[&bytes[..], &[0]].concat(), &connection()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_a_proof_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(SignedSession::parse(&bytes).is_err());
    }

    #[test]
    fn any_payload_is_a_statement_or_an_error(place in 0..300_usize, byte: u8) {
        let mut payload = statement().encode();
        if let Some(changed) = payload.get_mut(place) {
            *changed = byte;
        }
        if let Ok(statement) = Statement::decode(&payload) {
            prop_assert_eq!(statement.encode(), payload);
        }
    }
}
