//! A run that goes on step by step, so that many can go on at once.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;
use core::future::{self, Future};
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};

use spin::Mutex;
use wasmtime::{CallHook, CallHookHandler, Store, StoreContextMut, Trap, WasmBacktrace};

use crate::budget::MemoryBudget;
use crate::filesystem::{self, Files};
use crate::host::JobHost;
use crate::http::IncomingRequest;
use crate::job::{Job, JobReport, Usage};
use crate::limits::RunEnd;
use crate::linked::Linked;
use crate::outcome::{Outcome, cut_text};
use crate::outside::{Meter, Outside, Pace, SharedOutside};
use crate::program::Program;
use crate::record::Record;
use crate::state::{RESOURCES_MAX, State};

/// Most bytes that one call of a host function may make the host allocate for its arguments.
const HOST_CALL_BYTES: usize = 1024 * 1024;

/// Most handles that a component holds at once, those to its own resources included.
const HANDLES_MAX: usize = 4 * RESOURCES_MAX;

/// A run that has begun. Nothing of it happens but in [`step`](Self::step). Whoever drops it before its end loses the
/// host with it.
pub struct Running<H>(Progress<H>);

impl<H: JobHost> Running<H> {
    pub(crate) const fn new(progress: Progress<H>) -> Self {
        Self(progress)
    }

    /// Goes on until the component waits, a slice of fuel is used up, or it has kept the host waiting for long enough,
    /// and then calls [`Console::pump`](crate::Console::pump) once. Gives report and host when the run is over, and
    /// nothing ever after.
    pub fn step(&mut self) -> Option<(JobReport, H)> {
        let (ended, mut outside) = self.0.step()?;
        let response = outside.responded();
        let mut host = outside.host;
        let Record::Recording(recorder) = outside.record else { unreachable!("it was made for recording") };
        let Ended { outcome, usage, files, .. } = ended;
        if let Some(files) = files {
            host.keep_files(files);
        }
        let transcript = recorder.finish(&outcome, usage.fuel, |piece| host.record(piece));
        Some((JobReport { outcome, usage, transcript, response }, host))
    }

    /// Steps until it is over.
    pub(crate) fn finish(mut self) -> (JobReport, H) {
        loop {
            if let Some(done) = self.step() {
                return done;
            }
        }
    }
}

impl<H> fmt::Debug for Running<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("is_over", &self.0.0.is_none()).finish()
    }
}

/// What a program is to do.
pub(crate) enum Task {
    /// Run to its end.
    Job,
    /// Answer a request.
    Request(Box<IncomingRequest>),
}

impl Task {
    pub(crate) const fn pace(&self) -> Pace {
        match self {
            Self::Job => Pace::JOB,
            Self::Request(_) => Pace::REQUEST,
        }
    }
}

/// A run that is over.
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) usage: Usage,
    /// Where it ended, when that was inside the component.
    pub(crate) backtrace: String,
    /// What is left of its files, where they are kept and it ended by itself.
    pub(crate) files: Option<Files>,
}

/// A run and its outside, until it is over.
pub(crate) struct Progress<H>(Option<Parts<H>>);

struct Parts<H> {
    run: Pin<Box<dyn Future<Output = Ended> + Send>>,
    outside: Arc<Mutex<Outside<H>>>,
}

impl<H: JobHost> Progress<H> {
    pub(crate) fn begin(program: &Program, job: &Job<'_>, task: Task, outside: Outside<H>) -> Self {
        let outside = Arc::new(Mutex::new(outside));
        let store = new_store(program, job, &task, outside.clone());
        let run = Box::pin(run(store, program.linked().clone(), Terms::of(job), task));
        Self(Some(Parts { run, outside }))
    }

    pub(crate) fn step(&mut self) -> Option<(Ended, Outside<H>)> {
        let parts = self.0.as_mut()?;
        parts.outside.lock().begin_step();
        // Nothing wakes it: whatever it waits for changes only in `Console::pump` or with time, and both are looked at
        // after each poll.
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(mut ended) = parts.run.as_mut().poll(&mut context) else { return None };
        let Parts { run, outside } = self.0.take()?;
        drop(run);
        let Some(mut outside) = Arc::into_inner(outside).map(Mutex::into_inner) else {
            unreachable!("the run is gone, and with it every other handle")
        };
        outside.close_exchanges();
        let Meter { input_bytes, stdout_bytes, stderr_bytes, request_bytes } = outside.meter;
        ended.usage = Usage { input_bytes, stdout_bytes, stderr_bytes, request_bytes, ..ended.usage };
        Some((ended, outside))
    }
}

/// What a run is told of its job.
#[derive(Clone, Copy)]
struct Terms {
    fuel_limit: u64,
    /// Of files that are kept.
    files_bytes: Option<u64>,
}

impl Terms {
    fn of(job: &Job<'_>) -> Self {
        let files_bytes = job.keeps_files.then_some(job.limits.files_bytes);
        Self { fuel_limit: job.limits.fuel, files_bytes }
    }
}

