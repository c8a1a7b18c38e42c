//! A component connected with everything it imports, and its entry point.

use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

use crate::RuntimeError;
use crate::bindings::job::JobPre;
use crate::imports::{is_command, unsupported_imports};
use crate::running::Task;
use crate::state::{self, State};

/// Ready to be instantiated. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Linked {
    /// Exports `wasi:cli/run`.
    Job(JobPre<State>),
}

impl Linked {
    /// Connects imports and finds the entry point, without running anything.
    pub(crate) fn of(engine: &Engine, component: &Component) -> Result<Self, RuntimeError> {
        let names = unsupported_imports(engine, component);
        if !names.is_empty() {
            return Err(RuntimeError::UnsupportedImports { names });
        }
        let component_type = component.component_type();
        if !component_type.exports(engine).any(|(name, _)| is_command(name)) {
            return Err(RuntimeError::Mismatch { reason: "it does not export `wasi:cli/run@0.2`".into() });
        }
        let mut linker = Linker::new(engine);
        state::add_to_linker(&mut linker).map_err(RuntimeError::settings)?;
        let instance = linker.instantiate_pre(component).map_err(RuntimeError::mismatch)?;
        JobPre::new(instance).map(Self::Job).map_err(RuntimeError::mismatch)
    }

    /// A fresh instance, run to its end.
    pub(crate) async fn run(&self, store: &mut Store<State>, task: Task) -> wasmtime::Result<Result<(), ()>> {
        match (self, task) {
            (Self::Job(job), Task::Job) => {
                let instance = job.instantiate_async(&mut *store).await?;
                instance.wasi_cli_run().call_run(store).await
            }
            (Self::Job(_), Task::Request(_)) => {
                Err(wasmtime::Error::msg("the program is a job, not a service"))
            }
        }
    }
}
