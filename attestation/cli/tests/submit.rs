//! `submit` against hosts that are what they should be, and hosts that are not.
#![expect(clippy::unwrap_used, reason = "a test")]

mod world;

use core::sync::atomic::{AtomicUsize, Ordering};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread;

use attestation_claim::{Claim, Outcome};
use attestation_envelope::{Content, JOB_HEAD_BYTES, JobHead, ReaderKey, Readers, open};
use attestation_evidence::Evidence;
use attestation_manifest::HexDigest;
use attestation_submission::{Ending, Stream, encode_claim, encode_end, encode_stream};
use attestation_transcript::{Header, Kind, MAGIC, Run, Writer};
use sha2::{Digest as _, Sha256, Sha384};
use tempfile::TempDir;
use world::{Bend, COMPONENT, INPUT, OUTPUT, World};

fn guest_key() -> ReaderKey {
    ReaderKey::generate([0x70; 32])
}

/// What the guest shows of itself when it holds this key.
fn evidence_of(world: &World, key: &ReaderKey) -> Evidence {
    world.evidence_with(&Bend { hpke_key: Some(&key.public_key()), ..Bend::default() })
}

/// A world whose manifest says this of logs.
fn logging(logs: &str) -> World {
    let mut world = World::good();
    let text = String::from_utf8(world.manifest.clone()).unwrap();
    world.manifest = text.replace(r#""logs":"public""#, &format!(r#""logs":"{logs}""#)).into_bytes();
    let reference = &mut world.reference.manifest;
    reference.sha256 = HexDigest(Sha256::digest(&world.manifest).into());
    reference.sha384 = HexDigest(Sha384::digest(&world.manifest).into());
    reference.bytes = world.manifest.len() as u64;
    world
}

/// What a guest makes of a job: envelopes for who gave it.
struct Guest {
    world: World,
    evidence: Evidence,
    readers: Readers,
    input: Vec<u8>,
}

impl Guest {
    fn seal(&self, content: Content, bytes: &[u8]) -> Vec<u8> {
        self.readers.seal(content, [content as u8; 32], bytes)
    }

    fn output(&self, bytes: &[u8]) -> Vec<u8> {
        encode_stream(Stream::Output, &self.seal(Content::PrivateOutput, bytes))
    }

    fn log(&self, bytes: &[u8]) -> Vec<u8> {
        encode_stream(Stream::Log, &self.seal(Content::Log, bytes))
    }

    fn claim(&self, bend: &dyn Fn(&mut Claim)) -> Vec<u8> {
        let claim = self.world.signed(&self.evidence, &Bend { claim: Some(bend), ..Bend::default() });
        encode_claim(&self.seal(Content::PrivateClaim, &claim))
    }

    /// Everything as it should be.
    fn honest(&self) -> Vec<u8> {
        assert_eq!(self.input, INPUT);
        [self.output(OUTPUT), self.claim(&|_| {}), encode_end(Ending::Claimed, "")].concat()
    }
}

/// A host that shows evidence and answers jobs.
struct Host {
    address: String,
    jobs: Arc<AtomicUsize>,
}

impl Host {
    fn start(world: &World, shown: Evidence, answer: impl Fn(&Guest) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let jobs = Arc::new(AtomicUsize::new(0));
        let (counted, world) = (Arc::clone(&jobs), world.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let head = read_head(&mut stream);
                if head.starts_with("GET /evidence HTTP/1.1\r\n") {
                    send(&mut stream, &shown.encode());
                    continue;
                }
                assert!(head.starts_with("POST /jobs HTTP/1.1\r\n"), "{head}");
                counted.fetch_add(1, Ordering::AcqRel);
                stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
                let guest = guest(&world, &shown, read_body(&mut stream, &head));
                send(&mut stream, &answer(&guest));
            }
        });
        Self { address, jobs }
    }

    fn jobs(&self) -> usize {
        self.jobs.load(Ordering::Acquire)
    }
}

