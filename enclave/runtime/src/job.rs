//! One run of a program: from arguments to a report, for the first time or once more.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt::{self, Write as _};

use attestation_transcript::{Header, MAGIC, Run as RunName, Writer};
use spin::Mutex;
use wasmtime::{AsContext, CallHook, Store, Trap, WasmBacktrace};

use crate::budget::MemoryBudget;
use crate::executor::drive;
use crate::host::{Console, JobHost, Stop};
use crate::limits::{JobLimits, Limit, RunEnd};
use crate::outside::{Meter, Outside, SharedOutside};
use crate::program::Program;
use crate::record::{Record, Recorded, Recorder};
use crate::replay::{Parting, Replay, Replayed, Transcript};
use crate::state::{RESOURCES_MAX, State};

/// Fuel between two calls of [`Console::pump`]: about two milliseconds on a processor of today. Much less, and asking the
/// devices would cost more than a percent of the time. Part of the transcript's format: a run that time ended is
/// replayed to the same slice.
const SLICE_FUEL: u64 = 20_000_000;

/// Most bytes that one call of a host function may make the host allocate for its arguments.
const HOST_CALL_BYTES: usize = 1024 * 1024;

/// Most handles that a component holds at once, those to its own resources included.
const HANDLES_MAX: usize = 4 * RESOURCES_MAX;

/// Most bytes of a trap's message: names in the backtrace are the component's.
const TRAP_MESSAGE_MAX_BYTES: usize = 8 * 1024;

/// What is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// What it may use.
    pub limits: JobLimits,
    /// Arguments; the first is the program's name.
    pub args: &'a [&'a str],
    /// Environment variables.
    pub env: &'a [(&'a str, &'a str)],
    /// Component, manifest and number of the claim, as the transcript names them.
    pub run: RunName,
}

/// How a job went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobReport {
    /// How it ended.
    pub outcome: Outcome,
    /// What it used, as far as it is the same each time.
    pub usage: Usage,
    /// Its transcript; absent when the host ended it.
    pub transcript: Option<Recorded>,
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
}

/// What a run used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Instructions, as the engine counts them.
    pub fuel: u64,
    /// The most that linear memories and tables took at once, in bytes.
    pub peak_memory_bytes: u64,
    /// Standard input taken from the host, in bytes.
    pub input_bytes: u64,
    /// Standard output given to the host, in bytes.
    pub stdout_bytes: u64,
    /// Standard error given to the host, and what was logged, in bytes.
    pub stderr_bytes: u64,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The component returned from `run` (0 for ok, 1 for error) or called `exit`.
    Exited {
        /// Exit code.
        code: u8,
    },
    /// The component did what it must not, or a host function refused.
    Trapped {
        /// Cause and WebAssembly backtrace.
        message: String,
    },
    /// The component used up a limit of the manifest.
    LimitExceeded {
        /// Which one.
        limit: Limit,
    },
    /// The host ended it.
    Stopped {
        /// Why.
        reason: Stop,
    },
    /// The machine could not run it: what happened says nothing about the component, and happens nowhere else.
    Failed {
        /// What was missing.
        message: String,
    },
}

impl Outcome {
    /// The same but for words that are only for people.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Trapped { .. }, Self::Trapped { .. }) => true,
            _ => self == other,
        }
    }
}

/// Runs `program` once, from a fresh instance, and gives the host back.
///
/// Returns when the component is done, a limit is used up, or [`Console::pump`] ends it; in between it never waits for
/// anything but the host. Everything that the component learns on the way has gone to [`JobHost::record`].
pub fn run_job<H: JobHost>(program: &Program, job: &Job<'_>, mut host: H) -> (JobReport, H) {
    let mut seed = [0; 32];
    host.fill_random(&mut seed);
    let header = Header { run: job.run, seed };
    host.record(&MAGIC);
    let record = Record::Recording(Recorder::new(Writer::new(&header)));
    let outside = Outside::new(host, job.limits, seed, record);
    let (run, outside) = run(program, job, outside);
    let mut host = outside.host;
    let Record::Recording(recorder) = outside.record else { unreachable!("it was made for recording") };
    let transcript = recorder.finish(&run.outcome, run.usage.fuel, |piece| host.record(piece));
    (JobReport { outcome: run.outcome, usage: run.usage, transcript }, host)
}

/// Runs `program` once more, with `transcript` in the place of everything that it learnt the first time; standard input
/// comes from `console` again. Whoever wants to know whether the output is the same compares it.
///
pub fn replay_job<C: Console>(
    program: &Program,
    job: &Job<'_>,
    transcript: Transcript,
    console: C,
) -> (ReplayReport, C) {
    let seed = transcript.header().seed;
    let record = Record::Replaying(Replay::new(transcript));
    let outside = Outside::new(Replayed(console), job.limits, seed, record);
    let (run, outside) = run(program, job, outside);
    let Record::Replaying(replay) = outside.record else { unreachable!("it was made for replaying") };
    let parting = replay.finish(&run.outcome, run.usage.fuel, run.backtrace);
    (ReplayReport { outcome: run.outcome, usage: run.usage, parting }, outside.host.0)
}

