//! Our server, and clients that follow the rules: our own, and rustls' with its own buffers.

use std::io::Write as _;
use std::sync::Arc;

use enclave_tls::{
    ALPN_HTTP_1_1, Anchors, Client, Connection, HostTrust, SERVER_NAME, Server, ServerIdentity, Side, State,
    TlsError, Trust, Version,
};
use rustls::client::Resumption;
use rustls::crypto::ring::{cipher_suite, default_provider, kx_group};
use rustls::crypto::{CryptoProvider, GetRandomFailed, SecureRandom};
use rustls::{
    AlertDescription, HandshakeKind, NamedGroup, ServerConfig, ServerConnection, SupportedCipherSuite,
};

use crate::authority::{Authority, now};
use crate::caller::{Caller, Setup, accepted, converse, identity, open, refusal};
use crate::server::{TLS12, TLS13, deliver, host};

const LABEL: &[u8] = b"EXPORTER-redoubt";

/// A client of ours that believes this identity and no other.
fn client_of(identity: &ServerIdentity) -> Client {
    let entry = HostTrust {
        host: SERVER_NAME.into(),
        authorities: vec![identity.certificate().to_vec()],
        spki_sha256: vec![identity.spki_sha256()],
    };
    let trust = Arc::new(Trust::new(Anchors::None, vec![entry]).unwrap());
    Client::connect(&trust, &host(SERVER_NAME), now(), &[ALPN_HTTP_1_1]).unwrap()
}

/// Lets two of ours speak until neither has anything to say.
fn agree<A: Side, B: Side>(one: &mut Connection<A>, other: &mut Connection<B>) -> Result<(), TlsError> {
    loop {
        one.step()?;
        let to_other = core::mem::take(one.outgoing());
        let result = deliver(other, &to_other).and_then(|()| other.step());
        let to_one = core::mem::take(other.outgoing());
        deliver(one, &to_one)?;
        result?;
        if to_one.is_empty() && to_other.is_empty() {
            return Ok(());
        }
    }
}

fn exported(server: &Server, label: &[u8], context: Option<&[u8]>) -> [u8; 32] {
    let mut value = [0; 32];
    server.session().unwrap().export(label, context, &mut value).unwrap();
    value
}

fn exported_by_caller(caller: &Caller, label: &[u8], context: Option<&[u8]>) -> [u8; 32] {
    caller.connection.export_keying_material([0; 32], label, context).unwrap()
}

#[test]
fn both_sides_are_ours() {
    let identity = identity();
    let (mut client, mut server) = (client_of(&identity), accepted(&identity));
    assert!(server.session().is_none());
    agree(&mut client, &mut server).unwrap();
    assert_eq!((client.state(), server.state()), (State::Open, State::Open));

    let (calling, called) = (client.session().unwrap(), server.session().unwrap());
    assert_eq!((calling.version, called.version), (Version::Tls13, Version::Tls13));
    assert_eq!(calling.cipher_suite, called.cipher_suite);
    assert_eq!(calling.key_exchange_group, called.key_exchange_group);
    assert_eq!((calling.alpn.as_deref(), called.alpn.as_deref()), (Some(ALPN_HTTP_1_1), Some(ALPN_HTTP_1_1)));
    assert_eq!(called.sni.as_deref(), Some(SERVER_NAME));
    assert_eq!(calling.peer.chain, [identity.certificate()]);
    assert_eq!(calling.peer.leaf_spki_sha256, identity.spki_sha256());
    assert!(calling.peer.was_pinned);

    let mut same = [0; 32];
    calling.exporter(LABEL, Some(b"context"), &mut same).unwrap();
    assert_eq!(exported(&server, LABEL, Some(b"context")), same);
    for (label, context) in [(LABEL, None), (LABEL, Some(&b"another"[..])), (b"another", Some(b"context"))] {
        assert_ne!(exported(&server, label, context), same);
    }

    assert_eq!((client.write(b"ping"), server.write(b"pong")), (4, 4));
    agree(&mut client, &mut server).unwrap();
    assert_eq!((client.plaintext().as_slice(), server.plaintext().as_slice()), (&b"pong"[..], &b"ping"[..]));
    client.close();
    agree(&mut client, &mut server).unwrap();
    assert_eq!((client.state(), server.state()), (State::Open, State::PeerClosed));
    server.close();
    agree(&mut client, &mut server).unwrap();
    assert_eq!((client.end_of_stream(), server.end_of_stream()), (Ok(()), Ok(())));
    assert_eq!(client.state(), State::PeerClosed);
}

