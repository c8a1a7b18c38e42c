//! From an image to a guest that is ready.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use attestation_evidence::{Evidence, verify_simulated};
use attestation_manifest::{Manifest, manifest_digest, parse_manifest};
use attestation_measure::{SnpProfile, snp_launch_digest};
use enclave_wire::boot::LogLevel;
use enclave_wire::control::Ready;
use image_builder::ImageFile;
use loader_psp::{Launch, SimChip, SoftwarePsp};
use zerocopy::IntoBytes;

use crate::accel::{Accel, AccelChoice};
use crate::end::{GuestEnd, StreamEnd};
use crate::error::{GuestError, LaunchError};
use crate::files::ImageFiles;
use crate::guest::{Guest, GuestInfo, KILL_TIMEOUT, RunningProcess};
use crate::host::Tee;
use crate::keeper::Keeper;
use crate::qemu::Qemu;
use crate::qemu::command::Machine;
use crate::qemu::log::LogWriter;
use crate::qemu::process::Process;
use crate::session::{Hooks, Keepers, Session};
use crate::state_file::StateFile;
use crate::time_reports::TimeReports;

/// The longest path that fits `sockaddr_un`.
pub const SOCKET_PATH_MAX_BYTES: usize = 107;
/// How long QEMU may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How soon an interrupted launch ends.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(100);
/// How long QEMU may go on after it closed the control stream.
const EXIT_TIMEOUT: Duration = Duration::from_secs(3);
/// What the loader grants a job beyond the manifest's own time limit, which the guest enforces by its own clock.
const JOB_GRACE: Duration = Duration::from_secs(60);

/// How to launch one guest.
#[derive(Debug, Clone)]
pub struct LaunchConfig {
    /// The image.
    pub image: ImageFiles,
    /// Only [`Tee::Simulated`] can be launched yet.
    pub tee: Tee,
    /// How to execute instructions.
    pub accel: AccelChoice,
    /// QEMU to use instead of the one in `PATH`.
    pub qemu: Option<PathBuf>,
    /// Folder for sockets and the log; private to the user.
    pub run_dir: PathBuf,
    /// File with the simulated chip; made when absent.
    pub chip_file: PathBuf,
    /// What the guest logs.
    pub log_level: LogLevel,
    /// How long the guest may take to become ready.
    pub boot_timeout: Duration,
    /// Set from elsewhere, ends the launch.
    pub interrupted: Arc<AtomicBool>,
    /// Where clients reach a service on this host, port 0 for any that is free; `None`: the service's port on 127.0.0.1.
    pub publish: Option<SocketAddrV4>,
    /// Folder in which a folder is made for the requests of this boot; `None`: nothing is kept, and nothing signed.
    pub keep: Option<PathBuf>,
    /// File for what the program stores, where that outlasts the guest; needed then, and only then.
    pub state: Option<PathBuf>,
    /// Deviations for tests.
    pub overrides: Overrides,
}

/// Deviations from an honest launch, for tests that play a hostile or broken host.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Instead of the manifest's digest.
    pub host_data: Option<[u8; 32]>,
    /// Instead of the manifest's policy.
    pub policy: Option<u64>,
    /// Instead of the manifest's VMPL.
    pub vmpl: Option<u32>,
    /// Instead of the ROM's digest.
    pub measurement: Option<[u8; 48]>,
    /// Instead of the manifest's memory.
    pub memory_mib: Option<u32>,
    /// fw_cfg files to leave out, by name.
    pub omitted_files: Vec<String>,
    /// Instead of what the manifest's egress list asks for.
    pub network: Option<NetworkDevice>,
    /// Added at the end of QEMU's command line.
    pub qemu_arguments: Vec<OsString>,
    /// Stands between the guest and the loader.
    pub control_tap: Option<ControlTap>,
}

/// Whether the guest has a network device, and who reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkDevice {
    /// There is none: less of QEMU for a guest to attack, and of the host for it to reach.
    Absent,
    /// QEMU's user networking; nobody reaches the guest.
    Attached,
    /// Likewise, and connections to this address of the host go to this port of the guest.
    Published {
        /// On the host.
        address: SocketAddrV4,
        /// In the guest.
        port: u16,
    },
}

/// Takes the guest's end of the control stream and returns what the loader talks to instead.
#[derive(Clone)]
pub struct ControlTap(pub Arc<TapHook>);

/// See [`ControlTap`]. Called once per launch, before the first byte; the files of the run are there.
pub type TapHook = dyn Fn(UnixStream) -> io::Result<UnixStream> + Send + Sync;

impl core::fmt::Debug for ControlTap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ControlTap").finish_non_exhaustive()
    }
}

