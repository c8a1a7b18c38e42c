//! Services under TLS: what clients get, and the proof that it comes from the guest.

use attestation_manifest::{manifest_digest, parse_manifest};
use attestation_session::{
    Connection, EXPORTER_LABEL, KnownEvidence, Request, Role, SESSION_PATH, SessionError, SignedSession,
    VerifiedSession, exporter_context,
};
use attestation_signature::RustCrypto;
use enclave_wire::control::RequestFigures;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use rustls::version::{TLS12, TLS13};
use sha2::{Digest as _, Sha256};

use crate::loader::chain_of;
use crate::requests::{LOOK_NS, Served, get, manifest_text, post, program, serve_from};
use crate::street::{Step, Town};
use Step::{Close, Expect, ExpectEnd, Finish, Send, SendRaw, Vanish, Wait};

const NONCE: [u8; 32] = [0x4E; 32];

fn manifest() -> String {
    manifest_text(8).replace(r#""scheme":"http","open"#, r#""scheme":"https","open"#)
}

fn serve(town: &Town) -> Served {
    serve_from(&manifest(), None, &program(), town, false)
}

fn serve_scripts(scripts: Vec<Vec<Step>>) -> (Town, Served) {
    let town = Town::under_tls(scripts, LOOK_NS, &[&TLS13]);
    let served = serve(&town);
    (town, served)
}

/// A request to the guest.
fn ask(path: &str, body: &[u8]) -> Step {
    let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len());
    Send([head.as_bytes(), body].concat())
}

fn ask_proof(known_evidence: Option<[u8; 32]>) -> Step {
    ask(SESSION_PATH, &Request { nonce: NONCE, known_evidence }.encode())
}

/// The bodies of the proofs that a client got.
fn proofs(town: &Town, client: usize) -> Vec<Vec<u8>> {
    let bytes = town.got_bytes(client);
    let kind = b"content-type: application/redoubt-session+cbor\r\n";
    let begins = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(kind));
    let proof = |begin: usize| {
        let head = begin + bytes[begin..].windows(4).position(|end| end == b"\r\n\r\n").unwrap();
        let text = String::from_utf8_lossy(&bytes[begin..head]).into_owned();
        let length: usize = text.split("content-length: ").nth(1).unwrap().trim().parse().unwrap();
        bytes[head + 4..][..length].to_vec()
    };
    begins.map(proof).collect()
}

/// What a client would expect to be signed.
fn seen(town: &Town, client: usize, prover_nonce: [u8; 32]) -> Connection {
    let context = exporter_context(&prover_nonce, &NONCE);
    let certificate = town.caller(client, |caller| CertificateDer::from(caller.certificate().to_vec()));
    let spki = ParsedCertificate::try_from(&certificate).unwrap().subject_public_key_info();
    Connection {
        role: Role::Server,
        prover_nonce,
        asker_nonce: NONCE,
        prover_spki: Sha256::digest(&spki).into(),
        asker_spki: [0; 32],
        exporter: town.caller(client, |caller| caller.export(EXPORTER_LABEL, &context)),
    }
}

fn verify(
    town: &Town,
    client: usize,
    proof: &[u8],
    known: Option<&KnownEvidence>,
) -> Result<VerifiedSession, SessionError> {
    let signed = SignedSession::parse(proof)?;
    let seen = seen(town, client, *signed.prover_nonce());
    signed.verify(&seen, known, &RustCrypto)
}

fn evidence() -> KnownEvidence {
    let text = manifest();
    let chain = chain_of(&text, &parse_manifest(text.as_bytes()).unwrap());
    KnownEvidence::new(chain.identity().evidence.clone())
}

