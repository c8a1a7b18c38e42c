//! Exceptions: every one is fatal, prints its registers, and runs on a stack of its own.
//!
//! The own stack (IST) is not only for overflows: hand-written assembly of linked libraries keeps data below the
//! stack pointer, so nothing may ever be pushed on the interrupted stack.

use core::fmt::Write;

/// Registers as the entry stubs save them, lowest address first.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct TrapFrame {
    /// r15 down to r8, then rdi, rsi, rbp, rbx, rdx, rcx, rax.
    pub general: [u64; 15],
    /// Exception number.
    pub vector: u64,
    /// Error code, or 0 where the exception has none.
    pub error_code: u64,
    /// Where it happened.
    pub rip: u64,
    /// Code segment.
    pub cs: u64,
    /// Flags.
    pub rflags: u64,
    /// Stack pointer.
    pub rsp: u64,
    /// Stack segment.
    pub ss: u64,
}

const _: () = assert!(size_of::<TrapFrame>() == 22 * 8, "the entry stubs push 15 + 2 + 5 quadwords");

/// Names of the general registers in [`TrapFrame::general`]'s order.
const GENERAL_NAMES: [&str; 15] =
    ["r15", "r14", "r13", "r12", "r11", "r10", "r9", "r8", "rdi", "rsi", "rbp", "rbx", "rdx", "rcx", "rax"];

/// Names by vector (SDM volume 3, table "Protected-Mode Exceptions and Interrupts"; 29 from the APM).
const NAMES: [(u64, &str); 20] = [
    (0, "#DE divide error"),
    (1, "#DB debug"),
    (2, "NMI"),
    (3, "#BP breakpoint"),
    (4, "#OF overflow"),
    (5, "#BR bound range"),
    (6, "#UD invalid opcode"),
    (7, "#NM no FPU"),
    (8, "#DF double fault"),
    (10, "#TS invalid TSS"),
    (12, "#SS stack segment"),
    (13, "#GP general protection"),
    (14, "#PF page fault"),
    (16, "#MF x87"),
    (17, "#AC alignment"),
    (18, "#MC machine check"),
    (19, "#XM SIMD"),
    (20, "#VE virtualization"),
    (21, "#CP control protection"),
    (29, "#VC VMM communication"),
];

/// Prints a trap's registers.
///
/// # Errors
/// Those of `out`.
pub fn dump(frame: &TrapFrame, fault_address: u64, out: &mut impl Write) -> core::fmt::Result {
    let name = NAMES.iter().find(|(vector, _)| *vector == frame.vector).map_or("exception", |(_, name)| name);
    writeln!(out, "\nFATAL exception {} {name}, error code {:#x}", frame.vector, frame.error_code)?;
    if frame.vector == 14 {
        writeln!(out, "  address {fault_address:#018x}, {}", describe_page_fault(frame.error_code))?;
    }
    writeln!(out, "  rip {:#018x}  rsp {:#018x}  rflags {:#010x}", frame.rip, frame.rsp, frame.rflags)?;
    for (index, (name, value)) in GENERAL_NAMES.iter().zip(frame.general).rev().enumerate() {
        let end = if index % 3 == 2 { '\n' } else { ' ' };
        write!(out, "  {name:3} {value:#018x}{end}")?;
    }
    Ok(())
}

const fn describe_page_fault(error_code: u64) -> &'static str {
    match (error_code & 1 != 0, error_code & 2 != 0, error_code & 16 != 0) {
        (_, _, true) => "execution of memory that is not code",
        (false, true, _) => "write to memory that is not mapped",
        (false, false, _) => "read of memory that is not mapped",
        (true, true, _) => "write to memory that is read-only",
        (true, false, _) => "read of protected memory",
    }
}

#[cfg(target_os = "none")]
pub use tables::{STACK_COUNT, install, stack_guards};

#[cfg(target_os = "none")]
mod tables {
    //! Descriptor tables and entry stubs: only a machine without an operating system may load them.

    use core::arch::global_asm;
    use core::cell::UnsafeCell;
    use core::fmt::Write;
    use core::sync::atomic::{AtomicBool, Ordering};

