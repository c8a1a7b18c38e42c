//! Programs from PyPI, each in an environment of its own below the target folder.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::SystemProgram;
use crate::process::Tool;
use crate::workspace::Workspace;

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

const SEV_SNP_MEASURE: PythonPackage = PythonPackage {
    name: "sev-snp-measure",
    requirements: "attestation/measure/tests/requirements.txt",
    folder: "python",
};

/// `sev-snp-measure`, where it is or will be.
pub(crate) fn sev_snp_measure(workspace: &Workspace) -> PathBuf {
    SEV_SNP_MEASURE.environment(workspace).join("bin/sev-snp-measure")
}

/// Whether the version that is asked for is installed.
pub(super) fn has_sev_snp_measure(workspace: &Workspace) -> bool {
    SEV_SNP_MEASURE.is_there(workspace) && sev_snp_measure(workspace).is_file()
}

pub(super) fn install_sev_snp_measure(workspace: &Workspace) -> Result<()> {
    SEV_SNP_MEASURE.install(workspace)
}

/// A package without the packages that it depends on.
pub(super) struct PythonPackage {
    pub(super) name: &'static str,
    /// What is installed: exact version, and what its file hashes to.
    pub(super) requirements: &'static str,
    /// The environment's, in the target folder.
    pub(super) folder: &'static str,
}

impl PythonPackage {
    pub(super) fn environment(&self, workspace: &Workspace) -> PathBuf {
        workspace.target().join(self.folder)
    }

    /// Whether the version that is asked for was installed to the end.
    pub(super) fn is_there(&self, workspace: &Workspace) -> bool {
        let installed = fs::read(self.mark(workspace)).ok();
        let wanted = fs::read(workspace.path(self.requirements)).ok();
        installed.is_some() && installed == wanted
    }

    pub(super) fn install(&self, workspace: &Workspace) -> Result<()> {
        let python = || Tool::new(PYTHON.program);
        // Debian splits the module off, and notices only when it is used.
        if python().args(["-c", "import ensurepip, venv"]).ask().is_none() {
            PYTHON.install()?;
        }
        let folder = self.environment(workspace);
        python().args(["-m", "venv", "--clear"]).arg(&folder).run("making a Python environment")?;
        let requirements = workspace.path(self.requirements);
        Tool::new(folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--require-hashes", "--requirement"])
            .arg(&requirements)
            .run(&format!("installing {}", self.name))?;
        let mark = self.mark(workspace);
        fs::copy(&requirements, mark).context("marking the Python environment as complete").map(drop)
    }

    /// What is installed there; written last.
    fn mark(&self, workspace: &Workspace) -> PathBuf {
        self.environment(workspace).join("requirements.txt")
    }
}
