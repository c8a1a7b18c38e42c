//! OpenSSL's client against our server, over the loopback interface.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use enclave_tls::{SERVER_NAME, Server, ServerIdentity, State, TlsError};

use crate::caller::{accepted, identity};
use crate::own_certificate::pem;
use crate::program::{LABEL, Program, carry, impatient, is_there};

/// `s_client`, which believes this identity and no other. What is written to its standard input goes to the server.
fn call(listener: &TcpListener, identity: &ServerIdentity, folder: &Path, arguments: &[&str]) -> Program {
    let root = folder.join("root.pem");
    std::fs::write(&root, pem(identity)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut command = Command::new("openssl");
    command
        .current_dir(folder)
        .args(["s_client", "-connect", &address, "-alpn", "http/1.1", "-servername", SERVER_NAME])
        .args(["-verify_return_error", "-verify_hostname", SERVER_NAME, "-CAfile"])
        .arg(root)
        .args(["-keymatexport", LABEL, "-keymatexportlen", "32"])
        .args(arguments);
    Program::start(&mut command)
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn until_open(server: &mut Server) -> bool {
    server.state() == State::Open
}

fn until_closed(server: &mut Server) -> bool {
    server.state() == State::PeerClosed
}

/// A handshake, a word each way, new keys, and an end.
fn spoken(identity: &Arc<ServerIdentity>, arguments: &[&str]) -> Server {
    let (listener, folder) = (listener(), tempfile::tempdir().unwrap());
    let mut client = call(&listener, identity, folder.path(), arguments);
    let mut stream = impatient(listener.accept().unwrap().0);
    let mut server = accepted(identity);
    carry(&mut server, &mut stream, until_open).unwrap();
    let mut ours = [0; 32];
    server.session().unwrap().export(LABEL.as_bytes(), None, &mut ours).unwrap();
    client.line_with("Verification: OK");
    client.line_with("New, TLSv1.3");
    assert_eq!(client.line_with("Keying material: "), hex::encode_upper(ours), "{arguments:?}");

    client.type_in("ping from the client\n");
    carry(&mut server, &mut stream, |server| server.plaintext().ends_with(b"\n")).unwrap();
    assert_eq!(core::mem::take(server.plaintext()), b"ping from the client\n");
    // To it this is a command: it renews its keys and asks us to do so.
    client.type_in("K\n");
    client.line_with("KEYUPDATE");
    client.type_in("ping again\n");
    carry(&mut server, &mut stream, |server| server.plaintext().ends_with(b"\n")).unwrap();
    assert_eq!(server.write(b"pong from the server\n"), 21);
    carry(&mut server, &mut stream, |_| true).unwrap();
    client.line_with("pong from the server");
    // And so is this, to end.
    client.type_in("Q\n");
    carry(&mut server, &mut stream, until_closed).unwrap();
    server
}

#[test]
fn openssl_calls_us() {
    if !is_there("openssl") {
        return;
    }
    let identity = identity();
    for (arguments, suite, group) in [
        (&[][..], 0x1302, 29),
        (&["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"], 0x1301, 29),
        // Of the first group it has a key share, and is asked for one of the second.
        (&["-groups", "P-521:P-256"], 0x1302, 23),
        (&["-groups", "P-384"], 0x1302, 24),
    ] {
        let server = spoken(&identity, arguments);
        let session = server.session().unwrap();
        assert_eq!((session.cipher_suite, session.key_exchange_group), (suite, group), "{arguments:?}");
        assert_eq!(session.alpn.as_deref(), Some(&b"http/1.1"[..]));
        assert_eq!(session.sni.as_deref(), Some(SERVER_NAME));
    }
}

/// What comes of a client that cannot speak with us.
fn unspoken(identity: &Arc<ServerIdentity>, root: &ServerIdentity, arguments: &[&str]) -> TlsError {
    let (listener, folder) = (listener(), tempfile::tempdir().unwrap());
    let _client = call(&listener, root, folder.path(), arguments);
    let mut stream = impatient(listener.accept().unwrap().0);
    let mut server = accepted(identity);
    let error = carry(&mut server, &mut stream, until_open).unwrap_err();
    assert!(server.session().is_none());
    error
}

#[test]
fn openssl_offers_what_we_do_not_take() {
    if !is_there("openssl") {
        return;
    }
    let own = identity();
    let old = unspoken(&own, &own, &["-tls1_2"]);
    assert_eq!(old, TlsError::Incompatible("does not offer TLS 1.3"));
    let suite = unspoken(&own, &own, &["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"]);
    assert_eq!(suite, TlsError::Incompatible("no cipher suite in common"));
    let group = unspoken(&own, &own, &["-tls1_3", "-groups", "P-521"]);
    assert_eq!(group, TlsError::Incompatible("no group for the key exchange in common"));
    let signature = unspoken(&own, &own, &["-tls1_3", "-sigalgs", "ed25519"]);
    let expected = "takes no signatures of ECDSA on P-256 with SHA-256";
    assert_eq!(signature, TlsError::Incompatible(expected));
    // It was told of another boot.
    let stranger = unspoken(&own, &identity(), &[]);
    assert!(matches!(stranger, TlsError::AlertReceived { .. }), "{stranger}");
}

#[test]
fn openssl_is_cut_off() {
    if !is_there("openssl") {
        return;
    }
    let (listener, folder, identity) = (listener(), tempfile::tempdir().unwrap(), identity());
    let mut client = call(&listener, &identity, folder.path(), &[]);
    let mut stream = impatient(listener.accept().unwrap().0);
    let mut server = accepted(&identity);
    carry(&mut server, &mut stream, until_open).unwrap();
    client.kill();
    assert_eq!(carry(&mut server, &mut stream, |_| false), Err(TlsError::Truncated));
}

/// It calls six times, each time with what it kept of the last.
#[test]
fn openssl_resumes_nothing() {
    if !is_there("openssl") {
        return;
    }
    let (listener, folder, identity) = (listener(), tempfile::tempdir().unwrap(), identity());
    let mut client =
        call(&listener, &identity, folder.path(), &["-tls1_3", "-reconnect", "-sess_out", "session.pem"]);
    for _ in 0..6 {
        let mut stream = impatient(listener.accept().unwrap().0);
        let mut server = accepted(&identity);
        carry(&mut server, &mut stream, until_open).unwrap();
        // All but the last it ends by itself.
        client.type_in("Q\n");
        carry(&mut server, &mut stream, until_closed).unwrap();
    }
    let lines = client.rest();
    let starting = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!((starting("New, TLSv1.3"), starting("Reused")), (6, 0), "{lines:?}");
    assert!(!folder.path().join("session.pem").exists(), "there was a ticket");
}

/// With a ticket of somebody else, and data that goes with it before anything else.
#[test]
fn openssl_sends_early_data() {
    if !is_there("openssl") {
        return;
    }
    let (folder, identity) = (tempfile::tempdir().unwrap(), identity());
    ticket_of_another(folder.path());
    std::fs::write(folder.path().join("early"), b"early words").unwrap();
    let listener = listener();
    let arguments = ["-tls1_3", "-sess_in", "session.pem", "-early_data", "early"];
    let mut client = call(&listener, &identity, folder.path(), &arguments);
    let mut stream = impatient(listener.accept().unwrap().0);
    let mut server = accepted(&identity);
    carry(&mut server, &mut stream, until_open).unwrap();
    client.line_with("New, TLSv1.3");
    client.line_with("Early data was rejected");
    assert!(server.plaintext().is_empty());
    client.type_in("late\n");
    carry(&mut server, &mut stream, |server| server.plaintext().ends_with(b"\n")).unwrap();
    assert_eq!(server.plaintext(), b"late\n");
}

/// Writes a session to `session.pem` that OpenSSL's own server gave out.
fn ticket_of_another(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let mut command = Command::new("openssl");
        command.current_dir(folder).args(arguments);
        command
    };
    let request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let made = [&request[..], &["-subj", "/CN=a", "-keyout", "key.pem", "-out", "certificate.pem"]].concat();
    assert!(openssl(&made).output().unwrap().status.success());
    let files = ["-cert", "certificate.pem", "-key", "key.pem"];
    let serve = ["s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-early_data", "-alpn", "http/1.1"];
    let mut server = Program::start(&mut openssl(&[&serve[..], &files].concat()));
    let address = server.line_with("ACCEPT ");
    let call = ["s_client", "-connect", &address, "-alpn", "http/1.1", "-servername", SERVER_NAME];
    let mut client = Program::start(&mut openssl(&[&call[..], &["-sess_out", "session.pem"]].concat()));
    // Which comes behind the ticket.
    server.type_in("a word\n");
    client.line_with("a word");
    client.type_in("Q\n");
    client.rest();
    assert!(folder.join("session.pem").exists());
}
