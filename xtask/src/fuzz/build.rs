//! One build for all targets: the pinned stable compiler, libFuzzer's counters in everything of ours.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::targets::FOLDER;
use crate::process::Tool;
use crate::setup::{self, Need};
use crate::workspace::Workspace;

const PROFILE: &str = "fuzz";

/// What `cargo fuzz` passes, without the address sanitizer: see `docs/adr`.
const FLAGS: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Builds the targets and returns the folder that they lie in.
pub(super) fn build(workspace: &Workspace) -> Result<PathBuf> {
    cargo(workspace, "build")?.arg("--bins").run("building the fuzz targets")?;
    Ok(target_folder(workspace).join(host()?).join(PROFILE))
}

/// Cargo with everything that an instrumented build needs.
pub(super) fn cargo(workspace: &Workspace, verb: &str) -> Result<Tool> {
    setup::ensure(workspace, &[Need::CppCompiler])?;
    // A stated target keeps the flags away from build scripts and macros.
    Ok(Tool::cargo(workspace)
        .dir(&workspace.path(FOLDER))
        .args([verb, "--locked", "--profile", PROFILE, "--target", &host()?, "--target-dir"])
        .arg(target_folder(workspace))
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}")))
}

fn target_folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("fuzz")
}

/// The machine's own target.
fn host() -> Result<String> {
    let version = Tool::new("rustc").arg("-vV").ask().context("rustc does not run")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not name its host")
}
