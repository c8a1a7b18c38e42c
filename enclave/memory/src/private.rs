//! The main private memory: mapped, and all of it the heap's.

use core::ptr::NonNull;

use enclave_wire::layout::{LARGE_PAGE_BYTES, private_ranges};
use enclave_x86::paging::{Access, PagingError, Range, Sharing, map};
use enclave_x86::wipe;

use crate::Heap;
use crate::heap::REGIONS_MAX;

/// First address of each range that is not mapped yet; 0 before the first call.
static MAPPED_ENDS: spin::Mutex<[u64; REGIONS_MAX]> = spin::Mutex::new([0; REGIONS_MAX]);

/// Private memory that cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateMemoryError {
    /// The page tables refuse.
    #[error("private memory: {0}")]
    Paging(#[from] PagingError),
    /// The heap refuses.
    #[error("private memory: the heap cannot take it")]
    Heap,
}

/// Maps the private memory of a machine with `ram_bytes` (rounded down to 2 MiB) and gives it to the heap. What was given
/// before is lengthened.
///
/// Nothing is touched: RAM that is missing shows when it is used. Under SNP and TDX each page must be validated or
/// accepted first, which fails where there is no RAM; a plain machine is asked how much it has (`FwCfg::ram_bytes`).
///
/// # Errors
/// See [`PrivateMemoryError`].
pub fn grow_heap(heap: &Heap, ram_bytes: u64) -> Result<(), PrivateMemoryError> {
    let ranges = private_ranges(ram_bytes - ram_bytes % LARGE_PAGE_BYTES);
    for ((start, end), mapped_end) in ranges.into_iter().zip(MAPPED_ENDS.lock().iter_mut()) {
        let from = start.max(*mapped_end);
        if from < end {
            // SAFETY: beyond `mapped_end` nothing is mapped; the memory map gives all of it to us, as private memory.
            unsafe { map(from, from, end - from, Access::ReadWrite, Sharing::Private) }?;
            *mapped_end = end;
            give(heap, Range { start, end })?;
        }
    }
    Ok(())
}

fn give(heap: &Heap, range: Range) -> Result<(), PrivateMemoryError> {
    // SAFETY: the heap holds nothing that outlives the guest, and is reached through its one mapping only; devices are
    // given the shared pool.
    unsafe { wipe::register_private(range) }
    let start = usize::try_from(range.start).map_err(|_| PrivateMemoryError::Heap)?;
    let base = NonNull::new(core::ptr::with_exposed_provenance_mut(start)).ok_or(PrivateMemoryError::Heap)?;
    let bytes = usize::try_from(range.bytes()).map_err(|_| PrivateMemoryError::Heap)?;
    // SAFETY: mapped, private, and used by nothing but the heap.
    if unsafe { heap.set_region(base, bytes) } { Ok(()) } else { Err(PrivateMemoryError::Heap) }
}
