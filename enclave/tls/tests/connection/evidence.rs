//! What a session says, against what the server knows and what others compute.

use enclave_tls::{Client, Session, Version};
use proptest::prelude::*;
use rcgen::CustomExtension;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{default_provider, kx_group};
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use webpki::EndEntityCert;
use x509_cert::der::{Decode as _, Encode as _};

use crate::authority::{Authority, HOST, now, trust_in};
use crate::server::{Server, Setup, TLS12, TLS13, client, converse, converse_over, host, open, records};

/// Type, version, length, and of the message: type, length, version.
const RANDOM_AT: usize = 5 + 4 + 2;

#[test]
fn sessions_say_what_the_server_knows() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    let trust = trust_in(&root);
    for versions in [TLS13, TLS12] {
        let (mut client, mut server) = (client(&trust), Setup::with_versions(&identity, versions).start());
        let mut from_server = Vec::new();
        converse_over(&mut client, &mut server, &mut |bytes| {
            from_server.extend_from_slice(&bytes);
            bytes
        })
        .unwrap();
        let session = client.session().unwrap();
        let known = &server.connection;
        assert_eq!((&session.host, session.time), (&host(HOST), now()));
        assert_eq!(session.version.number(), u16::from(known.protocol_version().unwrap()));
        assert_eq!(session.cipher_suite, u16::from(known.negotiated_cipher_suite().unwrap().suite()));
        let group = known.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(session.key_exchange_group, u16::from(group));
        assert_eq!(session.alpn.as_deref(), known.alpn_protocol());
        assert_eq!(session.client_random.to_vec(), server.client_random());
        assert_eq!(session.server_random, from_server[RANDOM_AT..][..32]);
        assert_eq!(session.peer.chain, identity.presented());
        assert_eq!(session.peer.path, [0]);
        assert_eq!(session.peer.leaf_spki_sha256, identity.spki_sha256());
        assert_eq!(session.peer.roots_digest, trust.roots_digest(&host(HOST)));
        assert_eq!((session.peer.ocsp_response.len(), session.peer.scts.len()), (0, 0));
    }
}

#[test]
fn roots_are_named() {
    let root = Authority::root("the root of all");
    let between = root.below("between", crate::authority::VALID);
    let identity = between.server(&[HOST]).and(&[&between]);
    let (client, _) = open(&trust_in(&root), Setup::new(&identity).start());
    let named = &client.session().unwrap().peer.root;
    let certificate = x509_cert::Certificate::from_der(&root.der).unwrap();
    let signed = certificate.tbs_certificate();
    assert_eq!(named.subject, signed.subject().to_der().unwrap());
    let spki = signed.subject_public_key_info().to_der().unwrap();
    assert_eq!(named.spki_sha256, <[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(spki)));
}

/// The random of the second ServerHello counts, not what stands for one in the first.
#[test]
fn retries_do_not_hide_the_servers_random() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    let provider = CryptoProvider { kx_groups: vec![kx_group::SECP384R1], ..default_provider() };
    let mut server = Setup { provider, ..Setup::with_versions(&identity, TLS13) }.start();
    let mut client = client(&trust_in(&root));
    let mut hellos = Vec::new();
    converse_over(&mut client, &mut server, &mut |bytes| {
        hellos.extend(records(&bytes).into_iter().filter(|record| record[0] == 22));
        bytes
    })
    .unwrap();
    let session = client.session().unwrap();
    assert!(session.was_retried);
    assert_eq!(hellos.len(), 2);
    assert_ne!(hellos[0][RANDOM_AT..][..32], hellos[1][RANDOM_AT..][..32]);
    assert_eq!(session.server_random, hellos[1][RANDOM_AT..][..32]);
}

/// A third party, with the certificate only. In TLS 1.2 a scheme does not say which curve the key is on.
pub(crate) fn verifies(session: &Session, message: &[u8]) -> bool {
    let algorithms: &[&dyn SignatureVerificationAlgorithm] = match session.signature.scheme {
        0x0403 => &[webpki::ring::ECDSA_P256_SHA256, webpki::ring::ECDSA_P384_SHA256],
        0x0503 => &[webpki::ring::ECDSA_P384_SHA384, webpki::ring::ECDSA_P256_SHA384],
        0x0804 => &[webpki::ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY],
        0x0805 => &[webpki::ring::RSA_PSS_2048_8192_SHA384_LEGACY_KEY],
        0x0806 => &[webpki::ring::RSA_PSS_2048_8192_SHA512_LEGACY_KEY],
        0x0807 => &[webpki::ring::ED25519],
        other => panic!("scheme {other:#06x}"),
    };
    let leaf = CertificateDer::from(session.peer.chain[0].as_slice());
    let certificate = EndEntityCert::try_from(&leaf).unwrap();
    let verifies = |algorithm: &&dyn SignatureVerificationAlgorithm| {
        certificate.verify_signature(*algorithm, message, &session.signature.signature).is_ok()
    };
    algorithms.iter().any(verifies)
}

