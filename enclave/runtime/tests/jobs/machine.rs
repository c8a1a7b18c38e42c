//! The hooks that bare metal fills in: code pages, stacks, and an artefact used where it lies.

use core::ffi::c_void;
use core::ops::Range;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use attestation_artefact::{CALL_STACK_DEFAULT_BYTES, async_stack_bytes};
use enclave_runtime::{Limit, Machine, Outcome, Program};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use wasmtime::{CustomCodeMemory, StackCreator, StackMemory};

use crate::harness::{JOB, LIMITS, TestHost, component, run_twice};

const PAGE_BYTES: usize = 4096;

#[test]
fn code_is_published_once_and_runs_in_place() {
    let artefact =
        attestation_artefact::compile_for_linux(&component(RECURSE), CALL_STACK_DEFAULT_BYTES).unwrap();
    let pages = Pages::new(artefact.len().next_multiple_of(PAGE_BYTES));
    // SAFETY: the pages are at least as long and nobody else's.
    unsafe { ptr::copy_nonoverlapping(artefact.as_ptr(), pages.start.cast(), artefact.len()) };
    let in_place = NonNull::slice_from_raw_parts(NonNull::new(pages.start.cast()).unwrap(), artefact.len());
    let code = Arc::new(CodePages::default());
    let machine = Machine {
        code_memory: Some(code.clone()),
        ..Machine::hosted(LIMITS.component_memory_bytes, CALL_STACK_DEFAULT_BYTES)
    };
    // SAFETY: the bytes come from the compiler and stay until the program is gone.
    let program = unsafe { Program::load(machine, in_place) }.unwrap();
    let (report, _) = run_twice(&program, &JOB, TestHost::default());
    assert_eq!(report.outcome, Outcome::LimitExceeded { limit: Limit::CallStack });
    assert_eq!((code.published.load(Ordering::Relaxed), code.unpublished.load(Ordering::Relaxed)), (1, 0));
    drop(program);
    assert_eq!((code.published.load(Ordering::Relaxed), code.unpublished.load(Ordering::Relaxed)), (1, 1));
}

#[test]
fn one_guarded_stack_per_job_is_enough() {
    let stacks = Arc::new(Stacks::default());
    let machine = Machine {
        stacks: Some(stacks.clone()),
        ..Machine::hosted(LIMITS.component_memory_bytes, CALL_STACK_DEFAULT_BYTES)
    };
    let artefact =
        attestation_artefact::compile_for_linux(&component(RECURSE), CALL_STACK_DEFAULT_BYTES).unwrap();
    // SAFETY: the bytes come from the compiler.
    let program = unsafe { Program::load_copy(machine, &artefact) }.unwrap();
    for jobs in 1..=3 {
        let (report, _) = run_twice(&program, &JOB, TestHost::default());
        assert_eq!(report.outcome, Outcome::LimitExceeded { limit: Limit::CallStack });
        assert_eq!(stacks.made.load(Ordering::Relaxed), 2 * jobs, "one for the job, one for its replay");
        assert_eq!(stacks.alive.load(Ordering::Relaxed), 0, "given back with the job");
    }
    assert_eq!(stacks.most_alive.load(Ordering::Relaxed), 1);
}

/// Uses up the stack.
const RECURSE: &str = r#"(func $f (param i64) (result i64)
        (i64.add (local.get 0) (call $f (i64.add (local.get 0) (i64.const 1)))))
    (func (export "run") (result i32) (i32.wrap_i64 (call $f (i64.const 0))))"#;

/// Writable pages of this process.
struct Pages {
    start: *mut c_void,
    bytes: usize,
}

impl Pages {
    fn new(bytes: usize) -> Self {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a mapping at an address of the kernel's choice touches nothing that exists.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), bytes, access, MapFlags::PRIVATE) };
        Self { start: start.expect("memory is there"), bytes }
    }
}

// SAFETY: the mapping has no owner but this value, and is only reached through raw pointers.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own.
        let _ = unsafe { munmap(self.start, self.bytes) };
    }
}

/// Flips permissions and counts.
#[derive(Default)]
struct CodePages {
    published: AtomicUsize,
    unpublished: AtomicUsize,
}

impl CustomCodeMemory for CodePages {
    fn required_alignment(&self) -> usize {
        PAGE_BYTES
    }

    fn publish_executable(&self, start: *const u8, bytes: usize) -> wasmtime::Result<()> {
        assert_eq!((start.addr() % PAGE_BYTES, bytes % PAGE_BYTES), (0, 0), "whole pages");
        self.published.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the engine publishes pages of the artefact only.
        unsafe { mprotect(start.cast_mut().cast(), bytes, MprotectFlags::READ | MprotectFlags::EXEC) }?;
        Ok(())
    }

    fn unpublish_executable(&self, start: *const u8, bytes: usize) -> wasmtime::Result<()> {
        self.unpublished.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the same pages again.
        unsafe { mprotect(start.cast_mut().cast(), bytes, MprotectFlags::READ | MprotectFlags::WRITE) }?;
        Ok(())
    }
}

/// Makes stacks with a guard page and counts them.
#[derive(Default)]
struct Stacks {
    made: AtomicUsize,
    alive: Arc<AtomicUsize>,
    most_alive: AtomicUsize,
}

struct Stack {
    pages: Pages,
    alive: Arc<AtomicUsize>,
}

// SAFETY: every stack is a mapping of its own whose lowest page is the guard.
unsafe impl StackCreator for Stacks {
    fn new_stack(&self, bytes: usize, _zeroed: bool) -> wasmtime::Result<Box<dyn StackMemory>> {
        assert_eq!(bytes, async_stack_bytes(CALL_STACK_DEFAULT_BYTES));
        let pages = Pages::new(bytes + PAGE_BYTES);
        // SAFETY: the page is part of the new mapping.
        unsafe { mprotect(pages.start, PAGE_BYTES, MprotectFlags::empty()) }?;
        self.made.fetch_add(1, Ordering::Relaxed);
        let alive = self.alive.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_alive.fetch_max(alive, Ordering::Relaxed);
        Ok(Box::new(Stack { pages, alive: self.alive.clone() }))
    }
}

// SAFETY: the range is the mapping without its guard page.
unsafe impl StackMemory for Stack {
    fn top(&self) -> *mut u8 {
        self.pages.start.wrapping_byte_add(self.pages.bytes).cast()
    }

    fn range(&self) -> Range<usize> {
        self.pages.start.addr() + PAGE_BYTES..self.top().addr()
    }

    fn guard_range(&self) -> Range<*mut u8> {
        self.pages.start.cast()..self.pages.start.wrapping_byte_add(PAGE_BYTES).cast()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}