/// Launches a guest and waits until it is ready.
///
/// # Errors
/// See [`LaunchError`]. Whatever was started is ended.
pub fn launch(config: &LaunchConfig) -> Result<Guest, LaunchError> {
    if config.tee != Tee::Simulated {
        return Err(LaunchError::TeeUnsupported { tee: config.tee });
    }
    let facts = Facts::of(config)?;
    let qemu = Qemu::find(config.qemu.as_deref())?;
    let accel = config.accel.resolve(&qemu)?;
    let state = state_file(config)?;
    let run = RunFiles::prepare(&config.run_dir)?;
    let chip = SimChip::load_or_create(&config.chip_file)?;
    let (secrets, mut psp) = SoftwarePsp::launch(facts.launch, &chip)?;
    let secrets = run.write_secrets(secrets.as_bytes())?;

    let listener = UnixListener::bind(&run.control).map_err(at("listen on", &run.control))?;
    let log = LogWriter::create(&run.log).map_err(at("write", &run.log))?;
    let stored = state.as_ref().map(StateFile::path).filter(|path| path.exists());
    let arguments = arguments(config, &facts, &run, accel, secrets.path(), stored);
    let started = Instant::now();
    let process = Process::start(&qemu.path, arguments, log).map_err(at("run", &qemu.path))?;
    let running = RunningProcess(process.clone());
    let stream = accept(&listener, &run.control, &process, &config.interrupted)?;
    let stream = match &config.overrides.control_tap {
        Some(ControlTap(tap)) => tap(stream).map_err(at("use", &run.control))?,
        None => stream,
    };
    let keeper = keeper(config)?;
    let kept = keeper.as_ref().map(|keeper| keeper.folder().to_owned());
    let reports = has_time_servers(config).then(|| TimeReports::new(&config.run_dir));
    let keepers = Keepers { requests: keeper, state, reports };
    let hooks = hooks(process.clone(), facts.job_patience, keepers, move |page| psp.handle(page));
    let session = start_session(stream, hooks).map_err(at("use", &run.control))?;
    let ready = wait_ready(&session, config, &process)?;
    let boot = started.elapsed();
    // QEMU has read the file and the guest has its keys.
    drop(secrets);
    facts.check(&ready)?;
    if facts.network.published().is_some() {
        session.open_service(kept.is_some())?;
    }

    let info = GuestInfo {
        measurement: facts.launch.measurement,
        manifest_sha256: manifest_digest(config.image.manifest()),
        evidence: ready.evidence,
        seal_key_id: ready.seal_key_id,
        accel,
        memory_mib: facts.memory_mib,
        boot,
        guest_boot_us: ready.boot_us,
        published: facts.network.published(),
        kept,
        qemu_id: process.id(),
        log_path: run.log,
    };
    Ok(Guest::new(session, info, running))
}

fn arguments(
    config: &LaunchConfig,
    facts: &Facts,
    run: &RunFiles,
    accel: Accel,
    sim_secrets: &Path,
    state: Option<&Path>,
) -> Vec<OsString> {
    Machine {
        accel,
        memory_mib: facts.memory_mib,
        rom: &config.image.path(ImageFile::Rom),
        manifest: &config.image.path(ImageFile::Manifest),
        component: &config.image.path(ImageFile::Component),
        artefact: &config.image.path(ImageFile::Artefact),
        state,
        sim_secrets,
        log_level: config.log_level,
        control_socket: &run.control,
        network: facts.network,
        omitted_files: &config.overrides.omitted_files,
        extra_arguments: &config.overrides.qemu_arguments,
    }
    .arguments()
}

/// Makes the folder for what is kept.
fn keeper(config: &LaunchConfig) -> Result<Option<Keeper>, LaunchError> {
    let Some(folder) = &config.keep else { return Ok(None) };
    let manifest = parse_manifest(config.image.manifest()).map_err(LaunchError::Manifest)?;
    let service =
        manifest.service.as_ref().ok_or_else(|| LaunchError::NothingToKeep { folder: folder.clone() })?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Whoever asks for its name later may be elsewhere.
    let folder = absolute(folder).map_err(at("find", folder))?;
    let folder = folder.join(format!("boot-{}", since.as_millis()));
    Keeper::create(folder.clone(), &manifest, service).map_err(at("create", &folder)).map(Some)
}

/// Only guests that ask for the time have something to report.
fn has_time_servers(config: &LaunchConfig) -> bool {
    parse_manifest(config.image.manifest()).is_ok_and(|manifest| !manifest.time.is_empty())
}

