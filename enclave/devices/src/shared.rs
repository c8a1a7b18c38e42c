//! The one pool of memory that the host sees.
//!
//! Made shared once at boot and never private again. Blocks are whole pages; access is by copying only. The copies are
//! assembly, because the host may write at the same time, which no Rust load or store may race with.

use core::arch::asm;
use core::ptr::NonNull;

use enclave_wire::layout::PAGE_BYTES;

use crate::DeviceError;

/// Pages that the pool can manage: 4 MiB.
const PAGES_MAX: usize = 1024;
const WORD_BITS: usize = u64::BITS as usize;
const PAGE: usize = 4096;
const _: () = assert!(PAGE as u64 == PAGE_BYTES, "blocks are whole pages");

static POOL: spin::Mutex<Option<Pool>> = spin::Mutex::new(None);

#[derive(Debug)]
struct Pool {
    base: NonNull<u8>,
    pages: usize,
    /// One bit per page, set when in use.
    used: [u64; PAGES_MAX / WORD_BITS],
}

// SAFETY: the pool owns its memory; the lock orders changes to the bitmap.
unsafe impl Send for Pool {}

/// Some pages of the pool. Given back when dropped.
#[derive(Debug)]
pub struct SharedBlock {
    base: NonNull<u8>,
    pages: usize,
}

// SAFETY: a block owns its pages; access goes through copies that tolerate concurrent writers.
unsafe impl Send for SharedBlock {}

/// Declares the pool.
///
/// # Safety
/// `[base, base + bytes)` is identity-mapped memory that is shared with the host and that nothing else uses; page
/// aligned.
pub unsafe fn init(base: NonNull<u8>, bytes: usize) {
    *POOL.lock() =
        Some(Pool { base, pages: (bytes / PAGE).min(PAGES_MAX), used: [0; PAGES_MAX / WORD_BITS] });
}

impl SharedBlock {
    /// Takes `bytes`, rounded up to pages, from the pool. Contents are whatever was there.
    ///
    /// # Errors
    /// Not enough pages in a row.
    pub fn allocate(bytes: usize) -> Result<Self, DeviceError> {
        let pages = bytes.div_ceil(PAGE).max(1);
        let mut pool = POOL.lock();
        let pool = pool.as_mut().ok_or(DeviceError::PoolExhausted { pages })?;
        let first = pool.take(pages).ok_or(DeviceError::PoolExhausted { pages })?;
        // SAFETY: `first + pages` is within the pool.
        let base = unsafe { pool.base.add(first * PAGE) };
        Ok(Self { base, pages })
    }

    /// Guest-physical address of the first byte: the pool is identity-mapped.
    #[must_use]
    pub fn gpa(&self) -> u64 {
        self.base.as_ptr() as usize as u64
    }

    /// Length.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.pages * PAGE
    }

    /// Copies into the block; bytes that do not fit are left out, and so is everything when `offset` lies outside.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) {
        let room = self.bytes().saturating_sub(offset);
        let count = bytes.len().min(room);
        // SAFETY: source is `count` readable bytes, destination lies within the block.
        unsafe { copy_raw(bytes.as_ptr(), self.base.as_ptr().wrapping_add(offset), count) }
    }

    /// Copies out of the block; what lies beyond it reads as before.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) {
        let room = self.bytes().saturating_sub(offset);
        let count = bytes.len().min(room);
        // SAFETY: source lies within the block, destination is `count` writable bytes.
        unsafe { copy_raw(self.base.as_ptr().wrapping_add(offset), bytes.as_mut_ptr(), count) }
    }

    /// Gives up ownership without freeing; [`Self::from_raw`] takes it back.
    pub(crate) fn into_raw(self) -> (NonNull<u8>, usize) {
        let parts = (self.base, self.pages);
        core::mem::forget(self);
        parts
    }

    /// # Safety
    /// The parts come from [`Self::into_raw`] and are used once.
    pub(crate) const unsafe fn from_raw(base: NonNull<u8>, pages: usize) -> Self {
        Self { base, pages }
    }
}

