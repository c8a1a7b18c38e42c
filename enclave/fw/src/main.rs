//! The ROM's binary: reset code, panic handler, choice of platform.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![cfg_attr(
    target_os = "none",
    expect(unsafe_code, reason = "linker symbols, the entry symbol, and handing out memory that only boot knows of")
)]

#[cfg(target_os = "none")]
extern crate alloc;

#[cfg(target_os = "none")]
mod guest;

/// Plain `cargo build` builds this crate for the host too, where there is nothing to boot.
#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("enclave-fw is the guest's firmware: build it with `cargo xtask image`, start it with `redoubt run`");
    std::process::exit(2);
}