#[test]
fn handshake_signatures_can_be_checked_again() {
    let root = Authority::root("root");
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
        let identity = root.server_of_kind(algorithm);
        for versions in [TLS13, TLS12] {
            let (client, _) = open(&trust_in(&root), Setup::with_versions(&identity, versions).start());
            let session = client.session().unwrap();
            let message = &session.signature.message;
            assert!(verifies(session, message));
            let mut other = message.clone();
            *other.last_mut().unwrap() ^= 1;
            assert!(!verifies(session, &other));
            match session.version {
                Version::Tls13 => {
                    let context = b"TLS 1.3, server CertificateVerify\0";
                    assert_eq!(message[..64], [b' '; 64]);
                    assert_eq!(message[64..][..context.len()], *context);
                    assert_eq!(message.len(), 64 + context.len() + 48);
                }
                Version::Tls12 => {
                    assert_eq!(message[..32], session.client_random);
                    assert_eq!(message[32..][..32], session.server_random);
                }
            }
        }
    }
}

#[test]
fn what_the_server_says_of_revocation_is_kept() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    for versions in [TLS13, TLS12] {
        let ocsp_response = b"not judged".to_vec();
        let setup = Setup { ocsp_response, ..Setup::with_versions(&identity, versions) };
        let (client, _) = open(&trust_in(&root), setup.start());
        assert_eq!(client.session().unwrap().peer.ocsp_response, b"not judged");
    }
}

/// `SignedCertificateTimestampList` (RFC 6962, section 3.3) as the content of the extension.
fn sct_list(scts: &[([u8; 32], u64)]) -> CustomExtension {
    let field = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let sct = |(log, timestamp): &([u8; 32], u64)| {
        let parts: [&[u8]; 6] =
            [&[0], log, &timestamp.to_be_bytes(), &field(&[]), &[4, 3], &field(b"signature")];
        field(&parts.concat())
    };
    let list = field(&scts.iter().flat_map(sct).collect::<Vec<u8>>());
    // An OCTET STRING of less than 128 bytes.
    let content = [&[0x04, u8::try_from(list.len()).unwrap()], list.as_slice()].concat();
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], content)
}

#[test]
fn logs_that_promised_to_publish_are_named() {
    let root = Authority::root("root");
    let promises = [([1; 32], 1_700_000_000_123), ([2; 32], 1_700_000_000_456)];
    let identity = root.server_with(|params| params.custom_extensions.push(sct_list(&promises)));
    let (client, _) = open(&trust_in(&root), Setup::new(&identity).start());
    let named = client.session().unwrap().peer.scts.iter().map(|sct| (sct.log_id, sct.timestamp_ms));
    assert_eq!(named.collect::<Vec<_>>(), promises);
}

fn exported(
    client: &Client,
    server: &Server,
    label: &[u8],
    context: Option<&[u8]>,
    length: usize,
) -> (Vec<u8>, Vec<u8>) {
    let mut ours = vec![0; length];
    client.session().unwrap().exporter(label, context, &mut ours).unwrap();
    let theirs = server.connection.export_keying_material(vec![0; length], label, context).unwrap();
    (ours, theirs)
}

#[test]
fn both_ends_export_the_same() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    for suite in default_provider().cipher_suites {
        let name = suite.suite().as_str().unwrap_or_default();
        // The server's key is no RSA key, and the client offers no ChaCha.
        if name.contains("ECDHE_RSA") || name.contains("CHACHA") {
            continue;
        }
        let provider = CryptoProvider { cipher_suites: vec![suite], ..default_provider() };
        let versions = if suite.tls13().is_some() { TLS13 } else { TLS12 };
        let server = Setup { provider, ..Setup::with_versions(&identity, versions) }.start();
        let (client, server) = open(&trust_in(&root), server);
        for (context, length) in
            [(None, 32), (Some(&b""[..]), 32), (Some(b"context"), 1), (Some(&[7; 300]), 1000)]
        {
            let (ours, theirs) = exported(&client, &server, b"EXPORTER-redoubt", context, length);
            assert_eq!(ours, theirs, "{:?} {context:?}", suite.suite());
        }
    }
}

#[test]
fn every_session_exports_something_else() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    let values: Vec<_> = (0..3)
        .map(|_| {
            let (client, server) = open(&trust_in(&root), Setup::new(&identity).start());
            exported(&client, &server, b"label", None, 32).0
        })
        .collect();
    assert!(values[0] != values[1] && values[1] != values[2] && values[0] != values[2]);
}

/// Nothing that is printed of a session has its secret in it.
#[test]
fn secrets_are_not_printed() {
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    let (mut client, mut server) = open(&trust_in(&root), Setup::new(&identity).start());
    converse(&mut client, &mut server).unwrap();
    let printed = format!("{:?}", client.session().unwrap());
    assert!(printed.contains("exporter: Exporter"), "{printed}");
    assert_eq!(format!("{client:?}"), "Client { state: Open, .. }");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_for_is_exported_alike(
        label in proptest::collection::vec(any::<u8>(), 0..=249),
        context: Option<Vec<u8>>,
        length in 1..500_usize,
        is_newer: bool,
    ) {
        let root = Authority::root("root");
        let identity = root.server(&[HOST]);
        let versions = if is_newer { TLS13 } else { TLS12 };
        let (client, server) = open(&trust_in(&root), Setup::with_versions(&identity, versions).start());
        let (ours, theirs) = exported(&client, &server, &label, context.as_deref(), length);
        prop_assert_eq!(ours, theirs);
    }
}