/// From instantiation to what is left of it. The store belongs to the run, so that the run is one thing.
async fn run(mut store: Store<State>, linked: Linked, terms: Terms, task: Task) -> Ended {
    let outside = store.data().outside.clone();
    let mut result = pausing(call(&mut store, &linked, terms, task), &outside).await;
    let fuel = terms.fuel_limit.saturating_sub(store.get_fuel().unwrap_or(0));
    let state = store.into_data();
    let (peak_memory_bytes, is_short_of_memory) = state.budget.outcome();
    let backtrace = match &result {
        Ok(Err(error)) => {
            error.downcast_ref::<WasmBacktrace>().map(|backtrace| cut_text(backtrace)).unwrap_or_default()
        }
        _ => String::new(),
    };
    if matches!(&result, Ok(Err(error)) if error.is::<Trap>())
        && let Err(end) = outside.lock().end_in_trap(fuel)
    {
        result = Err(end);
    }
    let mut outcome = Outcome::of(&result, is_short_of_memory);
    let ended_by_itself = matches!(outcome, Outcome::Exited { .. }) && terms.files_bytes.is_some();
    let files = ended_by_itself.then(|| Files::new(state.files));
    if let Some(files) = &files
        && let Err(end) = filesystem::end(&mut outside.lock(), fuel, files)
    {
        outcome = Outcome::of(&Err(end), false);
    }
    Ended { outcome, usage: Usage { fuel, peak_memory_bytes, ..Usage::default() }, backtrace, files }
}

/// Lets the host move whenever `call` pauses, and ends it when the host or time wants that.
async fn pausing<F: Future>(call: F, outside: &SharedOutside) -> Result<F::Output, RunEnd> {
    let mut call = pin!(call);
    future::poll_fn(|context| match call.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => match outside.lock().pause() {
            Ok(()) => Poll::Pending,
            Err(end) => Poll::Ready(Err(end)),
        },
    })
    .await
}

async fn call(
    store: &mut Store<State>,
    linked: &Linked,
    terms: Terms,
    task: Task,
) -> wasmtime::Result<Result<(), ()>> {
    store.set_fuel(terms.fuel_limit)?;
    store.fuel_async_yield_interval(Some(task.pace().slice_fuel))?;
    if let Some(files_bytes) = terms.files_bytes {
        let files = filesystem::begin(store.data(), files_bytes).await?;
        store.data_mut().files = files;
    }
    linked.run(store, task).await
}

fn new_store(program: &Program, job: &Job<'_>, task: &Task, outside: SharedOutside) -> Store<State> {
    let args = job.args.iter().map(ToString::to_string).collect();
    let env = job.env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let is_service = matches!(task, Task::Request(_));
    let budget =
        MemoryBudget::new(job.limits.component_memory_bytes, program.footprint().table_limit_bytes());
    let mut store = Store::new(
        program.engine(),
        State::new(
            outside,
            budget,
            args,
            env,
            filesystem::new(job.limits.files_bytes),
            job.run.manifest,
            is_service,
        ),
    );
    store.limiter(|state| &mut state.budget);
    store.set_hostcall_fuel(HOST_CALL_BYTES);
    store.set_max_component_handles(HANDLES_MAX);
    store.call_hook_async(Door { fuel_limit: job.limits.fuel });
    store
}

/// Stands between the component and every host function.
struct Door {
    fuel_limit: u64,
}

type Passing<'a> = Pin<Box<dyn Future<Output = wasmtime::Result<()>> + Send + 'a>>;

// The trait is made for a macro, which would allocate in every call; only those that wait need to.
impl CallHookHandler<State> for Door {
    fn handle_call_event<'door, 'store, 'passing>(
        &'door self,
        mut context: StoreContextMut<'store, State>,
        event: CallHook,
    ) -> Passing<'passing>
    where
        'door: 'passing,
        'store: 'passing,
        Self: 'passing,
    {
        if matches!(event, CallHook::CallingWasm | CallHook::ReturningFromWasm) {
            return Box::pin(Pass);
        }
        let fuel_used = match context.get_fuel() {
            Ok(left) => self.fuel_limit.saturating_sub(left),
            Err(error) => return Box::pin(future::ready(Err(error))),
        };
        let state = context.data_mut();
        let mut outside = state.outside.lock();
        if matches!(event, CallHook::CallingHost) {
            outside.enter(fuel_used);
            return Box::pin(Pass);
        }
        outside.leave(fuel_used);
        let passed = outside.poll_leave();
        drop(outside);
        match passed {
            Poll::Ready(Ok(())) => Box::pin(Pass),
            Poll::Ready(Err(end)) => Box::pin(future::ready(Err(end.into()))),
            Poll::Pending => {
                let waiting = state.wait(Outside::poll_leave);
                Box::pin(async { Ok(waiting.await?) })
            }
        }
    }
}

/// Passes at once. Has no size, so that boxing it allocates nothing.
struct Pass;

impl Future for Pass {
    type Output = wasmtime::Result<()>;

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(()))
    }
}
