//! A scripted guest at the other end of the control stream, for tests: it panics when the loader misbehaves.
#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a guest for tests"
)]

use core::time::Duration;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};

use attestation_evidence::{Evidence, INSTANCE_KEY_BYTES, Platform};
use enclave_wire::control::{
    Credit, JobDone, JobOutcome, JobStart, PROTOCOL_VERSION, Ready, Usage, decode_body, encode_body,
};
use enclave_wire::frame::{BULK_BODY_BYTES, Frame, FrameKind, FrameReader, encode_frame};
use enclave_wire::psp::{ExitInfo2, MESSAGE_PAGE_BYTES, PspReply};

use super::{Hooks, Keepers, Session};
use crate::end::{GuestEnd, LogTail, StreamEnd};

/// Longer than any test waits for something that happens.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The guest's end of the stream.
#[derive(Debug)]
pub struct FakeGuest {
    stream: UnixStream,
    frames: FrameReader,
    /// The last job that ended.
    ended: u32,
}

/// Runs `script` as the guest and returns the loader's session with it.
pub fn start(script: impl FnOnce(&mut FakeGuest) + Send + 'static) -> (Session, JoinHandle<()>) {
    start_with_patience(PATIENCE, script)
}

/// [`start`] with another limit for stalled jobs.
pub fn start_with_patience(
    job_patience: Duration,
    script: impl FnOnce(&mut FakeGuest) + Send + 'static,
) -> (Session, JoinHandle<()>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (to_end, to_kill) = (ours.try_clone().unwrap(), ours.try_clone().unwrap());
    let hooks = Hooks {
        psp: Box::new(|page| PspReply {
            exit_info_2: ExitInfo2::SUCCESS,
            page: page.iter().rev().copied().collect(),
            certificates: b"chip".to_vec(),
        }),
        end: Box::new(move |end| {
            let _ = to_end.shutdown(Shutdown::Both);
            match end {
                StreamEnd::Closed { .. } => GuestEnd::StreamClosed { log: LogTail::default() },
                StreamEnd::Violation(violation) => GuestEnd::Violation { violation, log: LogTail::default() },
            }
        }),
        kill: Box::new(move || drop(to_kill.shutdown(Shutdown::Both))),
        keepers: Keepers::default(),
        job_patience,
    };
    let session = Session::start(ours.try_clone().unwrap(), ours, hooks).unwrap();
    let guest = thread::spawn(move || {
        script(&mut FakeGuest { stream: theirs, frames: FrameReader::new(), ended: 0 })
    });
    (session, guest)
}

/// A [`Ready`] with evidence that decodes and nothing more.
#[must_use]
pub fn ready() -> Ready {
    let evidence = Evidence {
        platform: Platform::Simulated,
        report: vec![1; 32],
        endorsement: vec![2; 32],
        instance_key: [3; INSTANCE_KEY_BYTES],
        hpke_key: None,
        manifest: b"{}".to_vec(),
    };
    Ready { protocol: PROTOCOL_VERSION, evidence: evidence.encode(), seal_key_id: vec![4; 16], boot_us: 5 }
}

/// How a job ends, with a claim where there must be one.
#[must_use]
pub fn done(outcome: JobOutcome) -> JobDone {
    let has_claim = !matches!(outcome, JobOutcome::Refused | JobOutcome::Cancelled | JobOutcome::Failed);
    JobDone {
        claim: has_claim.then(|| b"claim".to_vec()),
        outcome,
        detail: String::new(),
        usage: Usage::default(),
    }
}

impl FakeGuest {
    /// Sends a frame.
    pub fn send(&mut self, kind: FrameKind, job: u32, body: &[u8]) {
        let mut bytes = Vec::new();
        encode_frame(kind, job, body, &mut bytes).unwrap();
        if kind == FrameKind::JOB_DONE {
            self.ended = job;
        }
        self.send_raw(&bytes);
    }

    /// A loader that hung up is what some scripts are after.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends [`ready`].
    pub fn become_ready(&mut self) {
        self.send(FrameKind::READY, 0, &encode_body(&ready()));
    }

