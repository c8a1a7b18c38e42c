//! A guest's surroundings, made up from a number: the same for whoever runs in them, and never in step with the run.

use bytes::Bytes;
use core::task::Poll;
use enclave_runtime::{Console, InputRead, JobHost, JobLimits, Output, Stop};
use tests_random_components::{Numbers, RandomComponent};

/// Limits that random components reach.
const LIMITS: JobLimits = JobLimits {
    component_memory_bytes: 2 << 20,
    fuel: 4_000_000,
    input_bytes: 1000,
    output_bytes: 48,
    transcript_bytes: 20_000,
    wall_ms: 1000,
    files_bytes: 0,
};

/// Time, input, room for output and randomness.
#[derive(Clone)]
pub(crate) struct Surroundings {
    numbers: Numbers,
    input: Bytes,
    has_wall_clock: bool,
    now_ns: u64,
    /// How long each look at the clock and each pump may take.
    step_max_ns: usize,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) transcript: Vec<u8>,
}

impl Surroundings {
    pub(crate) fn new(seed: u64, random: &RandomComponent) -> Self {
        let mut numbers = Numbers::of(!seed);
        // With the former a run that calls a lot, or computes for more than a slice, is soon out of time.
        let step_max_ns = if numbers.once_in(10) { 100_000_000 } else { 10_000 };
        Self {
            numbers,
            input: random.input.clone().into(),
            has_wall_clock: random.wall_clock,
            now_ns: 0,
            step_max_ns,
            stdout: Vec::new(),
            stderr: Vec::new(),
            transcript: Vec::new(),
        }
    }

    fn pass_time(&mut self) {
        self.now_ns += self.numbers.below(self.step_max_ns) as u64;
    }
}

/// The limits of one number: some may compute for more than one slice of fuel, some learn hardly anything.
pub(crate) fn limits(seed: u64) -> JobLimits {
    match seed % 16 {
        0 => JobLimits { fuel: 50_000_000, ..LIMITS },
        1 => JobLimits { transcript_bytes: 240, ..LIMITS },
        _ => LIMITS,
    }
}

impl Console for Surroundings {
    fn pump(&mut self) -> Result<(), Stop> {
        self.pass_time();
        Ok(())
    }

    fn read_input(&mut self, max_bytes: usize) -> InputRead {
        if self.numbers.once_in(4) {
            return InputRead::Pending;
        }
        if self.input.is_empty() {
            return InputRead::End;
        }
        let most = max_bytes.min(self.input.len());
        InputRead::Bytes(self.input.split_to(1 + self.numbers.below(most)))
    }

    fn output_space(&mut self, _output: Output) -> usize {
        self.numbers.below(20)
    }

    fn write_output(&mut self, output: Output, bytes: Bytes) {
        match output {
            Output::Stdout => self.stdout.extend_from_slice(&bytes),
            Output::Stderr => self.stderr.extend_from_slice(&bytes),
        }
    }
}

impl JobHost for Surroundings {
    fn monotonic_ns(&mut self) -> u64 {
        self.pass_time();
        self.now_ns
    }

    fn wall_ns(&mut self) -> Poll<Option<u64>> {
        Poll::Ready(self.has_wall_clock.then(|| 1_700_000_000_000_000_000 + self.now_ns))
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        let bytes = self.numbers.bytes(buffer.len());
        buffer.copy_from_slice(&bytes);
    }

    fn can_record(&mut self) -> bool {
        !self.numbers.once_in(8)
    }

    fn record(&mut self, piece: &[u8]) {
        self.transcript.extend_from_slice(piece);
    }
}
