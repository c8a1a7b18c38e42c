//! Memory for the engine: code that turns from writable to executable, stacks with a guard page.

use alloc::boxed::Box;
use core::alloc::Layout;
use core::ops::Range;
use core::ptr::NonNull;

use enclave_wire::layout::PAGE_BYTES;
use enclave_x86::paging::{Access, PagingError, protect};
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

/// Makes stacks from the heap, each with an unmapped page below.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GuardedStacks;

#[derive(Debug)]
struct GuardedStack {
    block: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the stack owns its block.
unsafe impl Send for GuardedStack {}
// SAFETY: shared references only tell addresses.
unsafe impl Sync for GuardedStack {}

// SAFETY: every stack is a live block of its own, page-aligned at both ends, at least as large as asked for, with a
// guard page below.
unsafe impl StackCreator for GuardedStacks {
    fn new_stack(&self, bytes: usize, _zeroed: bool) -> Result<Box<dyn StackMemory>> {
        let bytes = bytes.next_multiple_of(PAGE) + PAGE;
        let layout = Layout::from_size_align(bytes, PAGE).map_err(|_| Error::msg("stack size"))?;
        // SAFETY: the layout is not zero-sized. Zeroed whatever the engine asks: what a job left must not be found.
        let block = NonNull::new(unsafe { alloc::alloc::alloc_zeroed(layout) })
            .ok_or_else(|| Error::msg("no memory left for a stack"))?;
        let stack = GuardedStack { block, layout };
        // SAFETY: the block's first page is not part of the stack, and nothing else refers to it.
        unsafe { protect(block.as_ptr() as usize as u64, PAGE_BYTES, Access::None) }.map_err(paging_error)?;
        Ok(Box::new(stack))
    }
}

// SAFETY: `range` lies inside the block, above its guard page.
unsafe impl StackMemory for GuardedStack {
    fn top(&self) -> *mut u8 {
        self.block.as_ptr().wrapping_add(self.layout.size())
    }

    fn range(&self) -> Range<usize> {
        let start = self.block.as_ptr() as usize;
        start + PAGE..start + self.layout.size()
    }

    fn guard_range(&self) -> Range<*mut u8> {
        self.block.as_ptr()..self.block.as_ptr().wrapping_add(PAGE)
    }
}

impl Drop for GuardedStack {
    fn drop(&mut self) {
        // SAFETY: the heap may use the page again.
        let opened = unsafe { protect(self.block.as_ptr() as usize as u64, PAGE_BYTES, Access::ReadWrite) };
        // A page that cannot be opened again must not go back to the heap.
        if opened.is_ok() {
            // SAFETY: `block` came from `alloc_zeroed` with this layout.
            unsafe { alloc::alloc::dealloc(self.block.as_ptr(), self.layout) }
        }
    }
}

fn paging_error(error: PagingError) -> Error {
    Error::new(error)
}
