//! The comparison: `wasmtime serve` in a Linux guest, in the same QEMU.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use super::READY_TIMEOUT;
use crate::bench::cpio::Initramfs;
use crate::bench::kernel::Kernel;
use crate::bench::linux::{COMMAND_LINE, MARK, TRIPLE, cargo, static_flags};
use crate::bench::machine::Machine;
use crate::workspace::Workspace;

/// Enough for the kernel, the program, and what its pool of instances touches.
const MEMORY_MIB: &str = "768";
/// What `wasmtime serve` says once it takes connections.
const READY: &str = "Serving HTTP on";
/// Where it does, in the guest.
const PORT: u16 = 80;

/// What the guest boots from.
#[derive(Debug)]
pub(super) struct LinuxService {
    kernel: Kernel,
    initramfs: PathBuf,
}

/// A guest that takes requests. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Serving {
    qemu: Child,
    pub(super) address: SocketAddrV4,
}

impl LinuxService {
    /// Builds and fetches what is needed. The guest compiles the component itself when it starts.
    pub(super) fn prepare(workspace: &Workspace, component: &Path) -> Result<Self> {
        let folder = workspace.scratch().join("linux-guest");
        fs::create_dir_all(&folder)?;
        let kernel = Kernel::fetch(&folder)?;
        let target = workspace.target().join("linux-guest/serve");
        cargo(workspace, "serve", &target)
            .args(["--features", "serve", "--profile", "serve"])
            .env("CARGO_ENCODED_RUSTFLAGS", static_flags(workspace))
            .run("building `wasmtime serve` for the Linux guest")?;
        let init = fs::read(target.join(TRIPLE).join("serve/serve"))?;
        let mut archive = Initramfs::new().file("init", &init).file("component.wasm", &fs::read(component)?);
        archive = archive.folder("drivers");
        for (number, driver) in kernel.network_drivers()?.iter().enumerate() {
            archive = archive.file(&format!("drivers/{number}.ko"), driver);
        }
        let initramfs = folder.join("service.cpio");
        fs::write(&initramfs, archive.finish())?;
        Ok(Self { kernel, initramfs })
    }

    /// Version of the kernel, for the report.
    pub(super) fn kernel_name(&self) -> String {
        self.kernel.version()
    }

    /// Starts the guest, and waits until it takes requests.
    pub(super) fn launch(&self, machine: &Machine) -> Result<Serving> {
        // QEMU wants to be told a port; nobody else takes this one so soon.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let SocketAddr::V4(address) = listener.local_addr()? else { bail!("no IPv4 address") };
        drop(listener);
        let mut qemu = Command::new(&machine.qemu)
            .args(machine.arguments())
            .args(["-m", MEMORY_MIB, "-serial", "stdio", "-append", COMMAND_LINE])
            .args(["-netdev", &format!("user,id=net,hostfwd=tcp:{address}-:{PORT}")])
            .args(["-device", "virtio-net-pci,netdev=net,disable-legacy=on,romfile="])
            .arg("-kernel")
            .arg(&self.kernel.image)
            .arg("-initrd")
            .arg(&self.initramfs)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", machine.qemu.display()))?;
        let stdout = qemu.stdout.take();
        let serving = Serving { qemu, address };
        wait_ready(stdout.context("no standard output")?)?;
        Ok(serving)
    }
}

/// Waits for the line that says so. The console is read to its end, so that the guest can always write.
fn wait_ready(console: impl std::io::Read + Send + 'static) -> Result<()> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(console).split(b'\n').map_while(Result::ok) {
            // Nobody listens any more once the guest is ready.
            let _ = sender.send(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
    });
    let deadline = Instant::now() + READY_TIMEOUT;
    let mut seen = String::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) if line.contains(READY) => return Ok(()),
            Ok(line) if line.contains(MARK) => bail!("the Linux guest: {line}"),
            Ok(line) => seen = seen + &line + "\n",
            Err(RecvTimeoutError::Timeout) => bail!("the Linux guest never answered requests:\n{seen}"),
            Err(RecvTimeoutError::Disconnected) => bail!("the Linux guest ended:\n{seen}"),
        }
    }
}

impl Serving {
    /// QEMU's process.
    pub(super) fn qemu_id(&self) -> u32 {
        self.qemu.id()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It is either running or gone.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}