/// A client that believes one boot does not believe the next, and says so.
#[test]
fn identities_are_not_mixed_up() {
    let (before, after) = (identity(), identity());
    assert_ne!(before.spki_sha256(), after.spki_sha256());
    let (mut client, mut server) = (client_of(&before), accepted(&after));
    let error = agree(&mut client, &mut server).unwrap_err();
    assert_eq!(error, TlsError::BadSignature { on: enclave_tls::Signed::Certificate });
    let alert = core::mem::take(client.outgoing());
    let error = deliver(&mut server, &alert).unwrap_err();
    assert!(matches!(error, TlsError::AlertReceived { .. }), "{error}");
    assert!(server.session().is_none());
}

#[test]
fn rustls_speaks_with_us() {
    let identity = identity();
    let (mut caller, mut server) = open(&identity);
    let session = server.session().unwrap();
    let known = &caller.connection;
    assert_eq!(known.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    assert_eq!(session.cipher_suite, u16::from(known.negotiated_cipher_suite().unwrap().suite()));
    let group = known.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(session.key_exchange_group, u16::from(group));
    assert_eq!(session.alpn.as_deref(), known.alpn_protocol());
    assert_eq!(session.sni.as_deref(), Some(SERVER_NAME));
    for context in [None, Some(&b""[..]), Some(b"context")] {
        assert_eq!(exported(&server, LABEL, context), exported_by_caller(&caller, LABEL, context));
    }
    // Once more, after a new key: the session is the same.
    caller.connection.refresh_traffic_keys().unwrap();
    caller.say(b"ping");
    assert_eq!(server.write(b"pong"), 4);
    converse(&mut caller, &mut server).unwrap();
    assert_eq!((server.plaintext().as_slice(), caller.heard().as_slice()), (&b"ping"[..], &b"pong"[..]));
    assert_eq!(exported(&server, LABEL, None), exported_by_caller(&caller, LABEL, None));

    caller.close();
    converse(&mut caller, &mut server).unwrap();
    assert_eq!((server.state(), server.end_of_stream()), (State::PeerClosed, Ok(())));
    assert_eq!(server.write(b"last"), 4);
    server.close();
    converse(&mut caller, &mut server).unwrap();
    assert!(caller.is_closed);
    assert_eq!(caller.heard(), b"last");
}

#[test]
fn ends_are_told_from_cuts() {
    let identity = identity();
    let (mut caller, mut server) = open(&identity);
    caller.say(b"some of i");
    converse(&mut caller, &mut server).unwrap();
    assert_eq!(server.end_of_stream(), Err(TlsError::Truncated));
    assert_eq!((server.state(), server.plaintext().as_slice()), (State::Failed, &b"some of i"[..]));
    let mut nobody = accepted(&identity);
    assert_eq!(nobody.end_of_stream(), Err(TlsError::Truncated));
    // Half of a first word.
    let hello = Setup::new(&identity).start().give();
    let mut server = accepted(&identity);
    deliver(&mut server, &hello[..hello.len() / 2]).unwrap();
    assert_eq!(server.end_of_stream(), Err(TlsError::Truncated));
}

/// What is written before the handshake's end goes after it.
#[test]
fn what_is_written_early_waits() {
    let identity = identity();
    let (mut caller, mut server) = (Setup::new(&identity).start(), accepted(&identity));
    assert_eq!(server.write(b"welcome"), 7);
    server.close();
    deliver(&mut server, &caller.give()).unwrap();
    let flight = core::mem::take(server.outgoing());
    assert_eq!(server.state(), State::Handshaking);
    caller.take(&flight);
    assert!(caller.heard().is_empty());
    converse(&mut caller, &mut server).unwrap();
    assert_eq!((caller.heard().as_slice(), caller.is_closed), (&b"welcome"[..], true));
}

#[test]
fn single_bytes_are_enough() {
    let identity = identity();
    let (mut caller, mut server) = (Setup::new(&identity).start(), accepted(&identity));
    caller.say(b"ping");
    while server.plaintext().is_empty() {
        for byte in caller.give() {
            assert_eq!(server.receive(&[byte]), 1);
            server.step().unwrap();
        }
        for byte in core::mem::take(server.outgoing()) {
            caller.take(&[byte]);
        }
    }
    assert_eq!((server.state(), server.plaintext().as_slice()), (State::Open, &b"ping"[..]));
}

#[test]
fn suites_and_groups_are_those_of_the_client() {
    let identity = identity();
    let suites =
        [(cipher_suite::TLS13_AES_256_GCM_SHA384, 0x1302), (cipher_suite::TLS13_AES_128_GCM_SHA256, 0x1301)];
    let groups = [kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];
    for ((suite, number), group) in suites.iter().flat_map(|suite| groups.map(|group| (suite, group))) {
        let provider =
            CryptoProvider { cipher_suites: vec![*suite], kx_groups: vec![group], ..default_provider() };
        let mut caller = Setup { provider, ..Setup::new(&identity) }.start();
        let mut server = accepted(&identity);
        converse(&mut caller, &mut server).unwrap();
        let session = server.session().unwrap();
        let agreed = (session.cipher_suite, NamedGroup::from(session.key_exchange_group));
        assert_eq!(agreed, (*number, group.name()));
        assert_eq!(exported(&server, LABEL, None), exported_by_caller(&caller, LABEL, None));
    }
}

/// A group of which nobody knows is preferred, and only for that one there is a key share.
#[derive(Debug)]
struct Unknown;

impl rustls::crypto::SupportedKxGroup for Unknown {
    fn start(&self) -> Result<Box<dyn rustls::crypto::ActiveKeyExchange>, rustls::Error> {
        kx_group::X25519.start()
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::Unknown(0x6A6A)
    }
}

#[test]
fn clients_without_what_we_need_are_told_so() {
    let identity = identity();
    let refused = |change: &dyn Fn(&mut Setup)| {
        let mut setup = Setup::new(&identity);
        change(&mut setup);
        refusal(&mut setup.start(), &mut accepted(&identity))
    };
    let with_suite =
        |suite: SupportedCipherSuite| refused(&|setup| setup.provider.cipher_suites = vec![suite]);
    let incompatible = TlsError::Incompatible;
    let old = refused(&|setup| setup.versions = TLS12);
    assert_eq!(old, (incompatible("does not offer TLS 1.3"), AlertDescription::ProtocolVersion));
    assert_eq!(old.0.to_string(), "peer: does not offer TLS 1.3");
    let suite = with_suite(cipher_suite::TLS13_CHACHA20_POLY1305_SHA256);
    assert_eq!(suite, (incompatible("no cipher suite in common"), AlertDescription::HandshakeFailure));
    let group = refused(&|setup| setup.provider.kx_groups = vec![&Unknown]);
    let expected = incompatible("no group for the key exchange in common");
    assert_eq!(group, (expected, AlertDescription::HandshakeFailure));
    let protocol = refused(&|setup| setup.alpn = vec![b"h2".to_vec()]);
    let expected = incompatible("no application protocol in common");
    assert_eq!(protocol, (expected, AlertDescription::NoApplicationProtocol));
    let scheme = refused(&|setup| {
        let kept = rustls::SignatureScheme::ED25519;
        let all = setup.provider.signature_verification_algorithms;
        let mapping = all.mapping.iter().copied().filter(|(scheme, _)| *scheme == kept).collect::<Vec<_>>();
        setup.provider.signature_verification_algorithms.mapping = mapping.leak();
    });
    let expected = incompatible("takes no signatures of ECDSA on P-256 with SHA-256");
    assert_eq!(scheme, (expected, AlertDescription::HandshakeFailure));
}

#[test]
fn clients_that_say_less_are_served() {
    let identity = identity();
    let mut silent = Setup { alpn: vec![], ..Setup::new(&identity) }.start();
    let mut server = accepted(&identity);
    converse(&mut silent, &mut server).unwrap();
    assert_eq!(server.session().unwrap().alpn, None);

    // An address is not told to the server, and is not in the certificate.
    let mut caller =
        Setup { called: core::net::Ipv4Addr::new(192, 0, 2, 1).into(), ..Setup::new(&identity) }.start();
    let mut server = accepted(&identity);
    let error = converse(&mut caller, &mut server).map(drop);
    assert!(matches!(caller.failure, Some(rustls::Error::InvalidCertificate(_))), "{:?}", caller.failure);
    assert_eq!(error, Err(TlsError::AlertReceived { number: 42, name: "bad_certificate" }));
}

/// Clients choose their randoms, and may choose the same.
#[derive(Debug)]
struct NotRandom;

impl SecureRandom for NotRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        bytes.fill(7);
        Ok(())
    }
}

