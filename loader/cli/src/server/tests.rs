//! Clients against `redoubt run`'s server, with a scripted guest behind it.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::thread::JoinHandle;

use enclave_wire::boot::LogLevel;
use enclave_wire::control::{JobDone, JobOutcome, encode_body};
use enclave_wire::frame::FrameKind;
use loader_vmm::session::fake_guest::{FakeGuest, done, start};
use tests_needs::Need;

use super::*;
use crate::arguments::{JobArguments, Name};
use crate::client::Client;
use crate::failure::{COMPONENT_FAILED, FAILED, GUEST_ENDED, INTERRUPTED, JOB_FAILED, NO_GUEST, Outcome};
use crate::job::carry_out;
use crate::place::{Place, PlaceLock};

/// A server in a folder of its own.
struct Fixture {
    folder: tempfile::TempDir,
    place: Place,
    heard: mpsc::Receiver<Wish>,
    guest: JoinHandle<()>,
    _lock: PlaceLock,
}

impl Fixture {
    /// The guest becomes ready and then follows `script`.
    fn start(script: impl FnOnce(&mut FakeGuest) + Send + 'static) -> Self {
        let (session, guest) = start(move |guest| {
            guest.become_ready();
            script(guest);
        });
        let folder = tempfile::tempdir().unwrap();
        let place = Place::find(Some(&folder.path().join("run")), "test").unwrap();
        let lock = place.lock().unwrap();
        let (wishes, heard) = mpsc::channel();
        let (status, evidence) = (status(), b"evidence".to_vec());
        let component = Component::at(folder.path().join("component.wasm"));
        let connections = AtomicUsize::new(0);
        let server = Arc::new(Server { session, status, evidence, component, wishes, connections });
        server.start(&place.socket()).unwrap();
        Self { folder, place, heard, guest, _lock: lock }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn arguments(&self, input: &[u8]) -> JobArguments {
        fs::write(self.path("input"), input).unwrap();
        JobArguments {
            input: self.path("input"),
            output: self.path("output"),
            claim: None,
            transcript: None,
            log: None,
            evidence: Some(self.path("evidence")),
            receipts: None,
            guest: Name { name: "test".to_owned() },
            json: false,
        }
    }

    fn job(&self, input: &[u8]) -> Outcome {
        carry_out(&self.arguments(input), &self.place, |_, _| Ok(()))
    }

    /// Files besides the run directory and the input.
    fn results(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != "run" && name != "input");
        names.sort();
        names
    }

    #[track_caller]
    fn assert_failed(&self, outcome: Outcome, code: u8, expected: &str) {
        self.assert_failed_leaving(outcome, code, expected, &[]);
    }

    #[track_caller]
    fn assert_failed_leaving(&self, outcome: Outcome, code: u8, expected: &str, left: &[&str]) {
        let failure = outcome.unwrap_err();
        let text = format!("{failure:?}");
        assert_eq!(failure.code(), code, "{text}");
        assert!(text.contains(expected), "{text}");
        assert_eq!(self.results(), left);
    }
}

fn status() -> StatusReply {
    StatusReply {
        name: "test".to_owned(),
        image: "dist".to_owned(),
        loader_id: 1,
        qemu_id: 2,
        tee: "simulated".to_owned(),
        accel: "tcg".to_owned(),
        memory_mib: 32,
        measurement: "00".to_owned(),
        manifest_sha256: "11".to_owned(),
        seal_key_id: "22".to_owned(),
        boot_ms: 3,
        input_limit_bytes: 1 << 30,
        waiting_jobs: 0,
        service_url: None,
        submissions: None,
        kept: None,
        guest: None,
    }
}

/// Answers the question that every job begins with.
fn tell_status(guest: &mut FakeGuest) {
    guest.expect(FrameKind::STATUS_REQUEST);
    let status = Status {
        uptime_us: 1,
        jobs_done: 0,
        running_job: None,
        heap_used_bytes: 1,
        heap_total_bytes: 2,
        address: None,
        gateway: None,
        mac: None,
        requests: None,
    };
    guest.send(FrameKind::STATUS, 0, &encode_body(&status));
}

#[test]
fn a_job_leaves_output_claim_and_evidence() {
    let fixture = Fixture::start(|guest| {
        for _ in 0..2 {
            tell_status(guest);
            guest.echo_job();
        }
    });
    let large: Vec<u8> = (0..3_000_000_u32).map(|index| (index % 249) as u8).collect();
    for input in [&b""[..], &large] {
        fixture.job(input).unwrap();
        assert!(fs::read(fixture.path("output")).unwrap() == input);
        assert_eq!(fs::read(fixture.path("output.claim.cbor")).unwrap(), b"claim");
        assert_eq!(fs::read(fixture.path("evidence")).unwrap(), b"evidence");
    }
    assert_eq!(fixture.results(), ["evidence", "output", "output.claim.cbor", "output.transcript"]);
    fixture.guest.join().unwrap();
}

