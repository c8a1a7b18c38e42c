//! The machine that both guests run on, and how it is described in the report.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use loader_vmm::Qemu;
use loader_vmm::accel::{Accel, AccelChoice};

use crate::process::Tool;

/// QEMU and the accelerator.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    /// The emulator.
    pub(super) qemu: PathBuf,
    /// How instructions are executed.
    pub(super) accelerator: Accel,
}

impl Machine {
    /// What the loader would use.
    pub(super) fn find() -> Result<Self> {
        let qemu = Qemu::find(None)?;
        let accelerator = AccelChoice::Auto.resolve(&qemu)?;
        Ok(Self { qemu: qemu.path, accelerator })
    }

    /// QEMU's arguments for a bare machine like the one that the loader makes.
    pub(super) fn arguments(&self) -> Vec<String> {
        let machine = format!("q35,accel={}", self.accelerator.name());
        let words = [
            "-machine",
            &machine,
            "-cpu",
            "max",
            "-smp",
            "1",
            "-nodefaults",
            "-no-user-config",
            "-no-reboot",
        ];
        words.into_iter().chain(["-display", "none"]).map(str::to_owned).collect()
    }

    /// Processor, emulator, accelerator: what a reader needs to judge the figures.
    pub(super) fn describe(&self) -> String {
        let version = Tool::new(&self.qemu).arg("--version").ask().unwrap_or_default();
        let version =
            version.lines().next().unwrap_or("QEMU of unknown version").replace(" emulator version", "");
        format!("{}; {version}; accelerator {}", processor(), self.accelerator.name())
    }
}

/// The processor's name and how many there are.
pub(super) fn processor() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, name)| name);
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {count} processors")
}
