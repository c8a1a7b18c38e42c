//! Our side of the comparison, through the loader's own launch code.

use core::sync::atomic::AtomicBool;
use core::time::Duration;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use enclave_wire::boot::LogLevel;
use enclave_wire::control::{JobDone, JobOutcome};
use image_builder::{AppToml, Sources};
use loader_vmm::accel::AccelChoice;
use loader_vmm::host::Tee;
use loader_vmm::session::{JobEvent, JobIo};
use loader_vmm::{Guest, ImageFiles, LaunchConfig, Overrides, launch};
use tempfile::TempDir;

use super::machine::Machine;

/// Slow machines included.
const BOOT_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// What the guest boots from.
#[derive(Debug)]
pub(super) struct Redoubt {
    rom: Vec<u8>,
    component: Vec<u8>,
    app: AppToml,
    /// Sockets, the simulated chip, images.
    folder: TempDir,
}

/// A finished job.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// In the component, by the guest's own clock, waiting for input included.
    pub(super) run: Duration,
    /// From the moment the loader offers the job to the moment it has everything.
    pub(super) whole: Duration,
    /// Largest heap of the guest.
    pub(super) heap_peak_bytes: u64,
    /// Fuel.
    pub(super) fuel: u64,
}

impl Redoubt {
    /// From what `cargo xtask image` uses.
    pub(super) fn new(rom: Vec<u8>, component: &Path, app: &Path) -> Result<Self> {
        let component =
            std::fs::read(component).with_context(|| format!("cannot read {}", component.display()))?;
        let text = std::fs::read_to_string(app).with_context(|| format!("cannot read {}", app.display()))?;
        let app = AppToml::parse(&text).with_context(|| format!("{} is wrong", app.display()))?;
        let folder = TempDir::with_prefix("redoubt-bench-").context("cannot create a folder for sockets")?;
        Ok(Self { rom, component, app, folder })
    }

    /// RAM of the guest as its author wants it.
    pub(super) const fn memory_mib(&self) -> u32 {
        self.app.memory_mib
    }

    /// Time from the start of QEMU to the first byte that the component prints. It gets an empty input, so that it
    /// prints its complaint at once. What the loader does between the guest's readiness and the job is not counted:
    /// it checks the evidence then, which the Linux guest has none of.
    pub(super) fn boot(&self, machine: &Machine) -> Result<Duration> {
        let guest = self.launch(machine, self.app.memory_mib)?;
        let offered = Instant::now();
        let mut job = guest.session().enqueue(0)?;
        let mut first = None;
        loop {
            match job.next_event()? {
                JobEvent::ErrorOutput(_) | JobEvent::Output(_) => {
                    first.get_or_insert_with(|| offered.elapsed());
                }
                JobEvent::Done(_) => break,
                _ => {}
            }
        }
        let boot = guest.info().boot;
        guest.stop(STOP_TIMEOUT);
        Ok(boot + first.context("the component printed nothing")?)
    }

    /// Runs the job on `input` `count` times in one guest with `memory_mib`.
    pub(super) fn run(
        &self,
        machine: &Machine,
        input: &Path,
        memory_mib: u32,
        count: usize,
    ) -> Result<Vec<Run>> {
        let guest = self.launch(machine, memory_mib)?;
        let runs = (0..count).map(|_| run_job(&guest, input)).collect();
        guest.stop(STOP_TIMEOUT);
        runs
    }

    /// The smallest guest, in MiB, that still finishes the job on `input`; `limit_mib` must be enough.
    pub(super) fn smallest_memory_mib(&self, machine: &Machine, input: &Path, limit_mib: u32) -> Result<u32> {
        let (mut too_small, mut enough) = (0, limit_mib);
        while enough - too_small > 1 {
            let middle = too_small.midpoint(enough);
            match self.run(machine, input, middle, 1) {
                Ok(_) => enough = middle,
                Err(_) => too_small = middle,
            }
        }
        Ok(enough)
    }

    fn launch(&self, machine: &Machine, memory_mib: u32) -> Result<Guest> {
        let app = AppToml { memory_mib, ..self.app.clone() };
        let sources = Sources { rom: &self.rom, component: &self.component, app: &app };
        let folder = self.folder.path().join(format!("dist-{memory_mib}"));
        if !folder.exists() {
            image_builder::build(sources)?.write(&folder)?;
        }
        let config = LaunchConfig {
            image: ImageFiles::check(&folder)?,
            tee: Tee::Simulated,
            accel: AccelChoice::Only(machine.accelerator),
            qemu: Some(machine.qemu.clone()),
            run_dir: self.folder.path().join("run"),
            chip_file: self.folder.path().join("chip"),
            log_level: LogLevel::Warn,
            boot_timeout: BOOT_TIMEOUT,
            interrupted: Arc::new(AtomicBool::new(false)),
            overrides: Overrides::default(),
        };
        Ok(launch(&config)?)
    }
}

fn run_job(guest: &Guest, input: &Path) -> Result<Run> {
    let mut file = File::open(input).with_context(|| format!("cannot open {}", input.display()))?;
    let input_bytes = file.metadata()?.len();
    let offered = Instant::now();
    let JobDone { outcome, detail, usage, .. } = guest.session().run_job(JobIo {
        input: &mut file,
        input_bytes,
        output: &mut io::sink(),
        error_output: &mut io::sink(),
        progress: &mut |_| {},
    })?;
    let whole = offered.elapsed();
    ensure!(outcome == JobOutcome::Exited { code: 0 }, "the job ended with {outcome:?}: {detail}");
    let run = Duration::from_micros(usage.run_us);
    Ok(Run { run, whole, heap_peak_bytes: usage.heap_peak_bytes, fuel: usage.fuel })
}
