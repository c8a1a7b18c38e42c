//! Boot, in order: processor, memory, configuration, devices, identity, workload; then serve.

use alloc::string::String;
use core::ptr::NonNull;

use attestation_artefact::{CpuidRegister as ArtefactRegister, REQUIRED_CPU_FEATURES};
use attestation_manifest::{HexDigest, Manifest, manifest_digest, parse_manifest};
use enclave_devices::console::Console;
use enclave_devices::fw_cfg::FwCfg;
use enclave_devices::net::Network;
use enclave_devices::pci::PciBus;
use enclave_devices::{DeviceError, shared};
use enclave_memory::{ArtefactBuffer, ArtefactError, PrivateMemoryError, grow_heap};
use enclave_platform::{
    BootMode, ControlLink, Detected, Identity, PlatformError, Random, SimulatedPlatform, detect,
};
use enclave_runtime::Program;
use enclave_sealing::SelfTestError;
use enclave_service::{ClaimChain, Ended, RestoreError, ServiceError, Vault, serve};
use enclave_wire::boot::{
    ARTEFACT_MAX_BYTES, COMPONENT_MAX_BYTES, ExitCode, FW_CFG_ARTEFACT, FW_CFG_COMPONENT, FW_CFG_LOG_LEVEL,
    FW_CFG_MANIFEST, FW_CFG_STATE, LogLevel, MANIFEST_MAX_BYTES, STATE_MARGIN_BYTES,
};
use enclave_wire::layout;
use enclave_wire::network::NetworkLimits;
use enclave_x86::cpu::{self, CpuidBit, CpuidRegister, GIB_PAGES, GUEST_FEATURES};
use enclave_x86::entropy::HardwareEntropy;
use enclave_x86::paging::PagingError;
use enclave_x86::port::{DirectPorts, PortIo};
use enclave_x86::tsc::Clock;
use sha2::{Digest, Sha256};

use super::HEAP;
use super::logger;
use super::machine::{self, ConsoleStream, RealSurroundings};
use super::random;
use super::sockets::RealSockets;

/// End of the memory that boot itself may use: the smallest guest has 32 MiB.
const BOOT_HEAP_END_GPA: u64 = 16 << 20;
/// RAM beyond which the boot page tables need 1 GiB pages.
const GIB_MIB: u32 = 1024;

const SHARED_POOL_ADDRESS: usize = 0x20_0000;
const SHARED_POOL_BYTES: usize = 0x40_0000;
const _: () = assert!(SHARED_POOL_ADDRESS as u64 == layout::SHARED_POOL_GPA, "the pool is identity-mapped");
const _: () = assert!(SHARED_POOL_BYTES as u64 == layout::SHARED_POOL_BYTES, "all of the pool is used");

static PORTS: DirectPorts = DirectPorts;

