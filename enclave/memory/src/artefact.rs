//! From artefact bytes to a program, with the hash in between.

use alloc::sync::Arc;
use core::alloc::Layout;
use core::ptr::NonNull;

use attestation_artefact::CALL_STACK_MIN_BYTES;
use attestation_manifest::{HexDigest, Manifest};
use enclave_runtime::{Demands, Footprint, Machine, Program, RuntimeError};
use enclave_x86::paging::{Access, protect};
use sha2::{Digest, Sha256};

use crate::linear::KeptMemories;
use crate::machine::{CodePages, GuardedStacks, PAGE, reserve_tables};

/// Page-aligned memory that an artefact is read into and run from.
#[derive(Debug)]
pub struct ArtefactBuffer {
    start: NonNull<u8>,
    layout: Layout,
    bytes: usize,
}

/// An artefact that is not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArtefactError {
    /// The guest has too little memory for it.
    #[error("artefact: no memory left for {bytes} bytes")]
    OutOfMemory {
        /// Its length.
        bytes: usize,
    },
    /// It is not the one that the manifest names.
    #[error("artefact: manifest says SHA-256 {expected}, found {found}")]
    Mismatch {
        /// `artefact.sha256` of the manifest.
        expected: HexDigest<32>,
        /// Hash of the bytes at hand.
        found: HexDigest<32>,
    },
    /// The engine refuses it.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

impl ArtefactBuffer {
    /// Room for `bytes`, in a heap of `heap_bytes`.
    ///
    /// # Errors
    /// The heap is too small to load it and run a job, or has no room in one piece.
    pub fn allocate(bytes: usize, heap_bytes: u64) -> Result<Self, ArtefactError> {
        let demands = Demands {
            artefact_bytes: bytes as u64,
            component_memory_bytes: 0,
            call_stack_bytes: CALL_STACK_MIN_BYTES,
            runs: 1,
            storage_bytes: 0,
            network_bytes: 0,
        };
        Footprint::LEAST.check(heap_bytes, &demands)?;
        let out_of_memory = ArtefactError::OutOfMemory { bytes };
        let rounded = bytes.max(1).checked_next_multiple_of(PAGE).ok_or(out_of_memory.clone())?;
        let layout = Layout::from_size_align(rounded, PAGE).map_err(|_| out_of_memory.clone())?;
        // SAFETY: the layout is not zero-sized.
        let start = NonNull::new(unsafe { alloc::alloc::alloc_zeroed(layout) }).ok_or(out_of_memory)?;
        Ok(Self { start, layout, bytes })
    }

    /// The bytes, to be filled.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: the block is initialised, at least this long, and owned by `self`.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }

    /// Loads the artefact if its hash is the manifest's and a heap of `heap_bytes` suffices for its jobs. The bytes stay where
    /// they are, read-only, for ever.
    ///
    /// The caller has checked at boot that the processor has every feature that artefacts are compiled for, and AVX state
    /// is enabled.
    ///
    /// # Errors
    /// See [`ArtefactError`].
    pub fn into_program(
        mut self,
        manifest: &Manifest<'_>,
        heap_bytes: u64,
    ) -> Result<Program, ArtefactError> {
        let expected = manifest.artefact.sha256;
        let found = HexDigest(Sha256::digest(self.as_mut_slice()).into());
        if found != expected {
            return Err(ArtefactError::Mismatch { expected, found });
        }
        let (start, layout, bytes) = (self.start, self.layout, self.bytes);
        core::mem::forget(self);
        // SAFETY: nothing writes to the bytes any more, and no reference to them is left.
        unsafe { protect(start.as_ptr() as usize as u64, layout.size() as u64, Access::Read) }
            .map_err(|error| RuntimeError::Settings { reason: alloc::format!("{error}") })?;
        let demands = Demands::of(manifest, bytes as u64);
        let is_service = manifest.service.is_some();
        let machine = Machine {
            code_memory: Some(Arc::new(CodePages)),
            stacks: Some(Arc::new(GuardedStacks::default())),
            memories: is_service.then(|| Arc::new(KeptMemories::new(demands.component_memory_bytes)) as _),
            linear_memory_bytes: demands.component_memory_bytes,
            call_stack_bytes: demands.call_stack_bytes,
        };
        // SAFETY: the hash is the manifest's; the block is never freed nor written to; processor features were checked
        // at boot.
        let program = unsafe { Program::load(machine, NonNull::slice_from_raw_parts(start, bytes)) }?;
        program.kind().check(manifest)?;
        program.footprint().check(heap_bytes, &demands)?;
        // Those of one job's stack fit into boot RAM.
        let runs = if is_service { demands.runs } else { 0 };
        reserve_tables(program.footprint().page_tables().saturating_mul(runs.into()))?;
        Ok(program)
    }
}

impl Drop for ArtefactBuffer {
    fn drop(&mut self) {
        // SAFETY: `start` came from `alloc_zeroed` with this layout.
        unsafe { alloc::alloc::dealloc(self.start.as_ptr(), self.layout) }
    }
}
