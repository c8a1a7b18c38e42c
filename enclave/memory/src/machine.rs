//! Memory for the engine: code that turns from writable to executable, stacks with a guard page.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::fmt;
use core::ops::Range as Addresses;
use core::ptr::NonNull;

use enclave_runtime::RuntimeError;
use enclave_wire::layout::PAGE_BYTES;
use enclave_x86::paging::{Access, PagingError, Range, give_tables, protect, take_written};
use wasmtime::{CustomCodeMemory, Error, Result, StackCreator, StackMemory};

pub(crate) const PAGE: usize = 4096;
const _: () = assert!(PAGE as u64 == PAGE_BYTES, "permissions change by whole pages");

/// Publishes code by taking its pages' writability away.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CodePages;

impl CustomCodeMemory for CodePages {
    fn required_alignment(&self) -> usize {
        PAGE
    }

    fn publish_executable(&self, code: *const u8, bytes: usize) -> Result<()> {
        // SAFETY: the engine publishes the text section of an artefact whose hash the manifest names, once, and does
        // not write to it afterwards.
        unsafe { protect_pages(code, bytes, Access::Execute) }
    }

    fn unpublish_executable(&self, code: *const u8, bytes: usize) -> Result<()> {
        // SAFETY: the engine promises that nothing runs there any more.
        unsafe { protect_pages(code, bytes, Access::ReadWrite) }
    }
}

/// # Safety
/// As for [`protect`]; the range is rounded up to whole pages, which the artefact's layout allows: what follows its
/// text section starts on a page of its own.
unsafe fn protect_pages(start: *const u8, bytes: usize, access: Access) -> Result<()> {
    let bytes = bytes.next_multiple_of(PAGE) as u64;
    // SAFETY: promised by the caller.
    unsafe { protect(start as usize as u64, bytes, access) }.map_err(paging_error)
}

/// Makes stacks from the heap, each with an unmapped page below. A stack that is given back is kept for the next job:
/// it has cut large pages of the page tables, and each cut takes a table that never comes back.
#[derive(Debug, Clone, Default)]
pub(crate) struct GuardedStacks {
    free: Arc<spin::Mutex<Vec<Block>>>,
}

/// A guard page and the stack above it. Lives for ever.
#[derive(Debug, Clone, Copy)]
struct Block {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: whoever holds the block owns its memory: it is in the list or in one stack.
unsafe impl Send for Block {}

#[derive(Debug)]
struct GuardedStack {
    block: Block,
    free: Arc<spin::Mutex<Vec<Block>>>,
}

// SAFETY: shared references only tell addresses.
unsafe impl Sync for GuardedStack {}

impl Block {
    fn allocate(bytes: usize) -> Result<Self> {
        let layout = Layout::from_size_align(bytes, PAGE).map_err(|_| Error::msg("stack size"))?;
        // SAFETY: the layout is not zero-sized.
        let start = NonNull::new(unsafe { alloc::alloc::alloc(layout) })
            .ok_or_else(|| Error::msg("no memory left for a stack"))?;
        // SAFETY: the block's first page is not part of the stack, and nothing else refers to it.
        unsafe { protect(start.as_ptr() as usize as u64, PAGE_BYTES, Access::None) }.map_err(paging_error)?;
        let block = Self { start, bytes };
        let top_page = block.range().end - PAGE_BYTES;
        // Most of what is ever written to is up there: in small pages, which are marked one by one.
        // SAFETY: takes nothing away.
        unsafe { protect(top_page, PAGE_BYTES, Access::ReadWrite) }.map_err(paging_error)?;
        Ok(block)
    }

    /// Without the guard page.
    fn range(self) -> Range {
        let start = self.start.as_ptr() as usize as u64;
        Range { start: start + PAGE_BYTES, end: start + self.bytes as u64 }
    }

    /// What a job left must not be found by the next. Few pages of a stack are ever used: it is as large as the deepest calls
    /// that the manifest permits.
    fn clear(self) -> Result<()> {
        // SAFETY: everything above the guard page is ours and mapped.
        unsafe { clear_written(self.start, self.range()) }
    }
}

// SAFETY: every stack is a block of its own, page-aligned at both ends, at least as large as asked for, with a guard page
// below.
unsafe impl StackCreator for GuardedStacks {
    fn new_stack(&self, bytes: usize, _zeroed: bool) -> Result<Box<dyn StackMemory>> {
        let bytes = bytes.next_multiple_of(PAGE) + PAGE;
        let kept = {
            let mut free = self.free.lock();
            let fitting = free.iter().position(|block| block.bytes == bytes);
            fitting.map(|index| free.swap_remove(index))
        };
        let block = match kept {
            Some(block) => block,
            None => Block::allocate(bytes)?,
        };
        block.clear()?;
        Ok(Box::new(GuardedStack { block, free: self.free.clone() }))
    }
}

// SAFETY: `range` lies inside the block, above its guard page.
unsafe impl StackMemory for GuardedStack {
    fn top(&self) -> *mut u8 {
        self.block.start.as_ptr().wrapping_add(self.block.bytes)
    }

    fn range(&self) -> Addresses<usize> {
        let start = self.block.start.as_ptr() as usize;
        start + PAGE..start + self.block.bytes
    }

    fn guard_range(&self) -> Addresses<*mut u8> {
        self.block.start.as_ptr()..self.block.start.as_ptr().wrapping_add(PAGE)
    }
}

impl Drop for GuardedStack {
    fn drop(&mut self) {
        self.free.lock().push(self.block);
    }
}

/// Makes room for page tables that stacks and memories take, besides those in boot RAM.
pub(crate) fn reserve_tables(tables: u64) -> Result<(), RuntimeError> {
    if tables == 0 {
        return Ok(());
    }
    let settings = |reason: &dyn fmt::Display| RuntimeError::Settings { reason: alloc::format!("{reason}") };
    let bytes = usize::try_from(tables).unwrap_or(usize::MAX).saturating_mul(PAGE);
    let layout = Layout::from_size_align(bytes, PAGE).map_err(|error| settings(&error))?;
    // SAFETY: the layout is not zero-sized.
    let start = NonNull::new(unsafe { alloc::alloc::alloc_zeroed(layout) });
    let start = start.ok_or_else(|| settings(&"no memory left for page tables"))?.as_ptr() as usize as u64;
    // SAFETY: the heap is identity-mapped private memory, and the block is never given back.
    unsafe { give_tables(Range { start, end: start + bytes as u64 }) }.map_err(|error| settings(&error))
}

/// Clears the pages of `range` that were written to since they were cleared last.
///
/// # Safety
/// The range is writable, of the heap's block that begins at `block`, and nobody refers to it.
pub(crate) unsafe fn clear_written(block: NonNull<u8>, range: Range) -> Result<()> {
    let mut clear = |part: Range| {
        let start = block.as_ptr().with_addr(address(part.start));
        // SAFETY: the part is of the range, and the heap is mapped to its own addresses.
        unsafe { start.write_bytes(0, address(part.bytes())) }
    };
    // SAFETY: everything that is given to it is emptied.
    unsafe { take_written(range, &mut clear) }.map_err(paging_error)
}

#[expect(clippy::cast_possible_truncation, reason = "the guest's addresses have 64 bits")]
const fn address(gpa: u64) -> usize {
    gpa as usize
}

pub(crate) fn paging_error(error: PagingError) -> Error {
    Error::new(error)
}
