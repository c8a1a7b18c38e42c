//! The memory that a component gets from the engine.

use wasmtime::ResourceLimiter;

use crate::footprint::TABLE_ELEMENT_BYTES;
use crate::limits::{Limit, RunEnd};

/// Counts linear memories and tables against one limit.
///
/// A growth beyond the limit ends the job instead of returning -1 to the component: the report then names the limit, and
/// not whatever the component's allocator does about it. Tables have a limit of their own as well, because the engine
/// keeps them in the guest's part of the heap: what goes beyond is refused to the component.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    limit_bytes: u64,
    table_limit_bytes: u64,
    table_bytes: u64,
    used_bytes: u64,
    peak_bytes: u64,
    is_short: bool,
}

impl MemoryBudget {
    pub(crate) const fn new(limit_bytes: u64, table_limit_bytes: u64) -> Self {
        Self { limit_bytes, table_limit_bytes, table_bytes: 0, used_bytes: 0, peak_bytes: 0, is_short: false }
    }

    /// The most that was in use at once, in bytes, and whether the machine had less than the limit.
    pub(crate) const fn outcome(&self) -> (u64, bool) {
        (self.peak_bytes, self.is_short)
    }

    fn machine_is_short(&mut self, error: wasmtime::Error) -> wasmtime::Error {
        self.is_short = true;
        error.context("out of memory: the machine has less than the job's limit allows")
    }

    fn grow(&mut self, added_bytes: u64) -> wasmtime::Result<()> {
        let used_bytes = self.used_bytes.saturating_add(added_bytes);
        if used_bytes > self.limit_bytes {
            return Err(RunEnd::Limit(Limit::ComponentMemory).into());
        }
        self.used_bytes = used_bytes;
        self.peak_bytes = self.peak_bytes.max(used_bytes);
        Ok(())
    }
}

impl ResourceLimiter for MemoryBudget {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The component's own maximum: it asked to be told no.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.grow(difference(current, desired))?;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(self.machine_is_short(error))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let added_bytes = difference(current, desired).saturating_mul(TABLE_ELEMENT_BYTES);
        let table_bytes = self.table_bytes.saturating_add(added_bytes);
        if table_bytes > self.table_limit_bytes {
            return Ok(false);
        }
        self.grow(added_bytes)?;
        self.table_bytes = table_bytes;
        Ok(true)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(self.machine_is_short(error))
    }
}

fn difference(current: usize, desired: usize) -> u64 {
    u64::try_from(desired.saturating_sub(current)).unwrap_or(u64::MAX)
}
