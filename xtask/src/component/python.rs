//! Python: `componentize-py`, in the version that the project pins, on the module `app` and the world in `wit`.
//!
//! What the program imports besides the standard library stands in `requirements.txt`, with hashes: packages of pure
//! Python, because native code would have to be WebAssembly.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::staging;
use crate::process::Tool;
use crate::setup::{Once, PythonPackages};
use crate::workspace::Workspace;

/// The tools of a project: one line for `componentize-py`.
pub(super) const TOOLS: &str = "requirements-build.txt";
/// The packages that a program imports; need not exist.
const PACKAGES: &str = "requirements.txt";
/// The version of Python inside of components.
const PYTHON_VERSION: &str = "3.14";

pub(super) fn build(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let tools = tools(workspace, folder)?;
    let (staging, packages) = prepare(workspace, folder, &tools)?;
    let component = staging.join("component.wasm");
    Tool::new(tools.join("bin/componentize-py"))
        .dir(&staging.join("source"))
        .args(["--quiet", "--wit-path", "wit", "componentize", "app", "--output"])
        .arg(&component)
        // Or it looks for packages in the environment of whoever calls.
        .env("VIRTUAL_ENV", packages)
        .run(&format!("building {}", folder.display()))?;
    super::expect_component(component, folder)
}

/// Runs the project's own tests, on this machine's Python.
pub(crate) fn test(workspace: &Workspace, folder: &Path) -> Result<()> {
    let tools = tools(workspace, folder)?;
    let (staging, packages) = prepare(workspace, folder, &tools)?;
    let name = super::name_of(folder)?;
    Tool::new(tools.join("bin/python"))
        .dir(&staging.join("source"))
        .args(["-m", "unittest"])
        .env("PYTHONPATH", packages.join("site-packages"))
        .run(&format!("python -m unittest in {name}"))
        .map(drop)
}

/// The environment with the tools that the project names, installed once for all projects with the same ones.
fn tools(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let requirements = folder.join(TOOLS);
    let content =
        fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let environment = Once::new(workspace, "python", &[content]).folder().to_owned();
    let packages = PythonPackages { name: "componentize-py".to_owned(), requirements, environment };
    if !packages.are_there() {
        packages.install()?;
    }
    Ok(packages.environment)
}

/// A copy of the project, and beside it the packages that it imports.
fn prepare(workspace: &Workspace, folder: &Path, tools: &Path) -> Result<(PathBuf, PathBuf)> {
    let staging = staging::copy(workspace, folder)?;
    let packages = staging.join("packages");
    let to = packages.join("site-packages");
    fs::create_dir_all(&to).with_context(|| format!("cannot create {}", to.display()))?;
    let requirements = folder.join(PACKAGES);
    if requirements.is_file() {
        Tool::new(tools.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"])
            .args(["--require-hashes", "--only-binary", ":all:", "--platform", "any", "--abi", "none"])
            .args(["--implementation", "py", "--python-version", PYTHON_VERSION, "--target"])
            .arg(&to)
            .arg("--requirement")
            .arg(&requirements)
            .run(&format!("installing the packages of {}", folder.display()))?;
    }
    Ok((staging, packages))
}
