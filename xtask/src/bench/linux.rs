//! The comparison: Debian's cloud kernel, an initramfs with one program, the same QEMU.

use core::time::Duration;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use super::cpio::Initramfs;
use super::kernel::Kernel;
use super::machine::Machine;
use crate::guest::remap_flags;
use crate::process::Tool;
use crate::workspace::Workspace;

const FOLDER: &str = "tests/linux-guest";
/// What its programs are built for.
pub(super) const TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// Whatever makes Linux start faster or run faster without leaving something out.
pub(super) const COMMAND_LINE: &str =
    "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check random.trust_cpu=on";
/// What the guest's program puts before its reports.
pub(super) const MARK: &str = "linux-guest:";
/// A guest that says nothing for so long is stuck.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Everything that the Linux guest boots from.
#[derive(Debug)]
pub(super) struct LinuxGuest {
    kernel: Kernel,
    /// Without input: for boot times.
    small: PathBuf,
    /// With the ledger and both artefacts: for run times.
    large: PathBuf,
}

/// Times of the component, first and second time in one guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// With the settings of our guest.
    pub(super) same: [Duration; 2],
    /// With wasmtime's own.
    pub(super) default: [Duration; 2],
}

impl LinuxGuest {
    /// Builds and fetches what is needed.
    pub(super) fn prepare(workspace: &Workspace, component: &Path, ledger: &Path) -> Result<Self> {
        let folder = workspace.scratch().join("linux-guest");
        fs::create_dir_all(&folder)?;
        let kernel = Kernel::fetch(&folder)?;
        let init = build_init(workspace)?;
        let compile = build_compiler(workspace)?;
        let (same, default) = (folder.join("same.cwasm"), folder.join("default.cwasm"));
        Tool::new(compile)
            .arg(component)
            .arg(&same)
            .arg(&default)
            .run("compiling the component for Linux")?;

        let (init, same, default) = (fs::read(init)?, fs::read(same)?, fs::read(default)?);
        let (small, large) = (folder.join("small.cpio"), folder.join("large.cpio"));
        fs::write(&small, Initramfs::new().file("init", &init).file("same.cwasm", &same).finish())?;
        let archive =
            Initramfs::new().file("init", &init).file("same.cwasm", &same).file("default.cwasm", &default);
        fs::write(&large, archive.file("input", &fs::read(ledger)?).finish())?;
        Ok(Self { kernel, small, large })
    }

    /// Version of the kernel, for the report.
    pub(super) fn kernel_name(&self) -> String {
        self.kernel.version()
    }

    /// Time from the start of QEMU to the first line that the component prints. It has no input, so that it prints
    /// its complaint at once.
    pub(super) fn boot(&self, machine: &Machine, first_line: &str) -> Result<Duration> {
        let mut first = None;
        let console = self.start(machine, &self.small, |line, elapsed| {
            if line.contains(first_line) {
                first.get_or_insert(elapsed);
            }
        })?;
        first.with_context(|| format!("the component never printed {first_line:?}:\n{console}"))
    }

    /// Run times with both settings, by the guest's own clock.
    pub(super) fn run(&self, machine: &Machine) -> Result<Run> {
        let console = self.start(machine, &self.large, |_, _| {})?;
        let time = |tuning: &str, round: &str| {
            let start = format!("{MARK} run tuning={tuning} round={round} us=");
            let rest =
                console.lines().find_map(|line| line.split_once(&start)?.1.strip_suffix(" success"))?;
            rest.split(' ').next()?.parse().map(Duration::from_micros).ok()
        };
        let both = |tuning| Some([time(tuning, "first")?, time(tuning, "second")?]);
        both("same")
            .zip(both("default"))
            .map(|(same, default)| Run { same, default })
            .with_context(|| format!("the Linux guest did not finish all runs:\n{console}"))
    }

    /// Runs the guest to its end and returns its console; `on_line` hears each line with the time since the start.
    fn start(
        &self,
        machine: &Machine,
        initramfs: &Path,
        mut on_line: impl FnMut(&str, Duration),
    ) -> Result<String> {
        let mut command = Command::new(&machine.qemu);
        command
            .args(machine.arguments())
            .args(["-m", "512", "-serial", "stdio", "-append", COMMAND_LINE])
            .arg("-kernel")
            .arg(&self.kernel.image)
            .arg("-initrd")
            .arg(initramfs)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut child =
            command.spawn().with_context(|| format!("cannot start {}", machine.qemu.display()))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let watchdog = Watchdog::over(child);
        let mut console = String::new();
        for line in BufReader::new(stdout).split(b'\n') {
            let line = String::from_utf8_lossy(&line.context("QEMU's output")?).into_owned();
            on_line(&line, started.elapsed());
            console.push_str(line.trim_end());
            console.push('\n');
        }
        watchdog.end()?;
        Ok(console)
    }
}

/// Ends a machine that does not end by itself.
struct Watchdog {
    done: std::sync::mpsc::Sender<()>,
    thread: thread::JoinHandle<Result<()>>,
}

impl Watchdog {
    fn over(mut child: Child) -> Self {
        let (done, waiting) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let is_late = waiting.recv_timeout(TIMEOUT).is_err();
            if is_late {
                child.kill().context("cannot end QEMU")?;
            }
            let output = child.wait_with_output().context("cannot wait for QEMU")?;
            match (is_late, output.status.success()) {
                (true, _) => bail!("the Linux guest did not end within {} s", TIMEOUT.as_secs()),
                (false, false) => bail!("QEMU failed: {}", String::from_utf8_lossy(&output.stderr).trim()),
                (false, true) => Ok(()),
            }
        });
        Self { done, thread }
    }

    fn end(self) -> Result<()> {
        // A watchdog that has bitten hears nothing any more; its own error says why.
        let _ = self.done.send(());
        self.thread.join().unwrap_or_else(|_| bail!("the watchdog panicked"))
    }
}

/// The guest's only program: static, because there is nothing else in the guest, and small, because loading it counts.
fn build_init(workspace: &Workspace) -> Result<PathBuf> {
    let target = workspace.target().join("linux-guest/init");
    cargo(workspace, "init", &target)
        .arg("--release")
        .env("CARGO_ENCODED_RUSTFLAGS", static_flags(workspace))
        .run("building the Linux guest's program")?;
    Ok(target.join(TRIPLE).join("release/init"))
}

/// The tool that makes its artefacts, on the host.
fn build_compiler(workspace: &Workspace) -> Result<PathBuf> {
    let target = workspace.target().join("linux-guest/compile");
    cargo(workspace, "compile", &target)
        .args(["--features", "compiler"])
        .run("building the Linux guest's compiler")?;
    Ok(target.join(TRIPLE).join("debug/compile"))
}

/// Compiler flags of programs that have no libraries around them.
pub(super) fn static_flags(workspace: &Workspace) -> String {
    format!("-Ctarget-feature=+crt-static\u{1f}{}", remap_flags(workspace, None))
}

/// Builds one of the Linux guests' programs.
pub(super) fn cargo(workspace: &Workspace, program: &str, target: &Path) -> Tool {
    Tool::cargo(workspace)
        .dir(&workspace.path(FOLDER))
        .args(["build", "--locked", "--target", TRIPLE, "--bin", program, "--target-dir"])
        .arg(target)
}
