//! The accelerator: KVM where it is known to work, TCG elsewhere.
//!
//! A `/dev/kvm` that opens and then hangs exists in the wild, so QEMU's own `kvm:tcg` fallback is not enough, and
//! neither is opening the device: a tiny guest has to end by itself first.

use core::time::Duration;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Instant;

use enclave_wire::boot::DEBUG_EXIT_PORT;

use crate::error::LaunchError;
use crate::qemu::Qemu;

/// How a guest's instructions are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accel {
    /// By the processor.
    Kvm,
    /// By QEMU's translator.
    Tcg,
}

/// What the operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccelChoice {
    /// KVM if it works, else TCG.
    #[default]
    Auto,
    /// This one or none.
    Only(Accel),
}

impl Accel {
    /// QEMU's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }
}

impl AccelChoice {
    /// Settles on one; tries KVM before it is believed in.
    ///
    /// # Errors
    /// KVM was asked for and does not work.
    pub fn resolve(self, qemu: &Qemu) -> Result<Accel, LaunchError> {
        match self {
            Self::Only(Accel::Tcg) => Ok(Accel::Tcg),
            Self::Only(Accel::Kvm) => match kvm_problem(qemu) {
                None => Ok(Accel::Kvm),
                Some(problem) => Err(LaunchError::Kvm { problem }),
            },
            Self::Auto => Ok(if kvm_problem(qemu).is_none() { Accel::Kvm } else { Accel::Tcg }),
        }
    }
}

/// Longest time that the trial guest may take: it runs four instructions.
pub(crate) const TRIAL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one that was killed may take to be gone.
const REAP_TIMEOUT: Duration = Duration::from_secs(1);
/// What the trial guest writes to the debug exit port.
const TRIAL_CODE: u8 = 0x2A;
const TRIAL_STATUS: i32 = 2 * TRIAL_CODE as i32 + 1;
const TRIAL_ROM_BYTES: usize = 64 * 1024;

/// Why KVM cannot be used here; `None` when a trial guest ran under it.
#[must_use]
pub fn kvm_problem(qemu: &Qemu) -> Option<String> {
    let cpu_flags = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if !cpu_flags.split_whitespace().any(|flag| flag == "vmx" || flag == "svm") {
        return Some("the processor shows neither vmx nor svm (/proc/cpuinfo)".to_owned());
    }
    if let Err(error) = OpenOptions::new().read(true).write(true).open("/dev/kvm") {
        return Some(format!("/dev/kvm: {error}"));
    }
    try_guest(qemu, Accel::Kvm, TRIAL_TIMEOUT).err()
}

/// Runs a guest of four instructions.
pub(crate) fn try_guest(qemu: &Qemu, accel: Accel, timeout: Duration) -> Result<(), String> {
    let rom = write_trial_rom().map_err(|error| format!("cannot write the ROM of a trial guest: {error}"))?;
    let mut child = start_trial(qemu, accel, rom.path()).map_err(|error| format!("qemu: {error}"))?;
    match wait(&mut child, timeout).map_err(|error| format!("qemu: {error}"))? {
        Some(status) if status.code() == Some(TRIAL_STATUS) => Ok(()),
        Some(status) => {
            Err(format!("qemu ran a trial guest: expected exit status {TRIAL_STATUS}, found {status}"))
        }
        None => {
            let _ = child.kill();
            // Bounded: a process that hangs in the kernel's KVM does not die of being killed.
            let _ = wait(&mut child, REAP_TIMEOUT);
            Err(format!("a trial guest hung for {} s", timeout.as_secs_f32()))
        }
    }
}

/// A ROM whose reset vector writes [`TRIAL_CODE`] to the debug exit port: `mov al, code; out port, al; hlt; jmp $`.
fn write_trial_rom() -> io::Result<tempfile::NamedTempFile> {
    let port = DEBUG_EXIT_PORT.to_le_bytes()[0];
    let code = [0xB0, TRIAL_CODE, 0xE6, port, 0xF4, 0xEB, 0xFE];
    let mut rom = vec![0xF4; TRIAL_ROM_BYTES];
    let reset_vector = rom.iter_mut().skip(TRIAL_ROM_BYTES - 16);
    reset_vector.zip(code).for_each(|(to, from)| *to = from);
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(&rom)?;
    Ok(file)
}

fn start_trial(qemu: &Qemu, accel: Accel, rom: &Path) -> io::Result<Child> {
    Command::new(&qemu.path)
        .args(["-machine", &format!("q35,accel={}", accel.name()), "-cpu", "max", "-m", "16M"])
        .args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-bios"])
        .arg(rom)
        .args(["-device", &format!("isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=4")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// How the process ended; `None` when it goes on for longer than `timeout`.
fn wait(child: &mut Child, timeout: Duration) -> io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    while started.elapsed() < timeout {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use tests_needs::Need;

    use super::*;
    use crate::qemu::fake::fake_qemu;

    #[test]
    fn the_trial_guest_ends_by_itself() {
        let Ok(qemu) = Qemu::find(None) else {
            return Need::Qemu.missing("no qemu-system-x86_64 here");
        };
        assert_eq!(try_guest(&qemu, Accel::Tcg, TRIAL_TIMEOUT), Ok(()));
        assert_eq!(AccelChoice::Only(Accel::Tcg).resolve(&qemu).unwrap(), Accel::Tcg);
    }

    #[test]
    fn an_accelerator_that_hangs_is_given_up_and_its_qemu_killed() {
        let folder = tempfile::tempdir().unwrap();
        let id_file = folder.path().join("id");
        let hangs = format!("echo $$ > '{}'; exec sleep 600", id_file.display());
        let qemu = fake_qemu(&folder.path().join("qemu"), "7.2", &hangs);
        let problem = try_guest(&qemu, Accel::Kvm, Duration::from_millis(500)).unwrap_err();
        assert_eq!(problem, "a trial guest hung for 0.5 s");
        let id = fs::read_to_string(&id_file).unwrap();
        assert!(!Path::new("/proc").join(id.trim()).exists(), "qemu {id} still runs");
    }

    #[test]
    fn an_accelerator_that_is_refused_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let qemu = fake_qemu(&folder.path().join("qemu"), "7.2", "exit 1");
        let problem = try_guest(&qemu, Accel::Kvm, TRIAL_TIMEOUT).unwrap_err();
        assert!(problem.contains("expected exit status 85, found exit status: 1"), "{problem}");
    }
}
