//! The main private memory: mapped piece by piece, all of it the heap's.

use core::ptr::NonNull;

use enclave_wire::layout::{LARGE_PAGE_BYTES, PRIVATE_GPA};
use enclave_x86::paging::{Access, PagingError, Sharing, map};
use enclave_x86::wipe;

use crate::Heap;

/// First address that is not mapped yet.
static MAPPED_END: spin::Mutex<u64> = spin::Mutex::new(PRIVATE_GPA);

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

/// Maps private memory up to `end_gpa` (rounded down to 2 MiB) and gives it to the heap.
///
/// Nothing is touched: RAM that is missing shows when it is used. Under SNP and TDX each page must be validated or
/// accepted first, which fails where there is no RAM; a plain machine is asked how much it has (`FwCfg::ram_bytes`).
///
/// # Errors
/// See [`PrivateMemoryError`].
pub fn grow_heap(heap: &Heap, end_gpa: u64) -> Result<(), PrivateMemoryError> {
    let mut mapped_end = MAPPED_END.lock();
    let end_gpa = end_gpa - end_gpa % LARGE_PAGE_BYTES;
    while *mapped_end < end_gpa {
        // SAFETY: beyond `mapped_end` nothing is mapped; the memory map gives all of it to us, as private memory.
        unsafe { map(*mapped_end, *mapped_end, LARGE_PAGE_BYTES, Access::ReadWrite, Sharing::Private) }?;
        *mapped_end += LARGE_PAGE_BYTES;
    }
    // SAFETY: the heap holds nothing that outlives the guest.
    unsafe { wipe::register(PRIVATE_GPA, *mapped_end - PRIVATE_GPA) }
    let start = usize::try_from(PRIVATE_GPA).map_err(|_| PrivateMemoryError::Heap)?;
    let base = NonNull::new(core::ptr::with_exposed_provenance_mut(start)).ok_or(PrivateMemoryError::Heap)?;
    let bytes = usize::try_from(*mapped_end - PRIVATE_GPA).map_err(|_| PrivateMemoryError::Heap)?;
    // SAFETY: mapped, private, and used by nothing but the heap.
    if unsafe { heap.set_region(base, bytes) } { Ok(()) } else { Err(PrivateMemoryError::Heap) }
}
