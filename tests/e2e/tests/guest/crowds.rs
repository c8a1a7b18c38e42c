//! More clients than there is room for, of a guest that was just large enough for its manifest.

use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use image_builder::{AppToml, Sources, build};
use loader_vmm::Guest;

use crate::harness::components::service;
use crate::harness::{PATIENCE, Site, build_image_of, rom};

/// Answered at once.
const OPEN: usize = 16;
/// More than wait, are closing, or find no socket any more.
const CLIENTS: usize = 100;
/// What each of them sends of a body that is larger: all buffers that the guest has for it are full.
const SENT_BYTES: usize = 80_000;
/// How often to look whether all are there.
const LOOKS: usize = 200;

fn app(memory_mib: u32) -> String {
    format!(
        r#"name = "test"
memory_mib = {memory_mib}
egress = [{{ host = "example.org", port = 80, scheme = "http", methods = ["*"] }}]
[limits]
call_stack_bytes = 65536
[service]
scheme = "http"
port = 80
open_requests_max = {OPEN}
request_memory_bytes = 524288
request_body_bytes = 1000000
response_body_bytes = 1000000
request_fuel = 400000000
request_wall_ms = 300000
"#
    )
}

/// The smallest guest of which the builder makes an image.
fn smallest_mib(rom: &[u8], component: &[u8]) -> u32 {
    let fits = |memory_mib: u32| {
        let app = AppToml::parse(&app(memory_mib)).expect("it is valid");
        build(Sources { component, app: &app, rom }).is_ok()
    };
    let (mut refused, mut fitting) = (32, 512);
    assert!(fits(fitting) && !fits(refused));
    while fitting - refused > 2 {
        let middle = u32::midpoint(refused, fitting) & !1;
        *(if fits(middle) { &mut fitting } else { &mut refused }) = middle;
    }
    fitting
}

fn connect(guest: &Guest) -> TcpStream {
    let stream = TcpStream::connect(guest.info().published.expect("a service is published"));
    stream.expect("the guest is reached")
}

/// Gives a stream as much as it takes at once. The guest may have had enough of it.
fn push(stream: &mut TcpStream, bytes: &[u8]) {
    stream.set_nonblocking(true).expect("a stream that does not block");
    let _taken = stream.write(bytes);
}

#[track_caller]
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let is_there = (0..LOOKS).any(|_| {
        thread::sleep(Duration::from_millis(100));
        is_so()
    });
    assert!(is_there, "it takes too long");
}

/// Whether somebody new is answered soon.
fn is_answered(guest: &Guest) -> bool {
    let mut stream = connect(guest);
    stream.set_read_timeout(Some(Duration::from_secs(2))).expect("a timeout");
    let asked = stream.write_all(b"GET /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let mut response = String::new();
    asked.and_then(|()| stream.read_to_string(&mut response)).is_ok() && response.contains("hello")
}

/// They send all that is taken and read nothing, so that every buffer on the way is full.
#[test]
fn no_crowd_exhausts_a_guest_that_was_just_large_enough() {
    let Some(rom) = rom() else { return };
    let component = service();
    let memory_mib = smallest_mib(rom, &component);
    let mut site = Site::new(&build_image_of(rom, &component, &app(memory_mib)));
    site.is_service = true;
    let guest = site.launch();
    let head = "POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n";
    let request = format!("{head}{}", "x".repeat(SENT_BYTES));
    // At once, each of them: so many take longer to connect than a guest waits for a head.
    let calls = (0..CLIENTS).map(|_| {
        let mut client = connect(&guest);
        push(&mut client, request.as_bytes());
        client
    });
    let clients: Vec<_> = calls.collect();
    let look = || guest.status(PATIENCE).unwrap_or_else(|error| panic!("{error}\n{}", site.log()));
    let open_now = || look().requests.expect("a service").open;
    wait_until(|| open_now() == OPEN as u64);
    let status = look();
    println!("{memory_mib} MiB, heap: {} of {} bytes", status.heap_used_bytes, status.heap_total_bytes);
    drop(clients);
    wait_until(|| open_now() == 0);
    // Whoever calls while there is no room yet waits for longer and longer before the next call; a new one does not.
    wait_until(|| is_answered(&guest));
    assert!(guest.stop(PATIENCE).is_clean());
}
