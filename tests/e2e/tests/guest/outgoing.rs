//! Requests that a component sends: to whom the manifest allows, by the guest's own network, and once more without any.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use crate::harness::{APP, JobResult, PATIENCE, Site, build_image_of, components, rom, run_job};
use crate::replay::assert_replays_of;

/// Where QEMU's user networking shows the host's loopback.
const HOST: &str = "10.0.2.2";

/// Asks for `/path?query`, says the status, shows the body and says how it ended; then the same by another method,
/// and from another port. A refusal is said by its number.
fn fetch(authority: &str, other_authority: &str) -> Vec<u8> {
    let fields = format!(
        r#"(import "wasi" "set-method" (func $set-method (param i32 i32 i32 i32) (result i32)))
    (import "wasi" "set-authority" (func $set-authority (param i32 i32 i32 i32) (result i32)))
    (data (i32.const 6000) "{authority}")
    (data (i32.const 6100) "{other_authority}")
    (func $new (param $at i32) (param $len i32) (result i32) (local $request i32)
        (local.set $request (call $request (i32.const 4096) (i32.const 11)))
        (if (call $set-authority (local.get $request) (i32.const 1) (local.get $at) (local.get $len))
            (then unreachable))
        (local.get $request))
    (func $answer (param $request i32) (local $future i32) (local $response i32)
        (local.set $future (call $send (local.get $request)))
        (if (i32.lt_s (local.get $future) (i32.const 0)) (then (call $say (local.get $future)) (return)))
        (local.set $response (call $await (local.get $future)))
        (if (i32.lt_s (local.get $response) (i32.const 0)) (then (call $say (local.get $response)) (return)))
        (call $say (call $status (local.get $response)))
        (call $say (call $show (call $stream (call $body (local.get $response))))))
    (func (export "run") (result i32) (local $request i32)
        (call $answer (call $new (i32.const 6000) (i32.const {length})))
        (local.set $request (call $new (i32.const 6000) (i32.const {length})))
        (if (call $set-method (local.get $request) (i32.const 4) (i32.const 0) (i32.const 0)) (then unreachable))
        (call $answer (local.get $request))
        (call $answer (call $new (i32.const 6100) (i32.const {other_length})))
        i32.const 0)"#,
        length = authority.len(),
        other_length = other_authority.len(),
    );
    components::http_job(&fields)
}

fn bind() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    (listener, format!("{HOST}:{port}"))
}

/// Answers one request with these bytes, and gives its head.
fn answer(listener: &TcpListener, response: &[u8]) -> String {
    let (stream, _) = listener.accept().expect("the guest connects");
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).expect("a head"), 0, "{head:?} and then nothing");
    }
    let mut stream = reader.into_inner();
    stream.write_all(response).expect("the guest reads");
    hang_up(stream);
    head
}

/// Whoever closes with something unread resets, and what was sent is lost.
fn hang_up(mut stream: TcpStream) {
    stream.shutdown(std::net::Shutdown::Write).expect("an open stream");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let _rest = stream.read_to_end(&mut Vec::new());
}

/// What one job makes of a server that answers so.
fn fetched(rom: &[u8], response: &'static [u8]) -> (JobResult, String, Vec<u8>, String) {
    let ((listener, authority), (other, other_authority)) = (bind(), bind());
    let component = fetch(&authority, &other_authority);
    let port = listener.local_addr().expect("a bound socket").port();
    let rule =
        format!("egress = [{{ host = \"{HOST}\", port = {port}, scheme = \"http\", methods = [\"GET\"] }}]");
    let site = Site::new(&build_image_of(rom, &component, &APP.replace("egress = []", &rule)));
    let server: JoinHandle<String> = thread::spawn(move || answer(&listener, response));
    let guest = site.launch();
    let job = run_job(&guest, b"");
    assert!(guest.stop(PATIENCE).is_clean());
    let head = server.join().expect("the server is asked");
    other.set_nonblocking(true).expect("a socket");
    assert_eq!(
        other.accept().map(drop).map_err(|error| error.kind()),
        Err(ErrorKind::WouldBlock),
        "nobody called"
    );
    let log = &job.error_output;
    for refused in [format!("DELETE http://{authority}"), format!("GET http://{other_authority}")] {
        assert!(log.contains(&format!("egress: refused {refused}")), "{refused}: {log}");
    }
    (job, head, component, authority)
}

#[test]
fn a_job_asks_whom_it_may_and_is_replayed_without_a_network() {
    let Some(rom) = rom() else { return };
    let response = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n\n\r\n0\r\n\r\n";
    let (job, head, component, authority) = fetched(rom, response);
    job.assert_success();
    assert_eq!(String::from_utf8_lossy(&job.output), "200\nhello\n-1\n-115\n-115\n");
    assert!(head.starts_with("GET /path?query HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains(&format!("\r\nhost: {authority}\r\n")), "{head}");
    // The server is gone by now.
    assert_replays_of(&job, &component, b"");
}

#[test]
fn a_server_that_breaks_off_is_an_error_to_the_component() {
    let Some(rom) = rom() else { return };
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf\n";
    let nonsense = b"SSH-2.0-OpenSSH_9.2\r\n\r\n";
    for (response, said) in [(&half[..], "200\nhalf\n-125\n"), (nonsense, "-135\n")] {
        let (job, _, component, _) = fetched(rom, response);
        job.assert_success();
        assert_eq!(String::from_utf8_lossy(&job.output), format!("{said}-115\n-115\n"));
        assert_replays_of(&job, &component, b"");
    }
}
