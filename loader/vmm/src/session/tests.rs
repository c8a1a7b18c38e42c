//! The loader's side of the control protocol against honest, broken and hostile guests.

use core::time::Duration;
use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use enclave_wire::control::{
    CREDIT_WINDOW_BYTES, JobDone, JobOutcome, JobStart, Status, Stopping, decode_body,
};
use enclave_wire::frame::{BULK_BODY_BYTES, Frame};

use super::fake_guest::{FakeGuest, PATIENCE, done, ready, start, start_with_patience};
use super::*;

fn run(session: &Session, input: &[u8]) -> Result<(JobDone, Vec<u8>, Vec<u8>), GuestError> {
    let (mut output, mut error_output) = (Vec::new(), Vec::new());
    let io = JobIo {
        input: &mut &*input,
        input_bytes: input.len() as u64,
        output: &mut output,
        error_output: &mut error_output,
        transcript: &mut io::sink(),
        receipts: None,
        progress: &mut |_| {},
    };
    session.run_job(io).map(|done| (done, output, error_output))
}

/// The guest does `script` after it became ready; the loader must end it with a violation that says `expected`.
fn assert_violation(expected: &str, script: impl FnOnce(&mut FakeGuest) + Send + 'static) {
    let (session, guest) = start(move |guest| {
        guest.become_ready();
        script(guest);
        while guest.receive().is_some() {}
    });
    let job = run(&session, b"input");
    assert!(matches!(job, Err(GuestError::Ended(_))), "{job:?}");
    assert_ended(&session, guest, expected);
}

fn assert_ended(session: &Session, guest: JoinHandle<()>, expected: &str) {
    let end = session.wait_end(PATIENCE).unwrap();
    assert!(matches!(*end, GuestEnd::Violation { .. }), "{end}");
    assert!(end.to_string().contains(expected), "{end}");
    guest.join().unwrap();
}

#[test]
fn jobs_get_their_input_and_give_their_output() {
    let (session, guest) = start(|guest| {
        assert_eq!(guest.ask_psp().page[0], 2, "the page came back reversed");
        guest.become_ready();
        for _ in 0..3 {
            guest.echo_job();
        }
    });
    assert_eq!(session.wait_ready(PATIENCE).unwrap(), ready());
    let large: Vec<u8> = (0..5_000_000_u32).map(|index| (index * 7 % 251) as u8).collect();
    for input in [&b"hello"[..], b"", &large] {
        let (result, output, error_output) = run(&session, input).unwrap();
        assert_eq!(result, done(JobOutcome::Exited { code: 0 }));
        assert!(output == input && error_output.is_empty(), "{} bytes of input", input.len());
    }
    guest.join().unwrap();
    assert!(matches!(*session.wait_end(PATIENCE).unwrap(), GuestEnd::StreamClosed { .. }));
}

