//! A program from PyPI, in an environment of its own below the target folder.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::SystemProgram;
use crate::process::Tool;
use crate::workspace::Workspace;

/// What is installed: exact version, and what its file hashes to.
const REQUIREMENTS: &str = "attestation/measure/tests/requirements.txt";

const PYTHON: SystemProgram = SystemProgram {
    name: "Python 3 with venv",
    program: "python3",
    apt_package: "python3-venv",
    commands: [
        ("dnf", "sudo dnf install python3"),
        ("pacman", "sudo pacman -S python"),
        ("zypper", "sudo zypper install python3"),
        ("nix-env", "nix-env -iA nixpkgs.python3"),
        ("brew", "brew install python"),
    ],
    page: "https://www.python.org",
};

/// `sev-snp-measure`, where it is or will be.
pub(crate) fn sev_snp_measure(workspace: &Workspace) -> PathBuf {
    environment(workspace).join("bin/sev-snp-measure")
}

/// Whether the version that is asked for is installed.
pub(super) fn is_there(workspace: &Workspace) -> bool {
    let installed = fs::read(mark(workspace)).ok();
    let wanted = fs::read(workspace.path(REQUIREMENTS)).ok();
    installed.is_some() && installed == wanted && sev_snp_measure(workspace).is_file()
}

pub(super) fn install(workspace: &Workspace) -> Result<()> {
    let python = || Tool::new(PYTHON.program);
    // Debian splits the module off, and notices only when it is used.
    if python().args(["-c", "import ensurepip, venv"]).ask().is_none() {
        PYTHON.install()?;
    }
    let folder = environment(workspace);
    python().args(["-m", "venv", "--clear"]).arg(&folder).run("making a Python environment")?;
    let requirements = workspace.path(REQUIREMENTS);
    Tool::new(folder.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--require-hashes", "--requirement"])
        .arg(&requirements)
        .run("installing sev-snp-measure")?;
    fs::copy(&requirements, mark(workspace)).context("marking the Python environment as complete").map(drop)
}

fn environment(workspace: &Workspace) -> PathBuf {
    workspace.target().join("python")
}

/// What is installed there; written last.
fn mark(workspace: &Workspace) -> PathBuf {
    environment(workspace).join("requirements.txt")
}