#[test]
fn each_connection_has_its_own_exporter() {
    let identity = identity();
    let mut connections: Vec<_> = (0..24)
        .map(|at| {
            let mut setup = Setup::new(&identity);
            if at % 2 == 0 {
                setup.provider.secure_random = &NotRandom;
            }
            (setup.start(), accepted(&identity))
        })
        .collect();
    // A step of each, then the next of each.
    for _ in 0..4 {
        for (caller, server) in &mut connections {
            deliver(server, &caller.give()).unwrap();
        }
        for (caller, server) in connections.iter_mut().rev() {
            let bytes = core::mem::take(server.outgoing());
            caller.take(&bytes);
        }
    }
    let mut values: Vec<_> = connections.iter().map(|(_, server)| exported(server, LABEL, None)).collect();
    for ((caller, _), value) in connections.iter().zip(&values) {
        assert_eq!(exported_by_caller(caller, LABEL, None), *value);
    }
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len(), connections.len());
}

#[test]
fn no_session_is_resumed() {
    let identity = identity();
    let resumption = Resumption::in_memory_sessions(8);
    let config = Setup { resumption, ..Setup::new(&identity) }.config();
    for _ in 0..3 {
        let mut caller = Caller::start(&config, SERVER_NAME.try_into().unwrap());
        let mut server = accepted(&identity);
        assert!(caller.connection.early_data().is_none());
        converse(&mut caller, &mut server).unwrap();
        caller.say(b"ping");
        assert_eq!(server.write(b"pong"), 4);
        converse(&mut caller, &mut server).unwrap();
        assert_eq!(caller.heard(), b"pong");
        assert_eq!(caller.connection.tls13_tickets_received(), 0);
        assert_eq!(caller.connection.handshake_kind(), Some(HandshakeKind::Full));
    }
}

