//! Components from a few lines of text, and servers in memory that answer as told.

use core::task::Poll;
use std::collections::VecDeque;

use attestation_artefact::CALL_STACK_DEFAULT_BYTES;
use attestation_transcript::Run;
use bytes::Bytes;
use enclave_http::{Authority, Field, Fields, Method, Scheme, StatusCode};
use enclave_runtime::{
    Console, ExchangeId, HttpBody, HttpFailure, HttpRequest, HttpResponse, IncomingRequest, InputRead, Job,
    JobHost, JobLimits, JobReport, Output, Program, ReplayReport, ResponseHead, Stop, Transcript, Tuning,
    begin_request, replay_job, replay_request, run_job,
};

/// Wide enough for every test that is not about limits.
pub(crate) const LIMITS: JobLimits = JobLimits {
    component_memory_bytes: 16 * 1024 * 1024,
    fuel: 100_000_000,
    input_bytes: 1024 * 1024,
    output_bytes: 4 * 1024 * 1024,
    transcript_bytes: 4 * 1024 * 1024,
    wall_ms: 1000,
    files_bytes: 0,
};

/// What every test runs.
pub(crate) const JOB: Job<'static> = Job {
    limits: LIMITS,
    args: &[],
    env: &[],
    keeps_files: false,
    run: Run { component: [1; 32], manifest: [2; 32], sequence: 3 },
};

/// What `kit.wat` offers, for a module's own use; and a path.
pub(crate) const KIT: &str = include_str!("kit-imports.wat");

/// How a server answers one request.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// What the host says to the request at once.
    pub(crate) started: Result<(), HttpFailure>,
    /// Pumps until the head is there.
    pub(crate) head_after: u32,
    pub(crate) head: Result<HttpResponse, HttpFailure>,
    pub(crate) body: VecDeque<Piece>,
    /// Bytes of the request's body taken between two pumps.
    pub(crate) bytes_per_pump: usize,
}

/// What comes next of a response's body.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Bytes(Bytes),
    /// Nothing, for so many pumps.
    Silence(u32),
    End(Fields),
    Failed(HttpFailure),
}

/// What a server saw.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) request: HttpRequest,
    pub(crate) body: Vec<u8>,
    /// The trailers, once the body was finished.
    pub(crate) finished: Option<Fields>,
    pub(crate) is_closed: bool,
    script: Script,
    space: usize,
}

/// A host in memory. Time moves by a millisecond when it is pumped.
#[derive(Debug, Default, Clone)]
pub(crate) struct TestHost {
    /// How the servers answer, in the order of the requests.
    pub(crate) scripts: VecDeque<Script>,
    pub(crate) seen: Vec<Seen>,
    /// The body of the service's request.
    pub(crate) input: VecDeque<InputRead>,
    pub(crate) input_trailers: Fields,
    /// The service's response.
    pub(crate) head: Option<ResponseHead>,
    pub(crate) response_trailers: Option<Fields>,
    /// Standard output, or the body of the response.
    pub(crate) stdout: Vec<u8>,
    /// Standard error: the log.
    pub(crate) stderr: Vec<u8>,
    pub(crate) transcript: Vec<u8>,
    pub(crate) pumps: u32,
    /// Pump at which the host gives up.
    pub(crate) stops_at: Option<u32>,
    /// Output accepted between two pumps; unlimited when absent.
    pub(crate) bytes_per_pump: Option<usize>,
    pub(crate) bytes_since_pump: usize,
}

impl Script {
    /// 200 and a body.
    pub(crate) fn ok(body: &str) -> Self {
        let mut pieces = VecDeque::from([Piece::End(Fields::new())]);
        if !body.is_empty() {
            pieces.push_front(Piece::Bytes(Bytes::copy_from_slice(body.as_bytes())));
        }
        let head = HttpResponse { status: StatusCode::OK, fields: Fields::new() };
        Self { started: Ok(()), head_after: 0, head: Ok(head), body: pieces, bytes_per_pump: usize::MAX }
    }

    /// Nothing but this.
    pub(crate) fn failed(failure: HttpFailure) -> Self {
        Self { head: Err(failure), ..Self::ok("") }
    }

    /// The host does not even begin.
    pub(crate) fn refused(failure: HttpFailure) -> Self {
        Self { started: Err(failure), ..Self::ok("") }
    }
}

impl TestHost {
    /// With these servers.
    pub(crate) fn with(scripts: impl Into<VecDeque<Script>>) -> Self {
        Self { scripts: scripts.into(), ..Self::default() }
    }

    /// Standard output as text.
    pub(crate) fn said(&self) -> &str {
        core::str::from_utf8(&self.stdout).expect("the test's component writes text")
    }

