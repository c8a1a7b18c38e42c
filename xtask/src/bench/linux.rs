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
use super::machine::Machine;
use crate::guest::remap_flags;
use crate::process::Tool;
use crate::setup;
use crate::workspace::Workspace;

const FOLDER: &str = "tests/linux-guest";
const TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// Debian's name for the newest cloud kernel of the release.
const KERNEL_PACKAGE: &str = "linux-image-cloud-amd64";
/// Whatever makes Linux start faster or run faster without leaving something out.
const COMMAND_LINE: &str = "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check random.trust_cpu=on";
/// What the guest's program puts before its reports.
const MARK: &str = "linux-guest:";
/// A guest that says nothing for so long is stuck.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Everything that the Linux guest boots from.
#[derive(Debug)]
pub(super) struct LinuxGuest {
    kernel: PathBuf,
    /// Without input: for boot times.
    small: PathBuf,
    /// With the ledger and both artefacts: for run times.
    large: PathBuf,
    /// Version of the kernel, for the report.
    pub(super) kernel_name: String,
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
        let kernel = fetch_kernel(&folder)?;
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
        let kernel_name = kernel.file_name().unwrap_or_default().to_string_lossy().replace("vmlinuz-", "");
        Ok(Self { kernel, small, large, kernel_name })
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
            .arg(&self.kernel)
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
    let flags = format!("-Ctarget-feature=+crt-static\u{1f}{}", remap_flags(workspace, None));
    let target = workspace.target().join("linux-guest/init");
    cargo(workspace, "init", &target)
        .arg("--release")
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
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

fn cargo(workspace: &Workspace, program: &str, target: &Path) -> Tool {
    Tool::cargo(workspace)
        .dir(&workspace.path(FOLDER))
        .args(["build", "--locked", "--target", TRIPLE, "--bin", program, "--target-dir"])
        .arg(target)
}

/// Debian's cloud kernel, unpacked below `folder`; nothing is installed.
fn fetch_kernel(folder: &Path) -> Result<PathBuf> {
    let boot = folder.join("kernel/boot");
    if let Some(kernel) = find_kernel(&boot) {
        return Ok(kernel);
    }
    if setup::find_program("apt-get").is_none() || setup::find_program("dpkg-deb").is_none() {
        bail!(
            "the comparison needs apt-get and dpkg-deb to fetch Debian's kernel: run it on Debian or Ubuntu"
        );
    }
    let depends = Tool::new("apt-cache").args(["depends", KERNEL_PACKAGE]).ask().unwrap_or_default();
    let package = depends
        .lines()
        .find_map(|line| line.trim().strip_prefix("Depends: "))
        .filter(|name| name.starts_with("linux-image-"))
        .with_context(|| format!("apt knows no {KERNEL_PACKAGE}. Run: apt-get update"))?
        .to_owned();
    Tool::new("apt-get")
        .dir(folder)
        .args(["--quiet", "download", &package])
        .run("fetching Debian's cloud kernel")?;
    let archive = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .context("apt-get downloaded nothing")?;
    let unpack = Tool::new("dpkg-deb").arg("--extract").arg(&archive).arg(folder.join("kernel"));
    unpack.run("unpacking the kernel")?;
    find_kernel(&boot).with_context(|| format!("{} holds no kernel", archive.display()))
}

fn find_kernel(boot: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(boot).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-")))
}
