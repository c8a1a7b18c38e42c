//! The state that the session's threads and callers share, and the rules for each frame of the guest.

use std::sync::Arc;

use attestation_evidence::Evidence;
use enclave_wire::control::{PROTOCOL_VERSION, ProbeDone, Ready, Status, Stopping};
use enclave_wire::frame::{Frame, FrameKind};

use super::desk::{Desk, decode};
use super::jobs::Jobs;
use super::outgoing::Outgoing;
use super::violation::{Violation, kind_name};
use crate::end::GuestEnd;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) ready: Option<Ready>,
    pub(super) end: Option<Arc<GuestEnd>>,
    /// Why the loader itself is ending the guest.
    pub(super) condemned: Option<Violation>,
    /// What the guest said before it ended.
    pub(super) stopping: Option<String>,
    pub(super) outgoing: Outgoing,
    pub(super) jobs: Jobs,
    pub(super) status: Desk<Status>,
    pub(super) probe: Desk<ProbeDone>,
}

impl State {
    /// Applies a frame of the guest; PSP requests are answered elsewhere.
    pub(super) fn on_frame(&mut self, frame: Frame) -> Result<(), Violation> {
        match frame.kind {
            FrameKind::READY => self.on_ready(&frame),
            FrameKind::STOPPING => {
                let stopping: Stopping = decode(&frame)?;
                self.stopping = Some(stopping.reason);
                Ok(())
            }
            FrameKind::STATUS => self.status.on_frame(&frame),
            FrameKind::PROBE_DONE => self.probe.on_frame(&frame),
            FrameKind::INPUT_CREDIT
            | FrameKind::OUTPUT
            | FrameKind::ERROR_OUTPUT
            | FrameKind::TRANSCRIPT
            | FrameKind::RECEIPT
            | FrameKind::TIME_PROOF
            | FrameKind::TIME_COMMITMENT
            | FrameKind::JOB_DONE => self.jobs.on_frame(frame, &mut self.outgoing),
            FrameKind(kind) => Err(Violation::UnknownKind { kind }),
        }
    }

    /// Starts the next job when the guest can take one.
    pub(super) fn start_next_job(&mut self) -> Result<(), Violation> {
        if self.ready.is_some() { self.jobs.start_next(&mut self.outgoing) } else { Ok(()) }
    }

    fn on_ready(&mut self, frame: &Frame) -> Result<(), Violation> {
        if self.ready.is_some() {
            return Err(Violation::Unexpected { kind: kind_name(frame.kind), when: "a second time" });
        }
        let ready: Ready = decode(frame)?;
        if ready.protocol != PROTOCOL_VERSION {
            return Err(Violation::Protocol { expected: PROTOCOL_VERSION, found: ready.protocol });
        }
        Evidence::decode(&ready.evidence)
            .map_err(|error| Violation::Evidence { reason: error.to_string() })?;
        self.ready = Some(ready);
        self.start_next_job()
    }
}
