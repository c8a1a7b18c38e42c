//! The demo's guest: a `redoubt run` of its own.

use core::time::Duration;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use super::{Programs, succeed};
use crate::process::Tool;

/// How long a guest may take to be ready, slow machines included.
const READY_TIMEOUT: Duration = Duration::from_secs(180);
/// How long a guest may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A running `redoubt run`. Ctrl-C reaches it too, since it is in our process group.
pub(super) struct Guest {
    redoubt: PathBuf,
    /// Its sockets: in a short path, because socket names are limited.
    run_dir: PathBuf,
    child: Child,
    /// Removes it.
    _folder: TempDir,
}

impl Guest {
    /// `options` are those of `redoubt run`.
    pub(super) fn start(programs: &Programs, dist: &Path, options: &[&str]) -> Result<Self> {
        let folder = TempDir::with_prefix("redoubt-demo-").context("cannot create a folder for sockets")?;
        // Made by the loader, which insists that nobody else may look into it.
        let run_dir = folder.path().join("run");
        let mut command = Command::new(&programs.redoubt);
        command.arg("--run-dir").arg(&run_dir).arg("run").arg(dist).args([
            "--tee",
            "sim",
            "--allow-simulated",
        ]);
        command.args(options);
        let shown = format!("$ redoubt run {} --tee sim --allow-simulated", dist.display());
        println!("{}", [&[shown.as_str()], options].concat().join(" "));
        let child =
            command.spawn().with_context(|| format!("cannot start {}", programs.redoubt.display()))?;
        let mut guest = Self { redoubt: programs.redoubt.clone(), run_dir, child, _folder: folder };
        guest.wait_ready()?;
        Ok(guest)
    }

    /// An address of this machine that nobody listens on.
    pub(super) fn free_address() -> Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
        Ok(listener.local_addr().context("a port has no address")?.to_string())
    }

    pub(super) fn redoubt(&self, verb: &str) -> Tool {
        Tool::new(&self.redoubt).arg("--run-dir").arg(&self.run_dir).arg(verb)
    }

    fn wait_ready(&mut self) -> Result<()> {
        let started = Instant::now();
        while self.redoubt("status").ask().is_none() {
            if let Some(status) = self.child.try_wait().context("cannot ask after redoubt run")? {
                bail!("redoubt run ended before the guest was ready ({status})");
            }
            ensure!(
                started.elapsed() < READY_TIMEOUT,
                "the guest was not ready after {} s",
                READY_TIMEOUT.as_secs()
            );
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    pub(super) fn stop(mut self) -> Result<()> {
        succeed("redoubt stop", self.redoubt("stop"))?;
        let started = Instant::now();
        while self.child.try_wait().context("cannot ask after redoubt run")?.is_none() {
            ensure!(started.elapsed() < STOP_TIMEOUT, "redoubt run goes on after redoubt stop");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Guest {
    /// However the demo ends, no guest is left behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _stopped = self.redoubt("stop").ask();
            thread::sleep(Duration::from_millis(500));
            let _killed = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}