fn guest(world: &World, evidence: &Evidence, envelope: Vec<u8>) -> Guest {
    let opened = open(envelope, &guest_key(), Content::PrivateInput).unwrap();
    let (head, input) = opened.split_first_chunk::<JOB_HEAD_BYTES>().unwrap();
    let readers = Readers::new(&[JobHead::parse(head).unwrap().reply_key], [5; 32]).unwrap();
    Guest { world: world.clone(), evidence: evidence.clone(), readers, input: input.to_vec() }
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn read_body(stream: &mut TcpStream, head: &str) -> Vec<u8> {
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    body
}

fn send(stream: &mut TcpStream, body: &[u8]) {
    stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").unwrap();
    stream.write_all(body).unwrap();
}

/// A folder of somebody who has a job, and an output of an earlier one.
fn folder(world: &World) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let reference = serde_json::to_vec_pretty(&world.reference).unwrap();
    let files: [(&str, &[u8]); 3] =
        [("input.csv", INPUT), ("output.json", b"earlier"), ("reference-values.json", &reference)];
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn submit(folder: &Path, to: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_redoubt-verify"))
        .current_dir(folder)
        .args(["submit", "--to", to, "--reference", "reference-values.json"])
        .args(["--input", "input.csv", "--output", "output.json"])
        .args(more)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat()
}

fn read(folder: &TempDir, name: &str) -> Vec<u8> {
    std::fs::read(folder.path().join(name)).unwrap()
}

/// Names of all files.
fn names(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const FILES: [&str; 5] = ["--allow-simulated", "--claim", "claim.cbor", "--log", "job.log"];

/// A host whose answer is refused: status 1, these words, and nothing was written.
#[track_caller]
fn assert_refused(answer: impl Fn(&Guest) -> Vec<u8> + Send + 'static, words: &str) {
    assert_refused_in(&World::good(), answer, words);
}

#[track_caller]
fn assert_refused_in(world: &World, answer: impl Fn(&Guest) -> Vec<u8> + Send + 'static, words: &str) {
    let folder = folder(world);
    let host = Host::start(world, evidence_of(world, &guest_key()), answer);
    let output = submit(folder.path(), &host.address, &FILES);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(words) && said.contains("written: nothing"), "{said}");
    assert_eq!(read(&folder, "output.json"), b"earlier");
    assert_eq!(names(&folder), ["input.csv", "output.json", "reference-values.json"]);
}

/// Evidence that is refused: status 1, these words, and the host got no job.
#[track_caller]
fn assert_not_sent(shown: Evidence, more: &[&str], words: &str) {
    let world = World::good();
    let folder = folder(&world);
    let host = Host::start(&world, shown, Guest::honest);
    let output = submit(folder.path(), &host.address, more);
    let said = text(&output);
    assert_eq!((output.status.code(), host.jobs()), (Some(1), 0), "{said}");
    assert!(said.contains(words), "{said}");
    assert_eq!(read(&folder, "output.json"), b"earlier");
}

#[test]
fn what_the_image_is_made_of_is_checked_before() {
    let world = World::good();
    let folder = folder(&world);
    let host = Host::start(&world, evidence_of(&world, &guest_key()), Guest::honest);
    std::fs::write(folder.path().join("component.wasm"), COMPONENT).unwrap();
    std::fs::write(folder.path().join("redoubt.rom"), &world.rom).unwrap();
    let more = ["--allow-simulated", "--component", "component.wasm", "--rom", "redoubt.rom", "--json"];
    let output = submit(folder.path(), &host.address, &more);
    let said = text(&output);
    assert_eq!((output.status.code(), host.jobs()), (Some(0), 1), "{said}");
    assert!(said.contains("artefact ↔ component") && !said.contains("not established"), "{said}");
    std::fs::write(folder.path().join("component.wasm"), b"another").unwrap();
    let output = submit(folder.path(), &host.address, &more);
    assert_eq!((output.status.code(), host.jobs()), (Some(1), 1), "{}", text(&output));
}

#[test]
fn a_job_is_done_and_its_claim_checked() {
    let world = World::good();
    let folder = folder(&world);
    let host = Host::start(&world, evidence_of(&world, &guest_key()), Guest::honest);
    let more = ["--allow-simulated", "--claim", "claim.cbor"];
    let output = submit(folder.path(), &host.address, &more);
    let said = text(&output);
    assert_eq!((output.status.code(), host.jobs()), (Some(0), 1), "{said}");
    assert!(said.contains("logs: public") && said.contains("SIMULATED"), "{said}");
    assert!(said.contains("written: claim.cbor, output.json"), "{said}");
    assert_eq!(read(&folder, "output.json"), OUTPUT);
    assert_eq!(names(&folder), ["claim.cbor", "input.csv", "output.json", "reference-values.json"]);
    // What was kept is what `check` takes.
    let checked = Command::new(env!("CARGO_BIN_EXE_redoubt-verify"))
        .current_dir(folder.path())
        .args(["check", "claim.cbor", "--input", "input.csv", "--output", "output.json"])
        .args(["--reference", "reference-values.json", "--allow-simulated"])
        .output()
        .unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));

    let output = submit(folder.path(), &host.address, &["--allow-simulated", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&document["verdict"], &document["submission"]), (&"accepted".into(), &"done".into()));
    assert_eq!(document["written"], serde_json::json!(["output.json"]));
}

