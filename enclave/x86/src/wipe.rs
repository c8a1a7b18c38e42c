//! Wiping memory: what is left of secrets, and everything at the end.

use core::arch::asm;

use enclave_wire::boot::{DEBUG_EXIT_PORT, ExitCode};
use enclave_wire::layout::BOOT_TABLES_PLAIN_GPA;

use crate::paging::{self, Range};

/// Most ranges of each kind in a [`Plan`].
const RANGES_MAX: usize = 2;

/// What [`wipe_and_exit`] clears. In a static, because stacks are among it.
#[derive(Clone, Copy)]
struct Plan {
    /// The boot stack; empty until there is anything to clear.
    boot_stack: Range,
    /// Cleared whatever is in them.
    whole: [Range; RANGES_MAX],
    /// Cleared where the processor has marked pages as written to: RAM that was never touched holds nothing, and
    /// touching it would cost the host a page each.
    written: [Range; RANGES_MAX],
}

const NOTHING: Range = Range { start: 0, end: 0 };

static PLAN: spin::Mutex<Plan> = spin::Mutex::new(Plan {
    boot_stack: NOTHING,
    whole: [NOTHING; RANGES_MAX],
    written: [NOTHING; RANGES_MAX],
});

/// Names the boot stack: [`wipe_and_exit`] empties it, works on it, and clears it last.
///
/// # Safety
/// The range is identity-mapped boot RAM, whole pages, and used as a stack only.
pub unsafe fn register_boot_stack(stack: Range) {
    PLAN.lock().boot_stack = stack;
}

/// Adds a range that is cleared whatever is in it.
///
/// # Safety
/// The range is RAM that the boot page tables map, in whole eight-byte words; it holds no page tables, descriptor tables
/// or static data, and everything in it may be lost when the guest ends.
pub unsafe fn register(range: Range) {
    put(&mut PLAN.lock().whole, range);
}

/// Adds a range of which the pages that were written to are cleared, or lengthens the one that starts there.
///
/// # Safety
/// As for [`register`]; and nothing writes to the range but through the final page tables: no device, and no other mapping.
pub unsafe fn register_private(range: Range) {
    put(&mut PLAN.lock().written, range);
}

fn put(ranges: &mut [Range; RANGES_MAX], range: Range) {
    let slot = ranges.iter_mut().find(|known| known.start == range.start || **known == NOTHING);
    assert!(slot.is_some(), "more ranges to wipe than there is room for");
    slot.into_iter().for_each(|known| *known = range);
}

/// Clears what was registered and ends the guest.
///
/// Runs on the boot page tables, which map all RAM writable: guard pages and read-only code would fault under the final
/// ones. And on the boot stack, since the current one may lie in memory that is to be cleared.
pub fn wipe_and_exit(code: ExitCode) -> ! {
    // A panic may have struck while the lock was held; one processor, so whoever held it will never go on.
    // SAFETY: nothing else runs.
    unsafe { PLAN.force_unlock() }
    let stack_top = PLAN.lock().boot_stack.end;
    if stack_top == 0 {
        clear_and_exit(NOTHING, u64::from(code as u8));
    }
    // SAFETY: the boot tables map the ROM where this code runs and all RAM; nothing on any stack is used again.
    unsafe {
        asm!(
            "cli",
            "mov cr3, {tables}",
            "mov rsp, {stack_top}",
            "call {finish}",
            "ud2",
            tables = in(reg) BOOT_TABLES_PLAIN_GPA,
            stack_top = in(reg) stack_top,
            finish = sym finish,
            in("rdi") u64::from(code as u8),
            options(noreturn)
        );
    }
}

/// The rest of [`wipe_and_exit`], on the boot page tables and at the top of the boot stack.
extern "sysv64" fn finish(code: u64) -> ! {
    let plan = *PLAN.lock();
    // Should clearing itself fault, the second attempt leaves it at the stack.
    *PLAN.lock() = Plan { whole: [NOTHING; RANGES_MAX], written: [NOTHING; RANGES_MAX], ..plan };
    for range in plan.written {
        paging::dangerous_for_each_written(range, &mut clear);
    }
    plan.whole.into_iter().for_each(clear);
    clear_and_exit(plan.boot_stack, code)
}

fn clear(range: Range) {
    // SAFETY: part of a registered range, whose registrant promised that nothing in it is needed.
    unsafe {
        asm!(
            "cld",
            "rep stosq",
            inout("rdi") range.start => _,
            inout("rcx") range.bytes() / 8 => _,
            in("rax") 0_u64,
            options(nostack)
        );
    }
}

/// Clears the stack that it runs on, and leaves.
fn clear_and_exit(stack: Range, code: u64) -> ! {
    // SAFETY: from here on nothing uses a stack, and the guest ends.
    unsafe {
        asm!(
            "cli",
            "cld",
            "rep stosq",
            "mov eax, r9d",
            "out dx, al",
            "2:",
            "hlt",
            "jmp 2b",
            // Named registers: `noreturn` allows no clobbers, so the compiler must not pick the ones used above.
            in("rdi") stack.start,
            in("rcx") stack.bytes() / 8,
            in("rax") 0_u64,
            in("r9") code,
            in("rdx") u64::from(DEBUG_EXIT_PORT),
            options(noreturn)
        );
    }
}

/// Clears the unused part of the current stack: moved-out copies of secrets may lie there.
///
/// # Safety
/// `[bottom, current stack pointer)` is the unused part of the current stack.
#[inline(never)]
pub unsafe fn scrub_stack(bottom: u64) {
    // SAFETY: promised by the caller; a call instruction's worth of room is left, and nothing below is live, because the
    // target has no red zone.
    unsafe {
        asm!(
            "lea rcx, [rsp - 64]",
            "sub rcx, rdi",
            "jbe 2f",
            "shr rcx, 3",
            "xor eax, eax",
            "cld",
            "rep stosq",
            "2:",
            inout("rdi") bottom => _,
            out("rcx") _,
            out("rax") _,
        );
    }
}
