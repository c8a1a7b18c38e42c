//! A receipt, what opens it, the answer of a time server, and what TLS and its proofs look like.

use core::net::Ipv4Addr;

use attestation_receipt::{
    BodyEnd, BodySide, CommitmentOpening, Field, HandshakeSignature, Leaves, Opening, Peer, RECEIPT_VERSION,
    Receipt, ReceiptSecret, Recorder, RequestHead, RequestOutcome, ResponseHead, ResponseOutcome, Run, Time,
    Tls, Validity, sign_receipt,
};
use attestation_session::{Connection, KnownEvidence, Role, Statement, sign_session};
use sha2::{Digest, Sha256};
use tests_fuzz::fixtures;

/// `testdata/rfc10049-response.104172a3` of roughenough-protocol 2.2.0.
const ANSWER: &str = "\
524f55474854494d940100000700000040000000600000006400000064000000c000000058010000534947004e4f4e43545950455041\
5448535245504345525\
4494e44581ffac2a63efa671e7efbfb0322c84ad27e82571bf644783069da2a47a5e767fa2a91d02144f23c4f660d725aac1395e20a10\
b9d845e2b7806dd76d1e7e6d240b104172a3d405366798c9fa2b5c8dbeef205182b3e4154677a8d90a3b6c9dceff0100000005000000\
0400000008000000100000001400000056455200524144494d49445056455253524f4f54010000000500000080e8c26a000000000100\
0000a91b3941999b3d6ac6d36b56cd5710a1c519472a74e98d248f441a2c607ac96c02000000400000005349470044454c4595cd8593\
8be3f3fb426f6699d31754ad4dd6969f2dd2f803f088ac506e08b4dda16b81f0d81e5e3cd1390f9e9c86ef9a0445e981b6f41541222f\
bc1f465524080300000020000000280000005055424b4d494e544d4158542e7ce2a975a9524a654865b8d0b3a5165bf28eb005e48f1c\
b3b792ad286d032480e8c26a0000000080fa3c6b0000000000000000";

/// By target and name.
pub(crate) fn all() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let body = b"{\"base\":\"EUR\"}";
    let opening = opening(body);
    let receipt = receipt(opening.leaves());
    let key = fixtures::instance_key();
    let signed = sign_receipt(&receipt, &[5; 32], &key).unwrap();
    let shown = opening.disclose_body(BodySide::Response, 0..14, body).unwrap();
    let signed = signed.with_disclosures(opening.disclose(|_| true).into_iter().chain(shown)).unwrap();
    let signed = signed.with_certificates(vec![b"leaf".to_vec(), b"root".to_vec()]).unwrap();
    let commitment = CommitmentOpening::new([6; 32], &[[1; 32], receipt.digest(), [2; 32]], 1).unwrap();
    let prefixed = |choice: u8, bytes: &[u8]| [&[choice], bytes].concat();
    vec![
        ("receipt", "signed", prefixed(0, &signed.encode())),
        ("receipt", "payload", prefixed(1, &receipt.encode())),
        ("receipt", "opening", prefixed(2, &opening.encode())),
        ("receipt", "commitment", prefixed(3, &commitment.encode())),
        ("roughtime", "answer", prefixed(0, &from_hex(ANSWER))),
        ("session-proof", "request", prefixed(0, &session_request())),
        ("session-proof", "proof", prefixed(1, &session_proof())),
        ("tls", "alert", vec![0xff, 21, 3, 3, 0, 2, 2, 40]),
        ("tls", "server-hello", server_hello()),
        ("tls-server", "client-hello", client_hello(&X25519_SHARE)),
        ("tls-server", "client-hello-to-retry", client_hello(&[0, 0])),
    ]
}

fn session_request() -> Vec<u8> {
    attestation_session::Request { nonce: [2; 32], known_evidence: Some([9; 32]) }.encode()
}