#[test]
fn output_waits_for_a_slow_reader() {
    let (session, guest) = start(|guest| {
        guest.become_ready();
        let (job, _, credit) = guest.expect_job();
        assert_eq!(credit, CREDIT_WINDOW_BYTES);
        let chunk = vec![7; BULK_BODY_BYTES];
        for _ in 0..CREDIT_WINDOW_BYTES / BULK_BODY_BYTES as u64 {
            guest.send(FrameKind::OUTPUT, job, &chunk);
        }
        // Nobody has taken anything yet: no credit may come before the owner comes back for more.
        let more = guest.expect(FrameKind::OUTPUT_CREDIT);
        assert_eq!(more.job, job);
        guest.send(FrameKind::ERROR_OUTPUT, job, b"oops");
        guest.send(FrameKind::TRANSCRIPT, job, b"learnt");
        guest.end_job(job, JobOutcome::Trapped);
    });
    let mut job = session.enqueue(0).unwrap();
    assert_eq!(job.next_event().unwrap(), JobEvent::Started);
    let mut received = 0;
    let (mut errors, mut transcript) = (Vec::new(), Vec::new());
    let result = loop {
        match job.next_event().unwrap() {
            JobEvent::Output(bytes) => {
                thread::sleep(Duration::from_millis(50));
                received += bytes.len() as u64;
            }
            JobEvent::ErrorOutput(bytes) => errors.extend(bytes),
            JobEvent::Transcript(bytes) => transcript.extend(bytes),
            JobEvent::Done(done) => break done,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((received, errors.as_slice()), (CREDIT_WINDOW_BYTES, &b"oops"[..]));
    assert_eq!(transcript, b"learnt");
    assert_eq!(result, done(JobOutcome::Trapped));
    guest.join().unwrap();
}

#[test]
fn jobs_run_one_at_a_time_in_order() {
    let (session, guest) = start(|guest| {
        guest.become_ready();
        for expected in [1, 3] {
            let (job, _, _) = guest.expect_job();
            assert_eq!(job, expected);
            guest.end_job(job, JobOutcome::Exited { code: 0 });
        }
    });
    let mut first = session.enqueue(0).unwrap();
    let second = session.enqueue(0).unwrap();
    let mut third = session.enqueue(0).unwrap();
    // Waits in the queue, so the guest never hears of it.
    drop(second);
    for job in [&mut first, &mut third] {
        assert_eq!(job.next_event().unwrap(), JobEvent::Started);
        assert!(matches!(job.next_event().unwrap(), JobEvent::Done(_)));
    }
    guest.join().unwrap();
}

#[test]
fn the_queue_has_an_end() {
    let (session, guest) = start(|guest| while guest.receive().is_some() {});
    let jobs: Vec<Job> = (0..jobs::JOBS_WAITING_MAX).map(|_| session.enqueue(0).unwrap()).collect();
    assert!(matches!(session.enqueue(0), Err(GuestError::QueueFull { waiting: jobs::JOBS_WAITING_MAX })));
    drop(jobs);
    assert!(session.enqueue(0).is_ok());
    session.shared.condemn(Violation::UnknownKind { kind: 0 });
    guest.join().unwrap();
}

#[test]
fn a_job_whose_owner_leaves_is_cancelled_and_the_guest_lives_on() {
    let (started, has_started) = mpsc::channel();
    let (session, guest) = start(move |guest| {
        guest.become_ready();
        let (job, _, _) = guest.expect_job();
        guest.give_input_credit(job, 10);
        started.send(()).unwrap();
        let cancel = guest.expect(FrameKind::JOB_CANCEL);
        assert_eq!(cancel.job, job);
        // Under way already when the cancellation came.
        guest.send(FrameKind::OUTPUT, job, b"too late");
        guest.give_input_credit(job, 10);
        guest.end_job(job, JobOutcome::Cancelled);
        guest.echo_job();
    });
    let job = session.enqueue(100).unwrap();
    has_started.recv().unwrap();
    drop(job);
    assert_eq!(run(&session, b"next").unwrap().1, b"next");
    guest.join().unwrap();
}

#[test]
fn a_job_can_be_cancelled_from_another_thread() {
    let (session, guest) = start(|guest| {
        guest.become_ready();
        guest.expect_job();
        guest.expect_cancel();
        guest.echo_job();
    });
    let mut job = session.enqueue(100).unwrap();
    assert_eq!(job.next_event().unwrap(), JobEvent::Started);
    let input = job.input();
    let cancelling = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        input.cancel();
    });
    assert!(matches!(job.next_event(), Err(GuestError::Cancelled)));
    cancelling.join().unwrap();
    assert_eq!(run(&session, b"next").unwrap().1, b"next");
    guest.join().unwrap();
}

#[test]
fn failing_files_cancel_the_job() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (session, guest) = start(|guest| {
        guest.become_ready();
        for _ in 0..2 {
            let (job, _, _) = guest.expect_job();
            guest.give_input_credit(job, 5);
            guest.expect(FrameKind::INPUT);
            guest.give_input_credit(job, 5);
            guest.send(FrameKind::OUTPUT, job, b"output");
            guest.expect_cancel();
        }
    });
    let io = |input: &mut dyn Read, output: &mut dyn Write| {
        let (error_output, transcript, progress) = (&mut io::sink(), &mut io::sink(), &mut |_| {});
        session.run_job(JobIo {
            input,
            input_bytes: 10,
            output,
            error_output,
            transcript,
            receipts: None,
            progress,
        })
    };
    let short = io(&mut &b"short"[..], &mut io::sink());
    assert!(matches!(short, Err(GuestError::InputShort { expected: 10, found: 5 })), "{short:?}");
    let full = io(&mut &b"0123456789"[..], &mut Full);
    assert!(matches!(full, Err(GuestError::Output { .. })), "{full:?}");
    guest.join().unwrap();
}

