//! Errors of launching a guest, and of talking to one.

use core::net::SocketAddrV4;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use attestation_evidence::EvidenceError;
use attestation_manifest::ManifestError;
use attestation_measure::MeasureError;
use image_builder::ImageError;
use loader_psp::PspError;

use crate::end::{GuestEnd, LogTail};
use crate::host::Tee;
use crate::session::Violation;

/// How to get QEMU, for messages.
pub(crate) const QEMU_REMEDY: &str =
    "install it (Debian: apt-get install qemu-system-x86) or name one with REDOUBT_QEMU";

/// What to do about an image, for messages.
const IMAGE_REMEDY: &str = "give the folder that `cargo xtask image` made, as it made it";
/// What to do about a guest that cannot be ours, for messages.
const BUILD_REMEDY: &str = "build redoubt and the image from the same sources";

/// A guest could not be launched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// The image is damaged or incomplete.
    #[error("the image cannot be launched: {0}; {IMAGE_REMEDY}")]
    Image(ImageError),
    /// The manifest is one that every guest refuses.
    #[error("the image cannot be launched: {0}; {IMAGE_REMEDY}")]
    Manifest(ManifestError),
    /// The ROM is one that no VMM starts.
    #[error("redoubt.rom cannot be measured: {0}; {IMAGE_REMEDY}")]
    Measure(MeasureError),
    /// Nobody would answer there.
    #[error(
        "{address} cannot be published: the image's program runs jobs, it has no service (manifest.json: service is null)"
    )]
    NoService {
        /// Where it was to be.
        address: SocketAddrV4,
    },
    /// Jobs leave their claims where `redoubt job` says.
    #[error("{} would stay empty: the image's program runs jobs, it has no service (manifest.json: service is null)", .folder.display())]
    NothingToKeep {
        /// Where requests were to be kept.
        folder: PathBuf,
    },
    /// What the program stores would be lost with the guest, against the word of its manifest.
    #[error(
        "the image's program stores what outlasts a guest (manifest.json: storage.persist): say in which file, with --state"
    )]
    StateNeeded,
    /// Nothing would be written there.
    #[error("{} would stay empty: what the image's program stores ends with the guest (manifest.json: storage.persist is false)", .path.display())]
    NoState {
        /// Where the state was to be.
        path: PathBuf,
    },
    /// Two guests with one state would undo what the other has stored.
    #[error("{} is the state of another guest that runs: stop that one, or name another file with --state", .path.display())]
    StateInUse {
        /// The file.
        path: PathBuf,
    },
    /// The address is not to be had.
    #[error("{address} cannot be published: {error}; choose another address with --publish")]
    Publish {
        /// The address.
        address: SocketAddrV4,
        /// What the system says.
        error: io::Error,
    },
    /// There is no QEMU.
    #[error("{} was not found: {QEMU_REMEDY}", .tried.display())]
    QemuMissing {
        /// What was looked for.
        tried: PathBuf,
    },
    /// The program is no QEMU.
    #[error("{} --version: expected the version of a QEMU, found {found:?}", .path.display())]
    QemuAnswer {
        /// The program.
        path: PathBuf,
        /// What it said.
        found: String,
    },
    /// QEMU is too old.
    #[error(
        "{}: expected version {}.{} or later, found {}.{}: {QEMU_REMEDY}",
        .path.display(), .expected.0, .expected.1, .found.0, .found.1
    )]
    QemuVersion {
        /// The program.
        path: PathBuf,
        /// The oldest version that does.
        expected: (u32, u32),
        /// Its version.
        found: (u32, u32),
    },
    /// KVM was asked for and does not work.
    #[error("--accel kvm: {problem}; use --accel tcg, which is slower")]
    Kvm {
        /// Why not.
        problem: String,
    },
    /// `auto` found no hardware to protect the guest, and may not go without.
    #[error(
        "--tee auto: this host has neither SEV-SNP ({snp}) nor TDX ({tdx}); pass --allow-simulated to run without protection"
    )]
    NoTee {
        /// Why not SNP.
        snp: String,
        /// Why not TDX.
        tdx: String,
    },
    /// A TEE that this build cannot launch.
    #[error("this build launches only simulated guests yet, not {}; pass --tee sim to run without protection", .tee.name())]
    TeeUnsupported {
        /// The TEE.
        tee: Tee,
    },
    /// A socket's path does not fit the operating system's limit.
    #[error("socket path {} has {found} bytes, expected at most {limit}: choose a shorter run directory", .path.display())]
    SocketPath {
        /// The path.
        path: PathBuf,
        /// Most bytes.
        limit: usize,
        /// Its length, in bytes.
        found: usize,
    },
    /// The operating system refused.
    #[error("cannot {verb} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The simulated PSP cannot work.
    #[error(transparent)]
    Psp(#[from] PspError),
    /// QEMU started and did not open the control stream.
    #[error(
        "qemu started and did not connect to {} within {waited_ms} ms: see whether the host is overloaded, or name \
         another qemu with REDOUBT_QEMU{log}",
        .path.display()
    )]
    NotConnected {
        /// The socket.
        path: PathBuf,
        /// What QEMU said last.
        log: LogTail,
        /// How long it had, in milliseconds.
        waited_ms: u128,
    },
    /// The operator gave up.
    #[error("the launch was interrupted")]
    Interrupted,
    /// The guest runs and says nothing.
    #[error(
        "the guest did not become ready within {waited_ms} ms: grant it more with --boot-timeout-s, or see with \
         --log-level debug how far it gets{log}"
    )]
    NotReady {
        /// How long it had, in milliseconds.
        waited_ms: u128,
        /// What it logged last.
        log: LogTail,
    },
    /// The guest ended, or broke a rule.
    #[error("the guest did not start: {0}")]
    Guest(#[from] GuestError),
    /// The guest's evidence is not that of the image that was launched.
    #[error("the guest shows evidence that does not hold: {0}; {BUILD_REMEDY}")]
    Evidence(EvidenceError),
    /// The guest's evidence speaks of another ROM.
    #[error("the guest's evidence: measurement: expected {expected}, found {found}; {BUILD_REMEDY}")]
    Measurement {
        /// What was launched.
        expected: String,
        /// What the evidence says.
        found: String,
    },
}

