//! Private jobs, from who submits them to the guest and back: the loader never has what is in them.
//!
//! Looked at is everything of the loader's: its memory, its files, what it says, and what passes through its socket. Not
//! looked at is the process of QEMU: its memory is the guest's, which a simulated platform does not protect.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::harness::{APP, Site, build_image_as, rom};
use crate::programs::{Programs, Run, assert_ends};

/// Copies its input to both outputs.
const SAYS_TWICE: &str = r#"(import "env" "memory" (memory 1))
    (import "wasi" "stdin" (func $stdin (result i32)))
    (import "wasi" "stdout" (func $stdout (result i32)))
    (import "wasi" "stderr" (func $stderr (result i32)))
    (import "wasi" "read" (func $read (param i32 i64 i32)))
    (import "wasi" "write-all" (func $write-all (param i32 i32 i32 i32)))
    (func (export "run") (result i32) (local $in i32) (local $out i32) (local $err i32)
        (local.set $in (call $stdin))
        (local.set $out (call $stdout))
        (local.set $err (call $stderr))
        (block $end
            (loop $l
                (call $read (local.get $in) (i64.const 4096) (i32.const 0))
                (br_if $end (i32.load8_u (i32.const 0)))
                (call $write-all
                    (local.get $out) (i32.load (i32.const 4)) (i32.load (i32.const 8)) (i32.const 16))
                (call $write-all
                    (local.get $err) (i32.load (i32.const 4)) (i32.load (i32.const 8)) (i32.const 16))
                (br $l)))
        i32.const 0)"#;

/// As often as it is in an input: freed memory is used again, but not all of it.
const COPIES: usize = 20_000;

/// Bytes that nobody has by accident.
struct Canary([u8; 32]);

impl Canary {
    fn new() -> Self {
        let mut bytes = [0; 32];
        File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).expect("randomness");
        Self(bytes)
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        let [first, second, ..] = self.0;
        let mut rest = bytes;
        while let Some(place) = rest.iter().position(|byte| *byte == first) {
            rest = &rest[place..];
            if rest.get(1) == Some(&second) && rest.starts_with(&self.0) {
                return true;
            }
            rest = &rest[1..];
        }
        false
    }

    /// Whether a process has it in memory that it can read.
    fn is_in_memory(&self, process: u32) -> bool {
        let folder = Path::new("/proc").join(process.to_string());
        let maps = fs::read_to_string(folder.join("maps")).expect("the process is ours");
        let mut memory = File::open(folder.join("mem")).expect("the process is ours");
        let mut looked_at = 0;
        let is_found = maps.lines().filter_map(readable_region).any(|(begin, end)| {
            let bytes = read_region(&mut memory, begin, end);
            looked_at += bytes.len();
            self.is_in(&bytes)
        });
        assert!(is_found || looked_at > 1 << 20, "{looked_at} bytes are not the memory of a process");
        is_found
    }

    /// A file below a folder that has it.
    fn file_with_it(&self, folder: &Path) -> Option<String> {
        let entries = fs::read_dir(folder).expect("the folder is ours");
        entries.map(|entry| entry.expect("it is there")).find_map(|entry| {
            let kind = entry.file_type().expect("it is there");
            match (kind.is_dir(), kind.is_file()) {
                (true, _) => self.file_with_it(&entry.path()),
                (_, true) => {
                    let bytes = fs::read(entry.path()).expect("it is ours");
                    self.is_in(&bytes).then(|| entry.path().display().to_string())
                }
                _ => None,
            }
        })
    }
}

/// Of what is mapped from anywhere but a device, which is not memory.
fn readable_region(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    let is_memory = rest.starts_with('r') && !rest.contains("[vvar") && !rest.contains("[vsyscall]");
    let (begin, end) = range.split_once('-').filter(|_| is_memory)?;
    Some((u64::from_str_radix(begin, 16).ok()?, u64::from_str_radix(end, 16).ok()?))
}

/// As much as is there.
fn read_region(memory: &mut File, begin: u64, end: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if memory.seek(SeekFrom::Start(begin)).is_ok() {
        // A region that has gone meanwhile has nothing to see.
        let _ = memory.take(end - begin).read_to_end(&mut bytes);
    }
    bytes
}