impl Drop for SharedBlock {
    fn drop(&mut self) {
        if let Some(pool) = POOL.lock().as_mut() {
            pool.give_back(self.base, self.pages);
        }
    }
}

impl Pool {
    /// First fit: blocks are few and long-lived.
    fn take(&mut self, pages: usize) -> Option<usize> {
        let first = (0..=self.pages.checked_sub(pages)?)
            .find(|first| (*first..first + pages).all(|page| !self.is_used(page)))?;
        (first..first + pages).for_each(|page| self.set_used(page, true));
        Some(first)
    }

    fn give_back(&mut self, base: NonNull<u8>, pages: usize) {
        let offset = (base.as_ptr() as usize).wrapping_sub(self.base.as_ptr() as usize);
        let first = offset / PAGE;
        (first..first + pages).for_each(|page| self.set_used(page, false));
    }

    fn is_used(&self, page: usize) -> bool {
        self.used.get(page / WORD_BITS).is_none_or(|word| word & (1 << (page % WORD_BITS)) != 0)
    }

    fn set_used(&mut self, page: usize, is_used: bool) {
        if let Some(word) = self.used.get_mut(page / WORD_BITS) {
            let bit = 1 << (page % WORD_BITS);
            *word = if is_used { *word | bit } else { *word & !bit };
        }
    }
}

/// Copies by string instructions, eight bytes at a time: opaque to the compiler, so a host that writes at the same time
/// is no data race in Rust's terms, and every byte is read exactly once.
///
/// # Safety
/// `source` is readable and `destination` writable for `count` bytes; they do not overlap.
unsafe fn copy_raw(source: *const u8, destination: *mut u8, count: usize) {
    // SAFETY: promised by the caller; the direction flag is clear in Rust code.
    unsafe {
        asm!(
            "mov {tail}, rcx",
            "shr rcx, 3",
            "rep movsq",
            "mov rcx, {tail}",
            "and rcx, 7",
            "rep movsb",
            tail = out(reg) _,
            inout("rcx") count => _,
            inout("rsi") source => _,
            inout("rdi") destination => _,
            options(nostack, preserves_flags)
        );
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Gives the tests of this crate one pool; they run in one process.
    pub(crate) fn init_test_pool() {
        static ONCE: spin::Once<()> = spin::Once::new();
        ONCE.call_once(|| {
            let layout = core::alloc::Layout::from_size_align(PAGES_MAX * PAGE, PAGE).unwrap();
            // SAFETY: the layout is not zero-sized.
            let memory = unsafe { std::alloc::alloc_zeroed(layout) };
            // SAFETY: the memory is never freed or used otherwise.
            unsafe { init(NonNull::new(memory).unwrap(), PAGES_MAX * PAGE) }
        });
    }

    #[test]
    fn blocks_do_not_overlap_and_copies_stay_inside() {
        init_test_pool();
        let mut first = SharedBlock::allocate(1).unwrap();
        let mut second = SharedBlock::allocate(PAGE + 1).unwrap();
        assert_eq!(second.bytes(), 2 * PAGE);
        first.write(0, &[1; 2 * PAGE]);
        second.write(0, &[2; 2 * PAGE]);
        let mut found = [0; 13];
        first.read(PAGE - 13, &mut found);
        assert_eq!(found, [1; 13]);
        second.read(3, &mut found);
        assert_eq!(found, [2; 13]);
        let mut beyond = [9; 4];
        first.read(PAGE - 2, &mut beyond);
        assert_eq!(beyond, [1, 1, 9, 9]);
        first.write(usize::MAX, &[7]);
    }

    #[test]
    fn too_much_is_refused() {
        init_test_pool();
        assert_eq!(
            SharedBlock::allocate((PAGES_MAX + 1) * PAGE).unwrap_err(),
            DeviceError::PoolExhausted { pages: PAGES_MAX + 1 }
        );
    }
}
