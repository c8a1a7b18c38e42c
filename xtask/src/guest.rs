//! Builds the guest: one ELF that `image-rom` turns into the ROM.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use image_rom::Rom;
use serde_json::Value;

use crate::process::Tool;
use crate::setup::{self, GUEST_TOOLCHAIN, Need};
use crate::workspace::Workspace;

/// The guest's target, relative to the checkout. wasmtime reads the operating system from the file's stem.
const TARGET_FILE: &str = "enclave/x86_64-redoubt-none.json";
const TARGET_NAME: &str = "x86_64-redoubt-none";

/// Where nothing is said of a platform, cargo downloads what any of them needs.
const ANY_PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// How C and assembly become code of the guest: for no system, within reach of the kernel code model, without what a
/// runtime would have to provide. The macro keeps `ring` away from headers of a C library.
const C_FLAGS: [&str; 8] = [
    "--target=x86_64-freestanding-none",
    "-ffreestanding",
    "-DRING_CORE_NOSTDLIBINC=1",
    "-mcmodel=kernel",
    "-mno-red-zone",
    "-fno-pic",
    "-fno-stack-protector",
    "-fno-sanitize=all",
];

/// Builds `enclave-fw` and returns its ELF.
fn build(workspace: &Workspace) -> Result<PathBuf> {
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
    setup::ensure(workspace, &Need::OF_GUEST)?;
    let sysroot = setup::guest_sysroot(workspace).context("the guest's toolchain is missing")?;
    Ok(Tool::cargo(workspace)
        .args([&format!("+{GUEST_TOOLCHAIN}"), verb, "--target", TARGET_FILE, "-Zjson-target-spec"])
        .args([
            "-Zbuild-std=core,alloc,compiler_builtins",
            "-Zbuild-std-features=compiler-builtins-mem,optimize_for_size",
        ])
        .arg("--target-dir")
        .arg(workspace.target().join("guest"))
        .env("CARGO_ENCODED_RUSTFLAGS", remap_flags(workspace, Some(&sysroot)))
        .env("CC_x86_64_redoubt_none", setup::c_compiler(workspace))
        .env("AR_x86_64_redoubt_none", setup::archiver(workspace))
        .env("CFLAGS_x86_64_redoubt_none", C_FLAGS.join(" "))
        // The crate `cc` would add the user's.
        .env("TARGET_CFLAGS", "")
        .env("CFLAGS", "")
        .env("REDOUBT_RING", ring_folder(workspace)?))
}

/// Where cargo keeps the sources of `ring`, whose build script leaves its assembly out for our target.
fn ring_folder(workspace: &Workspace) -> Result<PathBuf> {
    let described = Tool::cargo(workspace)
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", ANY_PLATFORM])
        .run("asking cargo for the sources of `ring`")?;
    let described: Value = serde_json::from_str(&described).context("cargo metadata is no JSON")?;
    let packages = described["packages"].as_array().into_iter().flatten();
    let manifest = packages
        .filter(|package| package["name"] == "ring")
        .find_map(|package| package["manifest_path"].as_str());
    let folder = manifest.map(Path::new).and_then(Path::parent).context("no package depends on `ring`")?;
    Ok(folder.to_owned())
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
