//! Components from a few lines of text, and a host in memory that answers as told.

use std::collections::VecDeque;

use bytes::Bytes;
use enclave_runtime::{
    InputRead, JobHost, JobLimits, JobReport, Machine, Outcome, OutputStream, Program, RuntimeError, Stop,
    run_job,
};

/// Wide enough for every test that is not about limits.
pub(crate) const LIMITS: JobLimits = JobLimits {
    component_memory_bytes: 16 * 1024 * 1024,
    fuel: 1_000_000_000,
    input_bytes: 1024 * 1024,
    output_bytes: 1024 * 1024,
    wall_ms: 1000,
};

/// A host in memory. Time moves when it is pumped, and by `look_ns` whenever somebody looks at the clock.
#[derive(Debug, Default)]
pub(crate) struct TestHost {
    /// Answers to `read_input`, in order; then the end.
    pub(crate) input: VecDeque<InputRead>,
    /// What was written to standard output.
    pub(crate) stdout: Vec<u8>,
    /// What was written to standard error.
    pub(crate) stderr: Vec<u8>,
    /// How often the executor pumped.
    pub(crate) pumps: u64,
    /// Nanoseconds per pump.
    pub(crate) tick_ns: u64,
    /// Nanoseconds per look at the clock.
    pub(crate) look_ns: u64,
    /// How often somebody looked.
    pub(crate) looks: u64,
    /// Pump at which the host gives up, and why.
    pub(crate) stops: Option<(u64, Stop)>,
    /// Output accepted between two pumps; unlimited when absent.
    pub(crate) bytes_per_pump: Option<usize>,
    /// Output accepted since the last pump.
    pub(crate) bytes_since_pump: usize,
}

impl JobHost for TestHost {
    fn monotonic_ns(&mut self) -> u64 {
        self.looks += 1;
        self.pumps * self.tick_ns + self.looks * self.look_ns
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(0xa5);
    }

    fn pump(&mut self) -> Result<(), Stop> {
        self.pumps += 1;
        self.bytes_since_pump = 0;
        match self.stops {
            Some((pump, stop)) if self.pumps >= pump => Err(stop),
            _ => Ok(()),
        }
    }

    fn read_input(&mut self, max_bytes: usize) -> InputRead {
        let Some(answer) = self.input.pop_front() else { return InputRead::End };
        if let InputRead::Bytes(bytes) = &answer {
            assert!(bytes.len() <= max_bytes, "the test hands out more than asked for");
        }
        answer
    }

    fn output_space(&mut self, _stream: OutputStream) -> usize {
        self.bytes_per_pump.map_or(usize::MAX, |most| most - self.bytes_since_pump)
    }

    fn write_output(&mut self, stream: OutputStream, bytes: Bytes) {
        assert!(bytes.len() <= self.output_space(stream));
        self.bytes_since_pump += bytes.len();
        match stream {
            OutputStream::Stdout => self.stdout.extend_from_slice(&bytes),
            OutputStream::Stderr => self.stderr.extend_from_slice(&bytes),
        }
    }
}

/// A component from the text of a core module's fields; see `prelude.wat` for what it may import.
pub(crate) fn component(fields: &str) -> Vec<u8> {
    let main = format!("(core module $Main {fields})");
    wat::parse_str(include_str!("prelude.wat").replace(";; MAIN\n", &main)).expect("the test's text is valid")
}

/// Compiles and loads a component.
pub(crate) fn load(component: &[u8]) -> Result<Program, RuntimeError> {
    load_on(Machine::hosted(LIMITS.component_memory_bytes), component)
}

/// Compiles and loads a component for a machine.
pub(crate) fn load_on(machine: Machine, component: &[u8]) -> Result<Program, RuntimeError> {
    let artefact = attestation_artefact::compile_for_linux(component).expect("the test's component compiles");
    // SAFETY: the bytes come from the compiler; the engine checks the processor's features itself on this system.
    unsafe { Program::load_copy(machine, &artefact) }
}

/// Runs a component once.
pub(crate) fn run_with(component: &[u8], limits: &JobLimits, host: TestHost) -> (JobReport, TestHost) {
    let program = load(component).expect("the test's component loads");
    run_job(&program, limits, &["job", "one"], &[("NAME", "value")], host)
}

/// Runs the fields of a core module once, with [`LIMITS`] and no input.
pub(crate) fn run(fields: &str) -> (JobReport, TestHost) {
    run_with(&component(fields), &LIMITS, TestHost::default())
}

/// The message of a trap; any other outcome fails the test.
pub(crate) fn trap_message(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Trapped { message } => message,
        other => panic!("expected a trap, found {other:?}"),
    }
}
