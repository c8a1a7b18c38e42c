//! An exchange with long bodies, as a guest has it.

use attestation_evidence::{Evidence, Platform};
use attestation_receipt::{
    BodyEnd, BodySide, Disclosure, Field, HandshakeSignature, Opening, Peer, RECEIPT_VERSION, Receipt,
    ReceiptSecret, Recorder, RequestHead, RequestOutcome, ResponseHead, ResponseOutcome, Run, SignedReceipt,
    TLS_1_3, Time, Tls, Validity, sign_receipt,
};
use p256::ecdsa::SigningKey;
use sha2::{Digest, Sha256};

/// Two chunks and a bit.
pub(crate) const REQUEST_BYTES: usize = 9_000;
/// Seven chunks, the last one short.
pub(crate) const RESPONSE_BYTES: usize = 25_000;
const PIECES: [usize; 5] = [1, 4096, 0, 777, 10_001];

/// What the guest has at the end, and what it gives to those who may see everything.
pub(crate) struct Exchange {
    pub(crate) receipt: Receipt,
    pub(crate) opening: Opening,
    pub(crate) request_body: Vec<u8>,
    pub(crate) response_body: Vec<u8>,
}

impl Exchange {
    /// With these secrets and otherwise always the same.
    pub(crate) fn new(secret: [u8; 32]) -> Self {
        Self::answering(secret, "no")
    }

    /// One of the fields of the response has this value.
    pub(crate) fn answering(secret: [u8; 32], answer: &str) -> Self {
        let (request_body, response_body) = (bytes(1, REQUEST_BYTES), bytes(2, RESPONSE_BYTES));
        let mut recorder = Recorder::new(ReceiptSecret::new(secret), request());
        in_pieces(&request_body, |piece| recorder.request_body(piece));
        recorder.request_trailers([field("x-sent", "trailing-request")]);
        let fields = vec![field("x-first", "first-response-field"), field("x-is-member", answer)];
        recorder.response(ResponseHead { status: 404, fields }).unwrap();
        in_pieces(&response_body, |piece| recorder.response_body(piece));
        recorder.response_trailers([field("x-came", "trailing-response")]);
        let opening = recorder.finish().unwrap();
        let receipt = receipt(&opening);
        Self { receipt, opening, request_body, response_body }
    }

    /// With the evidence and nothing shown.
    pub(crate) fn signed(&self) -> SignedReceipt {
        let evidence = evidence();
        let digest = Sha256::digest(evidence.encode()).into();
        let signed = sign_receipt(&self.receipt, &digest, &key()).unwrap();
        signed.with_evidence(evidence).unwrap()
    }

    /// Everything that can be shown.
    pub(crate) fn disclosures(&self) -> Vec<Disclosure> {
        let chunks =
            |side, body: &[u8]| self.opening.disclose_body(side, 0..body.len() as u64, body).unwrap();
        let request = chunks(BodySide::Request, &self.request_body);
        let response = chunks(BodySide::Response, &self.response_body);
        [self.opening.disclose(|_| true), request, response].concat()
    }

    /// The file with all of it.
    pub(crate) fn file(&self) -> Vec<u8> {
        let certificates = certificates();
        let signed = self.signed().with_certificates(certificates).unwrap();
        signed.with_disclosures(self.disclosures()).unwrap().encode()
    }
}

/// No two chunks of any body are alike, and none is part of another file.
pub(crate) fn bytes(seed: u8, length: usize) -> Vec<u8> {
    let blocks = (0_u64..)
        .flat_map(|number| Sha256::new().chain_update([seed]).chain_update(number.to_le_bytes()).finalize());
    blocks.take(length).collect()
}

pub(crate) fn in_pieces(bytes: &[u8], mut take: impl FnMut(&[u8])) {
    let mut rest = bytes;
    for length in PIECES.iter().cycle() {
        let (piece, after) = rest.split_at_checked(*length).unwrap_or((rest, &[]));
        take(piece);
        rest = after;
        if rest.is_empty() {
            return;
        }
    }
}

pub(crate) fn field(name: &str, value: &str) -> Field {
    Field { name: name.into(), value: value.into() }
}

pub(crate) fn evidence() -> Evidence {
    Evidence {
        platform: Platform::Simulated,
        report: vec![1; 8],
        endorsement: vec![2; 4],
        instance_key: key().verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap(),
        hpke_key: None,
        manifest: b"{}".to_vec(),
    }
}

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn certificates() -> Vec<Vec<u8>> {
    vec![bytes(3, 900), bytes(4, 1100)]
}

fn request() -> RequestHead {
    RequestHead {
        method: "PROPFIND".into(),
        scheme: "https".into(),
        authority: "api.example.com:8443".into(),
        path_with_query: "/members?name=somebody".into(),
        fields: vec![field("accept", "application/json"), field("authorization", "Bearer 0123456789")],
    }
}

fn receipt(opening: &Opening) -> Receipt {
    Receipt {
        version: RECEIPT_VERSION,
        number: 0,
        previous: [0; 32],
        run: Run {
            component: [0x11; 32],
            manifest: Sha256::digest(evidence().manifest).into(),
            sequence: 0,
            exchange: 0,
        },
        leaves: opening.leaves(),
        peer: Peer { host: "api.example.com".into(), address: [192, 0, 2, 7].into(), port: 8443 },
        tls: tls(),
        request: RequestOutcome::Sent,
        response: ResponseOutcome::Complete { end: BodyEnd::Length },
        time: Time {
            earliest_s: 1_790_000_000,
            latest_s: 1_790_000_010,
            roughtime: None,
            sent_us: 1,
            first_byte_us: 2,
            last_byte_us: 3,
        },
    }
}

fn tls() -> Tls {
    let text = b"TLS 1.3, server CertificateVerify\0";
    Tls {
        version: TLS_1_3,
        cipher_suite: 0x1301,
        group: 29,
        was_retried: false,
        alpn: None,
        client_random: [0x21; 32],
        server_random: Some([0x22; 32]),
        exporter: [0x23; 32],
        spki_sha256: [0x24; 32],
        chain: certificates().iter().map(|der| Sha256::digest(der).into()).collect(),
        path: vec![0, 1],
        root_spki_sha256: [0x25; 32],
        roots_digest: [0x26; 32],
        was_pinned: false,
        validity: Validity { not_before_s: 1_780_000_000, not_after_s: 1_800_000_000 },
        signature: HandshakeSignature {
            scheme: 0x0804,
            message: [&[b' '; 64][..], text, &[0x27; 32]].concat(),
            signature: vec![0x28; 256],
        },
    }
}
