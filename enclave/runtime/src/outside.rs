//! The one handle on the outside that streams, clocks and the executor share, with its meters.

use alloc::sync::Arc;

use bytes::Bytes;
use spin::Mutex;

use crate::host::{InputRead, JobHost, OutputStream};
use crate::limits::{JobEnd, JobLimits, Limit};

/// How long host functions may keep the host from being pumped. Calls that cost little fuel can take long, and fuel is what
/// ends a slice of computation.
const PUMP_INTERVAL_NS: u64 = 5_000_000;

const NS_PER_MS: u64 = 1_000_000;

/// Most bytes that one call moves in either direction.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

/// Shared because streams live in the resource table, away from the job's state. Never contended: one task, and no lock
/// is held while it waits.
pub(crate) type SharedOutside = Arc<Mutex<Outside<dyn JobHost>>>;

/// The outside of a job and what has passed through it.
#[derive(Debug)]
pub(crate) struct Outside<H: ?Sized> {
    limits: JobLimits,
    /// When the job's time is up.
    ends_ns: u64,
    pumped_ns: u64,
    /// Input taken from the host and not yet given to the component.
    input: Bytes,
    input_ended: bool,
    pub(crate) meter: Meter,
    pub(crate) host: H,
}

/// Bytes that passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Meter {
    pub(crate) input_bytes: u64,
    pub(crate) stdout_bytes: u64,
    pub(crate) stderr_bytes: u64,
}

impl<H: JobHost> Outside<H> {
    pub(crate) fn new(mut host: H, limits: JobLimits) -> Self {
        let now_ns = host.monotonic_ns();
        let ends_ns = now_ns.saturating_add(limits.wall_ms.saturating_mul(NS_PER_MS));
        let (input, meter) = (Bytes::new(), Meter::default());
        Self { limits, ends_ns, pumped_ns: now_ns, input, input_ended: false, meter, host }
    }
}

impl<H: JobHost + ?Sized> Outside<H> {
    /// Lets the host move bytes, and looks at the time.
    pub(crate) fn pump(&mut self) -> Result<(), JobEnd> {
        self.host.pump().map_err(JobEnd::Stop)?;
        self.pumped_ns = self.host.monotonic_ns();
        if self.pumped_ns > self.ends_ns { Err(JobEnd::Limit(Limit::Wall)) } else { Ok(()) }
    }

    /// After each host function.
    pub(crate) fn pump_if_due(&mut self) -> Result<(), JobEnd> {
        let is_due = self.host.monotonic_ns().saturating_sub(self.pumped_ns) >= PUMP_INTERVAL_NS;
        if is_due { self.pump() } else { Ok(()) }
    }

    /// Whether [`read`](Self::read) has an answer: bytes, the end, or a limit.
    pub(crate) fn input_is_ready(&mut self) -> bool {
        if self.input.is_empty() && !self.input_ended {
            match self.host.read_input(CHUNK_BYTES) {
                InputRead::Bytes(bytes) => {
                    self.meter.input_bytes = self.meter.input_bytes.saturating_add(byte_count(&bytes));
                    self.input = bytes;
                }
                InputRead::Pending => {}
                InputRead::End => self.input_ended = true,
            }
        }
        !self.input.is_empty() || self.input_ended
    }

    /// Standard input: `None` at its end, no bytes when there are none yet.
    pub(crate) fn read(&mut self, max_bytes: usize) -> Result<Option<Bytes>, JobEnd> {
        let is_ready = self.input_is_ready();
        if self.meter.input_bytes > self.limits.input_bytes {
            return Err(JobEnd::Limit(Limit::Input));
        }
        if is_ready && self.input.is_empty() {
            return Ok(None);
        }
        let taken_bytes = self.input.len().min(max_bytes);
        Ok(Some(self.input.split_to(taken_bytes)))
    }

    /// How much [`write`](Self::write) takes now.
    pub(crate) fn space(&mut self, stream: OutputStream) -> usize {
        self.host.output_space(stream).min(CHUNK_BYTES)
    }

    /// Passes output on, unless it would exceed the limit: then nothing of it leaves.
    pub(crate) fn write(&mut self, stream: OutputStream, bytes: Bytes) -> Result<(), JobEnd> {
        let added_bytes = byte_count(&bytes);
        let written_bytes = self.meter.stdout_bytes.saturating_add(self.meter.stderr_bytes);
        if written_bytes.saturating_add(added_bytes) > self.limits.output_bytes {
            return Err(JobEnd::Limit(Limit::Output));
        }
        match stream {
            OutputStream::Stdout => self.meter.stdout_bytes += added_bytes,
            OutputStream::Stderr => self.meter.stderr_bytes += added_bytes,
        }
        self.host.write_output(stream, bytes);
        Ok(())
    }
}

fn byte_count(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
