//! Clients, and wires, that break the rules for our server.

use std::sync::Arc;

use enclave_tls::{Server, ServerIdentity, State, TlsError};
use proptest::prelude::*;
use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use rustls::crypto::cipher::Iv;
use rustls::{AlertDescription, ConnectionTrafficSecrets};

use crate::caller::{Caller, Setup, accepted, converse, converse_over, identity, open};
use crate::hostile::{protected, record};
use crate::server::{TLS13, deliver, records};

const SAID: &[u8] = b"what the client says, and nothing else";

/// A client's first word.
fn hello(identity: &ServerIdentity) -> Vec<u8> {
    Setup { versions: TLS13, ..Setup::new(identity) }.start().give()
}

/// What a server thinks of `bytes`, which come first, and what it says to them.
fn answered(bytes: &[u8]) -> (TlsError, Vec<u8>) {
    let mut server = accepted(&identity());
    let error = deliver(&mut server, bytes).unwrap_err();
    assert_eq!(server.state(), State::Failed);
    assert!(server.session().is_none() && server.plaintext().is_empty());
    (error, core::mem::take(server.outgoing()))
}

fn refused(bytes: &[u8]) -> TlsError {
    answered(bytes).0
}

fn fatal(alert: AlertDescription) -> Vec<u8> {
    record(21, &[2, u8::from(alert)])
}

#[test]
fn other_protocols_are_refused() {
    let http = refused(b"GET / HTTP/1.1\r\nhost: redoubt.invalid\r\n\r\n");
    assert_eq!(http, TlsError::Protocol("a malformed message: InvalidContentType".into()));
    assert_eq!(http.to_string(), "peer: a malformed message: InvalidContentType");
    // The first word of SSL 2, which clients of SSL 3 used to say.
    let old = refused(&[0x80, 0x2E, 1, 3, 1, 0, 0x15, 0, 0]);
    assert_eq!(old, TlsError::Protocol("a malformed message: InvalidContentType".into()));
    let too_long = refused(&[22, 3, 1, 0xFF, 0xFF]);
    assert_eq!(too_long, TlsError::Protocol("a malformed message: MessageTooLarge".into()));
    let empty = refused(&[22, 3, 1, 0, 0]);
    assert_eq!(empty, TlsError::Protocol("a malformed message: InvalidEmptyPayload".into()));
    let data = answered(&record(23, b"early data"));
    let expected = TlsError::Protocol("a record out of order, of type 23".into());
    assert_eq!(data, (expected, fatal(AlertDescription::UnexpectedMessage)));
    let message = answered(&record(22, &[2, 0, 0, 0]));
    assert_eq!(message.1, fatal(AlertDescription::DecodeError));
    let finished = answered(&record(22, &[20, 0, 0, 0]));
    let expected = TlsError::Protocol("a handshake message out of order, of type 20".into());
    assert_eq!(finished, (expected, fatal(AlertDescription::UnexpectedMessage)));
}

/// A first word of TLS 1.2 or before.
fn old_hello(minor: u8, extensions: &[u8]) -> Vec<u8> {
    let body = [&[3, minor][..], &[9; 32], &[0, 0, 2, 0xC0, 0x2B, 1, 0], extensions].concat();
    let length = u8::try_from(body.len()).unwrap();
    record(22, &[&[1, 0, 0, length][..], &body].concat())
}

#[test]
fn old_versions_are_refused() {
    for minor in 1..=3 {
        // ECDSA on P-256 with SHA-256, and nothing else.
        let (error, alert) = answered(&old_hello(minor, &[0, 8, 0, 13, 0, 4, 0, 2, 4, 3]));
        assert_eq!(error, TlsError::Incompatible("does not offer TLS 1.3"), "3.{minor}");
        assert_eq!(alert, fatal(AlertDescription::ProtocolVersion), "3.{minor}");
        let (error, alert) = answered(&old_hello(minor, &[]));
        assert_eq!(error, TlsError::Incompatible("names no signature algorithms"), "3.{minor}");
        assert_eq!(alert, fatal(AlertDescription::HandshakeFailure), "3.{minor}");
    }
}

#[test]
fn handshakes_that_are_too_long_end() {
    let limit = TlsError::HandshakeTooLong { limit: 32 * 1024 };
    let mut pieces = record(22, &[1, 0, 0xFF, 0xFF]);
    for _ in 0..30_000 {
        pieces.extend(record(22, &[0]));
    }
    assert_eq!(refused(&pieces), limit);
    let mut long = record(22, &[&[1, 0, 0xFF, 0xFF][..], &[0; 16_000]].concat());
    long.extend(record(22, &[0; 16_384]));
    long.extend(record(22, &[0; 16_384]));
    assert_eq!(refused(&long), limit);
    let longer = refused(&record(22, &[1, 1, 0, 0]));
    assert_eq!(longer, TlsError::Protocol("a malformed message: HandshakePayloadTooLarge".into()));
}

