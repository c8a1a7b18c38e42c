//! Servers, and wires, that break the rules.

use enclave_tls::{Client, State, TlsError};
use proptest::prelude::*;
use rcgen::CustomExtension;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rustls::ConnectionTrafficSecrets;
use rustls::crypto::cipher::Iv;

use crate::authority::{Authority, HOST, Identity, trust_in};
use crate::server::{
    BOTH, Setup, TLS12, TLS13, client, converse, converse_over, deliver, open, records, refusal,
};

const SAID: &[u8] = b"what the server says, and nothing else";

/// A handshake and a few words, with something between the server and the client.
fn spoken_over(
    identity: &Identity,
    root: &Authority,
    versions: &'static [&'static rustls::SupportedProtocolVersion],
    wire: &mut dyn FnMut(Vec<u8>) -> Vec<u8>,
) -> (Client, Result<(), TlsError>) {
    let mut server = Setup::with_versions(identity, versions).start();
    let mut client = client(&trust_in(root));
    let mut result = converse_over(&mut client, &mut server, wire);
    if result.is_ok() {
        server.say(SAID);
        server.close();
        result = converse_over(&mut client, &mut server, wire);
    }
    let result = result.and_then(|()| client.end_of_stream());
    (client, result)
}

/// Whatever happened on the way: nobody was taken for the server, nothing heard that it did not say, and no cut taken for an
/// end.
fn check(client: &mut Client, result: &Result<(), TlsError>, identity: &Identity) {
    let heard = client.plaintext().clone();
    assert!(SAID.starts_with(&heard), "{heard:?}");
    if let Some(session) = client.session() {
        assert_eq!(session.peer.chain, identity.presented());
    }
    match result {
        Ok(()) => assert_eq!((client.state(), heard.as_slice()), (State::PeerClosed, SAID)),
        Err(error) => {
            assert_eq!(client.state(), State::Failed);
            assert_eq!(client.step().as_ref(), Err(error));
        }
    }
}

#[derive(Debug, Clone)]
enum Mischief {
    Flip { at: usize, bit: u8 },
    Drop { record: usize },
    Double { record: usize },
    Swap { record: usize },
    Insert { record: usize, bytes: Vec<u8> },
    Cut { at: usize },
}

fn mischief() -> impl Strategy<Value = Mischief> {
    let record = 0..12_usize;
    prop_oneof![
        4 => (0..2_200_usize, 0..8_u8).prop_map(|(at, bit)| Mischief::Flip { at, bit }),
        1 => record.clone().prop_map(|record| Mischief::Drop { record }),
        1 => record.clone().prop_map(|record| Mischief::Double { record }),
        1 => record.clone().prop_map(|record| Mischief::Swap { record }),
        1 => (record, proptest::collection::vec(any::<u8>(), 1..80))
            .prop_map(|(record, bytes)| Mischief::Insert { record, bytes }),
        1 => (0..2_200_usize).prop_map(|at| Mischief::Cut { at }),
    ]
}

/// Applies mischief to a stream, counting what has gone before.
struct Wire {
    mischief: Mischief,
    bytes: usize,
    records: usize,
}

impl Wire {
    fn carry(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let start = self.bytes;
        self.bytes += bytes.len();
        match &self.mischief {
            Mischief::Flip { at, bit } => {
                if let Some(byte) = at.checked_sub(start).and_then(|at| bytes.get_mut(at)) {
                    *byte ^= 1 << bit;
                }
                bytes
            }
            Mischief::Cut { at } => {
                bytes.truncate(at.saturating_sub(start));
                bytes
            }
            _ => self.carry_records(records(&bytes)),
        }
    }

    fn carry_records(&mut self, mut records: Vec<Vec<u8>>) -> Vec<u8> {
        let first = self.records;
        self.records += records.len();
        let (Mischief::Drop { record }
        | Mischief::Double { record }
        | Mischief::Swap { record }
        | Mischief::Insert { record, .. }) = &self.mischief
        else {
            return records.concat();
        };
        let Some(at) = record.checked_sub(first).filter(|at| *at < records.len()) else {
            return records.concat();
        };
        match &self.mischief {
            Mischief::Drop { .. } => drop(records.remove(at)),
            Mischief::Double { .. } => records.insert(at, records[at].clone()),
            Mischief::Swap { .. } if at + 1 < records.len() => records.swap(at, at + 1),
            Mischief::Insert { bytes, .. } => records.insert(at, bytes.clone()),
            _ => {}
        }
        records.concat()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn mischief_on_the_wire_fakes_nothing(mischief in mischief(), is_newer: bool) {
        let root = Authority::root("root");
        let identity = root.server(&[HOST]);
        let versions = if is_newer { TLS13 } else { TLS12 };
        let mut wire = Wire { mischief, bytes: 0, records: 0 };
        let (mut client, result) =
            spoken_over(&identity, &root, versions, &mut |bytes| wire.carry(bytes));
        check(&mut client, &result, &identity);
    }

    #[test]
    fn garbage_opens_nothing(bytes in proptest::collection::vec(any::<u8>(), 1..500), is_record: bool) {
        let root = Authority::root("root");
        let mut client = client(&trust_in(&root));
        client.step().unwrap();
        let mut bytes = bytes;
        if is_record {
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            bytes.splice(..0, [22, 3, 3, length[0], length[1]]);
        }
        let _ = deliver(&mut client, &bytes);
        prop_assert!(client.session().is_none() && client.plaintext().is_empty());
        prop_assert!(client.end_of_stream().is_err());
    }
}

/// Bytes that a wire leaves alone are as good as none between.
#[test]
fn an_honest_wire_carries_everything() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    for versions in [TLS13, TLS12] {
        let (mut client, result) = spoken_over(&identity, &root, versions, &mut |bytes| bytes);
        assert_eq!(result, Ok(()));
        check(&mut client, &result, &identity);
    }
}

