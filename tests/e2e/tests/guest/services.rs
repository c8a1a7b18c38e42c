//! Requests to a service in the guest, from their TCP connections to replays of their claims.

use core::time::Duration;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread;

use attestation_claim::SignedClaim;
use enclave_wire::control::RequestFigures;
use image_builder::ImageFile;
use loader_replay::{Claimed, Pieces, Tuning, replay};
use loader_vmm::error::LaunchError;
use loader_vmm::{Guest, launch};

use crate::harness::components::{NOTHING, service, service_that};
use crate::harness::{PATIENCE, Site, build_image, build_image_of, rom};

pub(crate) fn app(open_requests_max: u32, memory_mib: u32) -> String {
    format!(
        r#"name = "test"
memory_mib = {memory_mib}
egress = []
[limits]
call_stack_bytes = 65536
[service]
scheme = "http"
port = 80
open_requests_max = {open_requests_max}
request_memory_bytes = 524288
request_body_bytes = 1000000
response_body_bytes = 1000000
request_fuel = 400000000
request_wall_ms = 30000
"#
    )
}

fn site(rom: &[u8], open_requests_max: u32, memory_mib: u32) -> Site {
    let image = build_image_of(rom, &service(), &app(open_requests_max, memory_mib));
    let mut site = Site::new(&image);
    site.is_service = true;
    site
}

fn connect(guest: &Guest) -> TcpStream {
    // QEMU's user networking has room for one that it has not accepted: the next would wait for a second or more.
    thread::sleep(Duration::from_millis(10));
    let address = guest.info().published.expect("a service is published");
    let stream = TcpStream::connect(address).expect("the guest is reached");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Traps where a word of a memory is not zero, at what it begins with or what it grows by, and leaves one in each page.
const LOOK: &str = "(memory $own 20)
    (func $look (local $at i32)
        (drop (memory.grow $own (i32.const 2)))
        (loop $on
            (if (i64.ne (i64.load $own (local.get $at)) (i64.const 0)) (then unreachable))
            (i64.store $own (local.get $at) (i64.const -1))
            (br_if $on (i32.lt_u
                (local.tee $at (i32.add (local.get $at) (i32.const 4096)))
                (i32.const 1441792)))))";

/// The memory of one request is the next one's, and only pages that were written to are cleared.
#[test]
fn what_a_request_left_in_its_memory_is_not_found_by_the_next() {
    let Some(rom) = rom() else { return };
    let app = app(2, 64).replace("request_memory_bytes = 524288", "request_memory_bytes = 2097152");
    let image = build_image_of(rom, &service_that(LOOK, "(call $look)"), &app);
    let mut site = Site::new(&image);
    site.is_service = true;
    let guest = site.launch();
    for _ in 0..4 {
        let answer = get(&guest, "a");
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}\n{}", site.log());
    }
    assert!(guest.stop(PATIENCE).is_clean());
}

/// Sends this and reads until the guest hangs up.
pub(crate) fn ask(guest: &Guest, request: &str) -> String {
    let mut stream = connect(guest);
    stream.write_all(request.as_bytes()).expect("the request is sent");
    let mut response = Vec::new();
    stream.read_to_end(&mut response).expect("the response comes");
    String::from_utf8_lossy(&response).into_owned()
}

fn get(guest: &Guest, path: &str) -> String {
    ask(guest, &format!("GET /{path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"))
}

pub(crate) fn figures(guest: &Guest) -> RequestFigures {
    guest.status(PATIENCE).expect("a status").requests.expect("a service")
}

/// The files of the only boot, by name.
pub(crate) fn kept(site: &Site) -> BTreeMap<String, Vec<u8>> {
    let boots: Vec<_> = fs::read_dir(site.kept_dir()).expect("the folder is there").collect();
    assert_eq!(boots.len(), 1);
    let folder = boots.into_iter().next().expect("one").expect("it is read").path();
    let read = |path: &Path| fs::read(path).expect("the file is read");
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), read(&path)))
        .collect()
}

fn assert_replays(files: &BTreeMap<String, Vec<u8>>, number: usize) {
    let tunings = [Tuning::Guest, Tuning::Baseline, Tuning::Interpreter];
    assert_request_replays(files, number, &service(), &tunings);
}

/// Answers a request once more from what was kept of it, and expects the same.
pub(crate) fn assert_request_replays(
    files: &BTreeMap<String, Vec<u8>>,
    number: usize,
    component: &[u8],
    tunings: &[Tuning],
) {
    let file = |end: &str| files.get(&format!("{number}.{end}")).expect("the file was kept").clone();
    let claimed = Claimed::read(&file("claim.cbor")).expect("the claim is in order");
    for &tuning in tunings {
        let pieces = Pieces {
            component,
            transcript: file("transcript"),
            input: Box::new(io::Cursor::new(file("request"))),
            output: Box::new(io::sink()),
            error_output: Box::new(io::sink()),
            tuning,
        };
        let verdict =
            replay(&claimed, pieces).unwrap_or_else(|error| panic!("{number}, {tuning:?}: {error}"));
        assert!(verdict.is_equal(), "{number}, {tuning:?}: {verdict:?}");
    }
}

