//! Our side of the comparison, through the loader's own launch code.

use core::error::Error;
use core::fmt;
use core::sync::atomic::AtomicBool;
use core::time::Duration;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use attestation_manifest::MEMORY_MIN_MIB;
use enclave_wire::boot::{ExitCode, LogLevel};
use enclave_wire::control::{JobDone, JobOutcome};
use image_builder::{AppToml, BuildError, Sources};
use loader_vmm::accel::AccelChoice;
use loader_vmm::end::GuestEnd;
use loader_vmm::error::{GuestError, LaunchError};
use loader_vmm::host::Tee;
use loader_vmm::session::{JobEvent, JobIo};
use loader_vmm::{Guest, ImageFiles, LaunchConfig, Overrides, launch};
use tempfile::TempDir;

use super::machine::Machine;

/// Slow machines included.
const BOOT_TIMEOUT: Duration = Duration::from_secs(60);
/// For a guest that was asked to end.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Manifests know no finer one.
const MEMORY_STEP_MIB: u32 = 2;
/// The limit that the guest's size stands behind.
const COMPONENT_MEMORY: &str = "limits.component_memory_bytes";

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

    /// The smallest guest, in MiB, that still finishes the job on `input`; its author's size must be enough.
    pub(super) fn smallest_memory_mib(&self, machine: &Machine, input: &Path) -> Result<u32> {
        // No manifest may grant a component all of the guest's memory.
        let component_mib = u32::try_from(self.app.limits.component_memory_bytes.unwrap_or(0) >> 20)?;
        let too_small = component_mib.max(MEMORY_MIN_MIB - MEMORY_STEP_MIB);
        smallest(too_small, self.app.memory_mib, |middle| match self.run(machine, input, middle, 1) {
            Ok(_) => Ok(true),
            Err(error) if wants_memory(&error) => Ok(false),
            Err(error) => Err(error.context(format!("a guest of {middle} MiB"))),
        })
    }

    fn launch(&self, machine: &Machine, memory_mib: u32) -> Result<Guest> {
        let app = AppToml { memory_mib, ..self.app.clone() };
        let sources = Sources { rom: &self.rom, component: &self.component, app: &app };
        let folder = self.folder.path().join(format!("dist-{memory_mib}"));
        if !folder.exists() {
            image_builder::build(sources)?.write(&folder)?;
        }
        let config = launch_config(machine, ImageFiles::check(&folder)?, self.folder.path());
        Ok(launch(&config)?)
    }
}

/// How guests are launched; `folder` is for sockets and for the simulated chip.
pub(super) fn launch_config(machine: &Machine, image: ImageFiles, folder: &Path) -> LaunchConfig {
    LaunchConfig {
        image,
        tee: Tee::Simulated,
        accel: AccelChoice::Only(machine.accelerator),
        qemu: Some(machine.qemu.clone()),
        run_dir: folder.join("run"),
        chip_file: folder.join("chip"),
        log_level: LogLevel::Warn,
        boot_timeout: BOOT_TIMEOUT,
        interrupted: Arc::new(AtomicBool::new(false)),
        publish: None,
        keep: None,
        state: None,
        overrides: Overrides::default(),
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
        transcript: &mut io::sink(),
        receipts: None,
        progress: &mut |_| {},
    })?;
    let whole = offered.elapsed();
    if outcome != (JobOutcome::Exited { code: 0 }) {
        return Err(JobFailed { outcome, detail }.into());
    }
    let run = Duration::from_micros(usage.run_us);
    Ok(Run { run, whole, heap_peak_bytes: usage.heap_peak_bytes, fuel: usage.fuel })
}

/// A job that did not succeed.
#[derive(Debug)]
struct JobFailed {
    outcome: JobOutcome,
    detail: String,
}

impl fmt::Display for JobFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the job ended with {:?}: {}", self.outcome, self.detail)
    }
}

impl Error for JobFailed {}

/// Whether more memory would help. Everything else that goes wrong says nothing about the guest's size.
fn wants_memory(error: &anyhow::Error) -> bool {
    if let Some(JobFailed { outcome, .. }) = error.downcast_ref() {
        return matches!(outcome, JobOutcome::LimitExceeded { limit } if limit == COMPONENT_MEMORY);
    }
    if let Some(error) = error.downcast_ref::<BuildError>() {
        return error.wants_memory();
    }
    let ended = match error.downcast_ref() {
        Some(LaunchError::Guest(error)) => Some(error),
        _ => error.downcast_ref(),
    };
    let Some(GuestError::Ended(end)) = ended else { return false };
    matches!(**end, GuestEnd::Exited { code: ExitCode::OutOfMemory, .. })
}

/// The smallest even number above `too_small`, and at most `enough`, that `is_enough`.
fn smallest(
    mut too_small: u32,
    mut enough: u32,
    mut is_enough: impl FnMut(u32) -> Result<bool>,
) -> Result<u32> {
    while enough.saturating_sub(too_small) > MEMORY_STEP_MIB {
        let middle = too_small.midpoint(enough).next_multiple_of(MEMORY_STEP_MIB);
        if is_enough(middle)? {
            enough = middle;
        } else {
            too_small = middle;
        }
    }
    Ok(enough)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use loader_vmm::end::LogTail;

    use super::*;

    #[test]
    fn the_smallest_is_found_in_steps() {
        for wanted in [32, 34, 48, 126, 128] {
            let mut asked = Vec::new();
            let found = smallest(30, 128, |mib| {
                asked.push(mib);
                Ok(mib >= wanted)
            });
            assert_eq!(found.unwrap(), wanted, "{asked:?}");
            assert!(asked.iter().all(|mib| mib % MEMORY_STEP_MIB == 0), "{asked:?}");
        }
        let odd = smallest(33, 128, |mib| Ok(mib >= 34)).unwrap();
        assert_eq!(odd, 34);
        assert!(smallest(30, 128, |_| anyhow::bail!("no QEMU")).is_err());
    }

    #[test]
    fn only_want_of_memory_counts_as_too_small() {
        let job = |outcome| anyhow::Error::from(JobFailed { outcome, detail: String::new() });
        let limit = |limit: &str| job(JobOutcome::LimitExceeded { limit: limit.to_owned() });
        assert!(wants_memory(&limit("limits.component_memory_bytes")));
        assert!(!wants_memory(&limit("limits.fuel")));
        assert!(!wants_memory(&job(JobOutcome::Trapped)));
        let ended = |code| GuestError::Ended(Arc::new(GuestEnd::Exited { code, log: LogTail::default() }));
        assert!(wants_memory(&ended(ExitCode::OutOfMemory).into()));
        assert!(wants_memory(&LaunchError::Guest(ended(ExitCode::OutOfMemory)).into()));
        assert!(!wants_memory(&ended(ExitCode::Panic).into()));
        assert!(!wants_memory(&LaunchError::Interrupted.into()));
        assert!(!wants_memory(&BuildError::ManifestRoundTrip.into()));
        assert!(!wants_memory(&anyhow::anyhow!("no QEMU")));
    }
}