/// Why a guest does not reach, or leaves, its service.
#[derive(Debug, thiserror::Error)]
enum BootError {
    #[error("{0}")]
    Paging(#[from] PagingError),
    #[error("{0}")]
    Memory(#[from] PrivateMemoryError),
    #[error("{0}")]
    Device(#[from] DeviceError),
    #[error("{0}")]
    Platform(#[from] PlatformError),
    #[error("{0}")]
    Manifest(#[from] attestation_manifest::ManifestError),
    #[error("component: manifest says SHA-256 {expected}, found {found}")]
    Component { expected: HexDigest<32>, found: HexDigest<32> },
    #[error("{0}")]
    Artefact(#[from] ArtefactError),
    #[error("artefact: manifest says engine {expected:?}, this guest has {found:?}")]
    Engine { expected: String, found: &'static str },
    #[error("{0}")]
    Service(#[from] ServiceError),
    #[error("{0}")]
    State(#[from] RestoreError),
    #[error("{0}")]
    SelfTest(#[from] SelfTestError),
    #[error("processor lacks {0}")]
    CpuFeature(&'static str),
    #[error("memory: manifest says {expected_mib} MiB, the machine has {found_mib} MiB")]
    Ram { expected_mib: u32, found_mib: u64 },
    #[error("reset code passed boot mode {0}")]
    Mode(u32),
}

impl BootError {
    const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Paging(_) | Self::Mode(_) | Self::SelfTest(_) => ExitCode::Panic,
            Self::Memory(_)
            | Self::Manifest(_)
            | Self::Component { .. }
            | Self::Engine { .. }
            | Self::State(_)
            | Self::Ram { .. } => ExitCode::Refused,
            Self::Artefact(ArtefactError::OutOfMemory { .. }) => ExitCode::OutOfMemory,
            Self::Artefact(_) => ExitCode::Refused,
            Self::Device(DeviceError::FwCfg { .. } | DeviceError::FwCfgTooLong { .. }) => ExitCode::Refused,
            Self::Platform(PlatformError::Entropy(_) | PlatformError::InstanceKey(_))
            | Self::Service(ServiceError::Randomness(_) | ServiceError::Signing(_)) => ExitCode::NoEntropy,
            Self::Service(ServiceError::Readers(_) | ServiceError::Trust(_)) => ExitCode::Refused,
            Self::Device(_) | Self::Service(_) => ExitCode::DeviceFault,
            Self::Platform(PlatformError::ManifestMismatch { .. } | PlatformError::Report { .. }) => {
                ExitCode::Refused
            }
            Self::Platform(_) => ExitCode::PlatformFault,
            Self::CpuFeature(_) => ExitCode::MissingCpuFeature,
        }
    }
}

/// Boots and serves; returns how the guest shall end.
pub(super) fn run(mode: BootMode, reset_tsc: u64) -> ExitCode {
    let clock = Clock::calibrate(reset_tsc);
    logger::install(clock);
    match boot(mode, clock) {
        Ok(Ended::Shutdown) => ExitCode::Shutdown,
        Ok(_) => ExitCode::Panic,
        Err(error) => {
            let code = error.exit_code();
            log::error!("{}: {error}", code.explain());
            code
        }
    }
}

fn boot(mode: BootMode, clock: Clock) -> Result<Ended, BootError> {
    let detected = detect(mode, None).ok_or(BootError::Mode(mode.0))?;
    start_processor()?;
    start_memory(detected)?;
    enclave_sealing::self_test()?;
    let mut config = FwCfg::open(&PORTS)?;
    apply_log_level(&mut config);
    machine::guard_pages().iter().for_each(|guard| log::debug!("guard page at {:#x}", guard.start));
    let manifest_bytes = config.read_file(FW_CFG_MANIFEST, MANIFEST_MAX_BYTES)?;
    let manifest = parse_manifest(&manifest_bytes)?;
    check_ram(&config, manifest.memory_mib)?;
    if manifest.memory_mib > GIB_MIB && !cpu::has(GIB_PAGES) {
        return Err(BootError::CpuFeature(GIB_PAGES.name));
    }
    grow_heap(&HEAP, u64::from(manifest.memory_mib) << 20)?;
    log::info!("{}: {} MiB, {:?}", manifest.name, manifest.memory_mib, detected.platform);

    let mut bus = PciBus::new(&PORTS as &dyn PortIo);
    let mut link = ControlLink::new(ConsoleStream(Console::open(&mut bus)?));
    let mut random = Random::new(HardwareEntropy::new()).map_err(PlatformError::from)?;
    random::start().map_err(PlatformError::from)?;
    log::debug!("control stream open");
    let identity = establish_identity(&mut link, &manifest_bytes, &manifest, &mut random)?;
    // The platform key, the VMPCKs and the document of the instance key went out of scope; their copies on the stack go now.
    machine::scrub_boot_stack();

    let program = load_workload(&mut config, &manifest)?;
    let vault = open_vault(&mut config, &manifest, &identity)?;
    drop(config);
    let network = open_network(&mut bus, &manifest, &mut random)?;
    let surroundings = RealSurroundings { clock, random, sockets: network.map(RealSockets::new) };
    let mut chain = ClaimChain::new(identity, &manifest, manifest_digest(&manifest_bytes));
    Ok(serve(link, surroundings, &program, &manifest, &mut chain, vault)?)
}

/// Checks features before anything could use them: a missing one must be a message, not a fault.
fn start_processor() -> Result<(), BootError> {
    let engine_features = REQUIRED_CPU_FEATURES.iter().map(|feature| CpuidBit {
        name: feature.name,
        leaf: feature.leaf,
        subleaf: feature.subleaf,
        register: match feature.register {
            ArtefactRegister::Ebx => CpuidRegister::Ebx,
            ArtefactRegister::Ecx => CpuidRegister::Ecx,
        },
        bit: feature.bit,
    });
    let missing = GUEST_FEATURES.into_iter().chain(engine_features).find(|feature| !cpu::has(*feature));
    if let Some(feature) = missing {
        return Err(BootError::CpuFeature(feature.name));
    }
    cpu::enable_avx();
    Ok(())
}

fn start_memory(detected: Detected) -> Result<(), BootError> {
    machine::install_address_space(detected.encryption)?;
    machine::register_wiping();
    if let Some(pool) = NonNull::new(core::ptr::with_exposed_provenance_mut(SHARED_POOL_ADDRESS)) {
        // SAFETY: the final page tables map the pool, and the memory map gives it to nothing else.
        unsafe { shared::init(pool, SHARED_POOL_BYTES) }
    }
    Ok(grow_heap(&HEAP, BOOT_HEAP_END_GPA)?)
}

/// A kind word to an operator, not a defence: see [`grow_heap`].
fn check_ram(config: &FwCfg, expected_mib: u32) -> Result<(), BootError> {
    let found_mib = config.ram_bytes() >> 20;
    if found_mib < u64::from(expected_mib) { Err(BootError::Ram { expected_mib, found_mib }) } else { Ok(()) }
}

fn apply_log_level(config: &mut FwCfg) {
    let level =
        config.read_file(FW_CFG_LOG_LEVEL, 1).ok().and_then(|digit| LogLevel::from_digit(*digit.first()?));
    logger::set_level(level.unwrap_or(LogLevel::Info));
}

/// Never inlined: all that it and what it calls leave on the stack, copies that moving makes included, has to lie below the
/// frame of its caller, which scrubs it.
#[inline(never)]
fn establish_identity(
    link: &mut ControlLink<ConsoleStream>,
    manifest_bytes: &[u8],
    manifest: &Manifest<'_>,
    random: &mut Random<HardwareEntropy>,
) -> Result<Identity, BootError> {
    let mut secrets = machine::take_secrets_page();
    let platform = SimulatedPlatform::new(link);
    let identity = Identity::establish(platform, &mut secrets, manifest_bytes, manifest, random)?;
    log::info!("report and keys established; platform keys destroyed");
    Ok(identity)
}

/// A manifest with neither egress nor a service gets no network: the device is not even looked at. What one may use was
/// counted when the image was built, and again when the workload was loaded.
fn open_network(
    bus: &mut PciBus,
    manifest: &Manifest<'_>,
    random: &mut Random<HardwareEntropy>,
) -> Result<Option<Network>, BootError> {
    let Some(limits) = NetworkLimits::of(manifest) else { return Ok(None) };
    let mut seed = [0; 8];
    random.fill(&mut seed);
    Ok(Network::open(bus, u64::from_le_bytes(seed), &limits)?)
}

/// Checks component and artefact against the manifest before a byte of either is used.
fn load_workload(config: &mut FwCfg, manifest: &Manifest<'_>) -> Result<Program, BootError> {
    let mut hash = Sha256::new();
    config.stream_file(FW_CFG_COMPONENT, COMPONENT_MAX_BYTES, |chunk| hash.update(chunk))?;
    let (expected, found) = (manifest.component.sha256, HexDigest(hash.finalize().into()));
    if found != expected {
        return Err(BootError::Component { expected, found });
    }
    if manifest.artefact.engine != attestation_artefact::ENGINE {
        let expected = manifest.artefact.engine.into();
        return Err(BootError::Engine { expected, found: attestation_artefact::ENGINE });
    }
    let artefact = read_artefact(config)?;
    let program = artefact.into_program(manifest, HEAP.usage().total_bytes)?;
    log::info!("workload loaded: component {found}");
    Ok(program)
}

/// With what an earlier guest stored, where the manifest lets it outlast that guest and the host has it.
fn open_vault(config: &mut FwCfg, manifest: &Manifest<'_>, identity: &Identity) -> Result<Vault, BootError> {
    let mut vault = Vault::new(manifest, identity);
    if manifest.storage.persist && config.file_bytes(FW_CFG_STATE).is_some() {
        let most = manifest.persistent_bytes().saturating_add(STATE_MARGIN_BYTES);
        let blob = config.read_file(FW_CFG_STATE, usize::try_from(most).unwrap_or(usize::MAX))?;
        vault.restore(blob)?;
    }
    Ok(vault)
}

fn read_artefact(config: &mut FwCfg) -> Result<ArtefactBuffer, BootError> {
    let bytes = config.file_bytes(FW_CFG_ARTEFACT).unwrap_or(0).min(ARTEFACT_MAX_BYTES);
    let mut artefact = ArtefactBuffer::allocate(bytes, HEAP.usage().total_bytes)?;
    let mut rest = artefact.as_mut_slice();
    config.stream_file(FW_CFG_ARTEFACT, bytes, |chunk| {
        // `stream_file` gives exactly the file's bytes, for which there is room.
        if let Some((head, tail)) = core::mem::take(&mut rest).split_at_mut_checked(chunk.len()) {
            head.copy_from_slice(chunk);
            rest = tail;
        }
    })?;
    Ok(artefact)
}
