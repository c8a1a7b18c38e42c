//! Linear memories of services: an instance's memory is the next one's, and only what was written to is cleared for it.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::ptr::NonNull;

use enclave_wire::layout::{LARGE_PAGE_BYTES, PAGE_BYTES};
use enclave_x86::paging::{Access, Range, protect};
use wasmtime::{Error, LinearMemory, MemoryCreator, MemoryType, Result};

use crate::machine::{PAGE, clear_written, paging_error};

/// Makes memories from the heap, each with room to grow by the same. One that is given back is kept: what it begins with is
/// in small pages, which are marked one by one when they are written to, and few of them are in a request.
#[derive(Debug)]
pub(crate) struct KeptMemories {
    growth_bytes: u64,
    free: Arc<spin::Mutex<Vec<Block>>>,
}

/// Whole pages. Lives for ever.
#[derive(Debug)]
struct Block {
    start: NonNull<u8>,
    capacity: usize,
    /// So many bytes from the start are zero, but for pages that are marked. What lies behind was never given to anybody.
    zeroed: usize,
}

// SAFETY: whoever holds the block owns its memory: it is in the list or in one memory.
unsafe impl Send for Block {}
// SAFETY: shared references only tell addresses and sizes.
unsafe impl Sync for Block {}

#[derive(Debug)]
struct KeptMemory {
    /// Absent only while it is dropped.
    block: Option<Block>,
    bytes: usize,
    free: Arc<spin::Mutex<Vec<Block>>>,
}

impl KeptMemories {
    pub(crate) fn new(growth_bytes: u64) -> Self {
        Self { growth_bytes, free: Arc::default() }
    }

    fn take(&self, minimum: usize, capacity: usize) -> Result<Block> {
        let kept = {
            let mut free = self.free.lock();
            let fitting = free.iter().position(|block| block.capacity == capacity);
            fitting.map(|index| free.swap_remove(index))
        };
        kept.map_or_else(|| Block::allocate(minimum, capacity), Block::cleared)
    }
}

impl Block {
    fn allocate(minimum: usize, capacity: usize) -> Result<Self> {
        let layout = Layout::from_size_align(capacity, PAGE).map_err(|_| Error::msg("memory size"))?;
        // SAFETY: the layout is not zero-sized.
        let start = NonNull::new(unsafe { alloc::alloc::alloc(layout) })
            .ok_or_else(|| Error::msg("no memory left for a linear memory"))?;
        let block = Self { start, capacity, zeroed: 0 };
        block.cut(minimum)?;
        Ok(block)
    }

    /// Cuts every large page in which the first bytes lie.
    fn cut(&self, bytes: usize) -> Result<()> {
        let Range { start, end } = self.first(bytes);
        let large = LARGE_PAGE_BYTES;
        let firsts = (start / large..end.div_ceil(large)).map(|number| start.max(number * large));
        firsts.into_iter().try_for_each(|page| {
            // SAFETY: takes nothing away.
            unsafe { protect(page, PAGE_BYTES, Access::ReadWrite) }.map_err(paging_error)
        })
    }

    fn first(&self, bytes: usize) -> Range {
        let start = self.start.as_ptr() as usize as u64;
        Range { start, end: start + bytes as u64 }
    }

    /// As it was when it was new.
    fn cleared(self) -> Result<Self> {
        // SAFETY: the block is nobody else's.
        unsafe { clear_written(self.start, self.first(self.zeroed)) }?;
        Ok(self)
    }

    /// Makes the first bytes zero that never were.
    fn zero_up_to(&mut self, bytes: usize) {
        let more = bytes.saturating_sub(self.zeroed);
        // SAFETY: at most `capacity` bytes, by the caller's check, of a block that nobody else has.
        unsafe { self.start.as_ptr().wrapping_add(self.zeroed).write_bytes(0, more) }
        self.zeroed += more;
    }
}

// SAFETY: every memory is a block of its own, zero where it was not written to since, which never moves.
unsafe impl MemoryCreator for KeptMemories {
    fn new_memory(
        &self,
        _ty: MemoryType,
        minimum: usize,
        _maximum: Option<usize>,
        _reserved: Option<usize>,
        guard_bytes: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        debug_assert_eq!(guard_bytes, 0, "bounds are checked by code");
        let growth = usize::try_from(self.growth_bytes).unwrap_or(usize::MAX);
        let capacity =
            minimum.checked_add(growth).and_then(|bytes| bytes.max(1).checked_next_multiple_of(PAGE));
        let capacity = capacity.ok_or_else(|| "memory size".to_string())?;
        let block = self.take(minimum, capacity).map_err(|error| error.to_string())?;
        let mut memory = KeptMemory { block: Some(block), bytes: 0, free: self.free.clone() };
        memory.grow_to(minimum).map_err(|error| error.to_string())?;
        Ok(Box::new(memory))
    }
}

// SAFETY: the block is there as long as the memory.
unsafe impl LinearMemory for KeptMemory {
    fn byte_size(&self) -> usize {
        self.bytes
    }

    fn byte_capacity(&self) -> usize {
        self.block.as_ref().map_or(0, |block| block.capacity)
    }

    fn grow_to(&mut self, bytes: usize) -> Result<()> {
        let block = self.block.as_mut().filter(|block| bytes <= block.capacity);
        block.ok_or_else(|| Error::msg("no room for a linear memory to grow"))?.zero_up_to(bytes);
        self.bytes = bytes;
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.block.as_ref().map_or(core::ptr::null_mut(), |block| block.start.as_ptr())
    }
}

impl Drop for KeptMemory {
    fn drop(&mut self) {
        self.free.lock().extend(self.block.take());
    }
}