#[test]
fn alerts_are_told_and_warnings_have_a_limit() {
    let error = refused(&record(21, &[2, 48]));
    assert_eq!(error, TlsError::AlertReceived { number: 48, name: "unknown_ca" });
    let warnings = refused(&record(21, &[1, 112]).repeat(10));
    assert_eq!(warnings, TlsError::Protocol("misbehaves: TooManyWarningAlertsReceived".into()));
    let specs = refused(&record(20, &[1]).repeat(10));
    assert!(matches!(specs, TlsError::Protocol(_)), "{specs}");
}

/// Before keys are agreed on anybody can say farewell. It is no end, of nothing.
#[test]
fn a_farewell_in_the_clear_is_none() {
    let mut server = accepted(&identity());
    let _ = server.receive(&record(21, &[1, 0]));
    let result = server.step();
    assert_ne!(server.state(), State::PeerClosed, "{result:?}");
    assert!(server.end_of_stream().is_err());
}

/// A handshake and a few words, with something between the client and the server.
fn spoken_over(
    identity: &Arc<ServerIdentity>,
    wire: &mut dyn FnMut(Vec<u8>) -> Vec<u8>,
) -> (Server, Result<(), TlsError>) {
    let (mut caller, mut server) = (Setup::new(identity).start(), accepted(identity));
    let mut result = converse_over(&mut caller, &mut server, wire);
    if result.is_ok() && caller.failure.is_none() {
        caller.say(SAID);
        caller.close();
        result = converse_over(&mut caller, &mut server, wire);
    }
    let result = result.and_then(|()| server.end_of_stream());
    (server, result)
}

/// Whatever happened on the way: nothing was heard that the client did not say, and no cut was taken for an end.
fn check(server: &mut Server, result: &Result<(), TlsError>) {
    let heard = server.plaintext().clone();
    assert!(SAID.starts_with(&heard), "{heard:?}");
    match result {
        Ok(()) => assert_eq!((server.state(), heard.as_slice()), (State::PeerClosed, SAID)),
        Err(error) => assert_eq!((server.state(), server.step().as_ref()), (State::Failed, Err(error))),
    }
}

#[test]
fn an_honest_wire_carries_everything() {
    let (mut server, result) = spoken_over(&identity(), &mut |bytes| bytes);
    assert_eq!(result, Ok(()));
    check(&mut server, &result);
}

/// A first word of which one byte is another: both sides hash what they have seen, so that they never agree.
#[test]
fn every_byte_of_a_first_word_counts() {
    let identity = identity();
    for at in 0..hello(&identity).len() {
        for mask in [0x01, 0x80, 0xFF] {
            let mut caller = Setup { versions: TLS13, ..Setup::new(&identity) }.start();
            let mut server = accepted(&identity);
            let mut is_first = true;
            let result = converse_over(&mut caller, &mut server, &mut |mut bytes| {
                if core::mem::take(&mut is_first) {
                    bytes[at] ^= mask;
                }
                bytes
            });
            // The version of the first record is not looked at, and in no hash (RFC 8446, section 5.1).
            let is_open = result.is_ok() && server.state() == State::Open;
            assert_eq!(is_open, is_open && (1..3).contains(&at), "{at} {mask:02x}");
            if !is_open {
                assert!(server.session().is_none() && server.end_of_stream().is_err(), "{at} {mask:02x}");
            }
        }
    }
}

#[test]
fn first_words_are_cut_anywhere() {
    let identity = identity();
    let hello = hello(&identity);
    for length in 0..hello.len() {
        let mut server = accepted(&identity);
        assert_eq!(deliver(&mut server, &hello[..length]), Ok(()), "{length}");
        assert!(server.outgoing().is_empty());
        assert_eq!(server.end_of_stream(), Err(TlsError::Truncated), "{length}");
        // The same bytes, in a record that says that it is whole.
        let Some(message) = hello[5..].get(..length).filter(|message| !message.is_empty()) else { continue };
        let mut server = accepted(&identity);
        assert_eq!(deliver(&mut server, &record(22, message)), Ok(()), "{length}");
        assert_eq!(server.end_of_stream(), Err(TlsError::Truncated), "{length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn garbage_opens_nothing(bytes in proptest::collection::vec(any::<u8>(), 1..600), kind in 0..3_u8) {
        let bytes = match kind {
            0 => bytes,
            1 => record(22, &bytes),
            _ => {
                let length = u8::try_from(bytes.len() >> 8).unwrap();
                let header = [1, 0, length, bytes.len().to_be_bytes()[7], 3, 3];
                record(22, &[&header[..], &bytes].concat())
            }
        };
        let mut server = accepted(&identity());
        let _ = deliver(&mut server, &bytes);
        prop_assert!(server.session().is_none() && server.plaintext().is_empty());
        prop_assert!(server.end_of_stream().is_err());
    }

    #[test]
    fn mischief_on_the_wire_fakes_nothing(at in 0..1_000_usize, bit in 0..8_u8, cut: bool) {
        let mut gone = 0;
        let (mut server, result) = spoken_over(&identity(), &mut |mut bytes| {
            let start = gone;
            gone += bytes.len();
            match at.checked_sub(start) {
                Some(at) if cut => bytes.truncate(at),
                None if cut => bytes.clear(),
                Some(at) => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << bit;
                    }
                }
                None => {}
            }
            bytes
        });
        check(&mut server, &result);
    }
}

