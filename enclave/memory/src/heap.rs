//! The heap: talc behind a lock, counting its use.

use core::alloc::{GlobalAlloc, Layout};
use core::fmt;
use core::ptr::{self, NonNull};

use talc::DefaultBinning;
use talc::base::Talc;
use talc::source::Manual;

/// Most regions of a heap: RAM below and above 4 GiB.
pub(crate) const REGIONS_MAX: usize = 2;

/// A global allocator that starts empty and is given memory once it is known to be private.
pub struct Heap {
    inner: spin::Mutex<Inner>,
}

struct Inner {
    talc: Talc<Manual, DefaultBinning>,
    used_bytes: usize,
    peak_bytes: usize,
    regions: [Option<Region>; REGIONS_MAX],
}

#[derive(Clone, Copy)]
struct Region {
    base: NonNull<u8>,
    /// Where talc says that it ends.
    end: NonNull<u8>,
    bytes: usize,
}

// SAFETY: talc only holds pointers into regions given to `set_region`, which nothing else uses; the lock orders access.
unsafe impl Send for Inner {}

/// How full a heap is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeapUse {
    /// Bytes handed out now.
    pub used_bytes: u64,
    /// The most bytes ever handed out at once.
    pub peak_bytes: u64,
    /// Bytes given to the heap.
    pub total_bytes: u64,
}

impl Heap {
    /// A heap without memory: every allocation fails until [`Self::set_region`].
    #[must_use]
    pub const fn new() -> Self {
        Self {
            inner: spin::Mutex::new(Inner {
                talc: Talc::new(Manual),
                used_bytes: 0,
                peak_bytes: 0,
                regions: [None; REGIONS_MAX],
            }),
        }
    }

    /// Gives the heap the region that starts at `base`, or lengthens it to `bytes`. Returns whether that worked: a region
    /// never shrinks, a tiny one is of no use, and there is room for `REGIONS_MAX`.
    ///
    /// # Safety
    /// The region is mapped, private, writable, and nothing else uses it ever again. A region that is to be lengthened
    /// has the same `base` as before.
    #[must_use]
    pub unsafe fn set_region(&self, base: NonNull<u8>, bytes: usize) -> bool {
        let inner = &mut *self.inner.lock();
        let is_its_slot = |slot: &&mut Option<Region>| slot.is_none_or(|region| region.base == base);
        let Some(slot) = inner.regions.iter_mut().find(is_its_slot) else { return false };
        let wanted_end = base.as_ptr().wrapping_add(bytes);
        let end = match *slot {
            // SAFETY: promised by the caller.
            None => unsafe { inner.talc.claim(base.as_ptr(), bytes) },
            Some(region) if region.bytes <= bytes => {
                // SAFETY: `end` is the end of the region, and the memory up to the new one is the caller's promise.
                Some(unsafe { inner.talc.extend(region.end, wanted_end) })
            }
            Some(_) => None,
        };
        let Some(end) = end else { return false };
        *slot = Some(Region { base, end, bytes });
        true
    }

    /// How full the heap is.
    #[must_use]
    pub fn usage(&self) -> HeapUse {
        let inner = self.inner.lock();
        HeapUse {
            used_bytes: inner.used_bytes as u64,
            peak_bytes: inner.peak_bytes as u64,
            total_bytes: inner.regions.iter().flatten().map(|region| region.bytes as u64).sum(),
        }
    }

    /// Forgets the peak, so that the next one belongs to what runs next.
    pub fn reset_peak(&self) {
        let mut inner = self.inner.lock();
        inner.peak_bytes = inner.used_bytes;
    }
}

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Heap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Heap").field(&self.usage()).finish()
    }
}

impl Inner {
    const fn grow(&mut self, bytes: usize) {
        self.used_bytes += bytes;
        if self.used_bytes > self.peak_bytes {
            self.peak_bytes = self.used_bytes;
        }
    }
}