    /// Standard error as text.
    pub(crate) fn logged(&self) -> &str {
        core::str::from_utf8(&self.stderr).expect("the test's component writes text")
    }

    fn seen(&mut self, exchange: ExchangeId) -> &mut Seen {
        let seen = &mut self.seen[exchange.0 as usize - 100];
        assert!(!seen.is_closed, "nobody asks after the exchange was closed");
        seen
    }
}

impl Console for TestHost {
    fn pump(&mut self) -> Result<(), Stop> {
        self.pumps += 1;
        self.bytes_since_pump = 0;
        for seen in &mut self.seen {
            seen.space = seen.script.bytes_per_pump;
            seen.script.head_after = seen.script.head_after.saturating_sub(1);
            match seen.script.body.front_mut() {
                Some(Piece::Silence(0)) => _ = seen.script.body.pop_front(),
                Some(Piece::Silence(pumps)) => *pumps -= 1,
                _ => {}
            }
        }
        if self.stops_at.is_some_and(|pump| self.pumps >= pump) { Err(Stop::ConnectionLost) } else { Ok(()) }
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

    fn input_trailers(&mut self) -> Fields {
        self.input_trailers.clone()
    }

    fn respond(&mut self, head: &ResponseHead) {
        assert!(self.head.is_none() && self.stdout.is_empty(), "the head comes once, and first");
        self.head = Some(head.clone());
    }

    fn finish_response(&mut self, trailers: Fields) {
        assert!(self.head.is_some() && self.response_trailers.is_none());
        self.response_trailers = Some(trailers);
    }
}

impl JobHost for TestHost {
    fn monotonic_ns(&mut self) -> u64 {
        u64::from(self.pumps) * 1_000_000
    }