#[test]
fn a_guest_that_dies_ends_everything_that_waits() {
    let (session, guest) = start(|guest| {
        guest.become_ready();
        // The job, its credit and the question, in whichever order.
        (0..3).for_each(|_| drop(guest.receive()));
    });
    let mut running = session.enqueue(5).unwrap();
    let mut waiting = session.enqueue(5).unwrap();
    let asking = session.clone();
    let status = thread::spawn(move || asking.status(PATIENCE));
    assert_eq!(running.next_event().unwrap(), JobEvent::Started);
    for job in [&mut running, &mut waiting] {
        assert!(matches!(job.next_event(), Err(GuestError::Ended(_))));
    }
    assert!(matches!(status.join().unwrap(), Err(GuestError::Ended(_))));
    assert!(matches!(session.enqueue(0), Err(GuestError::Ended(_))));
    assert!(matches!(session.request_shutdown(), Err(GuestError::Ended(_))));
    guest.join().unwrap();
}

#[test]
fn what_a_job_sent_before_the_guest_died_is_delivered() {
    let (session, guest) = start(|guest| {
        guest.become_ready();
        let (job, _, _) = guest.expect_job();
        guest.send(FrameKind::OUTPUT, job, b"all of it");
        guest.end_job(job, JobOutcome::Exited { code: 3 });
    });
    let mut job = session.enqueue(0).unwrap();
    guest.join().unwrap();
    assert!(session.wait_end(PATIENCE).is_some());
    assert_eq!(job.next_event().unwrap(), JobEvent::Started);
    assert_eq!(job.next_event().unwrap(), JobEvent::Output(b"all of it".to_vec()));
    assert_eq!(job.next_event().unwrap(), JobEvent::Done(done(JobOutcome::Exited { code: 3 })));
    assert!(matches!(job.next_event(), Err(GuestError::Ended(_))));
}

#[test]
fn receipts_come_in_their_order_and_only_where_they_are_wanted() {
    let (session, guest) = start(|guest| {
        guest.become_ready();
        let (job, _, credit) = guest.expect_job();
        guest.send(FrameKind::TIME_PROOF, job, &[1; 32]);
        guest.send(FrameKind::RECEIPT, job, &[2; 100]);
        guest.send(FrameKind::TIME_PROOF, job, &[3; 32]);
        guest.send(FrameKind::TIME_COMMITMENT, job, &[4; 39]);
        guest.end_job(job, JobOutcome::Exited { code: 0 });
        assert!(credit > 0);
    });
    let mut job = session.enqueue_with_receipts(0).unwrap();
    guest.join().unwrap();
    let events: Vec<JobEvent> = (0..6).map(|_| job.next_event().unwrap()).collect();
    let expected = [
        JobEvent::Started,
        JobEvent::TimeProof(vec![1; 32]),
        JobEvent::Receipt(vec![2; 100]),
        JobEvent::TimeProof(vec![3; 32]),
        JobEvent::TimeCommitment(vec![4; 39]),
        JobEvent::Done(done(JobOutcome::Exited { code: 0 })),
    ];
    assert_eq!(events, expected);

    // What costs no credit could come without end.
    for kind in [FrameKind::RECEIPT, FrameKind::TIME_PROOF, FrameKind::TIME_COMMITMENT] {
        let (session, guest) = start(move |guest| {
            guest.become_ready();
            let (job, _, _) = guest.expect_job();
            guest.send(kind, job, &[0; 31]);
            while guest.receive().is_some() {}
        });
        let mut job = session.enqueue_with_receipts(0).unwrap();
        while job.next_event().is_ok() {}
        assert_ended(&session, guest, "of 31 bytes, expected at least 32");
    }
    for kind in [FrameKind::RECEIPT, FrameKind::TIME_PROOF, FrameKind::TIME_COMMITMENT] {
        assert_violation("frame of unknown kind", move |guest| {
            let (job, _, _) = guest.expect_job();
            guest.send(kind, job, b"nobody asked");
        });
    }
}