#[test]
fn failed_jobs_leave_only_what_was_signed_and_say_why() {
    let fixture = Fixture::start(|guest| {
        for outcome in [
            JobOutcome::Refused,
            JobOutcome::Cancelled,
            JobOutcome::Trapped,
            JobOutcome::LimitExceeded { limit: "fuel".to_owned() },
            JobOutcome::Trapped,
        ] {
            tell_status(guest);
            let (job, _, _) = guest.expect_job();
            guest.send(FrameKind::OUTPUT, job, b"half of it");
            let detail = "wasm backtrace:\n  0: \u{1b}[31mmain".to_owned();
            guest.send(FrameKind::JOB_DONE, job, &encode_body(&JobDone { detail, ..done(outcome) }));
        }
    });
    for expected in ["refused the job; no output was written", "cancelled by the guest"] {
        fixture.assert_failed(fixture.job(b""), JOB_FAILED, expected);
    }
    let signed = ["evidence", "output.claim.cbor", "output.transcript"];
    for expected in ["trapped; no output was written; the signed claim is in /", "exceeded fuel; no output"] {
        fixture.assert_failed_leaving(fixture.job(b""), JOB_FAILED, expected, &signed);
        assert_eq!(fs::read(fixture.path("output.claim.cbor")).unwrap(), b"claim");
        fs::remove_file(fixture.path("output.claim.cbor")).unwrap();
        fs::remove_file(fixture.path("output.transcript")).unwrap();
    }
    let arguments = JobArguments { output: "/dev/null".into(), ..fixture.arguments(b"") };
    let streamed = carry_out(&arguments, &fixture.place, |_, _| Ok(()));
    let expected = "the output is incomplete; --claim would have kept the signed claim";
    fixture.assert_failed_leaving(streamed, JOB_FAILED, expected, &["evidence"]);
    fixture.guest.join().unwrap();
}

/// Shown on a terminal it would be noise, and in a pipe beside what people say.
#[test]
fn a_sealed_log_goes_into_a_file_or_nowhere() {
    let sealed = b"\x89RDBTE1\n\x06 and so on";
    let fixture = Fixture::start(move |guest| {
        for _ in 0..2 {
            tell_status(guest);
            let (job, ..) = guest.expect_job();
            guest.send(FrameKind::ERROR_OUTPUT, job, sealed);
            guest.send(FrameKind::ERROR_OUTPUT, job, b", and on");
            guest.end_job(job, JobOutcome::Trapped);
        }
    });
    let signed = ["evidence", "output.claim.cbor", "output.transcript"];
    fixture.assert_failed_leaving(fixture.job(b""), JOB_FAILED, "trapped", &signed);
    let arguments = JobArguments { log: Some(fixture.path("log")), ..fixture.arguments(b"") };
    let ended = carry_out(&arguments, &fixture.place, |_, _| Ok(()));
    let with_log = ["evidence", "log", "output.claim.cbor", "output.transcript"];
    fixture.assert_failed_leaving(ended, JOB_FAILED, "trapped", &with_log);
    assert_eq!(fs::read(fixture.path("log")).unwrap(), [&sealed[..], b", and on"].concat());
}

#[test]
fn an_output_never_appears_without_its_claim() {
    let fixture = Fixture::start(|guest| {
        tell_status(guest);
        guest.echo_job();
    });
    // Where the claim's name is taken by a folder, its draft can be written and cannot be named.
    let claim = fixture.path("claim");
    let arguments =
        JobArguments { claim: Some(claim.clone()), evidence: None, ..fixture.arguments(b"input") };
    let ended = carry_out(&arguments, &fixture.place, |_, _| Ok(fs::create_dir(&claim)?));
    fixture.assert_failed_leaving(ended, FAILED, "claim", &["claim"]);
    fixture.guest.join().unwrap();
}

#[test]
fn the_components_own_code_keeps_the_output() {
    let fixture = Fixture::start(|guest| {
        tell_status(guest);
        let (job, _, _) = guest.expect_job();
        guest.send(FrameKind::OUTPUT, job, b"books do not balance");
        guest.end_job(job, JobOutcome::Exited { code: 9 });
    });
    let failure = fixture.job(b"").unwrap_err();
    assert_eq!(failure.code(), COMPONENT_FAILED);
    assert_eq!(fs::read(fixture.path("output")).unwrap(), b"books do not balance");
    assert!(fixture.path("output.claim.cbor").exists());
    fixture.guest.join().unwrap();
}

#[test]
fn a_guest_that_dies_in_a_job_is_told() {
    let fixture = Fixture::start(|guest| {
        tell_status(guest);
        let (job, _, _) = guest.expect_job();
        guest.send(FrameKind::OUTPUT, job, b"half of it");
    });
    fixture.assert_failed(fixture.job(b""), GUEST_ENDED, "the guest ended");
    fixture.assert_failed(fixture.job(b""), GUEST_ENDED, "the guest ended");
    fixture.guest.join().unwrap();
}