fn session_proof() -> Vec<u8> {
    let evidence = KnownEvidence::new(fixtures::evidence());
    let connection = Connection {
        role: Role::Server,
        prover_nonce: [1; 32],
        asker_nonce: [2; 32],
        prover_spki: [3; 32],
        asker_spki: [0; 32],
        exporter: [4; 32],
    };
    let manifest = Sha256::digest(&evidence.evidence().manifest).into();
    let statement = Statement { connection, manifest, time: Some((5, 9)) };
    sign_session(&statement, &evidence, None, &fixtures::instance_key()).unwrap()
}

fn opening(body: &[u8]) -> Opening {
    let field = |name: &str, value: &[u8]| Field { name: name.into(), value: value.to_vec() };
    let request = RequestHead {
        method: "GET".into(),
        scheme: "https".into(),
        authority: "api.example.org".into(),
        path_with_query: "/rates?base=EUR".into(),
        fields: vec![field("host", b"api.example.org"), field("authorization", b"Bearer secret")],
    };
    let mut recorder = Recorder::new(ReceiptSecret::new([4; 32]), request);
    let fields = vec![field("content-type", b"application/json")];
    recorder.response(ResponseHead { status: 200, fields }).unwrap();
    recorder.response_body(body);
    recorder.finish().unwrap()
}

fn receipt(leaves: Leaves) -> Receipt {
    let digest = |bytes: &[u8]| <[u8; 32]>::from(Sha256::digest(bytes));
    Receipt {
        version: RECEIPT_VERSION,
        number: 1,
        previous: [9; 32],
        run: Run { component: [1; 32], manifest: [2; 32], sequence: 3, exchange: 0 },
        leaves,
        peer: Peer { host: "api.example.org".into(), address: Ipv4Addr::new(192, 0, 2, 7), port: 443 },
        tls: Tls {
            version: 0x0304,
            cipher_suite: 0x1302,
            group: 0x001d,
            was_retried: false,
            alpn: Some(b"http/1.1".to_vec()),
            client_random: [10; 32],
            server_random: Some([11; 32]),
            exporter: [12; 32],
            spki_sha256: [13; 32],
            chain: vec![digest(b"leaf"), digest(b"root")],
            path: vec![0],
            root_spki_sha256: [14; 32],
            roots_digest: [15; 32],
            was_pinned: false,
            validity: Validity { not_before_s: 1_700_000_000, not_after_s: 1_900_000_000 },
            signature: HandshakeSignature { scheme: 0x0403, message: vec![16; 98], signature: vec![17; 70] },
        },
        request: RequestOutcome::Sent,
        response: ResponseOutcome::Complete { end: BodyEnd::Length },
        time: Time {
            earliest_s: 1_800_000_000,
            latest_s: 1_800_000_004,
            roughtime: Some([18; 32]),
            sent_us: 1,
            first_byte_us: 2,
            last_byte_us: 3,
        },
    }
}

/// TLS 1.2 with a suite of the client's, and nothing after it.
fn server_hello() -> Vec<u8> {
    let body = [&[3, 3][..], &[7; 32], &[0, 0xc0, 0x2c, 0, 0, 4, 0, 0x17, 0, 0]].concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[0xff, 22, 3, 3, 0, length + 4, 2, 0, 0, length][..], &body].concat()
}

/// A key share on X25519: the curve's base point.
const X25519_SHARE: [u8; 38] = {
    let mut share = [0; 38];
    let header = [0, 36, 0, 29, 0, 32, 9];
    let mut at = 0;
    while at < header.len() {
        share[at] = header[at];
        at += 1;
    }
    share
};

/// The first word of a client of TLS 1.3: AES-256-GCM, ECDSA on P-256, X25519.
fn client_hello(shares: &[u8]) -> Vec<u8> {
    let prefixed = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let extensions = [
        &[0, 0x2b, 0, 3, 2, 3, 4][..],
        &[0, 0x0d, 0, 4, 0, 2, 4, 3],
        &[0, 0x0a, 0, 4, 0, 2, 0, 29],
        &[0, 0x33],
        &prefixed(shares),
    ];
    let start = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 2, 1, 0]].concat();
    let message = prefixed(&[start, prefixed(&extensions.concat())].concat());
    [&[0xff, 22, 3, 1][..], &prefixed(&[&[1, 0], &message[..]].concat())].concat()
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