/// A run that is over.
struct Run {
    outcome: Outcome,
    usage: Usage,
    /// Where it ended, when that was inside the component.
    backtrace: String,
}

fn run<H: JobHost>(program: &Program, job: &Job<'_>, outside: Outside<H>) -> (Run, Outside<H>) {
    let shared = Arc::new(Mutex::new(outside));
    let mut store = new_store(program, job, shared.clone());
    let result = drive(call(program, &mut store, job.limits.fuel), &(shared.clone() as SharedOutside));
    let fuel = job.limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
    let (peak_memory_bytes, is_short_of_memory) = store.data().budget.outcome();
    drop(store);
    let Some(outside) = Arc::into_inner(shared).map(Mutex::into_inner) else {
        unreachable!("the store is gone, and with it every other handle")
    };
    let backtrace = match &result {
        Ok(Err(error)) => {
            error.downcast_ref::<WasmBacktrace>().map(|backtrace| cut_text(backtrace)).unwrap_or_default()
        }
        _ => String::new(),
    };
    let outcome = outcome(result, is_short_of_memory);
    let Meter { input_bytes, stdout_bytes, stderr_bytes } = outside.meter;
    let usage = Usage { fuel, peak_memory_bytes, input_bytes, stdout_bytes, stderr_bytes };
    (Run { outcome, usage, backtrace }, outside)
}

fn new_store(program: &Program, job: &Job<'_>, outside: SharedOutside) -> Store<State> {
    let args = job.args.iter().map(ToString::to_string).collect();
    let env = job.env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let budget =
        MemoryBudget::new(job.limits.component_memory_bytes, program.footprint().table_limit_bytes());
    let mut store = Store::new(program.engine(), State::new(outside, budget, args, env));
    store.limiter(|state| &mut state.budget);
    store.set_hostcall_fuel(HOST_CALL_BYTES);
    store.set_max_component_handles(HANDLES_MAX);
    let fuel_limit = job.limits.fuel;
    store.call_hook(move |mut context, hook| {
        let used = match hook {
            CallHook::CallingHost => fuel_limit.saturating_sub(context.as_context().get_fuel()?),
            CallHook::ReturningFromHost => return Ok(context.data_mut().outside.lock().leave()?),
            _ => return Ok(()),
        };
        context.data_mut().outside.lock().enter(used);
        Ok(())
    });
    store
}

async fn call(program: &Program, store: &mut Store<State>, fuel: u64) -> wasmtime::Result<Result<(), ()>> {
    store.set_fuel(fuel)?;
    store.fuel_async_yield_interval(Some(SLICE_FUEL))?;
    program.run(store).await
}

fn outcome(result: Result<wasmtime::Result<Result<(), ()>>, RunEnd>, is_short_of_memory: bool) -> Outcome {
    match result {
        Ok(Ok(status)) => Outcome::Exited { code: u8::from(status.is_err()) },
        Ok(Err(error)) => outcome_of_error(&error, is_short_of_memory),
        Err(end) => outcome_of_end(end),
    }
}

fn outcome_of_end(end: RunEnd) -> Outcome {
    match end {
        RunEnd::Exit(code) => Outcome::Exited { code },
        RunEnd::Limit(limit) => Outcome::LimitExceeded { limit },
        RunEnd::Stop(reason) => Outcome::Stopped { reason },
        RunEnd::Parted => Outcome::Failed { message: end.to_string() },
    }
}

fn outcome_of_error(error: &wasmtime::Error, is_short_of_memory: bool) -> Outcome {
    if let Some(end) = error.downcast_ref::<RunEnd>() {
        return outcome_of_end(*end);
    }
    let trap = error.downcast_ref::<Trap>();
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    if trap == Some(&Trap::OutOfFuel) {
        return Outcome::LimitExceeded { limit: Limit::Fuel };
    }
    if trap.is_some() && backtrace.is_some_and(is_call_depth) {
        return Outcome::LimitExceeded { limit: Limit::CallStack };
    }
    let message = cut_text(&format_args!("{error:?}"));
    // The engine's own stack is larger than what the component accounts for; a run that finds its end, or a machine
    // without memory, says something about the machine.
    let is_the_machines =
        trap == Some(&Trap::StackOverflow) || is_short_of_memory || (trap.is_none() && backtrace.is_none());
    if is_the_machines { Outcome::Failed { message } } else { Outcome::Trapped { message } }
}

/// Whether the component ended in the function that instrumentation calls beyond the limit of call depth.
fn is_call_depth(backtrace: &WasmBacktrace) -> bool {
    let innermost = backtrace.frames().first().and_then(|frame| frame.func_name());
    innermost == Some(attestation_artefact::CALL_DEPTH_FUNCTION)
}

/// Text up to [`TRAP_MESSAGE_MAX_BYTES`], so that longer text never exists as a whole.
fn cut_text(text: &dyn fmt::Display) -> String {
    let mut cut = CutText(String::new());
    // An error says that the text was cut.
    let _ = write!(cut, "{text}");
    cut.0
}

struct CutText(String);

impl fmt::Write for CutText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = TRAP_MESSAGE_MAX_BYTES - self.0.len();
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() <= room { Ok(()) } else { Err(fmt::Error) }
    }
}