/// Finds the file for what is stored. With overrides even an image whose manifest does not parse is launched: it has none.
fn state_file(config: &LaunchConfig) -> Result<Option<StateFile>, LaunchError> {
    let persistent_bytes =
        parse_manifest(config.image.manifest()).map_or(0, |manifest| manifest.persistent_bytes());
    match (persistent_bytes, &config.state) {
        (0, None) => Ok(None),
        (0, Some(path)) => Err(LaunchError::NoState { path: path.clone() }),
        (_, None) => Err(LaunchError::StateNeeded),
        (_, Some(path)) => StateFile::open(path, persistent_bytes).map(Some),
    }
}

fn start_session(stream: UnixStream, hooks: Hooks) -> io::Result<Session> {
    Session::start(stream.try_clone()?, stream, hooks)
}

fn wait_ready(session: &Session, config: &LaunchConfig, process: &Process) -> Result<Ready, LaunchError> {
    let started = Instant::now();
    loop {
        let left = config.boot_timeout.saturating_sub(started.elapsed());
        match session.wait_ready(left.min(INTERRUPT_INTERVAL)) {
            Err(GuestError::Timeout { .. }) if config.interrupted.load(Ordering::Relaxed) => {
                return Err(LaunchError::Interrupted);
            }
            Err(GuestError::Timeout { .. }) if left.is_zero() => {
                let waited_ms = started.elapsed().as_millis();
                return Err(LaunchError::NotReady { waited_ms, log: process.tail() });
            }
            Err(GuestError::Timeout { .. }) => {}
            other => return Ok(other?),
        }
    }
}

impl NetworkDevice {
    /// A guest that may connect to nothing and serves nobody gets no device: its image runs under a QEMU without user
    /// networking, too.
    fn needed_for(manifest: &Manifest<'_>, publish: Option<SocketAddrV4>) -> Result<Self, LaunchError> {
        let Some(service) = &manifest.service else {
            return match publish {
                Some(address) => Err(LaunchError::NoService { address }),
                None if manifest.egress.is_empty() => Ok(Self::Absent),
                None => Ok(Self::Attached),
            };
        };
        let address = publish.unwrap_or(SocketAddrV4::new(Ipv4Addr::LOCALHOST, service.port));
        let port = free_port(address).map_err(|error| LaunchError::Publish { address, error })?;
        Ok(Self::Published { address: SocketAddrV4::new(*address.ip(), port), port: service.port })
    }

    /// Where clients reach the guest.
    const fn published(self) -> Option<SocketAddrV4> {
        match self {
            Self::Published { address, .. } => Some(address),
            Self::Absent | Self::Attached => None,
        }
    }
}

/// The port of this address, or any free one for port 0. QEMU knows no port 0, and says less clearly what is wrong.
fn free_port(address: SocketAddrV4) -> io::Result<u16> {
    Ok(TcpListener::bind(address)?.local_addr()?.port())
}

/// What is launched, as the platform will report it.
struct Facts {
    launch: Launch,
    memory_mib: u32,
    network: NetworkDevice,
    job_patience: Duration,
    is_honest: bool,
}

impl Facts {
    fn of(config: &LaunchConfig) -> Result<Self, LaunchError> {
        let overrides = &config.overrides;
        let manifest = config.image.manifest();
        let measurement = match overrides.measurement {
            Some(measurement) => measurement,
            None => snp_launch_digest(config.image.rom(), SnpProfile::QEMU).map_err(LaunchError::Measure)?,
        };
        let host_data = overrides.host_data.unwrap_or_else(|| manifest_digest(manifest));
        // With everything overridden even a manifest that does not parse can be launched.
        let (policy, vmpl, memory_mib, wall_ms, network) =
            match (parse_manifest(manifest), overrides.policy, overrides.vmpl, overrides.memory_mib) {
                (Ok(manifest), policy, vmpl, memory_mib) => (
                    policy.unwrap_or(manifest.launch.snp.policy.0),
                    vmpl.unwrap_or(manifest.launch.snp.vmpl),
                    memory_mib.unwrap_or(manifest.memory_mib),
                    manifest.limits.wall_ms,
                    NetworkDevice::needed_for(&manifest, config.publish)?,
                ),
                (Err(_), Some(policy), Some(vmpl), Some(memory_mib)) => {
                    (policy, vmpl, memory_mib, 0, NetworkDevice::Absent)
                }
                (Err(error), ..) => return Err(LaunchError::Manifest(error)),
            };
        let is_honest = overrides.host_data.is_none() && overrides.measurement.is_none();
        let launch = Launch { measurement, host_data, policy, vmpl, guest_svn: 0 };
        Ok(Self {
            launch,
            memory_mib,
            network: overrides.network.unwrap_or(network),
            job_patience: Duration::from_millis(wall_ms) + JOB_GRACE,
            is_honest,
        })
    }