#[test]
fn requests_are_answered_kept_and_replayed() {
    let Some(rom) = rom() else { return };
    let site = site(rom, 8, 128);
    let guest = site.launch();
    assert!(get(&guest, "a").ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
    let body = "0123456789".repeat(9_000);
    let post =
        format!("POST /e HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 90000\r\n\r\n{body}");
    let echo = ask(&guest, &post);
    assert!(echo.len() > 90_000 && echo.ends_with("\r\n0\r\n\r\n"), "{}", echo.len());
    for path in ["t", "r", "l", "n"] {
        assert!(get(&guest, path).starts_with("HTTP/1.1 500 "), "{path}");
    }
    for path in ["g", "h"] {
        let half = get(&guest, path);
        assert!(half.starts_with("HTTP/1.1 200 OK\r\n") && !half.ends_with("0\r\n\r\n"), "{path}");
    }
    assert!(ask(&guest, "nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    assert!(get(&guest, "w").contains("hello"));
    assert_eq!(figures(&guest), RequestFigures { open: 0, answered: 3, failed: 6 });
    assert!(guest.stop(PATIENCE).is_clean());
    let files = kept(&site);
    assert_eq!(files.len(), 27, "nine requests: {:?}", files.keys());
    (0..9).for_each(|number| assert_replays(&files, number));
    assert!(site.log().contains("request 8: 42"), "what a component logs is in the guest's log");

    // One file in the place of another is called that.
    let claimed = Claimed::read(&files["0.claim.cbor"]).expect("the claim is in order");
    let pieces = Pieces {
        component: &service(),
        transcript: files["0.transcript"].clone(),
        input: Box::new(io::Cursor::new(files["1.request"].clone())),
        output: Box::new(io::sink()),
        error_output: Box::new(io::sink()),
        tuning: Tuning::Guest,
    };
    let error = replay(&claimed, pieces).expect_err("another request");
    assert!(error.to_string().starts_with("input: the claim names SHA-256"), "{error}");
    let verified = SignedClaim::parse(&files["0.claim.cbor"]).and_then(SignedClaim::verify);
    assert!(verified.is_ok_and(|verified| verified.batch().number == 0));
}

#[test]
fn hundreds_of_requests_are_open_at_once() {
    let Some(rom) = rom() else { return };
    let site = site(rom, 256, 768);
    let guest = site.launch();
    let head = "POST /e HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 10\r\n\r\n01234";
    let mut streams: Vec<_> = (0..256).map(|_| connect(&guest)).collect();
    for stream in &mut streams {
        stream.write_all(head.as_bytes()).expect("half a request is sent");
    }
    let mut looks = 0;
    while figures(&guest).open < 256 {
        looks += 1;
        assert!(looks < 600, "{:?}\n{}", figures(&guest), site.log());
        thread::sleep(Duration::from_millis(100));
    }
    // One more waits for its turn, and the guest still answers its loader.
    let mut late = connect(&guest);
    late.write_all(b"GET /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").expect("the request is sent");
    thread::sleep(Duration::from_millis(300));
    assert_eq!(figures(&guest), RequestFigures { open: 256, answered: 0, failed: 0 });
    // The last first: no one waits for another.
    for stream in streams.iter_mut().rev() {
        stream.write_all(b"56789").expect("the rest is sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("the response comes");
        assert!(response.contains("01234") && response.contains("56789"), "{response}");
        assert!(response.ends_with("0\r\n\r\n"), "{response}");
    }
    let mut response = String::new();
    late.read_to_string(&mut response).expect("the response comes");
    assert!(response.contains("hello"), "{response}");
    assert_eq!(figures(&guest), RequestFigures { open: 0, answered: 257, failed: 0 });
    assert!(guest.stop(PATIENCE).is_clean());
}

#[test]
fn a_guest_refuses_a_program_that_is_not_what_its_manifest_says() {
    let Some(rom) = rom() else { return };
    let site = site(rom, 8, 128);
    site.change(ImageFile::Manifest, |bytes| {
        let text = String::from_utf8(bytes.clone()).expect("the manifest is text");
        let (before, rest) = text.split_once("\"service\": {").expect("it has a service");
        let (_, after) = rest.split_once('}').expect("which ends");
        *bytes = format!("{before}\"service\": null{after}").into_bytes();
    });
    let mut config = site.config();
    config.publish = None;
    config.keep = None;
    let error = launch(&config).expect_err("it is no job").to_string();
    assert!(error.contains("refused"), "{error}");
    assert!(site.log().contains("it answers requests"), "{}", site.log());
}

#[test]
fn an_image_of_jobs_publishes_and_keeps_nothing() {
    let Some(rom) = rom() else { return };
    let jobs = Site::new(&build_image(rom, NOTHING));
    let mut config = jobs.config();
    config.publish = Some("127.0.0.1:0".parse().expect("an address"));
    assert!(matches!(launch(&config), Err(LaunchError::NoService { .. })));
    config = jobs.config();
    config.keep = Some(jobs.kept_dir());
    assert!(matches!(launch(&config), Err(LaunchError::NothingToKeep { .. })));
    // A port that somebody has.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut config = site(rom, 8, 128).config();
    config.publish = Some(taken.local_addr().expect("an address").to_string().parse().expect("an address"));
    let error = launch(&config).expect_err("the port is taken").to_string();
    assert!(error.contains("choose another address with --publish"), "{error}");
}
