//! Frames on the control stream: a fixed header and a bounded body.
//!
//! The stream is reliable and ordered (virtio-console), but both ends distrust each other: a frame that breaks a rule
//! ends the connection, it is never skipped.

use alloc::vec::Vec;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The largest body of one frame, in bytes: a claim with the largest evidence and a trap's message fit.
pub const FRAME_BODY_MAX_BYTES: usize = 160 * 1024;
/// Bulk data is cut into bodies of this size, so that control messages can pass between.
pub const BULK_BODY_BYTES: usize = 64 * 1024;
/// Bytes of the header.
pub const FRAME_HEADER_BYTES: usize = 12;
/// First two bytes of every header: a stream that has lost step is noticed at once.
pub const FRAME_MAGIC: u16 = 0x5244;

/// Header of a frame, little endian.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct FrameHeader {
    /// [`FRAME_MAGIC`].
    pub magic: U16,
    /// What the body is.
    pub kind: U16,
    /// The job that the frame belongs to; 0 when it belongs to none.
    pub job: U32,
    /// Bytes of the body.
    pub body_bytes: U32,
}

const _: () = assert!(
    size_of::<FrameHeader>() == FRAME_HEADER_BYTES,
    "frame header changed: bump the protocol version"
);

/// A whole frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What the body is.
    pub kind: FrameKind,
    /// The job that the frame belongs to; 0 when it belongs to none.
    pub job: u32,
    /// At most [`FRAME_BODY_MAX_BYTES`].
    pub body: Vec<u8>,
}

/// What a frame's body is. Values from the other side stay open: an unknown one is an error of that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameKind(pub u16);

impl FrameKind {
    // Guest to loader.
    /// CBOR [`Ready`](crate::control::Ready): the guest is up and shows its evidence.
    pub const READY: Self = Self(0x01);
    /// Raw: one guest-message page for the PSP.
    pub const PSP_REQUEST: Self = Self(0x02);
    /// CBOR [`Credit`](crate::control::Credit): how many more input bytes the loader may send for the job.
    pub const INPUT_CREDIT: Self = Self(0x03);
    /// Raw: the next bytes of standard output.
    pub const OUTPUT: Self = Self(0x04);
    /// Raw: the next bytes of standard error.
    pub const ERROR_OUTPUT: Self = Self(0x05);
    /// CBOR [`JobDone`](crate::control::JobDone): the job ended; nothing more comes for it.
    pub const JOB_DONE: Self = Self(0x06);
    /// CBOR [`Status`](crate::control::Status).
    pub const STATUS: Self = Self(0x07);
    /// CBOR [`ProbeDone`](crate::control::ProbeDone).
    pub const PROBE_DONE: Self = Self(0x08);
    /// CBOR [`Stopping`](crate::control::Stopping): the guest is about to end.
    pub const STOPPING: Self = Self(0x09);
    /// Raw: the next bytes of a run's transcript; of a job's, within the output credit.
    pub const TRANSCRIPT: Self = Self(0x0A);
    /// Raw: the next bytes of a service's request, as `attestation-claim`'s messages are written. Frames of requests have
    /// the lower 32 bits of the run's number in the place of a job's.
    pub const REQUEST: Self = Self(0x0B);
    /// Raw: what will be claimed of the request; nothing more comes for it.
    pub const REQUEST_CLAIM: Self = Self(0x0C);
    /// Empty: nothing will be claimed of the request.
    pub const REQUEST_DROPPED: Self = Self(0x0D);
    /// Raw: the signature over all claims of requests since the last one, in their order.
    pub const BATCH: Self = Self(0x0E);
    /// Raw: the next bytes of what is stored, sealed, for the next boot.
    pub const STATE: Self = Self(0x0F);
    /// Empty: these bytes are all, and take the place of those before.
    pub const STATE_END: Self = Self(0x10);
    /// Raw: JSON of a malfeasance report (RFC 10049, section 8.4.1): time servers contradict each other.
    pub const TIME_REPORT: Self = Self(0x11);
    /// Raw: a receipt of the job's, whole; within the output credit.
    pub const RECEIPT: Self = Self(0x12);
    /// Raw: a proof of the time that receipts of the job name; likewise.
    pub const TIME_PROOF: Self = Self(0x13);
    /// Raw: that the last proof of the time commits to a receipt, one for each receipt and in their order; likewise.
    pub const TIME_COMMITMENT: Self = Self(0x14);

    // Loader to guest.
    /// Raw: [`PspReply`](crate::psp::PspReply).
    pub const PSP_RESPONSE: Self = Self(0x81);
    /// CBOR [`JobStart`](crate::control::JobStart).
    pub const JOB_START: Self = Self(0x82);
    /// Raw: the next bytes of standard input, within the credit.
    pub const INPUT: Self = Self(0x83);
    /// CBOR [`Credit`](crate::control::Credit): how many more bytes of output, error output and transcript the guest
    /// may send for the job.
    pub const OUTPUT_CREDIT: Self = Self(0x84);
    /// Empty: stop the job.
    pub const JOB_CANCEL: Self = Self(0x85);
    /// Empty: asks for [`FrameKind::STATUS`].
    pub const STATUS_REQUEST: Self = Self(0x86);
    /// CBOR [`Probe`](crate::control::Probe).
    pub const PROBE: Self = Self(0x87);
    /// Empty: end the guest.
    pub const SHUTDOWN: Self = Self(0x88);
    /// CBOR [`Serve`](crate::control::Serve): let clients come.
    pub const SERVE: Self = Self(0x89);
}

