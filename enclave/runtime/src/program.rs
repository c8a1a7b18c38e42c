//! From artefact to a program that is ready to run.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ptr::NonNull;

use attestation_manifest::Manifest;
use wasmtime::component::Component;
use wasmtime::{Config, CustomCodeMemory, Engine, MemoryCreator, StackCreator};

use crate::footprint::Footprint;
use crate::linked::Linked;

/// Alignment of an artefact that is used in place, in bytes: the text section of the file is aligned to it.
const PAGE_BYTES: usize = 4096;

/// What the engine needs from the machine. `None` is the engine's own way, which needs an operating system for
/// `code_memory` and gives stacks without guard pages on bare metal.
pub struct Machine {
    /// Makes compiled code executable. Per program the engine calls, in this order:
    /// `required_alignment` (a power of two, at most the page size); `publish_executable` once, with the text section of
    /// the artefact, whole pages: from then on they are readable and executable and never writable;
    /// `unpublish_executable` once with the same range when the last use of the [`Program`] is gone. An error from
    /// `publish_executable` fails the load; one from `unpublish_executable` panics in the engine.
    pub code_memory: Option<Arc<dyn CustomCodeMemory>>,
    /// Stacks for running components. `new_stack` is called with [`async_stack_bytes`] when a run starts; one stack is
    /// alive per running job and is given back by dropping it. Only `range()` is used on bare metal: both ends
    /// page-aligned, at least as long as asked for, not including the guard. An unmapped page must lie directly below it:
    /// compiled code touches every page of a large frame in order, so it cannot step over the guard, but host functions
    /// rely on nothing else.
    ///
    /// [`async_stack_bytes`]: attestation_artefact::async_stack_bytes
    pub stacks: Option<Arc<dyn StackCreator>>,
    /// Linear memories. A creator must return zeroed memory whose `byte_capacity` is at least the memory's minimum plus
    /// `linear_memory_bytes`, and whose base never moves: compiled code keeps the base in a register. The engine's own way
    /// asks the global allocator for exactly that when the memory is created, without touching it, zeroes what a growth
    /// adds, and fails the job when the allocator cannot: prefer it where runs are few.
    pub memories: Option<Arc<dyn MemoryCreator>>,
    /// Room for growth that each linear memory reserves at its start, in bytes: the job's memory limit. A component with
    /// two memories reserves it twice.
    pub linear_memory_bytes: u64,
    /// The call stack that the artefact was compiled for, in bytes.
    pub call_stack_bytes: u32,
}

impl Machine {
    /// A process on an ordinary operating system.
    #[must_use]
    pub fn hosted(linear_memory_bytes: u64, call_stack_bytes: u32) -> Self {
        Self { code_memory: None, stacks: None, memories: None, linear_memory_bytes, call_stack_bytes }
    }

    pub(crate) fn into_config(self) -> Config {
        let mut config = attestation_artefact::base_config(self.call_stack_bytes);
        config.memory_reservation_for_growth(self.linear_memory_bytes);
        config.with_custom_code_memory(self.code_memory);
        if let Some(stacks) = self.stacks {
            config.with_host_stack(stacks);
        }
        if let Some(memories) = self.memories {
            config.with_host_memory(memories);
        }
        #[cfg(target_os = "none")]
        // SAFETY: the function claims only features whose presence `Program::load` demands of its caller. Asking the
        // processor again is no option: CPUID traps in a confidential guest.
        unsafe {
            config.detect_host_feature(|name| Some(attestation_artefact::is_required_feature(name)));
        }
        config
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("linear_memory_bytes", &self.linear_memory_bytes)
            .finish_non_exhaustive()
    }
}

/// A component that cannot be run here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The machine's settings do not fit the engine. The caller is guilty.
    #[error("engine settings: {reason}")]
    Settings {
        /// The engine's words.
        reason: String,
    },
    /// The artefact does not start on a page boundary. The caller is guilty.
    #[error("artefact: expected an address that is a multiple of {PAGE_BYTES}, found {address:#x}")]
    Misaligned {
        /// Where the artefact is.
        address: usize,
    },
    /// Not an artefact of this engine and tuning.
    #[error("artefact: {reason}")]
    Artefact {
        /// The engine's words.
        reason: String,
    },
    /// Not a valid component.
    #[error("component: {reason}")]
    Component {
        /// The engine's words.
        reason: String,
    },
    /// The component wants interfaces that the guest does not offer.
    #[error("component imports what the guest does not offer: {}", .names.join(", "))]
    UnsupportedImports {
        /// All of them.
        names: Vec<String>,
    },
    /// An offered interface, but not as the component wants it; or no entry point among the exports, or two.
    #[error("component does not fit what the guest offers: {reason}")]
    Mismatch {
        /// The engine's words.
        reason: String,
    },
    /// A job could exhaust the guest. The manifest is guilty.
    #[error(
        "memory: expected a heap of at least {needed_bytes} bytes ({runs} at once with {memories} linear memories of up to \
         {component_memory_bytes} each, {network_bytes} for connections, the artefact, stored data, and the guest's own \
         part), found {heap_bytes}; add {missing_mib} to memory_mib, or lower limits.component_memory_bytes, or \
         service.open_requests_max"
    )]
    Memory {
        /// What the component's jobs can take.
        needed_bytes: u64,
        /// What there is.
        heap_bytes: u64,
        /// The difference, in the manifest's unit and steps.
        missing_mib: u64,
        /// Linear memories of one instance.
        memories: u64,
        /// The manifest's limit.
        component_memory_bytes: u64,
        /// Runs at the same time.
        runs: u32,
        /// What the guest's network takes of it.
        network_bytes: u64,
    },
}

