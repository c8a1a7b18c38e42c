//! Entry from the reset code, and how the guest ends.

mod boot;
mod logger;
mod machine;
mod random;
mod ring;
mod sockets;

use core::arch::global_asm;
use core::fmt::Write;
use core::panic::PanicInfo;

use enclave_memory::Heap;
use enclave_platform::BootMode;
use enclave_wire::boot::ExitCode;
use enclave_wire::layout;
use enclave_x86::serial::Serial;
use enclave_x86::wipe::wipe_and_exit;
use enclave_x86::{cpu, exceptions};

global_asm!(
    include_str!("reset.s"),
    RESET_PAGE_GPA = const layout::RESET_PAGE_GPA,
    RESET_PAGE_OFFSET = const layout::RESET_PAGE_GPA & 0xFFFF,
    BOOT_STACK_32 = const layout::BOOT_RAM_GPA + layout::BOOT_RAM_BYTES,
    BOOT_RAM_GPA = const layout::BOOT_RAM_GPA,
    BOOT_RAM_DWORDS = const layout::BOOT_RAM_BYTES / 4,
    BOOT_DATA_GPA = const layout::BOOT_DATA_GPA,
    BOOT_DATA_DWORDS = const layout::BOOT_DATA_BYTES / 4,
    BOOT_TABLES_PLAIN_GPA = const layout::BOOT_TABLES_PLAIN_GPA,
    BOOT_TABLES_SNP_GPA = const layout::BOOT_TABLES_SNP_GPA,
);

#[global_allocator]
static HEAP: Heap = Heap::new();

/// Called by the reset code on the boot stack, in long mode, with `.data` and `.bss` in place.
#[unsafe(no_mangle)]
extern "sysv64" fn guest_main(mode: u32, reset_tsc: u64) -> ! {
    if BootMode(mode) != BootMode::PLAIN {
        // SNP and TDX are not driven yet. A port access, even for a message or the exit, would raise #VC or #VE, whose
        // handler prints; waiting is the one thing that is safe in every world.
        cpu::park();
    }
    exceptions::install();
    let code = boot::run(BootMode(mode), reset_tsc);
    wipe_and_exit(code)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let _ = writeln!(Serial, "\nPANIC {info}");
    wipe_and_exit(ExitCode::Panic)
}