/// How a private job ended does not come in the clear, not even with its consent.
#[test]
fn a_private_job_ends_sealed_and_no_other_does() {
    let (session, guest) = start(|guest| {
        guest.become_ready();
        let start = guest.expect(FrameKind::JOB_START);
        let asked: JobStart = decode_body(&start.body).unwrap();
        assert_eq!((asked.input_bytes, asked.private, asked.receipts), (0, true, false));
        guest.expect(FrameKind::OUTPUT_CREDIT);
        guest.end_job(start.job, JobOutcome::Sealed);
        let (job, ..) = guest.expect_job();
        guest.end_job(job, JobOutcome::Exited { code: 0 });
    });
    for outcome in [JobOutcome::Sealed, JobOutcome::Exited { code: 0 }] {
        let is_private = outcome == JobOutcome::Sealed;
        let mut job = if is_private { session.enqueue_private(0) } else { session.enqueue(0) }.unwrap();
        assert_eq!(job.next_event().unwrap(), JobEvent::Started);
        assert_eq!(job.next_event().unwrap(), JobEvent::Done(done(outcome)));
    }
    guest.join().unwrap();

    for outcome in [JobOutcome::Exited { code: 0 }, JobOutcome::Trapped] {
        let (session, guest) = start(|guest| {
            guest.become_ready();
            let (job, ..) = guest.expect_job();
            guest.end_job(job, outcome);
            while guest.receive().is_some() {}
        });
        let mut job = session.enqueue_private(0).unwrap();
        while job.next_event().is_ok() {}
        assert_ended(&session, guest, "which is not for a job of its kind");
    }
    assert_violation("which is not for a job of its kind", |guest| {
        let (job, ..) = guest.expect_job();
        guest.end_job(job, JobOutcome::Sealed);
    });
}

#[test]
fn questions_are_answered_or_time_out() {
    let status = Status {
        uptime_us: 1,
        jobs_done: 2,
        running_job: None,
        heap_used_bytes: 3,
        heap_total_bytes: 4,
        address: Some("10.0.2.15/24".to_owned()),
        gateway: None,
        mac: None,
        requests: None,
    };
    let answer = encode_body(&status);
    let (session, guest) = start(move |guest| {
        guest.become_ready();
        guest.expect(FrameKind::STATUS_REQUEST);
        guest.expect(FrameKind::SHUTDOWN);
        // Late: the asker has given up.
        guest.send(FrameKind::STATUS, 0, &answer);
        guest.expect(FrameKind::STATUS_REQUEST);
        guest.send(FrameKind::STATUS, 0, &answer);
        guest.expect(FrameKind::PROBE);
        let probed = ProbeDone { answer: Some(b"ping".to_vec()), error: String::new(), elapsed_us: 9 };
        guest.send(FrameKind::PROBE_DONE, 0, &encode_body(&probed));
    });
    let too_late = session.status(Duration::from_millis(50));
    assert!(matches!(too_late, Err(GuestError::Timeout { .. })), "{too_late:?}");
    session.request_shutdown().unwrap();
    assert_eq!(session.status(PATIENCE).unwrap(), status);
    let probe = Probe { destination: "10.0.2.2:7".to_owned(), payload: b"ping".to_vec(), timeout_ms: 1000 };
    assert_eq!(session.probe(&probe).unwrap().answer.unwrap(), b"ping");
    guest.join().unwrap();
}

#[test]
fn a_guest_that_stalls_in_a_job_is_ended() {
    let (session, guest) = start_with_patience(Duration::from_millis(100), |guest| {
        guest.become_ready();
        while guest.receive().is_some() {}
    });
    assert!(matches!(run(&session, b"input"), Err(GuestError::Timeout { .. })));
    assert_ended(&session, guest, "go on with a job");
}

#[test]
fn a_silent_guest_is_not_ready() {
    let (session, guest) = start(|guest| drop(guest.receive()));
    let silent = session.wait_ready(Duration::from_millis(20));
    assert!(matches!(silent, Err(GuestError::Timeout { .. })), "{silent:?}");
    session.shared.condemn(Violation::UnknownKind { kind: 0 });
    guest.join().unwrap();
}

#[test]
fn broken_frames_end_the_guest() {
    assert_violation("frame magic", |guest| guest.send_raw(&[0xAA; 64]));
    assert_violation("frame body", |guest| guest.send_raw(&[0x44, 0x52, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0x80]));
    assert_violation("unknown kind 0x0042", |guest| guest.send(FrameKind(0x42), 0, b""));
    assert_violation("unknown kind 0x0083", |guest| guest.send(FrameKind::INPUT, 0, b"ours to send"));
    assert_violation("ready frame a second time", FakeGuest::become_ready);
    assert_violation("nobody asked for", |guest| {
        let probed = ProbeDone { answer: None, error: String::new(), elapsed_us: 0 };
        guest.send(FrameKind::PROBE_DONE, 0, &encode_body(&probed));
    });
    assert_violation("status frame whose body does not decode", |guest| {
        guest.send(FrameKind::STATUS, 0, b"\xFF")
    });
    assert_violation("expected one page of 4096 bytes, found 5", |guest| {
        guest.send(FrameKind::PSP_REQUEST, 0, b"short")
    });
    assert_violation("stopping frame for job 3", |guest| {
        guest.send(FrameKind::STOPPING, 3, &encode_body(&Stopping { reason: String::new() }));
    });
}