    use x86_64::VirtAddr;
    use x86_64::instructions::segmentation::{CS, DS, ES, SS, Segment};
    use x86_64::instructions::tables::load_tss;
    use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable, SegmentSelector};
    use x86_64::structures::idt::{Entry, HandlerFunc, InterruptDescriptorTable};
    use x86_64::structures::tss::TaskStateSegment;

    use super::{TrapFrame, dump};
    use crate::paging::Range;
    use crate::serial::Serial;
    use crate::wipe::wipe_and_exit;
    use enclave_wire::boot::ExitCode;

    /// Bytes of the exception stack. The handler formats text; 16 KiB is ten times what it was seen to use.
    const EXCEPTION_STACK_BYTES: usize = 16 * 1024;
    const PAGE: usize = 4096;
    /// One stack for every exception but those that may strike while another is handled.
    pub const STACK_COUNT: usize = 2;
    /// Indices of the stacks, and IST slots in the x86_64 crate's counting.
    const EXCEPTION_IST: u16 = 0;
    const NESTED_IST: u16 = 1;
    /// NMI, #DF (the first stack cannot be used) and #MC.
    const NESTED_VECTORS: [u16; 3] = [2, 8, 18];

    /// Whether an exception has struck before: the handler itself, or the wiping after it, is at fault.
    static IS_SECOND: AtomicBool = AtomicBool::new(false);

    // Each stub pushes an error code where the processor does not, then its number, and joins the common path,
    // which saves the registers in the order of `TrapFrame` and calls the handler with an aligned stack.
    global_asm!(
        ".section .text.exception_stubs, \"ax\", @progbits",
        ".altmacro",
        ".macro exception_stub vector",
        "  .balign 16",
        "  .if (\\vector == 8) || ((\\vector >= 10) && (\\vector <= 14)) || (\\vector == 17) || (\\vector == 21) || (\\vector == 29) || (\\vector == 30)",
        "  .else",
        "    push 0",
        "  .endif",
        "  push \\vector",
        "  jmp exception_common",
        ".endm",
        ".balign 16",
        ".global exception_stubs",
        "exception_stubs:",
        ".set vector_number, 0",
        ".rept 32",
        "  exception_stub %vector_number",
        "  .set vector_number, vector_number + 1",
        ".endr",
        "exception_common:",
        "  push rax",
        "  push rcx",
        "  push rdx",
        "  push rbx",
        "  push rbp",
        "  push rsi",
        "  push rdi",
        "  push r8",
        "  push r9",
        "  push r10",
        "  push r11",
        "  push r12",
        "  push r13",
        "  push r14",
        "  push r15",
        "  mov rdi, rsp",
        "  cld",
        "  and rsp, -16",
        "  call {handle}",
        "  ud2",
        ".noaltmacro",
        ".text",
        handle = sym handle,
    );

    /// Called by the entry stubs. `extern "sysv64"` and not `"C"` because the stubs are assembly.
    extern "sysv64" fn handle(frame: *const TrapFrame) -> ! {
        // SAFETY: the stubs pass the stack pointer right after they filled a whole `TrapFrame`.
        let frame = unsafe { frame.read() };
        let fault_address = x86_64::registers::control::Cr2::read_raw();
        if IS_SECOND.swap(true, Ordering::Relaxed) {
            let (vector, rip) = (frame.vector, frame.rip);
            let _ = writeln!(Serial, "\nFATAL exception {vector} while ending, rip {rip:#018x}");
        } else {
            let _ = dump(&frame, fault_address, &mut Serial);
        }
        wipe_and_exit(ExitCode::Exception)
    }

    /// Distance between two stubs.
    const STUB_BYTES: u64 = 16;

    struct Tables {
        idt: InterruptDescriptorTable,
        gdt: GlobalDescriptorTable,
        tss: TaskStateSegment,
    }

    struct TablesCell(UnsafeCell<Tables>);

    // SAFETY: one processor; `install` runs once at boot before anything else could look, and the processor only
    // reads the tables afterwards.
    unsafe impl Sync for TablesCell {}

    /// A guard page, which the final page tables leave out, and a stack above it.
    #[repr(C, align(4096))]
    struct Stack {
        guard: [u8; PAGE],
        stack: [u8; EXCEPTION_STACK_BYTES],
    }

    /// Apart from the tables: they are all zeros, so the ROM need not carry them.
    struct Stacks(UnsafeCell<[Stack; STACK_COUNT]>);

    // SAFETY: only the processor uses them, when an exception strikes.
    unsafe impl Sync for Stacks {}

    static STACKS: Stacks = Stacks(UnsafeCell::new(
        [const { Stack { guard: [0; PAGE], stack: [0; EXCEPTION_STACK_BYTES] } }; STACK_COUNT],
    ));

    /// Start of stack `index`, guard page first.
    fn stack(index: usize) -> *mut Stack {
        STACKS.0.get().cast::<Stack>().wrapping_add(index)
    }

    /// The pages below the exception stacks, which must not be mapped.
    #[must_use]
    pub fn stack_guards() -> [Range; STACK_COUNT] {
        core::array::from_fn(|index| {
            let start = stack(index) as usize as u64;
            Range { start, end: start + PAGE as u64 }
        })
    }

    static TABLES: TablesCell = TablesCell(UnsafeCell::new(Tables {
        idt: InterruptDescriptorTable::new(),
        gdt: GlobalDescriptorTable::new(),
        tss: TaskStateSegment::new(),
    }));

    unsafe extern "C" {
        static exception_stubs: u8;
    }

    /// Loads segments, the task state with the exception stacks, and a handler for each of the 32 exceptions.
    /// Call once, first thing at boot.
    pub fn install() {
        // SAFETY: called once, first thing at boot, on the only processor: no other reference exists.
        let tables: &'static mut Tables = unsafe { &mut *TABLES.0.get() };
        for ist in [EXCEPTION_IST, NESTED_IST].map(usize::from) {
            tables.tss.interrupt_stack_table[ist] = VirtAddr::from_ptr(stack(ist).wrapping_add(1));
        }
        let code = tables.gdt.append(Descriptor::kernel_code_segment());
        let data = tables.gdt.append(Descriptor::kernel_data_segment());
        let tss = tables.gdt.append(Descriptor::tss_segment(&tables.tss));
        fill_idt(&mut tables.idt, code);
        tables.gdt.load();
        // SAFETY: `code` and `data` are flat segments of the table just loaded.
        unsafe { load_segments(code, data) }
        // SAFETY: `tss` describes a task state that lives for ever.
        unsafe { load_tss(tss) }
        tables.idt.load();
    }

    /// # Safety
    /// Both selectors are flat 64-bit ring-0 segments of the loaded table.
    unsafe fn load_segments(code: SegmentSelector, data: SegmentSelector) {
        // SAFETY: promised by the caller.
        unsafe { CS::set_reg(code) }
        for load in [SS::set_reg, DS::set_reg, ES::set_reg] {
            // SAFETY: promised by the caller.
            unsafe { load(data) }
        }
    }

    fn fill_idt(idt: &mut InterruptDescriptorTable, code: SegmentSelector) {
        let first = VirtAddr::from_ptr(&raw const exception_stubs);
        // The table's typed fields want Rust's interrupt ABI, which is unstable; the entries all have one layout.
        let entries: *mut Entry<HandlerFunc> = (&raw mut *idt).cast();
        for vector in 0..32_u16 {
            let mut entry: Entry<HandlerFunc> = Entry::missing();
            // SAFETY: the stub saves all state, never returns, and is valid for any vector.
            let options = unsafe { entry.set_handler_addr(first + STUB_BYTES * u64::from(vector)) };
            // SAFETY: the selector is that of the loaded 64-bit code segment.
            let options = unsafe { options.set_code_selector(code) };
            let ist = if NESTED_VECTORS.contains(&vector) { NESTED_IST } else { EXCEPTION_IST };
            // SAFETY: the slot holds a valid stack.
            unsafe { options.set_stack_index(ist) };
            let slot = entries.wrapping_add(usize::from(vector));
            // SAFETY: an `InterruptDescriptorTable` is 256 entries of 16 bytes; `vector` is below 32.
            unsafe { slot.write(entry) }
        }
    }

    const _: () =
        assert!(size_of::<InterruptDescriptorTable>() == 256 * 16, "the IDT is 256 entries of 16 bytes");
}

#[cfg(test)]
mod tests {
    extern crate alloc;
    extern crate std;

    use alloc::string::String;

    use super::*;

    #[test]
    fn a_dump_names_the_exception_and_every_register() {
        let frame = TrapFrame {
            general: core::array::from_fn(|index| 0x1000 + index as u64),
            vector: 14,
            error_code: 0b1_0001,
            rip: 0xFFFF_FFFF_FFD8_0000,
            cs: 8,
            rflags: 2,
            rsp: 0x0013_0000,
            ss: 16,
        };
        let mut text = String::new();
        dump(&frame, 0xDEAD_0000, &mut text).unwrap();
        assert!(text.contains("#PF page fault"), "{text}");
        assert!(text.contains("0x00000000dead0000, execution of memory that is not code"), "{text}");
        for name in GENERAL_NAMES {
            assert!(text.contains(name), "{name} is missing in {text}");
        }
        assert!(text.contains("rip 0xffffffffffd80000"), "{text}");
    }
}
