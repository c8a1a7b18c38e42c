//! A guest that runs.

use core::net::SocketAddrV4;
use core::ops::Deref;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::accel::Accel;
use crate::end::GuestEnd;
use crate::qemu::process::Process;
use crate::session::Session;

/// How long a killed process may take to be reaped.
pub(crate) const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// A launched guest that has said that it is ready. Dereferences to the [`Session`] with it. Dropping it kills it.
#[derive(Debug)]
pub struct Guest {
    session: Session,
    info: GuestInfo,
    process: RunningProcess,
}

/// What is known of a guest since its launch.
#[derive(Debug, Clone)]
pub struct GuestInfo {
    /// Launch digest, as the simulated PSP reports it.
    pub measurement: [u8; 48],
    /// SHA-256 of the manifest.
    pub manifest_sha256: [u8; 32],
    /// Evidence as the guest showed it; encoded.
    pub evidence: Vec<u8>,
    /// Identifies the local seal key: the same manifest, ROM and chip give the same value.
    pub seal_key_id: Vec<u8>,
    /// How its instructions are executed.
    pub accel: Accel,
    /// RAM, in MiB.
    pub memory_mib: u32,
    /// From QEMU's start to the guest's first message, by the host's clock.
    pub boot: Duration,
    /// From reset to the guest's first message, by the guest's clock.
    pub guest_boot_us: u64,
    /// Where clients reach its service on this host.
    pub published: Option<SocketAddrV4>,
    /// Folder with what is kept of this boot's requests.
    pub kept: Option<PathBuf>,
    /// Process id of QEMU.
    pub qemu_id: u32,
    /// The guest's log.
    pub log_path: PathBuf,
}

impl Guest {
    pub(crate) const fn new(session: Session, info: GuestInfo, process: RunningProcess) -> Self {
        Self { session, info, process }
    }

    /// What is known of it.
    #[must_use]
    pub const fn info(&self) -> &GuestInfo {
        &self.info
    }

    /// The conversation with it; a handle to keep elsewhere.
    #[must_use]
    pub fn session(&self) -> Session {
        self.session.clone()
    }

    /// Where its log is.
    #[must_use]
    pub fn log_path(&self) -> &Path {
        &self.info.log_path
    }

    /// Asks it to end, and kills it when it has not after `patience`.
    pub fn stop(&self, patience: Duration) -> Arc<GuestEnd> {
        // A guest that ended already needs no asking.
        let _ = self.session.request_shutdown();
        match self.session.wait_end(patience) {
            Some(end) => end,
            None => self.kill(),
        }
    }

    /// Ends it at once.
    pub fn kill(&self) -> Arc<GuestEnd> {
        self.process.0.kill();
        let end = self.session.wait_end(KILL_TIMEOUT);
        end.unwrap_or_else(|| Arc::new(GuestEnd::KilledByLoader { log: self.process.0.tail() }))
    }
}

impl Deref for Guest {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

/// Kills and reaps the process when dropped, also when a launch fails half-way.
#[derive(Debug)]
pub(crate) struct RunningProcess(pub(crate) Process);

impl Drop for RunningProcess {
    fn drop(&mut self) {
        self.0.kill();
        self.0.wait(KILL_TIMEOUT);
    }
}