#[test]
fn transcript_and_sealed_log_are_opened() {
    let world = logging("sealed");
    let folder = folder(&world);
    let run = Run {
        component: world.reference.component.sha256.0,
        manifest: world.reference.manifest.sha256.0,
        sequence: 0,
    };
    let mut writer = Writer::new(&Header { run, seed: [5; 32] });
    writer.append(Kind::END, 100, &[0, 0]).unwrap();
    let finished = writer.finish().unwrap();
    let mut transcript = MAGIC.to_vec();
    finished.segments.iter().for_each(|segment| transcript.extend_from_slice(segment));
    let root = finished.root.0;
    let kept = transcript.clone();
    let host = Host::start(&world, evidence_of(&world, &guest_key()), move |guest| {
        let sealed = guest.seal(Content::Transcript, &transcript);
        [
            guest.log(b"a line"),
            encode_stream(Stream::Transcript, &sealed),
            guest.output(OUTPUT),
            guest.claim(&|claim| claim.transcript.root = root),
            encode_end(Ending::Claimed, ""),
        ]
        .concat()
    });
    let more = [&FILES[..], &["--transcript", "job.transcript"]].concat();
    let output = submit(folder.path(), &host.address, &more);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!((read(&folder, "job.log"), read(&folder, "job.transcript")), (b"a line".to_vec(), kept));
}

#[test]
fn nothing_is_sent_to_a_guest_whose_evidence_is_refused() {
    let world = World::good();
    let shown = || evidence_of(&world, &guest_key());
    assert_not_sent(shown(), &[], "--allow-simulated");
    // The host's own key beside a report that binds another.
    let own = ReaderKey::generate([0x66; 32]).public_key().to_vec();
    assert_not_sent(Evidence { hpke_key: Some(own), ..shown() }, &["--allow-simulated"], "REPORT_DATA");
    let none = world.evidence_with(&Bend::default());
    assert_not_sent(none, &["--allow-simulated"], "key for private jobs");
    let small = world.evidence_with(&Bend { hpke_key: Some(&[0; 32]), ..Bend::default() });
    assert_not_sent(small, &["--allow-simulated"], "key for private jobs");
    let another = logging("none");
    assert_not_sent(evidence_of(&another, &guest_key()), &["--allow-simulated"], "manifest");
}

#[test]
fn a_swapped_output_is_refused() {
    assert_refused(
        |guest| {
            let other = guest.output(b"{\"balanced\":true}");
            [other, guest.claim(&|_| {}), encode_end(Ending::Claimed, "")].concat()
        },
        "first: output",
    );
    // Sealed for somebody else: the host does not know the key for the reply.
    assert_refused(
        |guest| {
            let readers = Readers::new(&[ReaderKey::generate([8; 32]).public_key()], [5; 32]).unwrap();
            let sealed = readers.seal(Content::PrivateOutput, [1; 32], OUTPUT);
            [encode_stream(Stream::Output, &sealed), guest.honest()].concat()
        },
        "this key is none of theirs",
    );
}

#[test]
fn a_claim_of_another_job_is_refused() {
    assert_refused(
        |guest| {
            let other = guest.claim(&|claim| claim.input.sha256 = [1; 32]);
            [guest.output(OUTPUT), other, encode_end(Ending::Claimed, "")].concat()
        },
        "first: input",
    );
}

/// Of another boot, whose evidence is as good, but was not what the input was sealed for.
#[test]
fn a_claim_with_other_evidence_is_refused() {
    assert_refused(
        |guest| {
            let other = evidence_of(&guest.world, &ReaderKey::generate([9; 32]));
            let claim = guest.world.signed(&other, &Bend::default());
            let claim = encode_claim(&guest.seal(Content::PrivateClaim, &claim));
            [guest.output(OUTPUT), claim, encode_end(Ending::Claimed, "")].concat()
        },
        "first: evidence that was shown before",
    );
}

