//! Questions that are not jobs: one of each kind is under way at a time.

use enclave_wire::frame::{Frame, FrameKind};
use minicbor::Decode;

use super::violation::{Violation, kind_name};

/// One question and its answer.
#[derive(Debug, Default)]
pub(super) enum Desk<T> {
    /// Nobody asked.
    #[default]
    Idle,
    /// Asked, the asker waits.
    Asked,
    /// Asked, and the asker gave up: the answer is dropped when it comes.
    Abandoned,
    /// Answered, the asker has not looked yet.
    Answered(T),
}

impl<T> Desk<T> {
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }

    pub(super) fn take_answer(&mut self) -> Option<T> {
        match core::mem::take(self) {
            Self::Answered(answer) => Some(answer),
            other => {
                *self = other;
                None
            }
        }
    }

    /// The asker gives up.
    pub(super) fn abandon(&mut self) {
        *self = match core::mem::take(self) {
            Self::Asked | Self::Abandoned => Self::Abandoned,
            Self::Idle | Self::Answered(_) => Self::Idle,
        };
    }

    pub(super) fn on_frame(&mut self, frame: &Frame) -> Result<(), Violation>
    where
        T: for<'b> Decode<'b, ()>,
    {
        let answer = decode(frame)?;
        *self = match self {
            Self::Asked => Self::Answered(answer),
            Self::Abandoned => Self::Idle,
            Self::Idle | Self::Answered(_) => {
                return Err(Violation::Unexpected {
                    kind: kind_name(frame.kind),
                    when: "that nobody asked for",
                });
            }
        };
        Ok(())
    }
}

/// Decodes a body of the frame's kind; it must belong to no job.
pub(super) fn decode<T: for<'b> Decode<'b, ()>>(frame: &Frame) -> Result<T, Violation> {
    let kind = kind_name(frame.kind);
    if frame.job != 0 && frame.kind != FrameKind::JOB_DONE {
        return Err(Violation::WrongJob { kind, expected: None, found: frame.job });
    }
    enclave_wire::control::decode_body(&frame.body)
        .map_err(|error| Violation::Body { kind, reason: error.to_string() })
}
