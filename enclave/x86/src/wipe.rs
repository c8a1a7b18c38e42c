//! Wiping memory: what is left of secrets, and everything at the end.

use core::arch::asm;

use enclave_wire::boot::{DEBUG_EXIT_PORT, ExitCode};
use enclave_wire::layout::BOOT_TABLES_PLAIN_GPA;

/// Ranges that [`wipe_and_exit`] can clear.
pub const RANGES_MAX: usize = 4;

/// Guest-physical ranges to clear at the end: start and length. In a static, because the stack is among them.
static RANGES: spin::Mutex<[(u64, u64); RANGES_MAX]> = spin::Mutex::new([(0, 0); RANGES_MAX]);

/// Adds a range to what [`wipe_and_exit`] clears, or lengthens the one that starts there.
///
/// # Safety
/// The range is RAM below 1 GiB in whole eight-byte words, holds no page tables, descriptor tables or static data of this
/// crate, and everything in it may be lost when the guest ends.
pub unsafe fn register(start_gpa: u64, bytes: u64) {
    let mut ranges = RANGES.lock();
    let slot = ranges.iter_mut().find(|(start, _)| *start == start_gpa || *start == 0);
    assert!(slot.is_some(), "more ranges to wipe than there is room for");
    slot.into_iter().for_each(|range| *range = (start_gpa, bytes));
}

/// Clears the registered ranges and ends the guest.
///
/// Runs on the boot page tables, which map all of the first GiB writable: guard pages and read-only code would fault
/// under the final ones.
pub fn wipe_and_exit(code: ExitCode) -> ! {
    // A panic may have struck while the lock was held; one processor, so whoever held it will never go on.
    // SAFETY: nothing else runs.
    unsafe { RANGES.force_unlock() }
    let ranges: *const (u64, u64) = RANGES.lock().as_ptr();
    // SAFETY: the boot tables map the ROM where this code runs, boot RAM where `ranges` lies, and every registered
    // range; from here on nothing uses a stack, and the guest ends.
    unsafe {
        asm!(
            "cli",
            "cld",
            "mov cr3, r10",
            "xor eax, eax",
            "2:",
            "mov rdi, [rsi]",
            "mov rcx, [rsi + 8]",
            "shr rcx, 3",
            "rep stosq",
            "add rsi, 16",
            "dec r8",
            "jnz 2b",
            "mov eax, r9d",
            "out dx, al",
            "3:",
            "hlt",
            "jmp 3b",
            // Named registers: `noreturn` allows no clobbers, so the compiler must not pick the ones used above.
            in("r10") BOOT_TABLES_PLAIN_GPA,
            in("rsi") ranges,
            in("r8") RANGES_MAX,
            in("r9") u64::from(code as u8),
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
