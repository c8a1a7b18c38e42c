//! A component connected with everything it imports, and its entry point.

use alloc::boxed::Box;

use wasmtime::component::Component;
use wasmtime::{Engine, Store};

use crate::RuntimeError;
use crate::bindings::job::JobPre;
use crate::bindings::service::ServicePre;
use crate::http::IncomingRequest;
use crate::imports::{JOB_EXPORT, SERVICE_EXPORT, is_entry, linker_for, unsupported_imports};
use crate::program::ProgramKind;
use crate::running::Task;
use crate::state::State;

/// Ready to be instantiated. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Linked {
    Job(JobPre<State>),
    Service(ServicePre<State>),
}

impl Linked {
    /// Connects imports and finds the entry point, without running anything.
    pub(crate) fn of(engine: &Engine, component: &Component) -> Result<Self, RuntimeError> {
        let names = unsupported_imports(engine, component);
        if !names.is_empty() {
            return Err(RuntimeError::UnsupportedImports { names });
        }
        let kind = kind(engine, component)?;
        let linker = linker_for(engine, component)?;
        let instance = linker.instantiate_pre(component).map_err(RuntimeError::mismatch)?;
        let linked = match kind {
            ProgramKind::Job => JobPre::new(instance).map(Self::Job),
            ProgramKind::Service => ServicePre::new(instance).map(Self::Service),
        };
        linked.map_err(RuntimeError::mismatch)
    }

    pub(crate) const fn kind(&self) -> ProgramKind {
        match self {
            Self::Job(_) => ProgramKind::Job,
            Self::Service(_) => ProgramKind::Service,
        }
    }

    /// A fresh instance, run to its end.
    pub(crate) async fn run(&self, store: &mut Store<State>, task: Task) -> wasmtime::Result<Result<(), ()>> {
        match (self, task) {
            (Self::Job(job), Task::Job) => {
                let instance = job.instantiate_async(&mut *store).await?;
                instance.wasi_cli_run().call_run(store).await
            }
            (Self::Service(service), Task::Request(request)) => serve(service, store, request).await,
            (Self::Job(_), Task::Request(_)) => {
                Err(wasmtime::Error::msg("the program is a job, not a service"))
            }
            (Self::Service(_), Task::Job) => Err(wasmtime::Error::msg("the program is a service, not a job")),
        }
    }
}

async fn serve(
    service: &ServicePre<State>,
    store: &mut Store<State>,
    request: Box<IncomingRequest>,
) -> wasmtime::Result<Result<(), ()>> {
    let instance = service.instantiate_async(&mut *store).await?;
    let (request, response) = store.data_mut().serve(*request)?;
    instance.wasi_http_incoming_handler().call_handle(store, request, response).await?;
    Ok(Ok(()))
}

fn kind(engine: &Engine, component: &Component) -> Result<ProgramKind, RuntimeError> {
    let component_type = component.component_type();
    let exports = |entry| component_type.exports(engine).any(|(name, _)| is_entry(name, entry));
    let reason = match (exports(JOB_EXPORT), exports(SERVICE_EXPORT)) {
        (true, false) => return Ok(ProgramKind::Job),
        (false, true) => return Ok(ProgramKind::Service),
        (true, true) => {
            "it exports both `wasi:cli/run@0.2` and `wasi:http/incoming-handler@0.2`, so nobody knows what it is"
        }
        (false, false) => "it exports neither `wasi:cli/run@0.2` nor `wasi:http/incoming-handler@0.2`",
    };
    Err(RuntimeError::Mismatch { reason: reason.into() })
}