/// What a client that has said hello thinks of `bytes`.
fn answered(bytes: &[u8]) -> TlsError {
    let root = Authority::root("root");
    let mut client = client(&trust_in(&root));
    client.step().unwrap();
    client.outgoing().clear();
    let error = deliver(&mut client, bytes).unwrap_err();
    assert_eq!(client.state(), State::Failed);
    error
}

pub(crate) fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &u16::try_from(payload.len()).unwrap().to_be_bytes(), payload].concat()
}

fn server_hello(version: [u8; 2], suite: [u8; 2]) -> Vec<u8> {
    let body = [&version[..], &[9; 32], &[0], &suite, &[0]].concat();
    let length = u8::try_from(body.len()).unwrap();
    record(22, &[&[2, 0, 0, length][..], &body].concat())
}

#[test]
fn other_protocols_are_refused() {
    let http = answered(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_eq!(http, TlsError::Protocol("a malformed message: InvalidContentType".into()));
    let too_long = answered(&[22, 3, 3, 0xFF, 0xFF]);
    assert_eq!(too_long, TlsError::Protocol("a malformed message: MessageTooLarge".into()));
    let empty = answered(&[22, 3, 3, 0, 0]);
    assert_eq!(empty, TlsError::Protocol("a malformed message: InvalidEmptyPayload".into()));
    let version = answered(&[22, 9, 9, 0, 1]);
    assert_eq!(version, TlsError::Protocol("a malformed message: UnknownProtocolVersion".into()));
    let data = answered(&record(23, b"early data"));
    assert_eq!(data, TlsError::Protocol("a record out of order, of type 23".into()));
    let message = answered(&record(22, &[14, 0, 0, 0]));
    assert_eq!(message, TlsError::Protocol("a handshake message out of order, of type 14".into()));
}

#[test]
fn old_versions_are_refused() {
    for minor in [0, 1, 2] {
        let error = answered(&server_hello([3, minor], [0xC0, 0x2F]));
        assert_eq!(error, TlsError::Incompatible("neither TLS 1.3 nor TLS 1.2"), "3.{minor}");
    }
}

/// TLS_RSA_WITH_AES_128_CBC_SHA was not offered.
#[test]
fn suites_that_were_not_offered_are_refused() {
    let error = answered(&server_hello([3, 3], [0x00, 0x2F]));
    assert_eq!(error, TlsError::Protocol("misbehaves: SelectedUnofferedCipherSuite".into()));
}

/// Somebody on the wire takes TLS 1.3 out of what the client offers. The server, who could, says so in its random.
#[test]
fn downgrades_are_noticed() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    let mut server = Setup::with_versions(&identity, BOTH).start();
    let mut client = client(&trust_in(&root));
    client.step().unwrap();
    // The extension `supported_versions` becomes one that nobody knows.
    let mut hello = core::mem::take(client.outgoing());
    let versions = [0, 43, 0, 5, 4, 3, 4, 3, 3];
    let at = hello.windows(versions.len()).position(|window| window == versions).unwrap();
    hello[at..][..2].copy_from_slice(&[0x7A, 0x7A]);
    server.take(&hello);
    assert_eq!(server.failure, None);
    let error = deliver(&mut client, &server.give()).unwrap_err();
    let expected = "misbehaves: AttemptedDowngradeToTls12WhenTls13IsSupported";
    assert_eq!(error, TlsError::Protocol(expected.into()));
}

/// The first record of a server of TLS 1.2 without its extension `extended_master_secret`.
fn without_extended_master_secret(bytes: &[u8]) -> Vec<u8> {
    let mut records = records(bytes);
    let hello = &mut records[0];
    let at = hello.windows(4).position(|window| window == [0, 23, 0, 0]).unwrap();
    // Behind random, session, suite and compression.
    let session = usize::from(hello[5 + 4 + 2 + 32]);
    let extensions = 5 + 4 + 2 + 32 + 1 + session + 3;
    hello.drain(at..at + 4);
    for length in [3, 5 + 2, extensions] {
        let shorter = u16::from_be_bytes([hello[length], hello[length + 1]]) - 4;
        hello[length..][..2].copy_from_slice(&shorter.to_be_bytes());
    }
    records.concat()
}

