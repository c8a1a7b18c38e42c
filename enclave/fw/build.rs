//! Hands the linker script to the guest's link; host builds of this crate link like any program.

fn main() {
    println!("cargo::rerun-if-changed=guest.ld");
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=--script={folder}/guest.ld");
        println!("cargo::rustc-link-arg-bins=--no-rosegment");
        println!("cargo::rustc-link-arg-bins=--gc-sections");
    }
}
