//! Strangers against the listener, with a scripted guest behind it.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;

use attestation_submission::{AnswerReader, End, Ending, Part, Stream};
use enclave_wire::control::{JobDone, JobOutcome, JobStart, Usage, decode_body, encode_body};
use enclave_wire::frame::FrameKind;
use loader_vmm::session::fake_guest::{FakeGuest, start};

use super::*;

struct Fixture {
    address: SocketAddr,
    guest: JoinHandle<()>,
    session: Session,
}

impl Fixture {
    /// The guest becomes ready, follows `script`, and hangs up.
    fn start(script: impl FnOnce(&mut FakeGuest) + Send + 'static) -> Self {
        let (session, guest) = start(move |guest| {
            guest.become_ready();
            script(guest);
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let submissions = Submissions::new(session.clone(), b"evidence".to_vec(), 10_000);
        let address = submissions.start(listener).unwrap();
        Self { address, guest, session }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends all of it, and gives what comes until the connection is closed.
    fn ask(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        rest_of(&mut stream)
    }

    fn ask_text(&self, request: &str) -> String {
        String::from_utf8(self.ask(request.as_bytes())).unwrap()
    }

    fn end(self) {
        self.guest.join().unwrap();
    }
}

fn rest_of(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn job(body: &[u8]) -> Vec<u8> {
    [format!("POST /jobs HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body]
        .concat()
}

/// The parts of an answer with status 200.
fn parts(answer: &[u8]) -> Vec<Part> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(answer));
    let (mut reader, mut parts) = (AnswerReader::new(), Vec::new());
    reader.push(&answer[end..]);
    while let Some(part) = reader.next_part().unwrap() {
        parts.push(part);
    }
    reader.finish().unwrap();
    parts
}

/// Takes a private job's input of so many bytes, and gives its number.
fn take_job(guest: &mut FakeGuest, expected: &[u8]) -> u32 {
    let start = guest.expect(FrameKind::JOB_START);
    let JobStart { input_bytes, private, receipts, .. } = decode_body(&start.body).unwrap();
    assert_eq!((input_bytes, private, receipts), (expected.len() as u64, true, false));
    guest.expect(FrameKind::OUTPUT_CREDIT);
    guest.give_input_credit(start.job, input_bytes);
    let mut input = Vec::new();
    while input.len() < expected.len() {
        input.extend(guest.expect(FrameKind::INPUT).body);
    }
    assert_eq!(input, expected);
    start.job
}

fn end(guest: &mut FakeGuest, job: u32, outcome: JobOutcome, claim: Option<&[u8]>) {
    let detail = if claim.is_none() { "the envelope is wrong".to_owned() } else { String::new() };
    let done = JobDone { claim: claim.map(<[u8]>::to_vec), outcome, detail, usage: Usage::default() };
    guest.send(FrameKind::JOB_DONE, job, &encode_body(&done));
}

#[test]
fn evidence_is_shown() {
    let fixture = Fixture::start(|guest| drop(guest.receive()));
    let answer = fixture.ask_text("GET /evidence HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\ncontent-type: application/redoubt-evidence+cbor\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("content-length: 8\r\nconnection: close\r\n\r\nevidence"), "{answer}");
}

#[test]
fn a_job_passes_through_as_it_is() {
    let fixture = Fixture::start(|guest| {
        let job = take_job(guest, &[7; 9_000]);
        guest.send(FrameKind::OUTPUT, job, b"out");
        guest.send(FrameKind::ERROR_OUTPUT, job, b"log");
        guest.send(FrameKind::TRANSCRIPT, job, b"learnt");
        end(guest, job, JobOutcome::Sealed, Some(b"claim"));
        let job = take_job(guest, b"next");
        end(guest, job, JobOutcome::Refused, None);
    });
    let answer = parts(&fixture.ask(&job(&[7; 9_000])));
    let bytes = |stream| {
        let of = answer.iter().filter_map(|part| match part {
            Part::Bytes(found, bytes) if *found == stream => Some(bytes.as_slice()),
            _ => None,
        });
        of.collect::<Vec<_>>().concat()
    };
    assert_eq!(bytes(Stream::Output), b"out");
    assert_eq!(bytes(Stream::Log), b"log");
    assert_eq!(bytes(Stream::Transcript), b"learnt");
    let claim_and_end =
        [Part::Claim(b"claim".to_vec()), Part::End(End { ending: Ending::Claimed, text: String::new() })];
    assert_eq!(answer[answer.len() - 2..], claim_and_end);
    let refused = End { ending: Ending::Refused, text: "the envelope is wrong".to_owned() };
    assert_eq!(parts(&fixture.ask(&job(b"next"))), [Part::End(refused)]);
    fixture.end();
}

#[test]
fn an_envelope_may_wait_for_the_word() {
    let fixture = Fixture::start(|guest| {
        let job = take_job(guest, b"sealed");
        end(guest, job, JobOutcome::Sealed, Some(b"claim"));
    });
    let mut stream = fixture.connect();
    stream.write_all(b"POST /jobs HTTP/1.1\r\ncontent-length: 6\r\nexpect: 100-continue\r\n\r\n").unwrap();
    let mut word = [0; 25];
    stream.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"sealed").unwrap();
    assert_eq!(parts(&rest_of(&mut stream)).len(), 2);
    fixture.end();
}

#[test]
fn a_client_that_hangs_up_takes_its_job_back() {
    let (hang_up, heard) = mpsc::channel();
    let fixture = Fixture::start(move |guest| {
        for _ in 0..2 {
            take_job(guest, b"sealed");
            hang_up.send(()).unwrap();
            guest.expect_cancel();
        }
        let job = take_job(guest, b"next");
        end(guest, job, JobOutcome::Sealed, Some(b"claim"));
    });
    let mut gone = fixture.connect();
    gone.write_all(&job(b"sealed")).unwrap();
    heard.recv().unwrap();
    drop(gone);
    // One that says more than its job is not served either.
    let mut talkative = fixture.connect();
    talkative.write_all(&job(b"sealed")).unwrap();
    heard.recv().unwrap();
    talkative.write_all(b"GET").unwrap();
    assert_eq!(parts(&fixture.ask(&job(b"next"))).len(), 2, "the guest lives on");
    fixture.end();
}

#[test]
fn a_client_that_hangs_up_while_it_sends_has_no_job() {
    let fixture = Fixture::start(|guest| {
        let job = take_job(guest, b"next");
        end(guest, job, JobOutcome::Sealed, Some(b"claim"));
    });
    let mut gone = fixture.connect();
    gone.write_all(b"POST /jobs HTTP/1.1\r\ncontent-length: 6\r\n\r\nsea").unwrap();
    gone.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest_of(&mut gone), b"");
    assert_eq!(parts(&fixture.ask(&job(b"next"))).len(), 2);
    fixture.end();
}

#[test]
fn beyond_a_number_of_jobs_clients_are_told_to_come_again() {
    let (go_on, wait) = mpsc::channel::<()>();
    let fixture = Fixture::start(move |guest| {
        let number = take_job(guest, b"sealed");
        wait.recv().unwrap();
        end(guest, number, JobOutcome::Sealed, Some(b"claim"));
        for _ in 1..SUBMISSIONS_MAX {
            let number = take_job(guest, b"sealed");
            end(guest, number, JobOutcome::Sealed, Some(b"claim"));
        }
    });
    let mut waiting: Vec<_> = (0..SUBMISSIONS_MAX)
        .map(|_| {
            let mut stream = fixture.connect();
            stream.write_all(&job(b"sealed")).unwrap();
            // Its head is there once it is queued.
            let mut word = [0; 15];
            stream.read_exact(&mut word).unwrap();
            assert_eq!(&word, b"HTTP/1.1 200 OK");
            stream
        })
        .collect();
    let refused = fixture.ask_text("POST /jobs HTTP/1.1\r\ncontent-length: 6\r\n\r\n");
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("\r\nretry-after: 10\r\n"), "{refused}");
    // Evidence is to be had all the same.
    assert!(fixture.ask_text("GET /evidence HTTP/1.1\r\n\r\n").ends_with("evidence"));
    go_on.send(()).unwrap();
    for stream in &mut waiting {
        assert!(!rest_of(stream).is_empty());
    }
    fixture.end();
}

#[test]
fn what_is_too_long_or_no_request_is_refused_and_the_guest_hears_nothing() {
    let fixture = Fixture::start(|guest| assert!(guest.receive().is_none()));
    let long = fixture.ask_text("POST /jobs HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n");
    assert!(long.starts_with("HTTP/1.1 413 ") && long.contains("at most "), "{long}");
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 404),
        ("GET /jobs HTTP/1.1\r\n\r\n".to_owned(), 405),
        ("POST /jobs HTTP/1.1\r\n\r\n".to_owned(), 411),
        ("\u{1}\u{2}\r\n\r\n".to_owned(), 400),
        (format!("GET /evidence HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(9_000)), 431),
        (format!("GET /{} HTTP/1.1\r\n", "a".repeat(9_000)), 431),
    ] {
        let answer = fixture.ask_text(&request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    // Somebody who says nothing and goes.
    drop(fixture.connect());
    let session = fixture.session.clone();
    let hung_up = thread::spawn(move || session.request_shutdown());
    hung_up.join().unwrap().unwrap();
}

#[test]
fn when_the_guest_ends_clients_are_told() {
    let fixture = Fixture::start(|guest| {
        take_job(guest, b"sealed");
    });
    let gone = End { ending: Ending::Gone, text: String::new() };
    assert_eq!(parts(&fixture.ask(&job(b"sealed"))), [Part::End(gone)]);
    let answer = fixture.ask_text(&String::from_utf8(job(b"sealed")).unwrap());
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("the guest is gone\n"), "{answer}");
    fixture.end();
}
