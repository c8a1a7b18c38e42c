//! Measures what a request costs a service on this machine: same machine code, same runtime as in the guest.
//!
//! `cargo run --release -p enclave-runtime --features compiler --example requests -- service.wasm [REQUESTS]`
//! Standard output is one line of JSON for `cargo xtask bench services`.

mod recording;

use core::task::Poll;
use core::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use enclave_http::{Authority, Fields, Method, Scheme};
use enclave_runtime::{
    Console, IncomingRequest, InputRead, Job, JobHost, JobLimits, JobReport, Outcome, Output, Program,
    Responded, ResponseHead, RunName, Stop, Tuning, begin_request,
};
use recording::{Shares, median};

const LIMITS: JobLimits = JobLimits {
    component_memory_bytes: 16 << 20,
    fuel: 1 << 40,
    input_bytes: 1 << 20,
    output_bytes: 1 << 20,
    transcript_bytes: 1 << 20,
    wall_ms: 10_000,
    files_bytes: 0,
};

/// Takes everything, and notes when the component first called it.
struct Client {
    started: Instant,
    first_call: Option<Duration>,
    body: Vec<u8>,
    transcript: Vec<u8>,
}

impl Console for Client {
    fn pump(&mut self) -> Result<(), Stop> {
        Ok(())
    }

    fn read_input(&mut self, _max_bytes: usize) -> InputRead {
        InputRead::End
    }

    fn output_space(&mut self, _output: Output) -> usize {
        usize::MAX
    }

    fn write_output(&mut self, output: Output, bytes: Bytes) {
        if output == Output::Stdout {
            self.body.extend_from_slice(&bytes);
        }
    }

    fn respond(&mut self, _head: &ResponseHead) {
        self.first_call.get_or_insert(self.started.elapsed());
    }
}

impl JobHost for Client {
    fn monotonic_ns(&mut self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn wall_ns(&mut self) -> Poll<Option<u64>> {
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

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let usage = "usage: requests COMPONENT [REQUESTS]";
    let component = std::fs::read(std::env::args().nth(1).ok_or(usage)?)?;
    let requests: u32 = std::env::args().nth(2).map_or(Ok(2000), |number| number.parse())?;
    let memory = LIMITS.component_memory_bytes;
    let stack = attestation_artefact::CALL_STACK_DEFAULT_BYTES;
    let program = Program::compile(&component, Tuning::Guest, stack, memory)?;
    // The first requests find cold caches and pages.
    let (first, _) = answer(&program)?;
    let (mut to_response, mut whole) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..requests {
        let started = Instant::now();
        let (report, client) = answer(&program)?;
        whole.push(started.elapsed());
        to_response.extend(client.first_call);
        last = Some((report, client));
    }
    eprintln!("first request: {:?}", first.response);
    let (report, client) = last.ok_or(usage)?;
    eprintln!("{report:#?}");
    eprintln!("response {} bytes, transcript {} bytes", client.body.len(), client.transcript.len());
    let shares = Shares::of(median(&mut whole), &client.transcript)?;
    eprintln!("until the response's head: {}", quantiles(to_response));
    eprintln!("whole request, instance dropped: {}", quantiles(whole));
    println!("{}", shares.to_json());
    Ok(())
}

fn answer(program: &Program) -> Result<(JobReport, Client), Box<dyn core::error::Error>> {
    let run = RunName { component: [0; 32], manifest: [0; 32], sequence: 0 };
    let job = Job { limits: LIMITS, args: &[], env: &[], keeps_files: false, run };
    let request = IncomingRequest {
        method: Method::GET,
        scheme: Scheme::Http,
        authority: Some(Authority::parse("service.example")?),
        path_with_query: Some("/health".into()),
        fields: Fields::new(),
    };
    let client =
        Client { started: Instant::now(), first_call: None, body: Vec::new(), transcript: Vec::new() };
    let mut running = begin_request(program, &job, request, client);
    loop {
        let Some((report, client)) = running.step() else { continue };
        if report.outcome != (Outcome::Exited { code: 0 }) || report.response != Responded::Complete {
            return Err(format!("{report:?}").into());
        }
        return Ok((report, client));
    }
}

fn quantiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| {
        times.get(times.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
    };
    format!("median {:?}, 90 % {:?}, 99 % {:?}", at(50), at(90), at(99))
}