#[test]
fn a_guest_of_another_version_is_refused() {
    for (bad, expected) in [
        (Ready { protocol: 1, ..ready() }, "speaks control protocol 1, this loader speaks 6"),
        (Ready { evidence: b"nonsense".to_vec(), ..ready() }, "evidence that does not decode"),
    ] {
        let (session, guest) = start(move |guest| guest.send(FrameKind::READY, 0, &encode_body(&bad)));
        assert!(matches!(session.wait_ready(PATIENCE), Err(GuestError::Ended(_))));
        assert_ended(&session, guest, expected);
    }
}

#[test]
fn frames_of_other_jobs_end_the_guest() {
    assert_violation("output frame for job 2, expected job 1", |guest| {
        guest.expect_job();
        guest.send(FrameKind::OUTPUT, 2, b"whose?");
    });
    assert_violation("job done frame for job 7, expected job 1", |guest| {
        guest.expect_job();
        guest.end_job(7, JobOutcome::Refused);
    });
    let (session, guest) = start(|guest| {
        guest.become_ready();
        guest.send(FrameKind::OUTPUT, 1, b"before any job");
        while guest.receive().is_some() {}
    });
    assert_ended(&session, guest, "expected no job frame: none runs");
}

#[test]
fn credit_is_kept_to() {
    let (session, guest) = start(|guest| {
        guest.become_ready();
        let (job, _, _) = guest.expect_job();
        for _ in 0..=CREDIT_WINDOW_BYTES / BULK_BODY_BYTES as u64 {
            guest.send(FrameKind::ERROR_OUTPUT, job, &vec![1; BULK_BODY_BYTES]);
        }
        while guest.receive().is_some() {}
    });
    // Its owner takes nothing, so no credit is given back.
    let job = session.enqueue(0).unwrap();
    assert_ended(&session, guest, "65536 bytes of output where at most 0 were allowed");
    drop(job);
    assert_violation("credit for 1048577 bytes of input, the window is 1048576", |guest| {
        let (job, _, _) = guest.expect_job();
        guest.give_input_credit(job, CREDIT_WINDOW_BYTES + 1);
    });
    assert_violation("the window is 1048576", |guest| {
        let (job, _, _) = guest.expect_job();
        guest.give_input_credit(job, u64::MAX);
    });
}

#[test]
fn a_job_that_ran_has_a_claim() {
    assert_violation("without a claim", |guest| {
        let (job, _, _) = guest.expect_job();
        let unsigned = JobDone { claim: None, ..done(JobOutcome::Trapped) };
        guest.send(FrameKind::JOB_DONE, job, &encode_body(&unsigned));
    });
    assert_violation("with a claim", |guest| {
        let (job, _, _) = guest.expect_job();
        let refused = JobDone { claim: Some(vec![1]), ..done(JobOutcome::Refused) };
        guest.send(FrameKind::JOB_DONE, job, &encode_body(&refused));
    });
}

#[test]
fn a_guest_that_asks_without_reading_is_ended() {
    let (session, guest) = start(|guest| {
        for _ in 0..1000 {
            guest.send(FrameKind::PSP_REQUEST, 0, &[0; 4096]);
        }
        // Reads only now, to see the loader hang up.
        while guest.receive().is_some() {}
    });
    assert_ended(&session, guest, "does not read what it is sent");
}

#[test]
fn input_is_sent_only_as_allowed() {
    let (session, guest) = start(|guest| {
        guest.become_ready();
        let (job, _, _) = guest.expect_job();
        guest.give_input_credit(job, 4);
        assert_eq!(guest.receive().unwrap(), Frame { kind: FrameKind::INPUT, job, body: b"0123".to_vec() });
        guest.end_job(job, JobOutcome::Exited { code: 0 });
    });
    let mut job = session.enqueue(100).unwrap();
    assert_eq!(job.next_event().unwrap(), JobEvent::Started);
    assert_eq!(job.next_event().unwrap(), JobEvent::WantsInput { bytes: 4 });
    let input = job.input();
    assert!(matches!(input.send(b"01234"), Err(GuestError::InputExcess { found: 5 })));
    input.send(b"0123").unwrap();
    assert!(matches!(job.next_event().unwrap(), JobEvent::Done(_)));
    guest.join().unwrap();
}