/// A server that gives out tickets and takes early data, as another program at this address may have been.
fn generous(root: &Authority) -> ServerConnection {
    let identity = root.server(&[SERVER_NAME]);
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(TLS13)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), identity.key())
        .unwrap();
    config.max_early_data_size = 64_000;
    config.alpn_protocols = vec![ALPN_HTTP_1_1.to_vec()];
    ServerConnection::new(Arc::new(config)).unwrap()
}

/// A client that has a ticket of a generous server, and sends us `early` with it.
fn with_a_ticket(identity: &Arc<ServerIdentity>, early: &[u8]) -> (Caller, Server, Result<(), TlsError>) {
    let root = Authority::root("root");
    let mut setup =
        Setup { resumption: Resumption::in_memory_sessions(8), versions: TLS13, ..Setup::new(identity) };
    setup.roots.push(root.der.clone());
    let config = setup.config();
    let mut before = Caller::start(&config, SERVER_NAME.try_into().unwrap());
    let mut generous = generous(&root);
    for _ in 0..3 {
        generous.read_tls(&mut before.give().as_slice()).unwrap();
        generous.process_new_packets().unwrap();
        let mut bytes = Vec::new();
        while generous.wants_write() {
            generous.write_tls(&mut bytes).unwrap();
        }
        before.take(&bytes);
    }
    assert_eq!((before.failure, before.connection.tls13_tickets_received()), (None, 2));

    let mut caller = Caller::start(&config, SERVER_NAME.try_into().unwrap());
    caller.connection.early_data().unwrap().write_all(early).unwrap();
    let mut server = accepted(identity);
    let result = converse(&mut caller, &mut server);
    (caller, server, result)
}

/// As long as there is little: rustls counts what it cannot decrypt anew whenever it is shown more, and stops at 16 KiB.
#[test]
fn early_data_is_passed_over() {
    let identity = identity();
    for length in [1, 4_000] {
        let (mut caller, mut server, result) = with_a_ticket(&identity, &vec![7; length]);
        result.unwrap();
        assert_eq!(server.state(), State::Open);
        assert!(!caller.connection.is_early_data_accepted());
        assert_eq!(caller.connection.handshake_kind(), Some(HandshakeKind::Full));
        assert!(server.plaintext().is_empty());
        caller.say(b"late");
        converse(&mut caller, &mut server).unwrap();
        assert_eq!(server.plaintext(), b"late");
    }
}

#[test]
fn much_early_data_ends_the_connection() {
    let (_, server, result) = with_a_ticket(&identity(), &vec![7; 60_000]);
    assert!(result.is_err() && server.session().is_none(), "{result:?}");
}
