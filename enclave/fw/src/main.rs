//! The ROM's binary: reset code, panic handler, choice of platform.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![cfg_attr(
    target_os = "none",
    expect(
        unsafe_code,
        reason = "linker symbols, the entry symbol, and handing out memory that only boot knows of"
    )
)]

#[cfg(target_os = "none")]
extern crate alloc;

#[cfg(target_os = "none")]
mod guest;

/// Plain `cargo build` builds this crate for the host too, where there is nothing to boot.
#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!(
        "enclave-fw is the guest's firmware: build it with `cargo xtask image`, start it with `redoubt run`"
    );
    std::process::exit(2);
}

#[cfg(all(test, not(target_os = "none")))]
#[expect(clippy::expect_used, reason = "a script without the symbol fails the test")]
mod tests {
    use enclave_wire::layout;

    /// Value of a symbol that the linker script sets to a number.
    fn script_value(name: &str) -> u64 {
        let script = include_str!("../guest.ld");
        let line = script.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix("= 0x"));
        let digits = line.and_then(|rest| rest.strip_suffix(';')).expect("the script sets the symbol");
        u64::from_str_radix(digits, 16).expect("a hexadecimal number")
    }

    #[test]
    fn the_linker_script_and_the_memory_map_agree() {
        assert_eq!(script_value("ROM_VIRTUAL_OFFSET "), layout::ROM_VIRTUAL_OFFSET);
        assert_eq!(script_value("ROM_GPA "), layout::ROM_GPA);
        assert_eq!(script_value("BOOT_DATA_GPA "), layout::BOOT_DATA_GPA);
        assert_eq!(script_value("BOOT_DATA_END "), layout::BOOT_DATA_GPA + layout::BOOT_DATA_BYTES);
        assert_eq!(script_value("RESET_PAGE "), layout::RESET_PAGE_GPA + layout::ROM_VIRTUAL_OFFSET);
    }
}
