//! One run of a program: from arguments to a report, for the first time or once more.

use alloc::boxed::Box;

use attestation_transcript::{Header, MAGIC, Run as RunName, Writer};

use crate::host::{Console, JobHost};
use crate::http::{IncomingRequest, Responded};
use crate::limits::JobLimits;
use crate::outcome::Outcome;
use crate::outside::Outside;
use crate::program::Program;
use crate::record::{Record, Recorded, Recorder};
use crate::replay::{Parting, Replay, Replayed, Transcript};
use crate::running::{Ended, Progress, Running, Task};

/// What is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// What it may use.
    pub limits: JobLimits,
    /// Arguments; the first is the program's name.
    pub args: &'a [&'a str],
    /// Environment variables.
    pub env: &'a [(&'a str, &'a str)],
    /// It begins with the files that [`JobHost::files`] gives, instead of none.
    pub keeps_files: bool,
    /// Component, manifest and number of the claim, as the transcript names them.
    pub run: RunName,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobReport {
    /// How it ended.
    pub outcome: Outcome,
    /// What it used, as far as it is the same each time.
    pub usage: Usage,
    /// Its transcript; absent when the host ended it.
    pub transcript: Option<Recorded>,
    /// What became of a service's response. It can be complete although the run did not end well.
    pub response: Responded,
}

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayReport {
    /// How it ended.
    pub outcome: Outcome,
    /// What it used.
    pub usage: Usage,
    /// Where it parted from the transcript; `None` when it did not.
    pub parting: Option<Parting>,
    /// What became of a service's response.
    pub response: Responded,
}

/// What a run used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Instructions, as the engine counts them.
    pub fuel: u64,
    /// The most that linear memories and tables took at once, in bytes.
    pub peak_memory_bytes: u64,
    /// Standard input, or the body of a service's request, taken from the host, in bytes.
    pub input_bytes: u64,
    /// Standard output, or the body of a service's response, given to the host, in bytes.
    pub stdout_bytes: u64,
    /// Standard error given to the host, and what was logged, in bytes.
    pub stderr_bytes: u64,
    /// Bodies of requests that the component sent, in bytes.
    pub request_bytes: u64,
}

/// Runs `program` once, from a fresh instance, and gives the host back.
///
/// Returns when the component is done, a limit is used up, or [`Console::pump`] ends it; in between it never waits for
/// anything but the host. Everything that the component learns on the way has gone to [`JobHost::record`].
pub fn run_job<H: JobHost>(program: &Program, job: &Job<'_>, host: H) -> (JobReport, H) {
    begin_job(program, job, host).finish()
}

/// Begins what [`run_job`] does at once. A program that is no job fails.
pub fn begin_job<H: JobHost>(program: &Program, job: &Job<'_>, host: H) -> Running<H> {
    begin(program, job, Task::Job, host)
}

/// Begins to answer a request, in a fresh instance of its own. A program that is no service fails.
///
/// The request's body comes through [`Console::read_input`], the response leaves through [`Console::respond`],
/// [`Console::write_output`] and [`Console::finish_response`]; both are the run's input and output, and so not in its
/// transcript. What the component writes to its standard output or error goes to standard error.
pub fn begin_request<H: JobHost>(
    program: &Program,
    job: &Job<'_>,
    request: IncomingRequest,
    host: H,
) -> Running<H> {
    begin(program, job, Task::Request(Box::new(request)), host)
}

fn begin<H: JobHost>(program: &Program, job: &Job<'_>, task: Task, mut host: H) -> Running<H> {
    let mut seed = [0; 32];
    host.fill_random(&mut seed);
    let header = Header { run: job.run, seed };
    host.record(&MAGIC);
    let record = Record::Recording(Recorder::new(Writer::new(&header)));
    let outside = Outside::new(host, job.limits, task.pace(), seed, record);
    Running::new(Progress::begin(program, job, task, outside))
}

/// Runs `program` once more, with `transcript` in the place of everything that it learnt the first time; standard input
/// comes from `console` again. Whoever wants to know whether the output is the same compares it.
pub fn replay_job<C: Console>(
    program: &Program,
    job: &Job<'_>,
    transcript: Transcript,
    console: C,
) -> (ReplayReport, C) {
    replay(program, job, Task::Job, transcript, console)
}

/// Answers a request once more, as [`replay_job`] does with a job.
pub fn replay_request<C: Console>(
    program: &Program,
    job: &Job<'_>,
    request: IncomingRequest,
    transcript: Transcript,
    console: C,
) -> (ReplayReport, C) {
    replay(program, job, Task::Request(Box::new(request)), transcript, console)
}

fn replay<C: Console>(
    program: &Program,
    job: &Job<'_>,
    task: Task,
    transcript: Transcript,
    console: C,
) -> (ReplayReport, C) {
    let seed = transcript.header().seed;
    let record = Record::Replaying(Replay::new(transcript));
    let outside = Outside::new(Replayed(console), job.limits, task.pace(), seed, record);
    let mut progress = Progress::begin(program, job, task, outside);
    let (ended, mut outside) = loop {
        if let Some(over) = progress.step() {
            break over;
        }
    };
    let Ended { outcome, usage, backtrace, .. } = ended;
    let response = outside.responded();
    let Record::Replaying(replay) = outside.record else { unreachable!("it was made for replaying") };
    let parting = replay.finish(&outcome, usage.fuel, backtrace);
    (ReplayReport { outcome, usage, parting, response }, outside.host.0)
}