impl RuntimeError {
    pub(crate) fn settings(error: wasmtime::Error) -> Self {
        Self::Settings { reason: format!("{error:#}") }
    }

    fn artefact(error: wasmtime::Error) -> Self {
        Self::Artefact { reason: format!("{error:#}") }
    }

    #[cfg(feature = "compiler")]
    pub(crate) fn component(error: wasmtime::Error) -> Self {
        Self::Component { reason: format!("{error:#}") }
    }

    #[cfg(feature = "compiler")]
    pub(crate) fn not_compiled(error: attestation_artefact::CompileError) -> Self {
        let reason = match error {
            attestation_artefact::CompileError::Component { reason } => reason,
            other => format!("{other}"),
        };
        Self::Component { reason }
    }

    pub(crate) fn mismatch(error: wasmtime::Error) -> Self {
        Self::Mismatch { reason: format!("{error:#}") }
    }
}

/// What a program is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramKind {
    /// Runs to its end: exports `wasi:cli/run`.
    Job,
    /// Answers requests: exports `wasi:http/incoming-handler`.
    Service,
}

impl ProgramKind {
    /// Whether it is what the manifest says.
    ///
    /// # Errors
    /// [`RuntimeError::Mismatch`], with what to do.
    pub fn check(self, manifest: &Manifest<'_>) -> Result<(), RuntimeError> {
        let reason = match (self, manifest.service.is_some()) {
            (Self::Job, false) | (Self::Service, true) => return Ok(()),
            (Self::Service, false) => {
                "it answers requests (it exports wasi:http/incoming-handler), but service is null in its manifest: give \
                 app.toml a [service] with a port"
            }
            (Self::Job, true) => {
                "it is a job (it exports wasi:cli/run), but its manifest has a service: take [service] out of app.toml"
            }
        };
        Err(RuntimeError::Mismatch { reason: reason.into() })
    }
}

/// A loaded component, linked with everything it imports. Runs any number of times, also at once.
pub struct Program {
    engine: Engine,
    linked: Linked,
    footprint: Footprint,
}

impl Program {
    /// Loads an artefact in place.
    ///
    /// # Errors
    /// See [`RuntimeError`].
    ///
    /// # Safety
    /// 1. The bytes are the output of `attestation_artefact::compile`: the caller has compared their hash with one it
    ///    trusts. They are native code; nothing in them is verified.
    /// 2. `artefact` stays readable and unchanged, at this address, for as long as the program and everything started
    ///    from it. Its text section may be made read-only by `machine.code_memory`.
    /// 3. The processor has all of `attestation_artefact::REQUIRED_CPU_FEATURES`, and AVX state is enabled.
    pub unsafe fn load(machine: Machine, artefact: NonNull<[u8]>) -> Result<Self, RuntimeError> {
        let address = artefact.addr().get();
        if !address.is_multiple_of(PAGE_BYTES) {
            return Err(RuntimeError::Misaligned { address });
        }
        let engine = Engine::new(&machine.into_config()).map_err(RuntimeError::settings)?;
        // SAFETY: points 1 and 2 are the caller's promises.
        let component = unsafe { Component::deserialize_raw(&engine, artefact) };
        Self::from_component(engine, component)
    }

    /// Loads an artefact from a copy that the engine makes.
    ///
    /// # Errors
    /// See [`RuntimeError`].
    ///
    /// # Safety
    /// Points 1 and 3 of [`load`](Self::load).
    pub unsafe fn load_copy(machine: Machine, artefact: &[u8]) -> Result<Self, RuntimeError> {
        let engine = Engine::new(&machine.into_config()).map_err(RuntimeError::settings)?;
        // SAFETY: the caller's promise.
        let component = unsafe { Component::deserialize(&engine, artefact) };
        Self::from_component(engine, component)
    }

    pub(crate) fn from_component(
        engine: Engine,
        component: wasmtime::Result<Component>,
    ) -> Result<Self, RuntimeError> {
        let component = component.map_err(RuntimeError::artefact)?;
        let linked = Linked::of(&engine, &component)?;
        let footprint = Footprint::of(&component)?;
        Ok(Self { engine, linked, footprint })
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> ProgramKind {
        self.linked.kind()
    }

    /// What its jobs take.
    #[must_use]
    pub const fn footprint(&self) -> &Footprint {
        &self.footprint
    }

    pub(crate) const fn linked(&self) -> &Linked {
        &self.linked
    }

    pub(crate) const fn engine(&self) -> &Engine {
        &self.engine
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").finish_non_exhaustive()
    }
}
