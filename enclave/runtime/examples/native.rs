//! Runs a component on this machine as the guest would: same machine code, same runtime, same limits.
//!
//! `cargo run --release -p enclave-runtime --features compiler --example native -- app.wasm < input > output`
#![expect(unsafe_code, reason = "loading native code has no safe form")]

use attestation_artefact::CALL_STACK_DEFAULT_BYTES;
use std::io::{Read, Write, stderr, stdin, stdout};
use std::time::Instant;

use bytes::Bytes;
use enclave_runtime::{
    Console, InputRead, Job, JobHost, JobLimits, Machine, Output, Program, RunName, Stop, run_job,
};

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

struct Process {
    started: Instant,
    transcript_bytes: u64,
    pumps: u64,
}

impl Console for Process {
    fn pump(&mut self) -> Result<(), Stop> {
        self.pumps += 1;
        Ok(())
    }

    fn read_input(&mut self, max_bytes: usize) -> InputRead {
        let mut buffer = vec![0; max_bytes];
        match stdin().read(&mut buffer) {
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
            Output::Stdout => stdout().write_all(&bytes),
            Output::Stderr => stderr().write_all(&bytes),
        };
    }
}

impl JobHost for Process {
    fn monotonic_ns(&mut self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn wall_ns(&mut self) -> Option<u64> {
        // Measurements should be repeatable.
        Some(0)
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(0);
    }

    fn can_record(&mut self) -> bool {
        true
    }

    fn record(&mut self, piece: &[u8]) {
        self.transcript_bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: native COMPONENT < INPUT > OUTPUT")?;
    let component = std::fs::read(&path)?;
    enclave_runtime::inspect(&component)?;
    let compiling = Instant::now();
    let artefact = attestation_artefact::compile_for_linux(&component, CALL_STACK_DEFAULT_BYTES)?;
    let compile_ms = compiling.elapsed().as_millis();
    // SAFETY: the bytes come from the compiler; the engine checks the processor's features itself on this system.
    let program = unsafe {
        Program::load_copy(
            Machine::hosted(LIMITS.component_memory_bytes, CALL_STACK_DEFAULT_BYTES),
            &artefact,
        )
    }?;
    let run = RunName { component: [0; 32], manifest: [0; 32], sequence: 0 };
    let job = Job { limits: LIMITS, args: &[&path], env: &[], run };
    let process = Process { started: Instant::now(), transcript_bytes: 0, pumps: 0 };
    let (report, process) = run_job(&program, &job, process);
    let run_ms = process.started.elapsed().as_millis();
    eprintln!("{report:#?}");
    eprintln!("artefact {} bytes, compiled in {compile_ms} ms", artefact.len());
    eprintln!("run {run_ms} ms, {} pumps, transcript {} bytes", process.pumps, process.transcript_bytes);
    Ok(())
}
