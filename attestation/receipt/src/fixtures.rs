//! One small exchange, for tests.

use attestation_evidence::{Evidence, INSTANCE_KEY_BYTES, Platform};
use p256::ecdsa::SigningKey;
use sha2::{Digest, Sha256};

use crate::{
    BodyEnd, BodySide, Field, HandshakeSignature, Opening, Peer, RECEIPT_VERSION, Receipt, ReceiptSecret,
    Recorder, RequestHead, RequestOutcome, ResponseHead, ResponseOutcome, Run, SignedReceipt, TLS_1_3, Time,
    Tls, Validity, sign_receipt,
};

pub(crate) const BODY: &[u8] = b"hello";
pub(crate) const SECRET: [u8; 32] = [5; 32];

pub(crate) fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

pub(crate) fn public_key(key: &SigningKey) -> [u8; INSTANCE_KEY_BYTES] {
    key.verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap()
}

pub(crate) fn evidence() -> Evidence {
    Evidence {
        platform: Platform::Simulated,
        report: vec![1; 8],
        endorsement: vec![2; 4],
        instance_key: public_key(&key()),
        hpke_key: None,
        manifest: br#"{"name":"golden"}"#.to_vec(),
    }
}

pub(crate) fn evidence_digest() -> [u8; 32] {
    sha256(&evidence().encode())
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn field(name: &str, value: &str) -> Field {
    Field { name: name.into(), value: value.into() }
}

pub(crate) fn request() -> RequestHead {
    RequestHead {
        method: "GET".into(),
        scheme: "https".into(),
        authority: "api.example.com".into(),
        path_with_query: "/v1?x=1".into(),
        fields: vec![field("accept", "*/*")],
    }
}

/// Nine leaves: the fifth and the eighth are fields.
pub(crate) fn opening() -> Opening {
    let mut recorder = Recorder::new(ReceiptSecret::new(SECRET), request());
    recorder
        .response(ResponseHead { status: 200, fields: vec![field("content-type", "text/plain")] })
        .unwrap();
    recorder.response_body(BODY);
    recorder.finish().unwrap()
}

pub(crate) fn certificates() -> Vec<Vec<u8>> {
    vec![b"server".to_vec(), b"stranger".to_vec(), b"issuer".to_vec()]
}

pub(crate) fn tls() -> Tls {
    Tls {
        version: TLS_1_3,
        cipher_suite: 0x1301,
        group: 29,
        was_retried: false,
        alpn: Some(b"http/1.1".to_vec()),
        client_random: [0x41; 32],
        server_random: None,
        exporter: [0x42; 32],
        spki_sha256: sha256(b"key of the server"),
        chain: certificates().iter().map(|der| sha256(der)).collect(),
        path: vec![0, 2],
        root_spki_sha256: [0x43; 32],
        roots_digest: [0x44; 32],
        was_pinned: true,
        validity: Validity { not_before_s: 1_700_000_000, not_after_s: 1_800_000_000 },
        signature: HandshakeSignature {
            scheme: 0x0403,
            message: [&[b' '; 64][..], b"TLS 1.3, server CertificateVerify\0", &[0x45; 32]].concat(),
            signature: vec![0x46; 70],
        },
    }
}

pub(crate) fn receipt() -> Receipt {
    Receipt {
        version: RECEIPT_VERSION,
        number: 3,
        previous: [0x88; 32],
        run: Run { component: [0x11; 32], manifest: sha256(&evidence().manifest), sequence: 2, exchange: 1 },
        leaves: opening().leaves(),
        peer: Peer { host: "api.example.com".into(), address: [192, 0, 2, 7].into(), port: 443 },
        tls: tls(),
        request: RequestOutcome::Sent,
        response: ResponseOutcome::Complete { end: BodyEnd::Chunked },
        time: Time {
            earliest_s: 1_750_000_000,
            latest_s: 1_750_000_003,
            roughtime: Some([0x47; 32]),
            sent_us: 5_000_000,
            first_byte_us: 5_100_000,
            last_byte_us: 5_200_000,
        },
    }
}

/// With nothing enclosed.
pub(crate) fn bare(receipt: &Receipt) -> SignedReceipt {
    sign_receipt(receipt, &evidence_digest(), &key()).unwrap()
}

/// With everything.
pub(crate) fn full() -> SignedReceipt {
    let opening = opening();
    let chunks = opening.disclose_body(BodySide::Response, 0..5, BODY).unwrap();
    bare(&receipt())
        .with_evidence(evidence())
        .and_then(|signed| signed.with_certificates(certificates()))
        .and_then(|signed| signed.with_disclosures(opening.disclose(|_| true)))
        .and_then(|signed| signed.with_disclosures(chunks))
        .unwrap()
}