#[test]
fn tls_1_2_needs_the_extended_master_secret() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    let mut is_hello = true;
    let (client, result) = spoken_over(&identity, &root, TLS12, &mut |bytes| {
        if core::mem::take(&mut is_hello) { without_extended_master_secret(&bytes) } else { bytes }
    });
    assert_eq!(result, Err(TlsError::Incompatible("TLS 1.2 without extended master secret")));
    assert!(client.session().is_none());
}

/// A message of 64 KiB, of which each byte has a record of its own.
#[test]
fn handshakes_in_too_many_pieces_end() {
    let mut bytes = record(22, &[2, 0, 0xFF, 0xFF]);
    for _ in 0..30_000 {
        bytes.extend(record(22, &[0]));
    }
    let error = answered(&bytes);
    assert!(matches!(error, TlsError::HandshakeTooLong { .. }), "{error}");
}

/// A record of TLS 1.3 with AES-256-GCM (RFC 8446, section 5.2).
pub(crate) fn protected(key: &LessSafeKey, iv: &Iv, sequence: u64, content: &[u8], kind: u8) -> Vec<u8> {
    let mut payload = [content, &[kind]].concat();
    let length = u16::try_from(payload.len() + AES_256_GCM.tag_len()).unwrap().to_be_bytes();
    let header = [23, 3, 3, length[0], length[1]];
    let mut nonce: [u8; 12] = iv.as_ref().try_into().unwrap();
    for (byte, other) in nonce[4..].iter_mut().zip(sequence.to_be_bytes()) {
        *byte ^= other;
    }
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce, Aad::from(header), &mut payload).unwrap();
    [&header[..], &payload].concat()
}

/// The server is who it says, and after the handshake sends a message that does not end, byte by byte.
#[test]
fn messages_in_too_many_pieces_end_the_connection() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    let (mut client, server) = open(&trust_in(&root), Setup::with_versions(&identity, TLS13).start());
    let secrets = server.connection.dangerous_extract_secrets().unwrap();
    let (first, ConnectionTrafficSecrets::Aes256Gcm { key, iv }) = secrets.tx else {
        panic!("another suite")
    };
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).unwrap());
    let ticket = [4, 0, 0xFF, 0xFF].into_iter().chain(core::iter::repeat(0));
    let pieces = (first..).zip(ticket).map(|(sequence, byte)| protected(&key, &iv, sequence, &[byte], 22));
    let mut carried = 0;
    for piece in pieces {
        if let Err(error) = deliver(&mut client, &piece) {
            assert!(matches!(error, TlsError::HandshakeTooLong { .. }), "{error}");
            break;
        }
        carried += piece.len();
    }
    assert!((64 * 1024..128 * 1024).contains(&carried), "{carried}");
    assert_eq!(client.state(), State::Failed);
}

#[test]
fn handshakes_that_are_too_long_end() {
    let root = Authority::root("root");
    let identity = root.server_with(|params| {
        params.custom_extensions.push(CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![0; 55_000]));
    });
    // On its own it is not too long.
    open(&trust_in(&root), Setup::with_versions(&identity, TLS12).start());
    let setup = Setup { ocsp_response: vec![0; 60_000], ..Setup::with_versions(&identity, TLS12) };
    let error = converse(&mut client(&trust_in(&root)), &mut setup.start()).unwrap_err();
    assert_eq!(error, TlsError::HandshakeTooLong { limit: 96 * 1024 });
}

/// A message that is longer than anybody needs is refused by its header.
#[test]
fn messages_have_a_limit() {
    let error = answered(&record(22, &[2, 1, 0, 0]));
    assert_eq!(error, TlsError::Protocol("a malformed message: HandshakePayloadTooLarge".into()));
}

/// Warnings do not keep a connection busy for ever.
#[test]
fn warnings_have_a_limit() {
    let warning = record(21, &[1, 112]);
    let error = answered(&warning.repeat(10));
    assert_eq!(error, TlsError::Protocol("misbehaves: TooManyWarningAlertsReceived".into()));
}

/// One bit of a record is enough, and the server is told.
#[test]
fn changed_records_are_told_to_the_server() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    for versions in [TLS13, TLS12] {
        let (mut client, mut server) =
            open(&trust_in(&root), Setup::with_versions(&identity, versions).start());
        server.say(SAID);
        let mut bytes = server.give();
        *bytes.last_mut().unwrap() ^= 0x80;
        let error = deliver(&mut client, &bytes).unwrap_err();
        assert_eq!(error, TlsError::Protocol("a record that does not decrypt, or a wrong Finished".into()));
        let alert = core::mem::take(client.outgoing());
        server.take(&alert);
        let received = rustls::Error::AlertReceived(rustls::AlertDescription::BadRecordMac);
        assert_eq!(server.failure, Some(received));
        assert!(client.plaintext().is_empty());
    }
}

#[test]
fn refusals_are_told_to_the_server() {
    let root = Authority::root("root");
    let stranger = Authority::root("stranger");
    let identity = stranger.server(&[HOST]);
    let mut server = Setup::new(&identity).start();
    refusal(&mut client(&trust_in(&root)), &mut server);
    let received = rustls::Error::AlertReceived(rustls::AlertDescription::UnknownCA);
    assert_eq!(server.failure, Some(received));
}