#[test]
fn requests_are_answered_under_tls() {
    let body = "x".repeat(40_000);
    let (town, served) = serve_scripts(vec![vec![
        get("a"),
        Expect("HTTP/1.1 200 OK"),
        Expect("5\r\nhello\r\n0\r\n\r\n"),
        post("e", &body),
        get("a"),
        Expect("HTTP/1.1 200 OK"),
        Expect("0\r\n\r\n"),
        Expect("hello\r\n0\r\n\r\n"),
        Send(b"GET /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".to_vec()),
        Expect("connection: close"),
        ExpectEnd,
    ]]);
    assert_eq!(served.figures(), RequestFigures { open: 0, answered: 4, failed: 0 });
    assert_eq!(town.got(0).matches('x').count(), body.len());
    assert!(town.caller(0, |caller| caller.is_told), "the end is one in so many words");
}

/// All may be read by whoever carries it; and the same client without TLS is shown nothing.
#[test]
fn nothing_is_said_in_the_clear() {
    let clear = Town::new(vec![vec![get("a"), ExpectEnd]], LOOK_NS);
    let served = serve(&clear);
    assert_eq!(served.figures(), RequestFigures::default());
    let bytes = clear.got_bytes(0);
    // An alert (RFC 8446, section 5.1 and 6), and nothing else.
    assert!(bytes.len() == 7 && bytes.starts_with(&[21, 3, 3, 0, 2, 2]), "{bytes:?}");
}

#[test]
fn older_protocols_are_refused() {
    let town = Town::under_tls(vec![vec![get("a"), ExpectEnd]], LOOK_NS, &[&TLS12]);
    let served = serve(&town);
    assert_eq!(served.figures(), RequestFigures::default());
    let failure = town.caller(0, |caller| caller.failure.clone());
    let expected = rustls::Error::AlertReceived(rustls::AlertDescription::ProtocolVersion);
    assert_eq!(failure, Some(expected));
}

#[test]
fn a_connection_is_proven_to_end_in_the_guest() {
    let digest = *evidence().digest();
    let (town, served) = serve_scripts(vec![vec![
        ask_proof(None),
        Expect("HTTP/1.1 200 OK"),
        get("a"),
        Expect("hello\r\n0\r\n\r\n"),
        // Again, later, by somebody who has the evidence.
        ask_proof(Some(digest)),
        Expect("application/redoubt-session+cbor"),
        get("a"),
        Expect("hello\r\n0\r\n\r\n"),
    ]]);
    assert_eq!(served.figures().answered, 2, "the component is not asked for proofs");
    let [whole, short] = proofs(&town, 0).try_into().unwrap();
    let verified = verify(&town, 0, &whole, None).unwrap();
    assert_eq!(verified.evidence(), &evidence());
    let statement = verified.statement();
    assert_eq!((statement.manifest, statement.time), (manifest_digest(manifest().as_bytes()), None));
    assert!(short.len() < 450, "{}", short.len());
    assert!(verify(&town, 0, &short, Some(&evidence())).is_ok());
}

/// Who stands in the middle may ask for the very nonce of somebody else.
#[test]
fn a_proof_of_another_connection_is_none() {
    let script =
        || vec![ask_proof(None), Expect("application/redoubt-session+cbor"), get("a"), Expect("hello")];
    let (town, _) = serve_scripts(vec![script(), script()]);
    let [first, second] = [0, 1].map(|client| proofs(&town, client).remove(0));
    assert!(verify(&town, 0, &first, None).is_ok() && verify(&town, 1, &second, None).is_ok());
    assert_eq!(verify(&town, 0, &second, None), Err(SessionError::Exporter));
    assert_eq!(verify(&town, 1, &first, None), Err(SessionError::Exporter));
}

#[test]
fn what_is_asked_of_the_guest_must_be_right() {
    let newer = [0xa2, 0x00, 0x02, 0x01, 0x41, 0x00];
    let cases: [(Step, &str); 6] = [
        (Send(format!("GET {SESSION_PATH} HTTP/1.1\r\nhost: a\r\n\r\n").into()), "HTTP/1.1 405 "),
        (ask("/.well-known/redoubt/elsewhere", b""), "HTTP/1.1 404 "),
        (ask(SESSION_PATH, b"nonsense"), "HTTP/1.1 400 "),
        (ask(SESSION_PATH, &newer), "expected 1, found 2"),
        (ask(SESSION_PATH, &[0; 129]), "HTTP/1.1 413 "),
        (ask(SESSION_PATH, &vec![0; 100_001]), "HTTP/1.1 413 "),
    ];
    let scripts = cases.into_iter().map(|(step, expected)| vec![step, Expect(expected), ExpectEnd]);
    let (_, served) = serve_scripts(scripts.collect());
    assert_eq!(served.figures(), RequestFigures::default(), "the component hears nothing of it");
}

