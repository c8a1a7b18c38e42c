//! The loader's session against a hostile guest: it ends, what it sends stays in order, output is what came.
#![forbid(unsafe_code)]

use core::time::Duration;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use enclave_wire::frame::{FrameKind, FrameReader};
use enclave_wire::psp::{ExitInfo2, MESSAGE_PAGE_BYTES, PspReply};
use loader_vmm::end::{GuestEnd, LogTail, StreamEnd};
use loader_vmm::session::{Hooks, Job, JobEvent, Keepers, Session};
use tests_fuzz::{Budget, Target};

/// The buffer that the reader reads into, and answers to the PSP that wait for the writer.
const SESSION_BYTES: usize = (128 << 10) + (64 << 10);
/// Longer than anything here takes: the guest's stream is finite and all there.
const PATIENCE: Duration = Duration::from_secs(8);

fn main() -> ExitCode {
    Target { name: "session", max_bytes: 32 << 10, budget: Budget::with(SESSION_BYTES), run }.drive()
}

/// The first byte says what the loader wants, the second how much input there is; the rest is what the guest sends.
fn run(input: &[u8]) {
    let Some(([wishes, input_bytes], stream)) = input.split_first_chunk() else { return };
    let (to_guest, go) = channel();
    let (to_us, notices) = channel();
    let guest = GuestOutput { go, left: stream.to_vec(), taken: 0 };
    let loader = GuestInput { frames: FrameReader::new(), notices: to_us };
    let Ok(session) = Session::start(guest, loader, hooks()) else { return };
    thread::scope(|scope| {
        let jobs: Vec<Job> =
            (0..wishes % 4).filter_map(|_| session.enqueue((*input_bytes).into()).ok()).collect();
        if wishes & 4 != 0 {
            scope.spawn(|| session.status(PATIENCE).is_ok());
            // Not before it asked: an answer that nobody asked for ends the guest.
            assert_eq!(notices.recv_timeout(PATIENCE), Ok(Notice::StatusAsked));
        }
        let _ended = to_guest.send(());
        let output_bytes: usize = jobs.into_iter().map(follow).sum();
        assert!(output_bytes <= stream.len());
        assert!(session.wait_end(PATIENCE).is_some(), "the session does not end");
    });
    drop(session);
    while notices.recv_timeout(PATIENCE).is_ok() {}
}

/// Plays the owner of a job; returns how much output came.
fn follow(mut job: Job) -> usize {
    let mut output_bytes = 0;
    loop {
        match job.next_event() {
            Ok(JobEvent::WantsInput { bytes }) => {
                let piece = vec![0; usize::try_from(bytes).unwrap_or_default()];
                if job.input().send(&piece).is_err() {
                    return output_bytes;
                }
            }
            Ok(JobEvent::Output(bytes) | JobEvent::ErrorOutput(bytes)) => output_bytes += bytes.len(),
            Ok(JobEvent::Done(_)) => return output_bytes,
            Ok(_) => {}
            Err(error) => {
                drop(error.to_string());
                return output_bytes;
            }
        }
    }
}

fn hooks() -> Hooks {
    Hooks {
        psp: Box::new(|_| PspReply {
            exit_info_2: ExitInfo2::SUCCESS,
            page: vec![0; MESSAGE_PAGE_BYTES],
            certificates: Vec::new(),
        }),
        end: Box::new(|end| match end {
            StreamEnd::Closed { .. } => GuestEnd::StreamClosed { log: LogTail::default() },
            StreamEnd::Violation(violation) => GuestEnd::Violation { violation, log: LogTail::default() },
        }),
        kill: Box::new(|| ()),
        keepers: Keepers::default(),
        job_patience: PATIENCE,
    }
}

/// What the guest sends, once it may.
struct GuestOutput {
    go: Receiver<()>,
    left: Vec<u8>,
    taken: usize,
}

impl Read for GuestOutput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == 0 {
            let _hung_up = self.go.recv();
        }
        let mut left = self.left.get(self.taken..).unwrap_or_default();
        let count = left.read(buffer)?;
        self.taken += count;
        Ok(count)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Notice {
    StatusAsked,
}

/// What the guest is sent: always frames, and only of kinds that loaders send.
struct GuestInput {
    frames: FrameReader,
    notices: Sender<Notice>,
}

impl Write for GuestInput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frames.push(bytes);
        loop {
            let frame = self.frames.next_frame();
            assert!(frame.is_ok(), "the loader broke the framing: {frame:?}");
            let Ok(Some(frame)) = frame else { return Ok(bytes.len()) };
            assert!((0x81..=0x88).contains(&frame.kind.0), "the loader sent {frame:?}");
            if frame.kind == FrameKind::STATUS_REQUEST {
                let _nobody_waits = self.notices.send(Notice::StatusAsked);
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