    /// An operator should learn from the loader, not from a relying party, that the evidence is not in order.
    fn check(&self, ready: &Ready) -> Result<(), LaunchError> {
        if !self.is_honest {
            return Ok(());
        }
        let evidence = Evidence::decode(&ready.evidence).map_err(LaunchError::Evidence)?;
        let report = verify_simulated(&evidence).map_err(LaunchError::Evidence)?;
        let found = report.report().measurement;
        if found != self.launch.measurement {
            let [expected, found] = [self.launch.measurement, found].map(hex::encode);
            return Err(LaunchError::Measurement { expected, found });
        }
        Ok(())
    }
}

/// The files of one run.
struct RunFiles {
    folder: PathBuf,
    control: PathBuf,
    log: PathBuf,
}

impl RunFiles {
    /// Makes the folder and clears what an earlier run left.
    fn prepare(folder: &Path) -> Result<Self, LaunchError> {
        fs::create_dir_all(folder).map_err(at("create", folder))?;
        let folder = fs::canonicalize(folder).map_err(at("open", folder))?;
        let [control, log] = ["guest.sock", "guest.log"].map(|name| folder.join(name));
        check_socket_path(&control)?;
        match fs::remove_file(&control) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at("remove", &control)(error)),
            _ => Ok(Self { folder, control, log }),
        }
    }

    /// Writes the secrets page for QEMU; readable for us only, gone when dropped.
    fn write_secrets(&self, page: &[u8]) -> Result<tempfile::NamedTempFile, LaunchError> {
        let failed = at("write the secrets page to", &self.folder);
        let mut file =
            tempfile::Builder::new().prefix("sim-secrets-").tempfile_in(&self.folder).map_err(&failed)?;
        file.write_all(page).map_err(&failed)?;
        Ok(file)
    }
}

/// Refuses a path that no socket can have.
///
/// # Errors
/// [`LaunchError::SocketPath`].
pub fn check_socket_path(path: &Path) -> Result<(), LaunchError> {
    let found = path.as_os_str().len();
    if found > SOCKET_PATH_MAX_BYTES {
        return Err(LaunchError::SocketPath { path: path.to_owned(), limit: SOCKET_PATH_MAX_BYTES, found });
    }
    Ok(())
}

/// Waits for QEMU to connect, as long as it lives.
fn accept(
    listener: &UnixListener,
    path: &Path,
    process: &Process,
    interrupted: &AtomicBool,
) -> Result<UnixStream, LaunchError> {
    listener.set_nonblocking(true).map_err(at("listen on", path))?;
    let started = Instant::now();
    while started.elapsed() < CONNECT_TIMEOUT {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).map_err(at("use", path))?;
                // Nobody else is to take QEMU's place.
                let _ = fs::remove_file(path);
                return Ok(stream);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(at("listen on", path)(error)),
        }
        if interrupted.load(Ordering::Relaxed) {
            return Err(LaunchError::Interrupted);
        }
        if process.wait(Duration::from_millis(1)) {
            let end = process.end().unwrap_or(GuestEnd::StreamClosed { log: process.tail() });
            return Err(GuestError::Ended(end.into()).into());
        }
    }
    let waited_ms = started.elapsed().as_millis();
    Err(LaunchError::NotConnected { path: path.to_owned(), log: process.tail(), waited_ms })
}

fn hooks(
    process: Process,
    job_patience: Duration,
    keepers: Keepers,
    psp: impl FnMut(&[u8]) -> enclave_wire::psp::PspReply + Send + 'static,
) -> Hooks {
    let to_kill = process.clone();
    Hooks {
        psp: Box::new(psp),
        keepers,
        end: Box::new(move |how| end_of(&process, how)),
        kill: Box::new(move || to_kill.kill()),
        job_patience,
    }
}

/// The stream is over: sees to it that the process is, too, and finds the best reason.
fn end_of(process: &Process, how: StreamEnd) -> GuestEnd {
    if let StreamEnd::Violation(violation) = how {
        process.kill();
        process.wait(KILL_TIMEOUT);
        return GuestEnd::Violation { violation, log: process.tail() };
    }
    if process.wait(EXIT_TIMEOUT)
        && let Some(end) = process.end()
    {
        return end;
    }
    process.kill();
    process.wait(KILL_TIMEOUT);
    GuestEnd::StreamClosed { log: process.tail() }
}

fn at(verb: &'static str, path: &Path) -> impl Fn(io::Error) -> LaunchError {
    let path = path.to_owned();
    move |source| LaunchError::Io { verb, path: path.clone(), source }
}
