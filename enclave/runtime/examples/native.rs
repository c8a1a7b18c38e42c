//! Runs a component on this machine as the guest would: same machine code, same runtime, same limits.
//!
//! `cargo run --release -p enclave-runtime --features compiler --example native -- app.wasm < input > output`
//! With the input's name as a second argument, the component's output is dropped, and standard output is one line of JSON for
//! `cargo xtask bench services`.
#![expect(unsafe_code, reason = "loading native code has no safe form")]

mod recording;

use attestation_artefact::CALL_STACK_DEFAULT_BYTES;
use core::error::Error;
use core::task::Poll;
use std::env;
use std::io::{self, Cursor, Read, Write, stderr, stdin, stdout};
use std::time::Instant;

use bytes::Bytes;
use enclave_runtime::{
    Console, InputRead, Job, JobHost, JobLimits, Machine, Output, Program, RunName, Stop, run_job,
};
use recording::{Shares, median};

/// Generous: this is for measuring, not for enforcing.
const LIMITS: JobLimits = JobLimits {
    component_memory_bytes: 1 << 30,
    fuel: u64::MAX >> 1,
    input_bytes: u64::MAX,
    output_bytes: u64::MAX,
    transcript_bytes: u64::MAX,
    wall_ms: u64::MAX,
    files_bytes: 1 << 30,
};

/// Runs for a median.
const RUNS: usize = 5;

struct Process {
    started: Instant,
    input: Box<dyn Read + Send>,
    output: Box<dyn Write + Send>,
    transcript: Vec<u8>,
    pumps: u64,
}

impl Process {
    fn new(input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> Self {
        let (input, output) = (Box::new(input), Box::new(output));
        Self { started: Instant::now(), input, output, transcript: Vec::new(), pumps: 0 }
    }
}

impl Console for Process {
    fn pump(&mut self) -> Result<(), Stop> {
        self.pumps += 1;
        Ok(())
    }

    fn read_input(&mut self, max_bytes: usize) -> InputRead {
        let mut buffer = vec![0; max_bytes];
        match self.input.read(&mut buffer) {
            Ok(0) | Err(_) => InputRead::End,
            Ok(read_bytes) => {
                buffer.truncate(read_bytes);
                InputRead::Bytes(buffer.into())
            }
        }
    }

    fn output_space(&mut self, _output: Output) -> usize {
        usize::MAX
    }

    fn write_output(&mut self, output: Output, bytes: Bytes) {
        // A closed pipe is seen at the end, by the reader.
        let _ = match output {
            Output::Stdout => self.output.write_all(&bytes),
            Output::Stderr => stderr().write_all(&bytes),
        };
    }
}

impl JobHost for Process {
    fn monotonic_ns(&mut self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn wall_ns(&mut self) -> Poll<Option<u64>> {
        // Measurements should be repeatable.
        Poll::Ready(Some(0))
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(0);
    }

    fn can_record(&mut self) -> bool {
        true
    }

    fn record(&mut self, piece: &[u8]) {
        self.transcript.extend_from_slice(piece);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path =
        arguments.next().ok_or("usage: native COMPONENT < INPUT > OUTPUT, or native COMPONENT INPUT")?;
    let component = std::fs::read(&path)?;
    enclave_runtime::inspect(&component)?;
    let compiling = Instant::now();
    let artefact = attestation_artefact::compile_for_linux(&component, CALL_STACK_DEFAULT_BYTES)?;
    eprintln!("artefact {} bytes, compiled in {} ms", artefact.len(), compiling.elapsed().as_millis());
    // SAFETY: the bytes come from the compiler; the engine checks the processor's features itself on this system.
    let program = unsafe {
        Program::load_copy(
            Machine::hosted(LIMITS.component_memory_bytes, CALL_STACK_DEFAULT_BYTES),
            &artefact,
        )
    }?;
    let run = RunName { component: [0; 32], manifest: [0; 32], sequence: 0 };
    let job = Job { limits: LIMITS, args: &[&path], env: &[], keeps_files: false, run };
    match arguments.next() {
        Some(input) => measure(&program, &job, &std::fs::read(input)?),
        None => {
            run_once(&program, &job, Process::new(stdin(), stdout()));
            Ok(())
        }
    }
}

fn run_once(program: &Program, job: &Job<'_>, process: Process) -> Process {
    let (report, process) = run_job(program, job, process);
    let run_ms = process.started.elapsed().as_millis();
    eprintln!("{report:#?}");
    eprintln!("run {run_ms} ms, {} pumps, transcript {} bytes", process.pumps, process.transcript.len());
    process
}

/// Runs on this input several times.
fn measure(program: &Program, job: &Job<'_>, input: &[u8]) -> Result<(), Box<dyn Error>> {
    let (mut times, mut transcript) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let process = run_once(program, job, Process::new(Cursor::new(input.to_vec()), io::sink()));
        times.push(process.started.elapsed());
        transcript = process.transcript;
    }
    println!("{}", Shares::of(median(&mut times), &transcript)?.to_json());
    Ok(())
}
