//! What a job may reach outside.

use bytes::Bytes;

/// The outside of one job. Every function returns at once.
pub trait JobHost: Send + 'static {
    /// Time since an arbitrary start, in nanoseconds; never goes back.
    fn monotonic_ns(&mut self) -> u64;

    /// Fills `buffer` with unpredictable bytes.
    fn fill_random(&mut self, buffer: &mut [u8]);

    /// Moves bytes between streams and devices. Called whenever the component waits, a slice of fuel ends, or its calls have
    /// taken a while, so every few milliseconds.
    ///
    /// # Errors
    /// Whatever is returned ends the job.
    fn pump(&mut self) -> Result<(), Stop>;

    /// Takes up to `max_bytes` of standard input. After [`InputRead::End`] it is not called again.
    fn read_input(&mut self, max_bytes: usize) -> InputRead;

    /// How many bytes [`write_output`](Self::write_output) accepts now. Zero makes the component wait.
    fn output_space(&mut self, stream: OutputStream) -> usize;

    /// Takes output over; never more than [`output_space`](Self::output_space) said.
    fn write_output(&mut self, stream: OutputStream, bytes: Bytes);
}

/// Answer of [`JobHost::read_input`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputRead {
    /// At least one byte and not more than asked for.
    Bytes(Bytes),
    /// Nothing now, perhaps later.
    Pending,
    /// Nothing ever again.
    End,
}

/// Where output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output: the result.
    Stdout,
    /// Standard error: what the program says about its run.
    Stderr,
}

/// Why the outside ended a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stop {
    /// Whoever sent the job took it back.
    #[error("cancelled")]
    Cancelled,
    /// Nobody is left to take the output.
    #[error("connection lost")]
    ConnectionLost,
}