/// Something asked of a guest did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuestError {
    /// The guest is gone.
    #[error("the guest ended: {0}")]
    Ended(Arc<GuestEnd>),
    /// The guest is broken; it is about to be gone.
    #[error("the guest broke a rule: {0}")]
    Violation(#[from] Violation),
    /// The guest did not do something in time.
    #[error(
        "the guest had {waited_ms} ms {what} and did not: see its log (redoubt logs), or try again later"
    )]
    Timeout {
        /// What it should have done.
        what: &'static str,
        /// How long it had, in milliseconds.
        waited_ms: u128,
    },
    /// Too many jobs wait.
    #[error("{waiting} jobs wait for this guest already: try again later")]
    QueueFull {
        /// How many.
        waiting: usize,
    },
    /// The job was cancelled from our side.
    #[error("the job was cancelled")]
    Cancelled,
    /// The input ends early. The caller is guilty; the job was cancelled.
    #[error("the input was said to have {expected} bytes and ended after {found}")]
    InputShort {
        /// Bytes stated when the job was queued.
        expected: u64,
        /// Bytes that there were.
        found: u64,
    },
    /// More input than the guest took. The caller is guilty.
    #[error("{found} bytes of input were sent without the guest's permission")]
    InputExcess {
        /// Bytes sent.
        found: usize,
    },
    /// The input cannot be read; the job was cancelled.
    #[error("the input cannot be read: {source}")]
    Input {
        /// Why.
        source: io::Error,
    },
    /// The output cannot be written; the job was cancelled.
    #[error("the output cannot be written: {source}")]
    Output {
        /// Why.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_that_takes_too_long_says_what_to_try() {
        let log = LogTail(vec!["booting".to_owned()]);
        let silent = LaunchError::NotReady { waited_ms: 7, log: log.clone() }.to_string();
        assert!(silent.contains("within 7 ms") && silent.contains("--boot-timeout-s"), "{silent}");
        let absent = LaunchError::NotConnected { path: "/run/guest.sock".into(), waited_ms: 8, log };
        let absent = absent.to_string();
        assert!(
            absent.contains("/run/guest.sock within 8 ms") && absent.contains("REDOUBT_QEMU"),
            "{absent}"
        );
        for text in [silent, absent] {
            assert!(text.ends_with("last log lines:\n    booting"), "{text}");
        }
    }
}
