//! What waits to be sent to the guest, bounded whatever the guest does.
//!
//! Three lanes: control frames first, then output credit (merged into one frame), then input. So a guest that is
//! slow to read its input still gets its PSP answers, and one that never reads cannot make a lane grow.

use std::collections::VecDeque;

use enclave_wire::control::{CREDIT_WINDOW_BYTES, Credit, encode_body};
use enclave_wire::frame::{BULK_BODY_BYTES, Frame, FrameKind};

use super::violation::Violation;

/// Control frames that may wait before the guest counts as not reading.
const CONTROL_FRAMES_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Outgoing {
    control: VecDeque<Frame>,
    credit: Option<(u32, u64)>,
    input: VecDeque<Frame>,
    input_bytes: u64,
}

impl Outgoing {
    pub(super) fn push_control(&mut self, kind: FrameKind, job: u32, body: Vec<u8>) -> Result<(), Violation> {
        if self.control.len() >= CONTROL_FRAMES_MAX {
            return Err(Violation::NotReading { pending: self.control.len() });
        }
        self.control.push_back(Frame { kind, job, body });
        Ok(())
    }

    /// Adds to the credit that is not sent yet.
    pub(super) fn add_credit(&mut self, job: u32, bytes: u64) {
        let waiting = self.credit.filter(|(of, _)| *of == job).map_or(0, |(_, bytes)| bytes);
        self.credit = (waiting + bytes > 0).then_some((job, waiting + bytes));
    }

    pub(super) fn push_input(&mut self, job: u32, bytes: &[u8]) {
        for body in bytes.chunks(BULK_BODY_BYTES) {
            self.input.push_back(Frame { kind: FrameKind::INPUT, job, body: body.to_vec() });
        }
        self.input_bytes += bytes.len() as u64;
    }

    /// How many more bytes of input may be queued, in bytes.
    pub(super) const fn input_room(&self) -> u64 {
        CREDIT_WINDOW_BYTES.saturating_sub(self.input_bytes)
    }

    /// Forgets bulk data and credit of a job that ended or is being cancelled.
    pub(super) fn forget_job(&mut self) {
        self.credit = None;
        self.input.clear();
        self.input_bytes = 0;
    }

    pub(super) fn pop(&mut self) -> Option<Frame> {
        if let Some(frame) = self.control.pop_front() {
            return Some(frame);
        }
        if let Some((job, bytes)) = self.credit.take() {
            let body = encode_body(&Credit { bytes });
            return Some(Frame { kind: FrameKind::OUTPUT_CREDIT, job, body });
        }
        let frame = self.input.pop_front()?;
        self.input_bytes = self.input_bytes.saturating_sub(frame.body.len() as u64);
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_overtakes_credit_and_credit_overtakes_input() {
        let mut outgoing = Outgoing::default();
        outgoing.push_input(1, b"input");
        outgoing.add_credit(1, 2);
        outgoing.add_credit(1, 3);
        outgoing.push_control(FrameKind::STATUS_REQUEST, 0, Vec::new()).unwrap();
        assert_eq!(outgoing.pop().unwrap().kind, FrameKind::STATUS_REQUEST);
        let credit = outgoing.pop().unwrap();
        assert_eq!(credit.body, encode_body(&Credit { bytes: 5 }));
        assert_eq!(outgoing.pop().unwrap().kind, FrameKind::INPUT);
        assert!(outgoing.pop().is_none());
        assert_eq!(outgoing.input_room(), CREDIT_WINDOW_BYTES);
    }

    #[test]
    fn a_guest_that_never_reads_is_noticed() {
        let mut outgoing = Outgoing::default();
        for _ in 0..CONTROL_FRAMES_MAX {
            outgoing.push_control(FrameKind::PSP_RESPONSE, 0, Vec::new()).unwrap();
        }
        let refused = outgoing.push_control(FrameKind::PSP_RESPONSE, 0, Vec::new());
        assert!(matches!(refused, Err(Violation::NotReading { pending: CONTROL_FRAMES_MAX })));
    }
}
