//! The state of a job and the interfaces that need no module of their own.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi_io::IoView;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

use crate::bindings::wasi::cli::terminal_input::TerminalInput;
use crate::bindings::wasi::cli::terminal_output::TerminalOutput;
use crate::bindings::wasi::{cli, clocks, random};
use crate::budget::MemoryBudget;
use crate::host::OutputStream;
use crate::limits::JobEnd;
use crate::outside::SharedOutside;
use crate::streams::{Input, Output};

/// Most bytes of randomness in one call: the list exists twice while it is handed over.
const RANDOM_MAX_BYTES: u64 = 1024 * 1024;

/// Most streams and pollables that a component holds at once.
pub(crate) const RESOURCES_MAX: usize = 4096;

/// State of one running component.
pub(crate) struct JobState {
    pub(crate) table: ResourceTable,
    pub(crate) outside: SharedOutside,
    pub(crate) budget: MemoryBudget,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl JobState {
    pub(crate) fn new(
        outside: SharedOutside,
        budget: MemoryBudget,
        args: Vec<String>,
        env: Vec<(String, String)>,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        Self { table, outside, budget, args, env }
    }
}

impl IoView for JobState {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

/// Offers every interface of the job's world.
pub(crate) fn add_to_linker(linker: &mut Linker<JobState>) -> wasmtime::Result<()> {
    wasmtime_wasi_io::add_to_linker_async(linker)?;
    cli::environment::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    cli::exit::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    cli::stdin::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    cli::stdout::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    cli::stderr::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    cli::terminal_input::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    cli::terminal_output::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    cli::terminal_stdin::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    cli::terminal_stdout::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    cli::terminal_stderr::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    clocks::monotonic_clock::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    clocks::wall_clock::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    random::random::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    random::insecure::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    random::insecure_seed::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

impl cli::environment::Host for JobState {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.env.clone())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(self.args.clone())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}

impl cli::exit::Host for JobState {
    fn exit(&mut self, status: Result<(), ()>) -> wasmtime::Result<()> {
        Err(JobEnd::Exit(u8::from(status.is_err())).into())
    }

    fn exit_with_code(&mut self, status_code: u8) -> wasmtime::Result<()> {
        Err(JobEnd::Exit(status_code).into())
    }
}

impl cli::stdin::Host for JobState {
    fn get_stdin(&mut self) -> wasmtime::Result<Resource<DynInputStream>> {
        let stream: DynInputStream = Box::new(Input { outside: self.outside.clone() });
        Ok(self.table.push(stream)?)
    }
}

impl cli::stdout::Host for JobState {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output(OutputStream::Stdout)
    }
}

impl cli::stderr::Host for JobState {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output(OutputStream::Stderr)
    }
}

impl JobState {
    fn output(&mut self, stream: OutputStream) -> wasmtime::Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(Output { outside: self.outside.clone(), stream });
        Ok(self.table.push(stream)?)
    }

    fn random_bytes(&self, len: u64) -> wasmtime::Result<Vec<u8>> {
        let len = usize::try_from(len.min(RANDOM_MAX_BYTES + 1))?;
        if len > usize::try_from(RANDOM_MAX_BYTES)? {
            return Err(wasmtime::Error::msg("random: at most 1 MiB in one call"));
        }
        let mut bytes = vec![0; len];
        self.outside.lock().host.fill_random(&mut bytes);
        Ok(bytes)
    }

    fn random_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.outside.lock().host.fill_random(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

impl cli::terminal_input::Host for JobState {}
impl cli::terminal_output::Host for JobState {}

// There is never a terminal, so no value of its resource types exists.
impl cli::terminal_input::HostTerminalInput for JobState {
    fn drop(&mut self, terminal: Resource<TerminalInput>) -> wasmtime::Result<()> {
        match self.table.delete(terminal)? {}
    }
}

impl cli::terminal_output::HostTerminalOutput for JobState {
    fn drop(&mut self, terminal: Resource<TerminalOutput>) -> wasmtime::Result<()> {
        match self.table.delete(terminal)? {}
    }
}

impl cli::terminal_stdin::Host for JobState {
    fn get_terminal_stdin(&mut self) -> wasmtime::Result<Option<Resource<TerminalInput>>> {
        Ok(None)
    }
}

impl cli::terminal_stdout::Host for JobState {
    fn get_terminal_stdout(&mut self) -> wasmtime::Result<Option<Resource<TerminalOutput>>> {
        Ok(None)
    }
}

impl cli::terminal_stderr::Host for JobState {
    fn get_terminal_stderr(&mut self) -> wasmtime::Result<Option<Resource<TerminalOutput>>> {
        Ok(None)
    }
}

impl random::random::Host for JobState {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random_u64())
    }
}

// The insecure interfaces only permit weaker randomness; there is no reason to keep a second source.
impl random::insecure::Host for JobState {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random_u64())
    }
}

impl random::insecure_seed::Host for JobState {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.random_u64(), self.random_u64()))
    }
}
