//! The pool that guest and host share.
#![expect(unsafe_code, reason = "memory at addresses that somebody else chose has no safe form")]

use core::ptr::{NonNull, copy_nonoverlapping, null_mut, with_exposed_provenance_mut};
use std::sync::OnceLock;

use enclave_devices::shared;
use enclave_wire::layout::SHARED_POOL_BYTES;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};

const POOL_BYTES: usize = SHARED_POOL_BYTES as usize;

/// Address of the pool; mapped when first asked for, and never unmapped.
fn pool() -> Option<u64> {
    static POOL: OnceLock<Option<u64>> = OnceLock::new();
    *POOL.get_or_init(|| {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: new memory, at an address that the system chooses.
        let mapped = unsafe { mmap_anonymous(null_mut(), POOL_BYTES, access, MapFlags::PRIVATE) };
        Some(mapped.ok()?.expose_provenance() as u64)
    })
}

/// Gives the guest an empty pool full of zeros. Everything that was taken from the last one must be dropped.
///
/// # Panics
/// The system has no memory.
pub fn reset_pool() {
    let base = pool().and_then(|gpa| NonNull::new(with_exposed_provenance_mut::<u8>(gpa as usize)));
    assert!(base.is_some(), "the pool cannot be mapped");
    let Some(base) = base else { return };
    // SAFETY: the pool is ours and nothing holds a part of it; pages come back as zeros.
    let cleared = unsafe { madvise(base.as_ptr().cast(), POOL_BYTES, Advice::LinuxDontNeed) };
    assert!(cleared.is_ok(), "the pool cannot be cleared: {cleared:?}");
    // SAFETY: mapped above for good, at an address that is its own, used by nothing else.
    unsafe { shared::init(base, POOL_BYTES) }
}

/// Address of a byte of the pool.
pub(super) fn pool_gpa(offset: u64) -> u64 {
    pool().unwrap_or(0).wrapping_add(offset)
}

/// Writes into the pool, as a device does; what lies outside is left out.
pub fn write_pool(gpa: u64, bytes: &[u8]) {
    let count = bytes.len().min(room_at(gpa));
    // SAFETY: `count` bytes from `gpa` on lie in the pool, which has no references into it.
    unsafe { copy_nonoverlapping(bytes.as_ptr(), with_exposed_provenance_mut(gpa as usize), count) }
}

/// Reads from the pool; what lies outside reads as zeros.
#[must_use]
pub fn read_pool<const N: usize>(gpa: u64) -> [u8; N] {
    let mut bytes = [0; N];
    let count = N.min(room_at(gpa));
    // SAFETY: as in `write_pool`.
    unsafe {
        copy_nonoverlapping(with_exposed_provenance_mut::<u8>(gpa as usize), bytes.as_mut_ptr(), count);
    }
    bytes
}

/// Bytes from `gpa` to the end of the pool; none when it lies outside.
fn room_at(gpa: u64) -> usize {
    let offset = pool().and_then(|start| usize::try_from(gpa.checked_sub(start)?).ok());
    offset.and_then(|offset| POOL_BYTES.checked_sub(offset)).unwrap_or(0)
}
