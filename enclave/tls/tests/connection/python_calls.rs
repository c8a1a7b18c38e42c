//! Python's client against our server, over the loopback interface.

use std::net::TcpListener;
use std::process::Command;

use enclave_tls::{SERVER_NAME, State};

use crate::caller::{accepted, identity};
use crate::own_certificate::pem;
use crate::program::{Program, carry, impatient, is_there};

/// As its documentation says, with one root, and then as strict as newer versions are by themselves.
const SCRIPT: &str = r#"
import socket, ssl, sys
port, root, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
for flags in (0, ssl.VERIFY_X509_STRICT, ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN):
    context = ssl.create_default_context(cadata=root)
    context.verify_flags |= flags
    context.set_alpn_protocols(["http/1.1"])
    with socket.create_connection(("127.0.0.1", port)) as below:
        with context.wrap_socket(below, server_hostname=name) as stream:
            print(stream.version(), stream.selected_alpn_protocol(), stream.session_reused, flush=True)
            stream.sendall(b"ping\n")
            print(stream.recv(100).decode(), flush=True)
            stream.unwrap()
print("all")
"#;

#[test]
fn python_calls_us() {
    if !is_there("python3") {
        return;
    }
    let (listener, identity) = (TcpListener::bind("127.0.0.1:0").unwrap(), identity());
    let port = listener.local_addr().unwrap().port().to_string();
    let client =
        Program::start(Command::new("python3").args(["-c", SCRIPT, &port, &pem(&identity), SERVER_NAME]));
    for _ in 0..3 {
        let mut stream = impatient(listener.accept().unwrap().0);
        let mut server = accepted(&identity);
        carry(&mut server, &mut stream, |server| server.plaintext().ends_with(b"\n")).unwrap();
        assert_eq!(core::mem::take(server.plaintext()), b"ping\n");
        assert_eq!(server.write(b"pong"), 4);
        server.close();
        carry(&mut server, &mut stream, |server| server.state() == State::PeerClosed).unwrap();
        assert_eq!(client.line_with("TLSv1.3 "), "http/1.1 False");
        client.line_with("pong");
    }
    client.line_with("all");
}