    /// Lets the loader send input.
    pub fn give_input_credit(&mut self, job: u32, bytes: u64) {
        self.send(FrameKind::INPUT_CREDIT, job, &encode_body(&Credit { bytes }));
    }

    /// Sends [`done`].
    pub fn end_job(&mut self, job: u32, outcome: JobOutcome) {
        self.send(FrameKind::JOB_DONE, job, &encode_body(&done(outcome)));
    }

    /// The loader's next frame; `None` when it hung up. Frames that crossed the end of their job are skipped.
    pub fn receive(&mut self) -> Option<Frame> {
        let mut bytes = [0; 4096];
        loop {
            if let Some(frame) = self.frames.next_frame().unwrap() {
                if (1..=self.ended).contains(&frame.job) {
                    continue;
                }
                return Some(frame);
            }
            match self.stream.read(&mut bytes) {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.frames.push(&bytes[..count]),
            }
        }
    }

    /// The loader's next frame, which must be of this kind.
    pub fn expect(&mut self, kind: FrameKind) -> Frame {
        let frame = self.receive().expect("the loader hung up");
        assert_eq!(frame.kind, kind, "{frame:?}");
        frame
    }

    /// Waits for a job's start and its first credit; returns its number and the length of its input.
    pub fn expect_job(&mut self) -> (u32, u64, u64) {
        let start = self.expect(FrameKind::JOB_START);
        let JobStart { input_bytes, .. } = decode_body(&start.body).unwrap();
        let credit = self.expect(FrameKind::OUTPUT_CREDIT);
        assert_eq!(credit.job, start.job);
        let Credit { bytes } = decode_body(&credit.body).unwrap();
        (start.job, input_bytes, bytes)
    }

    /// Waits until the running job is cancelled, and ends it. Input and credit may be on their way still.
    pub fn expect_cancel(&mut self) {
        loop {
            let frame = self.receive().expect("the loader hung up");
            match frame.kind {
                FrameKind::JOB_CANCEL => return self.end_job(frame.job, JobOutcome::Cancelled),
                FrameKind::INPUT | FrameKind::OUTPUT_CREDIT => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// A well-behaved job that answers its input with the input itself, in small steps and within the credit.
    pub fn echo_job(&mut self) {
        const STEP_BYTES: u64 = 100_000;
        let (job, mut input_left, mut credit) = self.expect_job();
        let (mut asked, mut pending) = (0, Vec::new());
        while input_left > 0 || !pending.is_empty() {
            if asked == 0 && input_left > 0 {
                asked = input_left.min(STEP_BYTES);
                self.give_input_credit(job, asked);
            }
            let frame = self.receive().expect("the loader hung up");
            match frame.kind {
                FrameKind::INPUT => {
                    let count = frame.body.len() as u64;
                    assert!(count <= asked, "more input than allowed");
                    (asked, input_left) = (asked - count, input_left - count);
                    pending.extend(frame.body);
                }
                FrameKind::OUTPUT_CREDIT => credit += decode_body::<Credit>(&frame.body).unwrap().bytes,
                other => panic!("unexpected {other:?}"),
            }
            let count = pending.len().min(usize::try_from(credit).unwrap()).min(BULK_BODY_BYTES);
            if count > 0 {
                let chunk: Vec<u8> = pending.drain(..count).collect();
                self.send(FrameKind::OUTPUT, job, &chunk);
                credit -= count as u64;
            }
        }
        self.end_job(job, JobOutcome::Exited { code: 0 });
    }

    /// Plays one exchange with the PSP.
    pub fn ask_psp(&mut self) -> PspReply {
        self.send(FrameKind::PSP_REQUEST, 0, &[[1; 2048], [2; 2048]].concat());
        let reply = PspReply::decode(&self.expect(FrameKind::PSP_RESPONSE).body).unwrap();
        assert_eq!(reply.page.len(), MESSAGE_PAGE_BYTES);
        reply
    }
}
