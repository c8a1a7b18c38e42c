//! Machine code for ring 0, assembled into this program and copied out as bytes.
//!
//! Position-independent; entered in the middle of a compiled function with interrupts off, on an engine stack, under the
//! guest's final page tables. None of it returns but [`leave_traces`]. Results leave by the serial port.

use core::arch::global_asm;
use core::slice;

use enclave_wire::boot::{DEBUG_EXIT_PORT, SERIAL_PORT};
use enclave_wire::layout::{
    BOOT_RAM_GPA, BOOT_TABLES_PLAIN_GPA, ROM_GPA, ROM_VIRTUAL_OFFSET, SHARED_POOL_GPA,
};

/// What hostile code ends QEMU with: no exit code of the guest.
pub(crate) const HOSTILE_EXIT: u8 = 0x7A;
/// Where [`exfiltrate`] writes: the port of QEMU's debug console.
const EXFILTRATION_PORT: u16 = 0xE9;

global_asm!(
    ".pushsection .text.hostile, \"ax\", @progbits",
    // Gives away every page of RAM that is not all zeros, through the boot page tables, which map all of it: address, page.
    // The registers go to the stack first. The end of RAM stands behind the code.
    ".global hostile_exfiltrate, hostile_exfiltrate_end",
    "hostile_exfiltrate:",
    "    cli",
    "    cld",
    "    .irp register, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15",
    "    push \\register",
    "    .endr",
    "    sub rsp, 512",
    ".altmacro",
    ".macro save_vector number",
    "    vmovdqu [rsp + 32*\\number], ymm\\number",
    ".endm",
    ".set vector_register, 0",
    ".rept 16",
    "    save_vector %vector_register",
    "    .set vector_register, vector_register + 1",
    ".endr",
    ".noaltmacro",
    "    mov eax, {boot_tables}",
    "    mov cr3, rax",
    "    mov ebp, {boot_ram}",
    "    mov ebx, [rip + hostile_exfiltrate_end]",
    "    mov edx, {exfiltration_port}",
    ".Lexfiltrate_page:",
    "    mov rdi, rbp",
    "    mov ecx, 512",
    "    xor eax, eax",
    "    repe scasq",
    "    je .Lexfiltrate_next",
    "    mov rax, rbp",
    "    mov ecx, 8",
    ".Lexfiltrate_address:",
    "    out dx, al",
    "    shr rax, 8",
    "    loop .Lexfiltrate_address",
    "    mov rsi, rbp",
    "    mov ecx, 4096",
    "    rep outsb",
    ".Lexfiltrate_next:",
    "    add rbp, 4096",
    "    cmp rbp, rbx",
    "    jb .Lexfiltrate_page",
    "    mov al, {exit}",
    "    out {exit_port}, al",
    "    hlt",
    "hostile_exfiltrate_end:",
    // Reads the host's files again, as boot did: prints the name of each that is offered, 56 bytes with zeros at the end.
    ".global hostile_list_files, hostile_list_files_end",
    "hostile_list_files:",
    "    cli",
    "    mov edx, 0x510",
    "    mov eax, 0x19",
    "    out dx, ax",
    "    mov ebp, 0",
    "    mov ecx, 4",
    ".Llist_count:",
    "    call .Llist_get",
    "    shl ebp, 8",
    "    or ebp, eax",
    "    loop .Llist_count",
    ".Llist_file:",
    "    mov ecx, 8",
    ".Llist_skip:",
    "    call .Llist_get",
    "    loop .Llist_skip",
    "    mov ecx, 56",
    ".Llist_name:",
    "    call .Llist_get",
    "    test eax, eax",
    "    jz .Llist_silent",
    "    mov edx, {serial}",
    "    out dx, al",
    ".Llist_silent:",
    "    loop .Llist_name",
    "    mov edx, {serial}",
    "    mov al, 10",
    "    out dx, al",
    "    dec ebp",
    "    jnz .Llist_file",
    "    mov al, {exit}",
    "    out {exit_port}, al",
    "    hlt",
    ".Llist_get:",
    "    mov edx, 0x511",
    "    xor eax, eax",
    "    in al, dx",
    "    ret",
    "hostile_list_files_end:",
    ".global hostile_write_code, hostile_write_code_end",
    "hostile_write_code:",
    "    lea rax, [rip + hostile_write_code]",
    "    mov byte ptr [rax], 0x90",
    "hostile_write_code_end:",
    ".global hostile_run_stack, hostile_run_stack_end",
    "hostile_run_stack:",
    "    sub rsp, 256",
    "    mov byte ptr [rsp], 0xC3",
    "    mov rax, rsp",
    "    call rax",
    "hostile_run_stack_end:",
    ".global hostile_run_shared, hostile_run_shared_end",
    "hostile_run_shared:",
    "    mov eax, {shared_pool}",
    "    call rax",
    "hostile_run_shared_end:",
    ".global hostile_read_null, hostile_read_null_end",
    "hostile_read_null:",
    "    xor eax, eax",
    "    mov rax, [rax]",
    "hostile_read_null_end:",
    ".global hostile_write_rom, hostile_write_rom_end",
    "hostile_write_rom:",
    "    movabs rax, {rom_text}",
    "    mov byte ptr [rax], 0x90",
    "hostile_write_rom_end:",
    ".global hostile_overflow_stack, hostile_overflow_stack_end",
    "hostile_overflow_stack:",
    ".Lpush_more:",
    "    push rax",
    "    jmp .Lpush_more",
    "hostile_overflow_stack_end:",
    // Pushes on the stack whose guard page stands behind the code, from close above that page.
    ".global hostile_overflow_at, hostile_overflow_at_end",
    "hostile_overflow_at:",
    "    mov rsp, [rip + hostile_overflow_at_end]",
    "    add rsp, 4096 + 64",
    ".Lpush_more_at:",
    "    push rax",
    "    jmp .Lpush_more_at",
    "hostile_overflow_at_end:",
    // Takes the stack for exceptions away (IST1 of the task state, SDM volume 3, figure "64-Bit TSS Format"), and faults.
    ".global hostile_double_fault, hostile_double_fault_end",
    "hostile_double_fault:",
    "    sub rsp, 32",
    "    sgdt [rsp]",
    "    mov rbx, [rsp + 2]",
    "    str ax",
    "    movzx eax, ax",
    "    add rbx, rax",
    "    movzx ecx, word ptr [rbx + 2]",
    "    movzx edx, byte ptr [rbx + 4]",
    "    shl edx, 16",
    "    or ecx, edx",
    "    movzx edx, byte ptr [rbx + 7]",
    "    shl edx, 24",
    "    or ecx, edx",
    "    mov edx, [rbx + 8]",
    "    shl rdx, 32",
    "    or rcx, rdx",
    "    mov qword ptr [rcx + 0x24], 0",
    "    ud2",
    "hostile_double_fault_end:",
    ".global hostile_divide, hostile_divide_end",
    "hostile_divide:",
    "    xor ecx, ecx",
    "    div ecx",
    "hostile_divide_end:",
    ".global hostile_undefined, hostile_undefined_end",
    "hostile_undefined:",
    "    ud2",
    "hostile_undefined_end:",
    // Writes a word to each of the sixteen pages below its stack, unless it finds that word there; then it faults. Falls
    // through to what follows it.
    ".global hostile_leave_traces, hostile_leave_traces_end",
    "hostile_leave_traces:",
    "    push rax",
    "    push rcx",
    "    mov rax, 0x7ACE7ACE5EEDBEEF",
    "    mov rcx, -8192",
    ".Ltraces_look:",
    "    cmp [rsp + 8*rcx - 512], rax",
    "    je .Ltraces_found",
    "    inc rcx",
    "    jnz .Ltraces_look",
    "    mov rcx, -65536",
    ".Ltraces_leave:",
    "    mov [rsp + rcx - 512], rax",
    "    add rcx, 4096",
    "    jnz .Ltraces_leave",
    "    pop rcx",
    "    pop rax",
    "    jmp hostile_leave_traces_end",
    ".Ltraces_found:",
    "    ud2",
    "hostile_leave_traces_end:",
    ".global hostile_breakpoint, hostile_breakpoint_end",
    "hostile_breakpoint:",
    "    int3",
    "hostile_breakpoint_end:",
    ".global hostile_non_canonical, hostile_non_canonical_end",
    "hostile_non_canonical:",
    "    movabs rax, 0x8000000000000000",
    "    mov rax, [rax]",
    "hostile_non_canonical_end:",
    ".popsection",
    boot_tables = const BOOT_TABLES_PLAIN_GPA,
    boot_ram = const BOOT_RAM_GPA,
    shared_pool = const SHARED_POOL_GPA,
    rom_text = const ROM_VIRTUAL_OFFSET + ROM_GPA,
    serial = const SERIAL_PORT,
    exit = const HOSTILE_EXIT,
    exfiltration_port = const EXFILTRATION_PORT,
    exit_port = const DEBUG_EXIT_PORT,
);