#[test]
fn an_answer_that_is_cut_off_is_refused() {
    for cut in [0, 1, 70, 200, 250] {
        assert_refused(
            move |guest| {
                let whole = guest.honest();
                whole[..cut.min(whole.len())].to_vec()
            },
            "cut off",
        );
    }
    assert_refused(
        |guest| {
            let whole = guest.honest();
            whole[..whole.len() - 1].to_vec()
        },
        "cut off",
    );
    // The output's envelope alone.
    assert_refused(
        |guest| {
            let sealed = guest.seal(Content::PrivateOutput, OUTPUT);
            let cut = encode_stream(Stream::Output, &sealed[..sealed.len() - 20]);
            [cut, guest.claim(&|_| {}), encode_end(Ending::Claimed, "")].concat()
        },
        "sealed output",
    );
}

#[test]
fn a_job_without_a_claim_is_refused_in_the_hosts_words() {
    assert_refused(
        |_| encode_end(Ending::Refused, "private input: too long\u{1b}[2J"),
        "the guest refused the job: private input: too long",
    );
    assert_refused(
        |guest| [guest.output(OUTPUT), encode_end(Ending::Claimed, "")].concat(),
        "expected a claim",
    );
}

#[test]
fn a_log_that_the_manifest_keeps_in_the_guest_is_refused() {
    assert_refused_in(
        &logging("none"),
        |guest| [guest.log(b"a line"), guest.honest()].concat(),
        "a log, which the manifest lets nobody read",
    );
}

/// What ended otherwise has a status of its own; an output that is not whole is not written.
#[test]
fn how_the_component_ended_is_told() {
    for (outcome, is_written) in [
        (Outcome::Exited { code: 3 }, true),
        (Outcome::Trapped, false),
        (Outcome::LimitExceeded { limit: "limits.fuel".to_owned() }, false),
    ] {
        let world = World::good();
        let folder = folder(&world);
        let ended = outcome.clone();
        let host = Host::start(&world, evidence_of(&world, &guest_key()), move |guest| {
            let claim = guest.claim(&|claim| claim.outcome = ended.clone());
            [guest.output(OUTPUT), claim, encode_end(Ending::Claimed, "")].concat()
        });
        let more = ["--allow-simulated", "--claim", "claim.cbor"];
        let output = submit(folder.path(), &host.address, &more);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output));
        let expected = if is_written { OUTPUT } else { b"earlier" };
        assert_eq!(read(&folder, "output.json"), expected, "{outcome}");
        assert!(!read(&folder, "claim.cbor").is_empty());
    }
}

#[test]
fn hosts_that_decline_or_are_none_are_status_2() {
    let folder = folder(&World::good());
    let shut = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let output = submit(folder.path(), &shut, &["--allow-simulated"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("cannot connect"), "{}", text(&output));
    for (answer, words) in [
        ("SSH-2.0-OpenSSH_9\r\n\r\n", "found something else"),
        ("HTTP/1.1 404 Not Found\r\n\r\nno such page", "declined with status 404: no such page"),
        ("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n", "try again in 7 s"),
        ("", "no answer"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            read_head(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let output = submit(folder.path(), &address, &["--allow-simulated"]);
        server.join().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output).contains(words), "{}", text(&output));
    }
}

#[test]
fn what_cannot_be_meant_is_refused_before_anybody_is_asked() {
    let folder = folder(&World::good());
    let output = submit(folder.path(), "127.0.0.1:1", &["--claim", "output.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("two different files"), "{}", text(&output));
    std::fs::remove_file(folder.path().join("input.csv")).unwrap();
    std::fs::create_dir(folder.path().join("input.csv")).unwrap();
    let output = submit(folder.path(), "127.0.0.1:1", &[]);
    assert!(text(&output).contains("expected a file"), "{}", text(&output));
}

#[test]
fn an_input_over_the_manifests_limit_is_not_sent() {
    let world = World::good();
    let folder = folder(&world);
    std::fs::write(folder.path().join("input.csv"), vec![7; 1_000_001]).unwrap();
    let host = Host::start(&world, evidence_of(&world, &guest_key()), Guest::honest);
    let output = submit(folder.path(), &host.address, &["--allow-simulated"]);
    assert_eq!((output.status.code(), host.jobs()), (Some(2), 0));
    assert!(text(&output).contains("limits.input_bytes of this image is 1000000"), "{}", text(&output));
}
