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
    /// The machine has less RAM than it should. The host is guilty.
    #[error("private memory: expected RAM up to {expected_bytes:#x}, found none at {found_gpa:#x}")]
    Missing {
        /// How much there should be.
        expected_bytes: u64,
        /// First address without RAM.
        found_gpa: u64,
    },
    /// The heap refuses.
    #[error("private memory: the heap cannot take it")]
    Heap,
}

/// Maps private memory up to `end_gpa` (rounded down to 2 MiB), checks that RAM is there, and gives it to the heap.
///
/// # Errors
/// See [`PrivateMemoryError`].
pub fn grow_heap(heap: &Heap, end_gpa: u64) -> Result<(), PrivateMemoryError> {
    let mut mapped_end = MAPPED_END.lock();
    let end_gpa = end_gpa - end_gpa % LARGE_PAGE_BYTES;
    while *mapped_end < end_gpa {
        // SAFETY: beyond `mapped_end` nothing is mapped; the memory map gives all of it to us, as private memory.
        unsafe { map(*mapped_end, *mapped_end, LARGE_PAGE_BYTES, Access::ReadWrite, Sharing::Private) }?;
        let last_word = *mapped_end + LARGE_PAGE_BYTES - 8;
        // SAFETY: just mapped, and not the heap's yet.
        if !unsafe { is_ram(last_word) } {
            return Err(PrivateMemoryError::Missing { expected_bytes: end_gpa, found_gpa: last_word });
        }
        *mapped_end += LARGE_PAGE_BYTES;
    }
    // SAFETY: the heap holds nothing that outlives the guest.
    unsafe { wipe::register(PRIVATE_GPA, *mapped_end - PRIVATE_GPA) }
    let base = NonNull::new(PRIVATE_GPA as usize as *mut u8).ok_or(PrivateMemoryError::Heap)?;
    let bytes = (*mapped_end - PRIVATE_GPA) as usize;
    // SAFETY: mapped, private, and used by nothing but the heap.
    if unsafe { heap.set_region(base, bytes) } { Ok(()) } else { Err(PrivateMemoryError::Heap) }
}

/// Whether an address holds what is written to it.
///
/// # Safety
/// The word at `gpa` is mapped writable and used by nothing.
unsafe fn is_ram(gpa: u64) -> bool {
    let word = gpa as usize as *mut u64;
    [0x5244_5F52_414D_3F21_u64, !0x5244_5F52_414D_3F21].into_iter().all(|pattern| {
        // SAFETY: promised by the caller.
        unsafe { word.write_volatile(pattern) }
        // SAFETY: promised by the caller.
        pattern == unsafe { word.read_volatile() }
    })
}