/// One function for each piece of code above, which returns its bytes.
macro_rules! pieces {
    ($($name:ident: $start:ident, $end:ident;)*) => {
        unsafe extern "C" {
            $(static $start: u8; static $end: u8;)*
        }
        $(pub(crate) fn $name() -> &'static [u8] {
            bytes_between(&raw const $start, &raw const $end)
        })*
    };
}

pieces! {
    exfiltrate: hostile_exfiltrate, hostile_exfiltrate_end;
    list_files: hostile_list_files, hostile_list_files_end;
    write_code: hostile_write_code, hostile_write_code_end;
    run_stack: hostile_run_stack, hostile_run_stack_end;
    run_shared: hostile_run_shared, hostile_run_shared_end;
    read_null: hostile_read_null, hostile_read_null_end;
    write_rom: hostile_write_rom, hostile_write_rom_end;
    overflow_stack: hostile_overflow_stack, hostile_overflow_stack_end;
    overflow_at: hostile_overflow_at, hostile_overflow_at_end;
    double_fault: hostile_double_fault, hostile_double_fault_end;
    divide: hostile_divide, hostile_divide_end;
    undefined: hostile_undefined, hostile_undefined_end;
    leave_traces: hostile_leave_traces, hostile_leave_traces_end;
    breakpoint: hostile_breakpoint, hostile_breakpoint_end;
    non_canonical: hostile_non_canonical, hostile_non_canonical_end;
}

fn bytes_between(start: *const u8, end: *const u8) -> &'static [u8] {
    // SAFETY: both labels stand in one assembled section, `end` behind `start`, and code is readable and never changes.
    unsafe { slice::from_raw_parts(start, end.addr() - start.addr()) }
}
