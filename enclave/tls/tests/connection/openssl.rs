//! Against OpenSSL's server, over the loopback interface.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use enclave_tls::{Client, State, TlsError, Version};
use pem_rfc7468::{LineEnding, decode_vec, encode_string};
use rcgen::KeyPair;

use crate::authority::{Authority, HOST, Identity, trust_in};
use crate::evidence::verifies;
use crate::program::{LABEL, Program, carry, impatient, is_there};
use crate::server::client;

/// `s_server` with one connection. What is written to its standard input goes to the client.
struct Server {
    program: Program,
    port: u16,
}

impl Server {
    fn start(identity: &Identity, folder: &Path, arguments: &[&str]) -> Self {
        let file = |name: &str, label: &str, der: &[u8]| {
            let path = folder.join(name);
            std::fs::write(&path, encode_string(label, LineEnding::LF, der).unwrap()).unwrap();
            path
        };
        let certificate = file("certificate.pem", "CERTIFICATE", &identity.chain[0]);
        let key = file("key.pem", "PRIVATE KEY", identity.key().secret_der());
        let mut command = Command::new("openssl");
        command
            .args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-alpn", "http/1.1"])
            .args(["-keymatexport", LABEL, "-keymatexportlen", "32"])
            .arg("-cert")
            .arg(certificate)
            .arg("-key")
            .arg(key)
            .args(arguments);
        let program = Program::start(&mut command);
        let address = program.line_with("ACCEPT ");
        Self { program, port: address.rsplit(':').next().unwrap().parse().unwrap() }
    }
}

fn call(port: u16) -> TcpStream {
    impatient(TcpStream::connect(("127.0.0.1", port)).unwrap())
}

/// A handshake, a word each way, and an end; with what OpenSSL exports from the session.
fn spoken(root: &Authority, identity: &Identity, arguments: &[&str]) -> Client {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(identity, folder.path(), arguments);
    let mut stream = call(server.port);
    let mut client = client(&trust_in(root));
    carry(&mut client, &mut stream, |client| client.state() == State::Open).unwrap();
    let mut ours = [0; 32];
    client.session().unwrap().exporter(LABEL.as_bytes(), None, &mut ours).unwrap();
    assert_eq!(server.program.line_with("Keying material: "), hex::encode_upper(ours), "{arguments:?}");

    assert_eq!(client.write(b"ping from the client\n"), 21);
    carry(&mut client, &mut stream, |_| true).unwrap();
    server.program.line_with("ping from the client");
    server.program.type_in("pong from the server\n");
    carry(&mut client, &mut stream, |client| client.plaintext().ends_with(b"\n")).unwrap();
    assert_eq!(client.plaintext(), b"pong from the server\n");
    // It answers a farewell with one.
    client.close();
    carry(&mut client, &mut stream, |client| client.state() == State::PeerClosed).unwrap();
    client
}

/// RSA is what OpenSSL makes here and others do not.
fn rsa_key() -> KeyPair {
    let arguments = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
    let made = Command::new("openssl").args(arguments).stderr(Stdio::null()).output().unwrap();
    KeyPair::try_from(decode_vec(&made.stdout).unwrap().1).unwrap()
}

#[test]
fn openssl_speaks_with_us_in_tls_1_3() {
    if !is_there("openssl") {
        return;
    }
    let root = Authority::root("root");
    let identities = [root.server(&[HOST]), root.server_with_key(rsa_key())];
    for (identity, suite, number) in [
        (&identities[0], "TLS_AES_256_GCM_SHA384", 0x1302),
        (&identities[1], "TLS_AES_128_GCM_SHA256", 0x1301),
    ] {
        let client = spoken(&root, identity, &["-tls1_3", "-ciphersuites", suite]);
        let session = client.session().unwrap();
        assert_eq!((session.version, session.cipher_suite), (Version::Tls13, number));
        assert_eq!(session.alpn.as_deref(), Some(&b"http/1.1"[..]));
        assert!(verifies(session, &session.signature.message));
    }
}

#[test]
fn openssl_speaks_with_us_in_tls_1_2() {
    if !is_there("openssl") {
        return;
    }
    let root = Authority::root("root");
    let (elliptic, rsa) = (root.server(&[HOST]), root.server_with_key(rsa_key()));
    for (identity, suite, number) in [
        (&elliptic, "ECDHE-ECDSA-AES256-GCM-SHA384", 0xC02C),
        (&rsa, "ECDHE-RSA-AES128-GCM-SHA256", 0xC02F),
        (&rsa, "ECDHE-RSA-AES256-GCM-SHA384", 0xC030),
    ] {
        let client = spoken(&root, identity, &["-tls1_2", "-cipher", suite]);
        let session = client.session().unwrap();
        assert_eq!((session.version, session.cipher_suite), (Version::Tls12, number));
        assert!(verifies(session, &session.signature.message));
    }
}

#[test]
fn openssl_asks_for_other_groups() {
    if !is_there("openssl") {
        return;
    }
    let root = Authority::root("root");
    let identity = root.server(&[HOST]);
    for (group, number, was_retried) in [("X25519", 29, false), ("P-256", 23, true), ("P-384", 24, true)] {
        let client = spoken(&root, &identity, &["-tls1_3", "-groups", group]);
        let session = client.session().unwrap();
        assert_eq!((session.key_exchange_group, session.was_retried), (number, was_retried));
    }
}

/// What comes of a server that cannot speak with us.
fn unspoken(arguments: &[&str], stop: impl FnOnce(&mut Server, &mut Client, &mut TcpStream)) -> TlsError {
    let root = Authority::root("root");
    let (identity, folder) = (root.server(&[HOST]), tempfile::tempdir().unwrap());
    let mut server = Server::start(&identity, folder.path(), arguments);
    let mut stream = call(server.port);
    let mut client = client(&trust_in(&root));
    stop(&mut server, &mut client, &mut stream);
    carry(&mut client, &mut stream, |_| false).unwrap_err()
}

#[test]
fn openssl_offers_what_we_do_not_take() {
    if !is_there("openssl") {
        return;
    }
    let old = unspoken(&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], |_, _, _| {});
    assert_eq!(old, TlsError::AlertReceived { number: 70, name: "protocol_version" });
    let weak = unspoken(&["-tls1_2", "-cipher", "AES128-SHA256:ECDHE-ECDSA-AES128-SHA256"], |_, _, _| {});
    assert_eq!(weak, TlsError::AlertReceived { number: 40, name: "handshake_failure" });
    let group = unspoken(&["-tls1_3", "-groups", "P-521"], |_, _, _| {});
    assert_eq!(group, TlsError::AlertReceived { number: 40, name: "handshake_failure" });
}

#[test]
fn openssl_is_cut_off() {
    if !is_there("openssl") {
        return;
    }
    let cut = unspoken(&[], |server, client, stream| {
        carry(client, stream, |client| client.state() == State::Open).unwrap();
        server.program.kill();
    });
    assert_eq!(cut, TlsError::Truncated);
}