#[test]
fn a_client_that_hangs_up_cancels_its_job_and_the_guest_lives_on() {
    let (cancelled, is_cancelled) = mpsc::channel();
    let fixture = Fixture::start(move |guest| {
        tell_status(guest);
        guest.expect(FrameKind::JOB_START);
        guest.expect_cancel();
        cancelled.send(()).unwrap();
        tell_status(guest);
        guest.echo_job();
    });
    let interrupted = carry_out(&fixture.arguments(b"input"), &fixture.place, |client, interrupted| {
        let (stream, interrupted) = (client.stream()?, Arc::clone(interrupted));
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            interrupted.store(true, Ordering::Relaxed);
            stream.shutdown(Shutdown::Both).unwrap();
        });
        Ok(())
    });
    fixture.assert_failed(interrupted, INTERRUPTED, "nothing was written");
    // The loader need not have noticed yet, and the next client's question would come first.
    is_cancelled.recv().unwrap();
    fixture.job(b"next").unwrap();
    fixture.guest.join().unwrap();
}

#[test]
fn a_full_disk_cancels_the_job() {
    if !Path::new("/dev/full").exists() {
        return Need::DevFull.missing("no /dev/full here");
    }
    let fixture = Fixture::start(|guest| {
        tell_status(guest);
        let (job, _, _) = guest.expect_job();
        guest.send(FrameKind::OUTPUT, job, b"output");
        guest.expect_cancel();
    });
    let arguments = JobArguments { output: "/dev/full".into(), ..fixture.arguments(b"") };
    let failure = carry_out(&arguments, &fixture.place, |_, _| Ok(()));
    fixture.assert_failed(failure, FAILED, "/dev/full");
    fixture.guest.join().unwrap();
}

#[test]
fn clients_that_break_rules_are_told_and_harm_nobody() {
    let fixture = Fixture::start(|guest| {
        guest.expect(FrameKind::JOB_START);
        guest.expect_cancel();
        tell_status(guest);
        guest.echo_job();
    });
    let ask = |request: &Request| Client::connect(&fixture.place).unwrap().ask(request);
    let old = ask(&Request::Status { version: 0 }).unwrap_err();
    assert!(format!("{old:?}").contains("speaks version 4"), "{old:?}");
    let misplaced = ask(&Request::Input).unwrap_err();
    assert!(format!("{misplaced:?}").contains("belongs to a job"), "{misplaced:?}");

    let mut garbage = UnixStream::connect(fixture.place.socket()).unwrap();
    garbage.write_all(&[0xFF; 64]).unwrap();
    let (reply, _) = receive::<Reply>(&mut garbage).unwrap().unwrap();
    assert!(matches!(reply, Reply::Failed { .. }), "{reply:?}");

    let mut greedy = Client::connect(&fixture.place).unwrap();
    greedy.send(&Request::Job { version: VERSION, input_bytes: 10, receipts: false }, &[]).unwrap();
    // A job that is cancelled while it waits for its turn is never shown to the guest.
    while !matches!(greedy.receive().unwrap(), (Reply::Started, _)) {}
    greedy.send(&Request::Input, b"0123456789").unwrap();
    let refused = loop {
        if let Err(refused) = greedy.receive() {
            break refused;
        }
    };
    assert!(format!("{refused:?}").contains("cancelled"), "{refused:?}");
    fixture.job(b"next").unwrap();
    fixture.guest.join().unwrap();
}

#[test]
fn a_stop_is_passed_on() {
    let fixture = Fixture::start(|guest| drop(guest.receive()));
    let mut client = Client::connect(&fixture.place).unwrap();
    client.send(&Request::Stop { version: VERSION, kill: true }, &[]).unwrap();
    assert_eq!(fixture.heard.recv().unwrap(), Wish::Stop { kill: true });
    drop(client);
    // The guest waits for any frame, then leaves.
    let _ = Client::connect(&fixture.place).unwrap().ask(&Request::Status { version: VERSION });
    fixture.guest.join().unwrap();
}

#[test]
fn nobody_home_is_told_with_the_last_end() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::find(Some(&folder.path().join("run")), "test").unwrap();
    drop(place.lock().unwrap());
    place.write_last_end(&"the guest panicked");
    let failure = Client::connect(&place).unwrap_err();
    assert_eq!(failure.code(), NO_GUEST);
    assert!(format!("{failure:?}").contains("the last one ended: the guest panicked"), "{failure:?}");
    // Log levels of the command line are the guest's.
    let level = LogLevel::from(crate::arguments::LogLevelArgument::Trace);
    assert_eq!(level, LogLevel::Trace);
}
