//! What commands need and how to get it.

mod c_compiler;
mod node;
mod once;
mod python;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use loader_vmm::error::LaunchError;
use loader_vmm::{QEMU_VARIABLE, Qemu};

use crate::process::Tool;
use crate::workspace::Workspace;

pub(crate) use c_compiler::{archiver, c_compiler};
pub(crate) use node::{node, npm};
pub(crate) use once::Once;
pub(crate) use python::{PythonPackages, sev_snp_measure, tlslite_python};

/// The guest's compiler. Pinned: it decides the ROM's bytes.
pub(crate) const GUEST_TOOLCHAIN: &str = "nightly-2026-09-01";
/// The target of components.
pub(crate) const COMPONENT_TARGET: &str = "wasm32-wasip2";

const QEMU: SystemProgram = SystemProgram {
    name: "QEMU",
    program: "qemu-system-x86_64",
    apt_package: "qemu-system-x86",
    commands: [
        ("dnf", "sudo dnf install qemu-system-x86-core"),
        ("pacman", "sudo pacman -S qemu-system-x86"),
        ("zypper", "sudo zypper install qemu-x86"),
        ("nix-env", "nix-env -iA nixpkgs.qemu"),
        ("brew", "brew install qemu"),
    ],
    page: "https://www.qemu.org",
};

/// libFuzzer comes as C++ source; what builds it is the only thing here that is not Rust.
const CPP_COMPILER: SystemProgram = SystemProgram {
    name: "a C++ compiler",
    program: "c++",
    apt_package: "g++",
    commands: [
        ("dnf", "sudo dnf install gcc-c++"),
        ("pacman", "sudo pacman -S gcc"),
        ("zypper", "sudo zypper install gcc-c++"),
        ("nix-env", "nix-env -iA nixpkgs.gcc"),
        ("brew", "xcode-select --install"),
    ],
    page: "https://gcc.gnu.org",
};

/// Names another C++ compiler.
const CPP_VARIABLE: &str = "CXX";

/// A program that the machine's own package manager installs.
struct SystemProgram {
    name: &'static str,
    program: &'static str,
    apt_package: &'static str,
    /// Package managers other than apt, and what to run where there is one.
    commands: [(&'static str, &'static str); 5],
    page: &'static str,
}

/// Something that may have to be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// [`GUEST_TOOLCHAIN`] with the sources of the standard library.
    GuestToolchain,
    /// Clippy of [`GUEST_TOOLCHAIN`].
    GuestClippy,
    /// Compiles and assembles what the guest has of `ring`.
    GuestCCompiler,
    /// [`COMPONENT_TARGET`] for the host toolchain.
    ComponentTarget,
    /// Node and npm.
    Node,
    /// The emulator.
    Qemu,
    /// For libFuzzer.
    CppCompiler,
    /// Computes launch digests that tests compare with ours.
    SevSnpMeasure,
    /// A TLS library that breaks rules when told.
    Tlslite,
}

impl Need {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::GuestToolchain,
        Self::GuestClippy,
        Self::GuestCCompiler,
        Self::ComponentTarget,
        Self::Node,
        Self::Qemu,
        Self::CppCompiler,
        Self::SevSnpMeasure,
        Self::Tlslite,
    ];
    /// What it takes to build an image and run it.
    pub(crate) const TO_RUN: [Self; 4] =
        [Self::GuestToolchain, Self::GuestCCompiler, Self::ComponentTarget, Self::Qemu];
    /// What it takes to compile anything for the guest's target.
    pub(crate) const OF_GUEST: [Self; 2] = [Self::GuestToolchain, Self::GuestCCompiler];

    fn name(self) -> &'static str {
        match self {
            Self::GuestToolchain => "the guest's toolchain",
            Self::GuestClippy => "clippy of the guest's toolchain",
            Self::GuestCCompiler => "the guest's C compiler",
            Self::ComponentTarget => "the wasm target",
            Self::Node => "Node",
            Self::Qemu => QEMU.name,
            Self::CppCompiler => CPP_COMPILER.name,
            Self::SevSnpMeasure => "sev-snp-measure",
            Self::Tlslite => "tlslite-ng",
        }
    }

    fn is_there(self, workspace: &Workspace) -> bool {
        match self {
            Self::GuestToolchain => {
                guest_sysroot(workspace).is_some_and(|sysroot| has_library_sources(&sysroot))
            }
            Self::GuestClippy => {
                guest_sysroot(workspace).is_some_and(|sysroot| sysroot.join("bin/cargo-clippy").is_file())
            }
            Self::ComponentTarget => has_component_target(workspace.root()),
            Self::Node => node::is_there(workspace),
            Self::Qemu => Qemu::find(None).is_ok(),
            Self::GuestCCompiler => c_compiler::is_there(workspace),
            Self::SevSnpMeasure => python::has_sev_snp_measure(workspace),
            Self::Tlslite => python::has_tlslite(workspace),
            Self::CppCompiler => find_program(&cpp_compiler(env::var(CPP_VARIABLE).ok())).is_some(),
        }
    }

    fn install(self, workspace: &Workspace) -> Result<()> {
        match self {
            Self::GuestToolchain => {
                let install = ["toolchain", "install", GUEST_TOOLCHAIN, "--no-self-update"];
                rustup()?.args(install).args(["--profile", "minimal", "--component", "rust-src"])
            }
            Self::GuestClippy => {
                rustup()?.args(["component", "add", "clippy", "--toolchain", GUEST_TOOLCHAIN])
            }
            Self::ComponentTarget => return ensure_component_target(workspace.root()),
            Self::Node => return node::install(workspace),
            Self::Qemu => return install_qemu(),
            Self::CppCompiler => return install_cpp_compiler(),
            Self::GuestCCompiler => return c_compiler::install(workspace),
            Self::SevSnpMeasure => return python::install_sev_snp_measure(workspace),
            Self::Tlslite => return python::install_tlslite(workspace),
        }
        .run(&format!("installing {}", self.name()))
        .map(drop)
    }
}