/// A frame that breaks a rule. The sender is guilty; the stream cannot be used any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The header does not begin with the magic.
    #[error("frame magic: expected {FRAME_MAGIC:#06x}, found {found:#06x}")]
    Magic {
        /// What stood there.
        found: u16,
    },
    /// The body is too long.
    #[error("frame body: expected at most {FRAME_BODY_MAX_BYTES} bytes, found {found} (kind {kind:#06x})")]
    BodyTooLong {
        /// The frame's kind.
        kind: u16,
        /// The length it states.
        found: u32,
    },
}

/// Writes a frame's header and body at the end of `out`.
///
/// # Errors
/// The body is longer than [`FRAME_BODY_MAX_BYTES`].
pub fn encode_frame(kind: FrameKind, job: u32, body: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    let header = frame_header(kind, job, body.len())?;
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(body);
    Ok(())
}

/// The header alone, for senders that write the body separately.
///
/// # Errors
/// `body_bytes` is more than [`FRAME_BODY_MAX_BYTES`].
pub fn frame_header(kind: FrameKind, job: u32, body_bytes: usize) -> Result<FrameHeader, FrameError> {
    let stated = u32::try_from(body_bytes).unwrap_or(u32::MAX);
    if body_bytes > FRAME_BODY_MAX_BYTES {
        return Err(FrameError::BodyTooLong { kind: kind.0, found: stated });
    }
    Ok(FrameHeader {
        magic: U16::new(FRAME_MAGIC),
        kind: U16::new(kind.0),
        job: U32::new(job),
        body_bytes: U32::new(stated),
    })
}

/// Cuts a byte stream into frames. Holds at most one frame's bytes more than it was given.
#[derive(Debug, Default)]
pub struct FrameReader {
    buffer: Vec<u8>,
    consumed: usize,
}

impl FrameReader {
    /// An empty reader.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), consumed: 0 }
    }

    /// Adds received bytes. Call [`Self::next_frame`] until it returns `None` before adding more.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.consumed > 0 {
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// The stream broke a rule; it stays broken.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let rest = self.buffer.get(self.consumed..).unwrap_or_default();
        let Ok((header, rest)) = FrameHeader::read_from_prefix(rest) else { return Ok(None) };
        if header.magic.get() != FRAME_MAGIC {
            return Err(FrameError::Magic { found: header.magic.get() });
        }
        let body_bytes = usize::try_from(header.body_bytes.get()).unwrap_or(usize::MAX);
        if body_bytes > FRAME_BODY_MAX_BYTES {
            return Err(FrameError::BodyTooLong { kind: header.kind.get(), found: header.body_bytes.get() });
        }
        let Some(body) = rest.get(..body_bytes) else { return Ok(None) };
        let frame = Frame { kind: FrameKind(header.kind.get()), job: header.job.get(), body: body.to_vec() };
        self.consumed = self.consumed.saturating_add(FRAME_HEADER_BYTES).saturating_add(body_bytes);
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_any_cut() {
        let mut stream = Vec::new();
        encode_frame(FrameKind::OUTPUT, 7, b"hello", &mut stream).unwrap();
        encode_frame(FrameKind::SHUTDOWN, 0, b"", &mut stream).unwrap();
        for cut in 0..=stream.len() {
            let mut reader = FrameReader::new();
            let mut frames = Vec::new();
            for part in [&stream[..cut], &stream[cut..]] {
                reader.push(part);
                while let Some(frame) = reader.next_frame().unwrap() {
                    frames.push(frame);
                }
            }
            assert_eq!(frames.len(), 2);
            assert_eq!(frames[0], Frame { kind: FrameKind::OUTPUT, job: 7, body: b"hello".to_vec() });
            assert_eq!(frames[1].kind, FrameKind::SHUTDOWN);
        }
    }

    #[test]
    fn oversized_and_misaligned_frames_are_refused() {
        let mut out = Vec::new();
        let long = alloc::vec![0; FRAME_BODY_MAX_BYTES + 1];
        assert!(matches!(
            encode_frame(FrameKind::INPUT, 1, &long, &mut out),
            Err(FrameError::BodyTooLong { .. })
        ));
        assert!(out.is_empty());

        let mut reader = FrameReader::new();
        reader.push(&[0x44, 0x52, 1, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        assert_eq!(reader.next_frame(), Err(FrameError::BodyTooLong { kind: 1, found: u32::MAX }));

        let mut reader = FrameReader::new();
        reader.push(&[0; 12]);
        assert_eq!(reader.next_frame(), Err(FrameError::Magic { found: 0 }));
    }
}