    fn wall_ns(&mut self) -> Poll<Option<u64>> {
        Poll::Ready(None)
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

    fn http_start(&mut self, request: &HttpRequest) -> Result<ExchangeId, HttpFailure> {
        let script = self.scripts.pop_front().ok_or(HttpFailure::RequestDenied)?;
        script.started?;
        let space = script.bytes_per_pump;
        let request = request.clone();
        self.seen.push(Seen { request, body: vec![], finished: None, is_closed: false, script, space });
        // Numbers that a runtime which counts by itself would not guess.
        Ok(ExchangeId(u32::try_from(self.seen.len()).expect("few") + 99))
    }

    fn http_body_space(&mut self, exchange: ExchangeId) -> usize {
        self.seen(exchange).space
    }

    fn http_body_write(&mut self, exchange: ExchangeId, bytes: Bytes) {
        let seen = self.seen(exchange);
        assert!(bytes.len() <= seen.space && seen.finished.is_none());
        seen.space -= bytes.len();
        seen.body.extend_from_slice(&bytes);
    }

    fn http_body_finish(&mut self, exchange: ExchangeId, trailers: Fields) {
        let seen = self.seen(exchange);
        assert!(seen.finished.is_none());
        seen.finished = Some(trailers);
    }

    fn http_response(&mut self, exchange: ExchangeId) -> Poll<Result<HttpResponse, HttpFailure>> {
        let script = &self.seen(exchange).script;
        if script.head_after == 0 { Poll::Ready(script.head.clone()) } else { Poll::Pending }
    }

    fn http_has_response(&mut self, exchange: ExchangeId) -> bool {
        self.seen(exchange).script.head_after == 0
    }

    fn http_body_read(&mut self, exchange: ExchangeId, max_bytes: usize) -> HttpBody {
        assert!(max_bytes > 0);
        let pieces = &mut self.seen(exchange).script.body;
        match pieces.pop_front().expect("nobody reads beyond the end") {
            Piece::Bytes(mut bytes) => {
                let piece = bytes.split_to(bytes.len().min(max_bytes));
                if !bytes.is_empty() {
                    pieces.push_front(Piece::Bytes(bytes));
                }
                HttpBody::Bytes(piece)
            }
            silence @ Piece::Silence(_) => {
                pieces.push_front(silence);
                HttpBody::Pending
            }
            Piece::End(trailers) => HttpBody::End(trailers),
            Piece::Failed(failure) => HttpBody::Failed(failure),
        }
    }

    fn http_has_body(&mut self, exchange: ExchangeId) -> bool {
        !matches!(self.seen(exchange).script.body.front(), Some(Piece::Silence(_)))
    }

    fn http_close(&mut self, exchange: ExchangeId) {
        self.seen(exchange).is_closed = true;
    }
}

/// A job from the text of a core module's fields, which exports `run`.
pub(crate) fn job(fields: &str) -> Vec<u8> {
    let export = r#"(func $run (result (result)) (canon lift (core func $main "run")))
        (instance $command (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $command))"#;
    component(fields, export)
}

/// A service from the text of a core module's fields, which exports `handle`.
pub(crate) fn service(fields: &str) -> Vec<u8> {
    component(fields, include_str!("service-export.wat"))
}

fn component(fields: &str, export: &str) -> Vec<u8> {
    let main = format!("(core module $Main {KIT} {fields})");
    let text = include_str!("prelude.wat")
        .replace(";; MAIN\n", &main)
        .replace(";; KIT\n", include_str!("kit.wat"))
        .replace(";; EXPORT\n", export);
    wat::parse_str(text).expect("the test's text is valid")
}

pub(crate) fn load(component: &[u8], tuning: Tuning) -> Program {
    let memory = LIMITS.component_memory_bytes;
    Program::compile(component, tuning, CALL_STACK_DEFAULT_BYTES, memory).expect("the test's component loads")
}

/// Runs a job that may use the kit, and twice more from its transcript: as compiled for the guest, and in the
/// interpreter.
pub(crate) fn run(fields: &str, host: TestHost) -> (JobReport, TestHost) {
    run_with(fields, &JOB, host)
}

pub(crate) fn run_with(fields: &str, job: &Job<'_>, host: TestHost) -> (JobReport, TestHost) {
    let component = self::job(fields);
    let (report, host) = run_job(&load(&component, Tuning::Guest), job, host);
    for tuning in [Tuning::Guest, Tuning::Interpreter] {
        let program = load(&component, tuning);
        let (replayed, console) = replay(&program, job, &report, &host.transcript);
        assert_same((&report, &host), (&replayed, &console));
    }
    (report, host)
}

/// Runs a job from the transcript of `report`, on a console without servers.
pub(crate) fn replay(
    program: &Program,
    job: &Job<'_>,
    report: &JobReport,
    transcript: &[u8],
) -> (ReplayReport, TestHost) {
    replay_job(program, job, read(report, transcript, job), TestHost::default())
}

fn read(report: &JobReport, transcript: &[u8], job: &Job<'_>) -> Transcript {
    let root = report.transcript.as_ref().expect("the run has a transcript").root;
    Transcript::read(transcript.to_vec(), &root, &job.run).expect("the transcript is whole")
}

/// GET / with nothing else.
pub(crate) fn get() -> IncomingRequest {
    IncomingRequest {
        method: Method::GET,
        scheme: Scheme::Http,
        authority: Some(Authority::parse("service.example").expect("it is one")),
        path_with_query: Some("/".into()),
        fields: Fields::new(),
    }
}

/// Answers a request, and twice more from the transcript.
pub(crate) fn answer(fields: &str, request: &IncomingRequest, host: TestHost) -> (JobReport, TestHost) {
    answer_with(fields, &JOB, request, host)
}

pub(crate) fn answer_with(
    fields: &str,
    job: &Job<'_>,
    request: &IncomingRequest,
    host: TestHost,
) -> (JobReport, TestHost) {
    let component = service(fields);
    let (input, input_trailers) = (host.input.clone(), host.input_trailers.clone());
    let mut running = begin_request(&load(&component, Tuning::Guest), job, request.clone(), host);
    let (report, host) = loop {
        if let Some(over) = running.step() {
            break over;
        }
    };
    assert!(running.step().is_none(), "it is over once");
    if report.transcript.is_some() {
        for tuning in [Tuning::Guest, Tuning::Interpreter] {
            let program = load(&component, tuning);
            let console = TestHost {
                input: input.clone(),
                input_trailers: input_trailers.clone(),
                ..TestHost::default()
            };
            let transcript = read(&report, &host.transcript, job);
            let (replayed, console) = replay_request(&program, job, request.clone(), transcript, console);
            assert_same((&report, &host), (&replayed, &console));
        }
    }
    (report, host)
}

fn assert_same((report, host): (&JobReport, &TestHost), (replayed, console): (&ReplayReport, &TestHost)) {
    assert_eq!(replayed.parting, None, "{report:?}");
    let is_trap = matches!(report.outcome, enclave_runtime::Outcome::Trapped { .. });
    // The words about a trap name addresses of code.
    assert!(is_trap || replayed.outcome == report.outcome, "{replayed:?}");
    assert_eq!((replayed.usage, &replayed.response), (report.usage, &report.response));
    assert_eq!((&console.stdout, &console.stderr), (&host.stdout, &host.stderr));
    assert_eq!((&console.head, &console.response_trailers), (&host.head, &host.response_trailers));
}

pub(crate) fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| Field::new(name, value.as_bytes()).expect("it is one")).collect()
}

/// Text as data at an address.
pub(crate) fn data(at: usize, text: &str) -> String {
    let bytes: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const {at}) \"{bytes}\")")
}
