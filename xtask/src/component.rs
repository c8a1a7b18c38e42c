//! Builds WebAssembly components from Rust packages that are workspaces of their own.

use std::path::PathBuf;

use anyhow::Result;

use crate::guest::remap_flags;
use crate::process::Tool;
use crate::setup::{self, COMPONENT_TARGET, Need};
use crate::workspace::Workspace;

/// The component that `image` and `demo` use when nothing else is said.
pub(crate) const EXAMPLE: &str = "examples/ledger-audit";
/// Its package.
pub(crate) const EXAMPLE_PACKAGE: &str = "examples-ledger-audit";

/// Builds the package in `folder` (relative to the checkout) and returns the component.
pub(crate) fn build(workspace: &Workspace, folder: &str, package: &str) -> Result<PathBuf> {
    setup::ensure(workspace, &[Need::ComponentTarget])?;
    let target = workspace.target().join("components");
    Tool::cargo(workspace)
        .dir(&workspace.path(folder))
        .args(["build", "--release", "--locked", "--target", COMPONENT_TARGET, "--target-dir"])
        .arg(&target)
        .env("CARGO_ENCODED_RUSTFLAGS", remap_flags(workspace, None))
        .run(&format!("building {folder}"))?;
    let file = target.join(COMPONENT_TARGET).join("release").join(format!("{package}.wasm"));
    anyhow::ensure!(file.is_file(), "{folder} was built but {} is missing", file.display());
    Ok(file)
}