/// Between a client and the loader: what passed.
struct Recorder {
    address: String,
    passed: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    fn before(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("an address is free");
        let address = listener.local_addr().expect("it has one").to_string();
        let (passed, to) = (Arc::new(Mutex::new(Vec::new())), to.to_owned());
        let recorded = Arc::clone(&passed);
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a client");
                let loader = TcpStream::connect(&to).expect("the loader listens");
                for (from, to) in [(&client, &loader), (&loader, &client)] {
                    let from = from.try_clone().expect("a handle");
                    let to = to.try_clone().expect("a handle");
                    let recorded = Arc::clone(&recorded);
                    thread::spawn(move || pass(from, to, &recorded));
                }
            }
        });
        Self { address, passed }
    }

    fn bytes(&self) -> usize {
        self.passed.lock().expect("no thread panics").len()
    }

    fn has(&self, canary: &Canary) -> bool {
        canary.is_in(&self.passed.lock().expect("no thread panics"))
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, recorded: &Mutex<Vec<u8>>) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        recorded.lock().expect("no thread panics").extend_from_slice(&bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Where `run` takes private jobs.
fn submissions(run: &Run<'_>) -> String {
    let said = run.said.split("takes private jobs at ").nth(1).expect("it says where");
    said.split(": ").next().expect("an address").to_owned()
}

/// Sends bytes as if they were an envelope, and gives the answer.
fn send_in_the_clear(to: &str, bytes: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect(to)?;
    write!(stream, "POST /jobs HTTP/1.1\r\ncontent-length: {}\r\n\r\n", bytes.len())?;
    stream.write_all(bytes)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn nothing_of_a_private_job_is_ever_the_loaders() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let app = APP.replacen('\n', "\nlogs = \"sealed\"\n", 1);
    let site = Site::new(&build_image_as(rom, SAYS_TWICE, &app));
    let client = tempfile::tempdir().expect("a folder");
    let canary = Canary::new();
    let input = canary.0.repeat(COPIES);
    fs::write(client.path().join("input"), &input).expect("the input is written");
    for name in ["reference-values.json", "component.wasm"] {
        fs::copy(site.path().join(name), client.path().join(name)).expect("it is published");
    }
    let mut run = Run::start_with(&programs, &site, &["--submissions", "127.0.0.1:0"]);
    let (loader, recorder) = (run.child.id(), Recorder::before(&submissions(&run)));

    let submit = |more: &[&str]| {
        let mut command = programs.verify(client.path());
        command.args(["submit", "--to", &recorder.address, "--reference", "reference-values.json"]);
        command.args(["--component", "component.wasm", "--input", "input", "--output", "output"]);
        command.args(["--claim", "claim.cbor", "--transcript", "transcript", "--log", "log"]).args(more);
        command.output().expect("redoubt-verify runs")
    };
    // Not to a guest that nothing protects, unless somebody says so.
    assert_ends(&submit(&[]), 1, "");
    assert!(!client.path().join("output").exists() && recorder.bytes() < input.len());
    assert_ends(&submit(&["--allow-simulated"]), 0, "");
    for result in ["output", "log"] {
        assert!(fs::read(client.path().join(result)).expect("it is written") == input, "{result}");
    }
    assert!(recorder.bytes() > 3 * input.len(), "everything has passed here");
    assert!(!recorder.has(&canary), "what passed is sealed");
    assert!(!canary.is_in_memory(loader), "in the loader's memory");
    assert_eq!(canary.file_with_it(site.path()), None);

    // The claim is one like others.
    let mut replay = programs.redoubt(&site);
    replay.current_dir(client.path()).args(["replay", "claim.cbor", "--transcript", "transcript"]);
    let replayed = replay.args(["--component", "component.wasm", "--input", "input"]).output();
    assert_ends(&replayed.expect("redoubt runs"), 0, "");

    // The same search finds what is not sealed.
    let path = |name: &str| client.path().join(name).display().to_string();
    assert_ends(&run.redoubt(&["job", "--input", &path("input"), "--output", &path("clear")]), 0, "");
    assert!(canary.is_in_memory(loader), "the search does not find what is there");
    let answer = send_in_the_clear(&recorder.address, &input).expect("the loader answers");
    assert!(answer.contains("expected the bytes"), "{answer}");
    assert!(recorder.has(&canary), "the recorder does not record");

    assert_ends(&run.redoubt(&["stop"]), 0, "");
    let ended = run.wait();
    assert_ends(&ended, 0, "");
    assert!(
        !canary.is_in(&ended.stdout) && !canary.is_in(&ended.stderr) && !canary.is_in(run.said.as_bytes())
    );
    assert_eq!(canary.file_with_it(site.path()), None);
}

/// A job that is taken back, and envelopes that are none, keep nobody from the guest.
#[test]
fn strangers_do_not_disturb_a_guest() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let site = Site::new(&build_image_as(rom, SAYS_TWICE, APP));
    let run = Run::start_with(&programs, &site, &["--submissions", "127.0.0.1:0"]);
    let address = submissions(&run);
    for bytes in [&b"no envelope"[..], b"\x89RDBTE1\n\x03\x01", &vec![0; 100_000]] {
        let answer = send_in_the_clear(&address, bytes).expect("the loader answers");
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("envelope: "), "{answer}");
    }
    for head in ["", "GET", "POST /jobs HTTP/1.1\r\ncontent-length: 9\r\n\r\nabc", "\0\0\0\r\n\r\n"] {
        let mut stream = TcpStream::connect(&address).expect("the loader listens");
        stream.write_all(head.as_bytes()).expect("it reads");
    }
    fs::write(site.path().join("input"), "fine").expect("the input is written");
    let mut command = programs.verify(site.path());
    command.args(["submit", "--to", &address, "--reference", "reference-values.json", "--allow-simulated"]);
    let done = command.args(["--input", "input", "--output", "output"]).output().expect("it runs");
    assert_ends(&done, 0, "");
    assert_eq!(fs::read(site.path().join("output")).expect("it is written"), b"fine");
    assert_ends(&run.redoubt(&["status"]), 0, "");
}