#[test]
fn in_the_clear_there_is_nothing_to_prove() {
    let town = Town::new(vec![vec![ask_proof(None), Expect("HTTP/1.1 404 "), ExpectEnd]], LOOK_NS);
    let served = serve_from(&manifest_text(8), None, &program(), &town, false);
    assert_eq!(served.figures(), RequestFigures::default());
}

/// A client that says no more still gets its answer.
#[test]
fn a_client_may_close_its_side_first() {
    let answer = "hello\r\n0\r\n\r\n";
    let script = vec![get("a"), Expect(answer), get("a"), Close, Expect(answer), ExpectEnd];
    let (town, served) = serve_scripts(vec![script]);
    assert_eq!(served.figures().answered, 2);
    assert!(town.caller(0, |caller| caller.is_told));
}

/// One that says so and hangs up its side has said all: what of it still waits to be read is no truncation, however long the
/// component lets it wait.
#[test]
fn a_long_request_may_be_the_last_word() {
    let body = "x".repeat(90_000);
    let first = "POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n";
    let scripts = vec![
        // Keeps the only place until the other one has said all that is taken of it.
        vec![Send(first.into()), Expect("200 OK"), Wait(15_000), Send(b"done".to_vec()), Expect("0\r\n\r\n")],
        vec![Wait(1_000), post("e", &body), Close, Finish, Expect("0\r\n\r\n"), ExpectEnd],
    ];
    let town = Town::under_tls(scripts, 1, &[&TLS13]);
    let text = manifest().replace(r#""open_requests_max":8"#, r#""open_requests_max":1"#);
    let served = serve_from(&text, None, &program(), &town, false);
    assert_eq!(served.figures(), RequestFigures { open: 0, answered: 2, failed: 0 });
    assert_eq!(town.got(1).matches('x').count(), body.len());
}

/// An answer that was cut off has no end: not in HTTP, and not in TLS.
#[test]
fn an_answer_that_is_cut_off_has_no_end() {
    let (town, served) = serve_scripts(vec![vec![get("h"), Expect("hello"), ExpectEnd]]);
    assert_eq!(served.figures().failed, 1);
    assert!(town.caller(0, |caller| !caller.is_told && caller.failure.is_none()));
}

#[test]
fn clients_that_break_off_harm_nobody() {
    let half = b"POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf".to_vec();
    let (town, served) = serve_scripts(vec![
        // Without a word under TLS: the end of the request is missing.
        vec![Send(half.clone()), Expect("200 OK"), Finish, ExpectEnd],
        vec![Send(half), Expect("200 OK"), Vanish],
        vec![SendRaw(vec![0x16, 0x03, 0x01, 0xff, 0xff]), ExpectEnd],
        vec![SendRaw(vec![0x16]), Finish, ExpectEnd],
        // Something that no record is, behind the handshake.
        vec![
            get("a"),
            Expect("hello"),
            SendRaw(vec![0x17, 0x03, 0x03, 0x00, 0x20]),
            SendRaw(vec![9; 32]),
            ExpectEnd,
        ],
        vec![get("a"), Expect("hello\r\n0\r\n\r\n"), get("a"), Expect("hello\r\n0\r\n\r\n")],
    ]);
    assert_eq!((served.figures().answered, served.figures().failed), (3, 2));
    assert!(!town.got(0).ends_with("0\r\n\r\n"));
    assert!(town.unreleased() <= 1, "those that are over are given back");
}
