//! One run of a program: from arguments to a report.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt::{self, Write as _};

use spin::Mutex;
use wasmtime::{CallHook, Store, Trap};

use crate::budget::MemoryBudget;
use crate::executor::drive;
use crate::host::{JobHost, Stop};
use crate::limits::{JobEnd, JobLimits, Limit};
use crate::outside::{Outside, SharedOutside};
use crate::program::Program;
use crate::wasi::{JobState, RESOURCES_MAX};

/// Fuel between two calls of [`JobHost::pump`]: about two milliseconds on a processor of today. Much less, and asking the
/// devices would cost more than a percent of the time.
const SLICE_FUEL: u64 = 20_000_000;

/// Most bytes that one call of a host function may make the host allocate for its arguments.
const HOST_CALL_BYTES: usize = 1024 * 1024;

/// Most handles that a component holds at once, those to its own resources included.
const HANDLES_MAX: usize = 4 * RESOURCES_MAX;

/// Most bytes of a trap's message: names in the backtrace are the component's.
const TRAP_MESSAGE_MAX_BYTES: usize = 8 * 1024;

/// How a job went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobReport {
    /// How it ended.
    pub outcome: Outcome,
    /// Instructions used, as the engine counts them.
    pub fuel_used: u64,
    /// The most that linear memories and tables took at once, in bytes.
    pub peak_memory_bytes: u64,
    /// Standard input taken from the host, in bytes.
    pub input_bytes: u64,
    /// Standard output given to the host, in bytes.
    pub stdout_bytes: u64,
    /// Standard error given to the host, in bytes.
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
}

/// Runs `program` once, from a fresh instance, and gives the host back.
///
/// `args` starts with the program's name. Returns when the component is done, a limit is used up, or
/// [`JobHost::pump`] ends it; in between it never waits for anything but the host.
pub fn run_job<H: JobHost>(
    program: &Program,
    limits: &JobLimits,
    args: &[&str],
    env: &[(&str, &str)],
    host: H,
) -> (JobReport, H) {
    let shared = Arc::new(Mutex::new(Outside::new(host, *limits)));
    let (outcome, fuel_used, peak_memory_bytes) = run(program, limits, args, env, shared.clone());
    let Some(outside) = Arc::into_inner(shared).map(Mutex::into_inner) else {
        unreachable!("the store is gone, and with it every stream and clock")
    };
    let meter = outside.meter;
    let report = JobReport {
        outcome,
        fuel_used,
        peak_memory_bytes,
        input_bytes: meter.input_bytes,
        stdout_bytes: meter.stdout_bytes,
        stderr_bytes: meter.stderr_bytes,
    };
    (report, outside.host)
}

fn run(
    program: &Program,
    limits: &JobLimits,
    args: &[&str],
    env: &[(&str, &str)],
    outside: SharedOutside,
) -> (Outcome, u64, u64) {
    let args = args.iter().map(ToString::to_string).collect();
    let env = env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let table_limit_bytes = program.footprint().table_limit_bytes();
    let budget = MemoryBudget::new(limits.component_memory_bytes, table_limit_bytes);
    let mut store = Store::new(&program.engine, JobState::new(outside.clone(), budget, args, env));
    store.limiter(|state| &mut state.budget);
    store.set_hostcall_fuel(HOST_CALL_BYTES);
    store.set_max_component_handles(HANDLES_MAX);
    store.call_hook(|mut context, hook| match hook {
        CallHook::ReturningFromHost => Ok(context.data_mut().outside.lock().pump_if_due()?),
        _ => Ok(()),
    });
    let result = drive(call(program, &mut store, limits.fuel), &outside);
    let fuel_used = limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
    (outcome(result), fuel_used, store.data().budget.peak_bytes())
}

async fn call(program: &Program, store: &mut Store<JobState>, fuel: u64) -> wasmtime::Result<Result<(), ()>> {
    store.set_fuel(fuel)?;
    store.fuel_async_yield_interval(Some(SLICE_FUEL))?;
    let job = program.linked.instantiate_async(&mut *store).await?;
    job.wasi_cli_run().call_run(store).await
}

fn outcome(result: Result<wasmtime::Result<Result<(), ()>>, JobEnd>) -> Outcome {
    match result {
        Ok(Ok(status)) => Outcome::Exited { code: u8::from(status.is_err()) },
        Ok(Err(error)) => outcome_of_error(&error),
        Err(end) => outcome_of_end(end),
    }
}

fn outcome_of_end(end: JobEnd) -> Outcome {
    match end {
        JobEnd::Exit(code) => Outcome::Exited { code },
        JobEnd::Limit(limit) => Outcome::LimitExceeded { limit },
        JobEnd::Stop(reason) => Outcome::Stopped { reason },
    }
}

fn outcome_of_error(error: &wasmtime::Error) -> Outcome {
    if let Some(end) = error.downcast_ref::<JobEnd>() {
        return outcome_of_end(*end);
    }
    if error.downcast_ref::<Trap>() == Some(&Trap::OutOfFuel) {
        return Outcome::LimitExceeded { limit: Limit::Fuel };
    }
    let mut message = CutText(String::new());
    // An error says that the text was cut.
    let _ = write!(message, "{error:?}");
    Outcome::Trapped { message: message.0 }
}

/// Takes text up to [`TRAP_MESSAGE_MAX_BYTES`], so that longer text never exists as a whole.
struct CutText(String);

impl fmt::Write for CutText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = TRAP_MESSAGE_MAX_BYTES - self.0.len();
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() <= room { Ok(()) } else { Err(fmt::Error) }
    }
}