// SAFETY: talc returns blocks of the layout's size and alignment that overlap no other live block; the lock makes it
// safe to share. Zero-sized layouts never reach a global allocator.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut inner = self.inner.lock();
        // SAFETY: the layout is not zero-sized, by this trait's contract.
        let Some(block) = (unsafe { inner.talc.allocate(layout) }) else { return ptr::null_mut() };
        inner.grow(layout.size());
        block.as_ptr()
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let mut inner = self.inner.lock();
        // SAFETY: `block` came from `alloc` with this layout, by this trait's contract.
        unsafe { inner.talc.deallocate(block, layout) }
        inner.used_bytes -= layout.size();
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
        {
            let mut inner = self.inner.lock();
            // SAFETY: `block` came from `alloc` with this layout and the new size is not zero, by this trait's contract.
            if unsafe { inner.talc.try_realloc_in_place(block, layout, new_bytes) } {
                inner.used_bytes -= layout.size();
                inner.grow(new_bytes);
                return block;
            }
        }
        // SAFETY: the alignment is that of a valid layout; callers keep sizes below `isize::MAX`.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_bytes, layout.align()) };
        // SAFETY: the new layout is not zero-sized.
        let new_block = unsafe { self.alloc(new_layout) };
        if !new_block.is_null() {
            // SAFETY: both blocks are valid for the smaller of the two sizes and do not overlap.
            unsafe { ptr::copy_nonoverlapping(block, new_block, layout.size().min(new_bytes)) }
            // SAFETY: `block` came from `alloc` with this layout and is not used any more.
            unsafe { self.dealloc(block, layout) }
        }
        new_block
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    fn heap(bytes: usize) -> Heap {
        let region: &'static mut [u8] = Vec::leak(vec![0; bytes]);
        let heap = Heap::new();
        // SAFETY: the leaked region is used by nothing else.
        assert!(unsafe { heap.set_region(NonNull::from(&mut region[0]), bytes) });
        heap
    }

    #[test]
    fn an_empty_heap_refuses() {
        // SAFETY: the layout is not zero-sized.
        assert!(unsafe { Heap::new().alloc(Layout::new::<u64>()) }.is_null());
    }

    #[test]
    fn use_and_peak_are_counted_through_growth_and_release() {
        let heap = heap(1 << 20);
        let layout = Layout::from_size_align(1000, 16).unwrap();
        // SAFETY: the layout is not zero-sized.
        let block = unsafe { heap.alloc(layout) };
        assert!(!block.is_null());
        // SAFETY: `block` was just allocated with this layout.
        let grown = unsafe { heap.realloc(block, layout, 5000) };
        assert_eq!(heap.usage().used_bytes, 5000);
        let layout = Layout::from_size_align(5000, 16).unwrap();
        // SAFETY: `grown` was just allocated with this layout.
        unsafe { heap.dealloc(grown, layout) }
        assert_eq!(heap.usage().used_bytes, 0);
        assert!(heap.usage().peak_bytes >= 5000);
        heap.reset_peak();
        assert_eq!(heap.usage().peak_bytes, 0);
    }

    #[test]
    fn a_longer_region_serves_larger_blocks() {
        let region: &'static mut [u8] = Vec::leak(vec![0; 1 << 20]);
        let base = NonNull::from(&mut region[0]);
        let heap = Heap::new();
        // SAFETY: the leaked region is used by nothing else.
        assert!(unsafe { heap.set_region(base, 1 << 16) });
        let layout = Layout::from_size_align(500_000, 16).unwrap();
        // SAFETY: the layout is not zero-sized.
        assert!(unsafe { heap.alloc(layout) }.is_null());
        // SAFETY: as above.
        assert!(unsafe { heap.set_region(base, 1 << 20) });
        // SAFETY: as above.
        assert!(!unsafe { heap.set_region(base, 1 << 16) });
        // SAFETY: the layout is not zero-sized.
        assert!(!unsafe { heap.alloc(layout) }.is_null());
    }

    #[test]
    fn a_second_region_serves_what_the_first_cannot() {
        let [first, second, third] =
            [1 << 16, 1 << 20, 1 << 16].map(|bytes| NonNull::from(&mut Vec::leak(vec![0_u8; bytes])[0]));
        let heap = Heap::new();
        // SAFETY: the leaked regions are used by nothing else; likewise below.
        assert!(unsafe { heap.set_region(first, 1 << 16) });
        // SAFETY: as above.
        assert!(unsafe { heap.set_region(second, 1 << 19) });
        // SAFETY: as above.
        assert!(unsafe { heap.set_region(second, 1 << 20) });
        // SAFETY: as above.
        assert!(!unsafe { heap.set_region(third, 1 << 16) });
        assert_eq!(heap.usage().total_bytes, (1 << 16) + (1 << 20));
        let layout = Layout::from_size_align(1_000_000, 16).unwrap();
        // SAFETY: the layout is not zero-sized.
        let block = unsafe { heap.alloc(layout) };
        assert!((second.as_ptr()..second.as_ptr().wrapping_add(1 << 20)).contains(&block));
        let small = Layout::from_size_align(50_000, 16).unwrap();
        // SAFETY: the layout is not zero-sized.
        let block = unsafe { heap.alloc(small) };
        assert!(!block.is_null());
    }

    #[test]
    fn exhaustion_is_refused_and_recovered_from() {
        let heap = heap(64 * 1024);
        let layout = Layout::from_size_align(100 * 1024, 16).unwrap();
        // SAFETY: the layout is not zero-sized.
        assert!(unsafe { heap.alloc(layout) }.is_null());
        let small = Layout::from_size_align(100, 16).unwrap();
        // SAFETY: the layout is not zero-sized.
        assert!(!unsafe { heap.alloc(small) }.is_null());
    }
}
