//! Hands the linker script to the guest's link, and adds the assembly of `ring`; host builds of this crate link like
//! any program. Why and how: `docs/adr/0018-ring-in-the-guest.md`.

use core::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Folder of ring's sources, as `cargo xtask` finds them.
const RING: &str = "REDOUBT_RING";
/// `src/guest/ring.rs` defines a symbol that has this version in its name.
const RING_VERSION: &str = "0.17.14";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=guest.ld");
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=--script={folder}/guest.ld");
        println!("cargo::rustc-link-arg-bins=--no-rosegment");
        println!("cargo::rustc-link-arg-bins=--gc-sections");
        println!("cargo::rustc-link-arg-bins=--icf=all");
        assemble_ring()?;
    }
    Ok(())
}

/// ring's build script knows the calling convention of operating systems by their names, and leaves its assembly out for
/// all others, ours among them. The files that it would take for Linux fit: nothing in them calls an operating system.
fn assemble_ring() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={RING}");
    let ring = env::var_os(RING).map(PathBuf::from).ok_or("build the guest with `cargo xtask image`")?;
    check_version(&ring)?;
    let generated = ring.join("pregenerated");
    let mut files = files_ending(&generated, "-elf.S")?;
    // The others are for processors of 32 bits.
    files.retain(|file| file.file_name().is_some_and(|name| name.to_string_lossy().contains("x86_64")));
    files.extend(files_ending(&ring.join("third_party/fiat/asm"), ".S")?);
    cc::Build::new().include(ring.join("include")).include(generated).files(files).compile("ring_assembly");
    Ok(())
}

fn check_version(ring: &Path) -> Result<(), Box<dyn Error>> {
    let manifest = fs::read_to_string(ring.join("Cargo.toml"))?;
    let found = manifest.lines().find_map(|line| line.strip_prefix("version = "));
    if found != Some(&format!("{RING_VERSION:?}")) {
        return Err(format!("ring: expected version {RING_VERSION:?}, found {found:?}").into());
    }
    Ok(())
}

/// In an order that does not depend on the file system: it decides where in the ROM the code lies.
fn files_ending(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut files: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(ending));
    files.sort();
    Ok(files)
}
