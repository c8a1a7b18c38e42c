//! A guest's surroundings for one test: its input, all output kept, a clock that moves when somebody looks.

use bytes::Bytes;
use core::task::Poll;
use enclave_runtime::{Console, InputRead, JobHost, Output, Stop};

/// Between two pumps, so that whoever sleeps wakes up soon.
const PUMP_NS: u64 = 100_000;
/// Between two looks, so that time never stands still.
const LOOK_NS: u64 = 1_000;
/// Of the clock's start; any time that is not before most programs were written.
const START_NS: u64 = 1_700_000_000_000_000_000;

/// What a test runs in, and what it left there.
#[derive(Debug, Default)]
pub(crate) struct SuiteHost {
    now_ns: u64,
    randomness: u64,
    input: Bytes,
    /// What was written to standard output.
    pub(crate) stdout: Vec<u8>,
    /// What was written to standard error.
    pub(crate) stderr: Vec<u8>,
    /// What was recorded.
    pub(crate) transcript: Vec<u8>,
}

impl SuiteHost {
    /// With this standard input.
    pub(crate) fn with_input(input: &str) -> Self {
        Self { input: Bytes::copy_from_slice(input.as_bytes()), ..Self::default() }
    }
}

impl Console for SuiteHost {
    fn pump(&mut self) -> Result<(), Stop> {
        self.now_ns += PUMP_NS;
        Ok(())
    }

    fn read_input(&mut self, max_bytes: usize) -> InputRead {
        if self.input.is_empty() {
            return InputRead::End;
        }
        InputRead::Bytes(self.input.split_to(self.input.len().min(max_bytes)))
    }

    fn output_space(&mut self, _output: Output) -> usize {
        usize::MAX
    }

    fn write_output(&mut self, output: Output, bytes: Bytes) {
        match output {
            Output::Stdout => self.stdout.extend_from_slice(&bytes),
            Output::Stderr => self.stderr.extend_from_slice(&bytes),
        }
    }
}

impl JobHost for SuiteHost {
    fn monotonic_ns(&mut self) -> u64 {
        self.now_ns += LOOK_NS;
        self.now_ns
    }

    fn wall_ns(&mut self) -> Poll<Option<u64>> {
        self.now_ns += LOOK_NS;
        Poll::Ready(Some(START_NS + self.now_ns))
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            // Numbers of Knuth's MMIX generator: unlike each other is all that they have to be.
            self.randomness = self
                .randomness
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = self.randomness.to_be_bytes()[0];
        }
    }

    fn can_record(&mut self) -> bool {
        true
    }

    fn record(&mut self, piece: &[u8]) {
        self.transcript.extend_from_slice(piece);
    }
}
