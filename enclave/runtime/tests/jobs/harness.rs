//! Components from a few lines of text, and a host in memory that answers as told.

use attestation_artefact::CALL_STACK_DEFAULT_BYTES;
use core::task::Poll;
use std::collections::VecDeque;

use attestation_transcript::Run;
use bytes::Bytes;
use enclave_runtime::{
    Console, InputRead, Job, JobHost, JobLimits, JobReport, Machine, Outcome, Output, Program, ReplayReport,
    RuntimeError, Stop, Transcript, Tuning, replay_job, run_job,
};

/// Wide enough for every test that is not about limits.
pub(crate) const LIMITS: JobLimits = JobLimits {
    component_memory_bytes: 16 * 1024 * 1024,
    fuel: 1_000_000_000,
    input_bytes: 1024 * 1024,
    output_bytes: 1024 * 1024,
    transcript_bytes: 1024 * 1024,
    wall_ms: 1000,
    files_bytes: 1024 * 1024,
};

/// The job of every test.
pub(crate) const JOB: Job<'static> = Job {
    limits: LIMITS,
    args: &["job", "one"],
    env: &[("NAME", "value")],
    keeps_files: false,
    run: Run { component: [1; 32], manifest: [2; 32], sequence: 3 },
};

/// A host in memory. Time moves when it is pumped, and by `look_ns` whenever somebody looks at the clock.
#[derive(Debug, Default, Clone)]
pub(crate) struct TestHost {
    /// Answers to `read_input`, in order; then the end.
    pub(crate) input: VecDeque<InputRead>,
    /// What was written to standard output.
    pub(crate) stdout: Vec<u8>,
    /// What was written to standard error.
    pub(crate) stderr: Vec<u8>,
    /// What was recorded.
    pub(crate) transcript: Vec<u8>,
    /// What the wall clock says; nothing when absent.
    pub(crate) wall_ns: Option<u64>,
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

impl Console for TestHost {
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
        let InputRead::Bytes(mut bytes) = answer else { return answer };
        let piece = bytes.split_to(bytes.len().min(max_bytes));
        if !bytes.is_empty() {
            self.input.push_front(InputRead::Bytes(bytes));
        }
        InputRead::Bytes(piece)
    }

    fn output_space(&mut self, _output: Output) -> usize {
        self.bytes_per_pump.map_or(usize::MAX, |most| most - self.bytes_since_pump)
    }

    fn write_output(&mut self, output: Output, bytes: Bytes) {
        assert!(bytes.len() <= self.output_space(output));
        self.bytes_since_pump += bytes.len();
        match output {
            Output::Stdout => self.stdout.extend_from_slice(&bytes),
            Output::Stderr => self.stderr.extend_from_slice(&bytes),
        }
    }
}

impl JobHost for TestHost {
    fn monotonic_ns(&mut self) -> u64 {
        self.looks += 1;
        self.pumps * self.tick_ns + self.looks * self.look_ns
    }

    fn wall_ns(&mut self) -> Poll<Option<u64>> {
        Poll::Ready(self.wall_ns)
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(0xa5);
    }

    fn can_record(&mut self) -> bool {
        true
    }

    fn record(&mut self, piece: &[u8]) {
        self.transcript.extend_from_slice(piece);
    }
}

/// A component from the text of a core module's fields; see `prelude.wat` for what it may import.
pub(crate) fn component(fields: &str) -> Vec<u8> {
    let main = format!("(core module $Main {fields})");
    wat::parse_str(include_str!("prelude.wat").replace(";; MAIN\n", &main)).expect("the test's text is valid")
}

/// Compiles and loads a component.
pub(crate) fn load(component: &[u8]) -> Result<Program, RuntimeError> {
    load_on(Machine::hosted(LIMITS.component_memory_bytes, CALL_STACK_DEFAULT_BYTES), component)
}

/// Compiles and loads a component for a machine.
pub(crate) fn load_on(machine: Machine, component: &[u8]) -> Result<Program, RuntimeError> {
    let artefact = attestation_artefact::compile_for_linux(component, CALL_STACK_DEFAULT_BYTES)
        .expect("the test's component compiles");
    // SAFETY: the bytes come from the compiler; the engine checks the processor's features itself on this system.
    unsafe { Program::load_copy(machine, &artefact) }
}

/// Runs a component once, and once more from its transcript, which must be the same.
pub(crate) fn run_with(component: &[u8], limits: &JobLimits, host: TestHost) -> (JobReport, TestHost) {
    let program = load(component).expect("the test's component loads");
    let (job, input) = (Job { limits: *limits, ..JOB }, host.input.clone());
    let (report, host) = run_twice(&program, &job, host);
    for tuning in [Tuning::Baseline, Tuning::Interpreter] {
        let memory = LIMITS.component_memory_bytes;
        let other = Program::compile(component, tuning, CALL_STACK_DEFAULT_BYTES, memory);
        assert_replays(&other.expect("it compiles for others too"), &job, (&report, &host), input.clone());
    }
    (report, host)
}

/// Runs a program once, and once more from its transcript, if it has one.
pub(crate) fn run_twice(program: &Program, job: &Job<'_>, host: TestHost) -> (JobReport, TestHost) {
    let input = host.input.clone();
    let (report, host) = run_job(program, job, host);
    assert_replays(program, job, (&report, &host), input);
    (report, host)
}

/// A run with a transcript is the same once more. Only the words about a trap may differ.
fn assert_replays(
    program: &Program,
    job: &Job<'_>,
    (report, host): (&JobReport, &TestHost),
    input: VecDeque<InputRead>,
) {
    if report.transcript.is_none() {
        return;
    }
    let (replayed, console) = replay(program, job, report, &host.transcript, input);
    assert_eq!(replayed.parting, None, "{report:?}");
    let is_trap = |outcome: &Outcome| matches!(outcome, Outcome::Trapped { .. });
    let both_trap = is_trap(&replayed.outcome) && is_trap(&report.outcome);
    assert!(both_trap || replayed.outcome == report.outcome, "{replayed:?} {report:?}");
    assert_eq!(replayed.usage, report.usage);
    assert!((&console.stdout, &console.stderr) == (&host.stdout, &host.stderr), "other output");
}

/// Runs a program from the transcript of `report`, with the same input, on a console without a clock.
pub(crate) fn replay(
    program: &Program,
    job: &Job<'_>,
    report: &JobReport,
    transcript: &[u8],
    input: VecDeque<InputRead>,
) -> (ReplayReport, TestHost) {
    let root = report.transcript.as_ref().expect("the run has a transcript").root;
    let transcript = Transcript::read(transcript.to_vec(), &root, &job.run).expect("the transcript is whole");
    replay_job(program, job, transcript, TestHost { input, ..TestHost::default() })
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