/// Installs what is missing of `needs`.
pub(crate) fn ensure(workspace: &Workspace, needs: &[Need]) -> Result<()> {
    for need in needs {
        if need.is_there(workspace) {
            continue;
        }
        need.install(workspace)?;
        if !need.is_there(workspace) {
            bail!("{} is still missing after its installation", need.name());
        }
    }
    Ok(())
}

/// Installs [`COMPONENT_TARGET`] for the toolchain that the project in `folder` asks for, where it is missing.
pub(crate) fn ensure_component_target(folder: &Path) -> Result<()> {
    if has_component_target(folder) {
        return Ok(());
    }
    rustup()?.dir(folder).args(["target", "add", COMPONENT_TARGET]).run("installing the wasm target")?;
    anyhow::ensure!(has_component_target(folder), "the wasm target is still missing after its installation");
    Ok(())
}

fn has_component_target(folder: &Path) -> bool {
    let sysroot = Tool::new("rustc").dir(folder).args(["--print", "sysroot"]).ask();
    sysroot.is_some_and(|path| Path::new(&path).join("lib/rustlib").join(COMPONENT_TARGET).is_dir())
}

/// Where the guest's compiler lives, when it is installed.
pub(crate) fn guest_sysroot(workspace: &Workspace) -> Option<PathBuf> {
    let installed = Tool::new("rustup").args(["toolchain", "list"]).ask()?;
    // Asking rustc first would make rustup install a whole default profile where auto-install is on.
    installed.lines().find(|line| line.starts_with(GUEST_TOOLCHAIN))?;
    let toolchain = format!("+{GUEST_TOOLCHAIN}");
    Tool::new("rustc").dir(workspace.root()).args([&toolchain, "--print", "sysroot"]).ask().map(PathBuf::from)
}

/// A program of the search path.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn has_library_sources(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").is_file()
}

fn rustup() -> Result<Tool> {
    find_program("rustup")
        .context("rustup is missing: install it from https://rustup.rs and run this again")?;
    Ok(Tool::new("rustup"))
}

/// Another QEMU would not be used where one is named, nor one that the package manager thinks is up to date.
fn install_qemu() -> Result<()> {
    match Qemu::find(None) {
        Err(LaunchError::QemuMissing { .. }) if env::var_os(QEMU_VARIABLE).is_none() => QEMU.install(),
        found => found.map(drop).context("QEMU cannot be used"),
    }
}

fn install_cpp_compiler() -> Result<()> {
    if let Ok(stated) = env::var(CPP_VARIABLE) {
        bail!(
            "{CPP_VARIABLE}: expected a C++ compiler, found {stated:?}, which is not there: correct or unset it"
        );
    }
    CPP_COMPILER.install()
}

/// The compiler that `stated` names, perhaps with arguments, as crates that compile C++ understand it.
fn cpp_compiler(stated: Option<String>) -> String {
    let program = stated.map(|stated| stated.split_whitespace().next().unwrap_or_default().to_owned());
    program.unwrap_or_else(|| CPP_COMPILER.program.to_owned())
}

impl SystemProgram {
    fn install(&self) -> Result<()> {
        let is_root = Tool::new("id").arg("-u").ask().as_deref() == Some("0");
        if !is_root || find_program("apt-get").is_none() {
            bail!("{} is missing. Run: {}", self.name, self.command());
        }
        let apt = || Tool::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
        apt().arg("update").run("updating the list of packages")?;
        apt()
            .args(["install", "--yes", "--no-install-recommends", self.apt_package])
            .run(&format!("installing {}", self.name))
            .map(drop)
    }

    /// The command that installs it on this machine.
    fn command(&self) -> String {
        if find_program("apt-get").is_some() {
            return format!("sudo apt-get install --no-install-recommends {}", self.apt_package);
        }
        let found = self.commands.iter().find(|(manager, _)| find_program(manager).is_some());
        found.map_or_else(
            || format!("install {} from {}", self.program, self.page),
            |(_, command)| (*command).to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_variable_names_has_to_be_there() {
        assert_eq!(cpp_compiler(None), "c++");
        assert_eq!(cpp_compiler(Some("ccache g++".to_owned())), "ccache");
        assert!(find_program(&cpp_compiler(Some("no-such-compiler -O2".to_owned()))).is_none());
        assert!(find_program(&cpp_compiler(Some(String::new()))).is_none());
        assert!(find_program("sh").is_some());
    }
}
