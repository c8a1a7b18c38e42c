//! What can be agreed on, and what cannot.

use enclave_tls::{ALPN_HTTP_1_1, Client, State, TlsError, Version};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{cipher_suite, default_provider, kx_group};
use rustls::{NamedGroup, SupportedCipherSuite};

use crate::authority::{Authority, HOST, now, trust_in};
use crate::server::{BOTH, Server, Setup, TLS12, TLS13, converse, host, open};

fn speaks(client: &mut Client, server: &mut Server) {
    assert_eq!(client.write(b"ping"), 4);
    server.say(b"pong");
    converse(client, server).unwrap();
    assert_eq!((server.heard().as_slice(), client.plaintext().as_slice()), (&b"ping"[..], &b"pong"[..]));
}

#[test]
fn both_versions_are_spoken_and_the_newer_preferred() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    for (versions, expected) in [(TLS13, Version::Tls13), (TLS12, Version::Tls12), (BOTH, Version::Tls13)] {
        let server = Setup::with_versions(&identity, versions).start();
        let (mut client, mut server) = open(&trust_in(&root), server);
        let session = client.session().unwrap();
        assert_eq!(session.version, expected);
        let number = u16::from(server.connection.protocol_version().unwrap());
        assert_eq!(session.version.number(), number);
        assert_eq!(server.connection.server_name(), Some(HOST));
        speaks(&mut client, &mut server);
    }
}

#[test]
fn every_suite_is_spoken_that_is_offered() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    let suites = [
        cipher_suite::TLS13_AES_256_GCM_SHA384,
        cipher_suite::TLS13_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ];
    for suite in suites {
        let versions = if matches!(suite, SupportedCipherSuite::Tls13(_)) { TLS13 } else { TLS12 };
        let provider = CryptoProvider { cipher_suites: vec![suite], ..default_provider() };
        let server = Setup { provider, ..Setup::with_versions(&identity, versions) }.start();
        let (mut client, mut server) = open(&trust_in(&root), server);
        assert_eq!(client.session().unwrap().cipher_suite, u16::from(suite.suite()));
        speaks(&mut client, &mut server);
    }
}

/// The client guesses X25519; for another group the server has to ask in TLS 1.3.
#[test]
fn every_group_is_spoken_that_is_offered() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    for (group, number) in [
        (kx_group::X25519, NamedGroup::X25519),
        (kx_group::SECP256R1, NamedGroup::secp256r1),
        (kx_group::SECP384R1, NamedGroup::secp384r1),
    ] {
        for versions in [TLS13, TLS12] {
            let provider = CryptoProvider { kx_groups: vec![group], ..default_provider() };
            let server = Setup { provider, ..Setup::with_versions(&identity, versions) }.start();
            let (mut client, mut server) = open(&trust_in(&root), server);
            let session = client.session().unwrap();
            assert_eq!(session.key_exchange_group, u16::from(number));
            let is_asked = session.version == Version::Tls13 && number != NamedGroup::X25519;
            assert_eq!(session.was_retried, is_asked);
            speaks(&mut client, &mut server);
        }
    }
}

#[test]
fn servers_have_keys_of_several_kinds() {
    let root = Authority::root("root");
    for (algorithm, scheme) in [
        (&rcgen::PKCS_ECDSA_P256_SHA256, 0x0403),
        (&rcgen::PKCS_ECDSA_P384_SHA384, 0x0503),
        (&rcgen::PKCS_ED25519, 0x0807),
    ] {
        let identity = root.server_of_kind(algorithm);
        for versions in [TLS13, TLS12] {
            let server = Setup::with_versions(&identity, versions).start();
            let (client, _) = open(&trust_in(&root), server);
            assert_eq!(client.session().unwrap().signature.scheme, scheme);
        }
    }
}

#[test]
fn the_protocol_above_is_agreed_on() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    let (client, _) = open(&trust_in(&root), Setup::new(&identity).start());
    assert_eq!(client.session().unwrap().alpn.as_deref(), Some(ALPN_HTTP_1_1));

    let silent = Setup { alpn: vec![], ..Setup::new(&identity) }.start();
    let (client, _) = open(&trust_in(&root), silent);
    assert_eq!(client.session().unwrap().alpn, None);

    let mut other = Setup { alpn: vec![b"h2".to_vec()], ..Setup::new(&identity) }.start();
    let mut client = Client::connect(&trust_in(&root), &host(HOST), now(), &[ALPN_HTTP_1_1]).unwrap();
    let error = converse(&mut client, &mut other).unwrap_err();
    assert_eq!(error, TlsError::AlertReceived { number: 120, name: "no_application_protocol" });

    let mut other = Setup { alpn: vec![b"h2".to_vec()], ..Setup::new(&identity) }.start();
    let mut client = Client::connect(&trust_in(&root), &host(HOST), now(), &[b"h2", ALPN_HTTP_1_1]).unwrap();
    converse(&mut client, &mut other).unwrap();
    assert_eq!(client.session().unwrap().alpn.as_deref(), Some(&b"h2"[..]));
}

/// What is written before the handshake's end goes after it, and not in the clear.
#[test]
fn what_is_written_early_waits() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    let mut server = Setup::new(&identity).start();
    let mut client = Client::connect(&trust_in(&root), &host(HOST), now(), &[]).unwrap();
    let secret = b"an early word".repeat(4);
    assert_eq!(client.write(&secret), secret.len());
    client.step().unwrap();
    assert_eq!(client.state(), State::Handshaking);
    assert!(!client.outgoing().windows(8).any(|window| window == &secret[..8]));
    converse(&mut client, &mut server).unwrap();
    assert_eq!(server.heard(), secret);
}

#[test]
fn a_server_without_a_suite_of_ours_says_so() {
    let root = Authority::root("root");
    // Suites for RSA only, and no key for it.
    let identity = root.server(&[HOST]);
    let suites = vec![cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256];
    let provider = CryptoProvider { cipher_suites: suites, ..default_provider() };
    let mut server = Setup { provider, ..Setup::with_versions(&identity, TLS12) }.start();
    let mut client = Client::connect(&trust_in(&root), &host(HOST), now(), &[]).unwrap();
    let error = converse(&mut client, &mut server).unwrap_err();
    assert_eq!(error, TlsError::AlertReceived { number: 40, name: "handshake_failure" });
    assert_eq!(client.state(), State::Failed);
}
