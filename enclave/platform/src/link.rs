//! The control stream as frames.

use alloc::string::String;
use alloc::vec::Vec;

use enclave_wire::frame::{Frame, FrameError, FrameKind, FrameReader, encode_frame};

/// A reliable, ordered stream of bytes to the loader.
pub trait ByteStream {
    /// Passes on whatever has arrived, piece by piece; never waits. Returns how many bytes there were.
    ///
    /// # Errors
    /// The stream is broken for good; the text says how.
    fn receive(&mut self, consume: &mut dyn FnMut(&[u8])) -> Result<usize, String>;

    /// Sends bytes, waiting for room.
    ///
    /// # Errors
    /// As [`Self::receive`].
    fn send(&mut self, bytes: &[u8]) -> Result<(), String>;

    /// Waits until the other side has everything.
    ///
    /// # Errors
    /// As [`Self::receive`].
    fn flush(&mut self) -> Result<(), String>;
}

/// A control stream that is of no use any more. The host is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The device failed.
    #[error("control stream: {0}")]
    Stream(String),
    /// A frame breaks a rule.
    #[error("control stream: {0}")]
    Frame(#[from] FrameError),
    /// A frame came that nothing asked for.
    #[error("control stream: unexpected frame of kind {found:#06x}")]
    UnexpectedFrame {
        /// Its kind.
        found: u16,
    },
    /// A frame's body is not what its kind promises.
    #[error("control stream: frame of kind {kind:#06x} does not decode: {problem}")]
    Body {
        /// Its kind.
        kind: u16,
        /// What the decoder said.
        problem: String,
    },
}

/// Frames over a stream.
#[derive(Debug)]
pub struct ControlLink<S> {
    stream: S,
    reader: FrameReader,
    scratch: Vec<u8>,
}

impl<S: ByteStream> ControlLink<S> {
    /// Frames over `stream`.
    pub const fn new(stream: S) -> Self {
        Self { stream, reader: FrameReader::new(), scratch: Vec::new() }
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// The body is too long, or the stream broke.
    pub fn send(&mut self, kind: FrameKind, job: u32, body: &[u8]) -> Result<(), LinkError> {
        log::trace!("send frame {:#06x} job {job}: {} bytes", kind.0, body.len());
        self.scratch.clear();
        encode_frame(kind, job, body, &mut self.scratch)?;
        self.stream.send(&self.scratch).map_err(LinkError::Stream)
    }

    /// The next frame, if a whole one has arrived. Never waits.
    ///
    /// # Errors
    /// The stream broke or a frame breaks a rule.
    pub fn poll(&mut self) -> Result<Option<Frame>, LinkError> {
        if let Some(frame) = self.reader.next_frame()? {
            return Ok(Some(frame));
        }
        let reader = &mut self.reader;
        let received = self.stream.receive(&mut |bytes| reader.push(bytes)).map_err(LinkError::Stream)?;
        if received == 0 {
            return Ok(None);
        }
        let frame = self.reader.next_frame()?;
        if let Some(frame) = &frame {
            log::trace!("received frame {:#06x} job {}: {} bytes", frame.kind.0, frame.job, frame.body.len());
        }
        Ok(frame)
    }

    /// Waits for a frame of one kind; any other is an error. For boot, where nothing else may come.
    ///
    /// # Errors
    /// As [`Self::poll`], or another frame came.
    pub fn wait_for(&mut self, kind: FrameKind) -> Result<Frame, LinkError> {
        loop {
            match self.poll()? {
                Some(frame) if frame.kind == kind => return Ok(frame),
                Some(frame) => return Err(LinkError::UnexpectedFrame { found: frame.kind.0 }),
                None => core::hint::spin_loop(),
            }
        }
    }

    /// Waits until the loader has everything.
    ///
    /// # Errors
    /// The stream broke.
    pub fn flush(&mut self) -> Result<(), LinkError> {
        self.stream.flush().map_err(LinkError::Stream)
    }
}