/// Seals what a client of TLS 1.3 would never say.
struct Forger {
    key: LessSafeKey,
    iv: Iv,
    sequence: u64,
}

impl Forger {
    fn of(caller: Caller) -> Self {
        let secrets = caller.connection.dangerous_extract_secrets().unwrap();
        let (sequence, ConnectionTrafficSecrets::Aes256Gcm { key, iv }) = secrets.tx else {
            panic!("another suite")
        };
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).unwrap());
        Self { key, iv, sequence }
    }

    fn seal(&mut self, content: &[u8], kind: u8) -> Vec<u8> {
        let sealed = protected(&self.key, &self.iv, self.sequence, content, kind);
        self.sequence += 1;
        sealed
    }
}

#[test]
fn nothing_is_negotiated_anew() {
    let identity = identity();
    let again = hello(&identity);
    for message in [&again[5..], &[0, 0, 0, 0], &[11, 0, 0, 4, 0, 0, 0, 0]] {
        let (caller, mut server) = open(&identity);
        let forged = Forger::of(caller).seal(message, 22);
        let error = deliver(&mut server, &forged).unwrap_err();
        assert!(matches!(error, TlsError::Protocol(_)), "{error}");
        assert!(!server.outgoing().is_empty());
    }
}

#[test]
fn messages_in_too_many_pieces_end_the_connection() {
    let (caller, mut server) = open(&identity());
    let mut forger = Forger::of(caller);
    let mut carried = 0;
    for byte in [24, 0, 0xFF, 0xFF].into_iter().chain(core::iter::repeat(0)) {
        let piece = forger.seal(&[byte], 22);
        if let Err(error) = deliver(&mut server, &piece) {
            assert!(matches!(error, TlsError::HandshakeTooLong { .. }), "{error}");
            break;
        }
        carried += piece.len();
    }
    assert!((64 * 1024..128 * 1024).contains(&carried), "{carried}");
}

#[test]
fn new_keys_without_end_end_the_connection() {
    let (mut caller, mut server) = open(&identity());
    let error = (0..100).find_map(|_| {
        caller.connection.refresh_traffic_keys().unwrap();
        // What the server answers is not read.
        deliver(&mut server, &caller.give()).err()
    });
    assert_eq!(error, Some(TlsError::Protocol("misbehaves: TooManyKeyUpdateRequests".into())));
    assert!(server.outgoing().len() < 1_000);
}

/// With a word in between, they may go on for ever, and nothing piles up at a client that does not read.
#[test]
fn answers_do_not_pile_up() {
    let (mut caller, mut server) = open(&identity());
    for _ in 0..1_000 {
        caller.connection.refresh_traffic_keys().unwrap();
        caller.say(b".");
        deliver(&mut server, &caller.give()).unwrap();
        server.plaintext().clear();
    }
    assert!(server.outgoing().len() < 1_000, "{}", server.outgoing().len());
    assert_eq!(server.write(b"word"), 4);
    converse(&mut caller, &mut server).unwrap();
    assert_eq!(caller.heard(), b"word");
}

#[test]
fn changed_records_are_told_to_the_client() {
    let (mut caller, mut server) = open(&identity());
    caller.say(SAID);
    let mut bytes = caller.give();
    assert_eq!(records(&bytes).len(), 1);
    *bytes.last_mut().unwrap() ^= 0x80;
    let error = deliver(&mut server, &bytes).unwrap_err();
    assert_eq!(error, TlsError::Protocol("a record that does not decrypt, or a wrong Finished".into()));
    let alert = core::mem::take(server.outgoing());
    caller.take(&alert);
    assert_eq!(caller.failure, Some(rustls::Error::AlertReceived(AlertDescription::BadRecordMac)));
    assert!(server.plaintext().is_empty());
}
