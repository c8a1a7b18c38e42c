//! Builds the guest: one ELF that `image-rom` turns into the ROM.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use image_rom::Rom;

use crate::process::Tool;
use crate::setup::{self, GUEST_TOOLCHAIN, Need};
use crate::workspace::Workspace;

/// The guest's target, relative to the checkout. wasmtime reads the operating system from the file's stem.
const TARGET_FILE: &str = "enclave/x86_64-redoubt-none.json";
const TARGET_NAME: &str = "x86_64-redoubt-none";

/// Builds `enclave-fw` and returns its ELF.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    setup::ensure(workspace, &[Need::GuestToolchain])?;
    cargo(workspace, "build")?
        .args(["--package", "enclave-fw", "--profile", "guest", "--locked"])
        .run("building the guest")?;
    let elf = built(workspace, "enclave-fw");
    anyhow::ensure!(elf.is_file(), "the guest was built but {} is missing", elf.display());
    Ok(elf)
}

/// Where a program of the guest's target and profile is, once built.
pub(crate) fn built(workspace: &Workspace, program: &str) -> PathBuf {
    workspace.target().join("guest").join(TARGET_NAME).join("guest").join(program)
}

/// Builds the guest and makes its ROM; returns the ELF too.
pub(crate) fn build_rom(workspace: &Workspace) -> Result<(PathBuf, Rom)> {
    let elf = build(workspace)?;
    let bytes = fs::read(&elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let rom =
        image_rom::assemble(&bytes).with_context(|| format!("cannot make a ROM of {}", elf.display()))?;
    Ok((elf, rom))
}

/// Cargo of the guest's toolchain with everything that each of its builds needs.
pub(crate) fn cargo(workspace: &Workspace, verb: &str) -> Result<Tool> {
    let sysroot = setup::guest_sysroot(workspace).context("the guest's toolchain is missing")?;
    Ok(Tool::cargo(workspace)
        .args([&format!("+{GUEST_TOOLCHAIN}"), verb, "--target", TARGET_FILE, "-Zjson-target-spec"])
        .args(["-Zbuild-std=core,alloc,compiler_builtins", "-Zbuild-std-features=compiler-builtins-mem"])
        .arg("--target-dir")
        .arg(workspace.target().join("guest"))
        .env("CARGO_ENCODED_RUSTFLAGS", remap_flags(workspace, Some(&sysroot))))
}

/// Compiler flags that keep this machine's paths out of what is built, in cargo's encoding. Later ones win.
pub(crate) fn remap_flags(workspace: &Workspace, sysroot: Option<&Path>) -> String {
    let mut flags = Vec::new();
    let mut remap =
        |from: &Path, to: &str| flags.push(format!("--remap-path-prefix={}={to}", from.display()));
    if let Some(cargo_home) = cargo_home() {
        remap(&cargo_home, "/cargo");
    }
    if let Some(sysroot) = sysroot {
        remap(sysroot, "/rust");
    }
    remap(workspace.root(), "/redoubt");
    remap(workspace.target(), "/target");
    flags.join("\u{1f}")
}

fn cargo_home() -> Option<PathBuf> {
    let set = env::var_os("CARGO_HOME").map(PathBuf::from);
    set.or_else(|| env::home_dir().map(|home| home.join(".cargo")))
}
