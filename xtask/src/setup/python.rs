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

const TLSLITE: PythonPackage =
    PythonPackage { name: "tlslite-ng", requirements: "tests/e2e/requirements.txt", folder: "tlslite" };

/// Python with `tlslite-ng`, where it is or will be.
pub(crate) fn tlslite_python(workspace: &Workspace) -> PathBuf {
    TLSLITE.environment(workspace).join("bin/python")
}

pub(super) fn has_tlslite(workspace: &Workspace) -> bool {
    TLSLITE.is_there(workspace)
}

pub(super) fn install_tlslite(workspace: &Workspace) -> Result<()> {
    TLSLITE.install(workspace)
}

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

/// A package of this checkout, without the packages that it depends on.
pub(super) struct PythonPackage {
    pub(super) name: &'static str,
    /// What is installed: exact version, and what its file hashes to.
    pub(super) requirements: &'static str,
    /// The environment's, in the target folder.
    pub(super) folder: &'static str,
}

impl PythonPackage {
    /// In this checkout.
    pub(super) fn at(&self, workspace: &Workspace) -> PythonPackages {
        PythonPackages {
            name: self.name.to_owned(),
            requirements: workspace.path(self.requirements),
            environment: self.environment(workspace),
        }
    }

    pub(super) fn environment(&self, workspace: &Workspace) -> PathBuf {
        workspace.target().join(self.folder)
    }

    /// Whether the version that is asked for was installed to the end.
    pub(super) fn is_there(&self, workspace: &Workspace) -> bool {
        self.at(workspace).are_there()
    }

    pub(super) fn install(&self, workspace: &Workspace) -> Result<()> {
        self.at(workspace).install()
    }
}

/// Packages, without those that they depend on, in an environment of their own.
#[derive(Debug)]
pub(crate) struct PythonPackages {
    /// For people.
    pub(crate) name: String,
    /// The file that lists them: exact versions, and what their files hash to.
    pub(crate) requirements: PathBuf,
    /// The folder of the environment.
    pub(crate) environment: PathBuf,
}

impl PythonPackages {
    /// Whether the versions that are asked for were installed to the end.
    pub(crate) fn are_there(&self) -> bool {
        let installed = fs::read(self.mark()).ok();
        let wanted = fs::read(&self.requirements).ok();
        installed.is_some() && installed == wanted
    }

    /// Makes the environment anew and installs them.
    pub(crate) fn install(&self) -> Result<()> {
        let python = || Tool::new(PYTHON.program);
        // Debian splits the module off, and notices only when it is used.
        if python().args(["-c", "import ensurepip, venv"]).ask().is_none() {
            PYTHON.install()?;
        }
        python().args(["-m", "venv", "--clear"]).arg(&self.environment).run("making a Python environment")?;
        Tool::new(self.environment.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--require-hashes", "--requirement"])
            .arg(&self.requirements)
            .run(&format!("installing {}", self.name))?;
        fs::copy(&self.requirements, self.mark())
            .context("marking the Python environment as complete")
            .map(drop)
    }

    /// Where the packages are.
    pub(crate) fn site_packages(&self) -> Result<PathBuf> {
        let folder = self.environment.join("lib");
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut found = entries.filter_map(|entry| Some(entry.ok()?.path().join("site-packages")));
        found
            .find(|path| path.is_dir())
            .with_context(|| format!("{} has no Python packages", self.environment.display()))
    }

    /// What is installed there; written last.
    fn mark(&self) -> PathBuf {
        self.environment.join("requirements.txt")
    }
}
