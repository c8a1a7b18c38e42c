//! The main loop: one loader, and one job at a time or many requests.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::net::SocketAddrV4;

use attestation_envelope::{JOB_HEAD_BYTES, ReaderKey, envelope_bytes_max};
use attestation_manifest::{EgressPolicy, Manifest};
use enclave_platform::{ByteStream, ControlLink, LinkError};
use enclave_runtime::Program;
use enclave_wire::control::{
    JobDone, JobOutcome, JobStart, PROBE_PAYLOAD_MAX_BYTES, PROTOCOL_VERSION, Probe, ProbeDone, Ready,
    RequestFigures, Status, Stopping, Usage, decode_body, encode_body,
};
use enclave_wire::frame::{BULK_BODY_BYTES, Frame, FrameKind};

use crate::claims::ClaimChain;
use crate::error::ServiceError;
use crate::job;
use crate::parcel::Audience;
use crate::requests;
use crate::security::Security;
use crate::shared::Shared;
use crate::surroundings::Surroundings;
use crate::vault::{SharedVault, Vault};

/// Everything that a serving guest owns.
#[derive(Debug)]
pub struct Guest<S, E> {
    pub(crate) link: ControlLink<S>,
    pub(crate) surroundings: E,
    /// Destinations that probes may reach.
    pub(crate) egress: EgressPolicy,
    /// What outlasts jobs and requests.
    pub(crate) vault: SharedVault,
    /// For whom transcripts are.
    pub(crate) audience: Audience,
    /// Opens the input of private jobs.
    pub(crate) job_key: Option<Arc<ReaderKey>>,
    /// Whom TLS may reach, and what time it is.
    pub(crate) security: Security,
    jobs_done: u64,
    pub(crate) running_job: Option<u32>,
    pub(crate) last_job: u32,
    pub(crate) is_shutdown_asked: bool,
    /// Of a service.
    pub(crate) requests: Option<RequestFigures>,
    is_probing: bool,
}

/// Why serving ended in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The loader asked for it.
    Shutdown,
}

/// Says that the guest is ready, then serves until the loader asks for the end: jobs, or requests where the manifest has a
/// service.
///
/// # Errors
/// The loader or a device broke the rules; the guest must end.
pub fn serve<S, E>(
    link: ControlLink<S>,
    surroundings: E,
    program: &Program,
    manifest: &Manifest<'_>,
    chain: &mut ClaimChain,
    vault: Vault,
) -> Result<Ended, ServiceError>
where
    S: ByteStream + Send + 'static,
    E: Surroundings,
{
    let mut surroundings = Shared::new(surroundings);
    let audience = Audience::of(manifest, surroundings.random())?;
    let security = Security::of(manifest, chain.identity())?;
    let mut guest = Guest::new(link, surroundings, manifest, SharedVault::new(vault), audience, security);
    guest.job_key.clone_from(&chain.identity().job_key);
    guest.announce(chain)?;
    if let Some(service) = &manifest.service {
        return requests::serve(guest, program, manifest, service, chain);
    }
    loop {
        match guest.next_frame()? {
            Some(frame) if frame.kind == FrameKind::JOB_START => {
                guest = start_job(guest, &frame, program, manifest, chain)?;
            }
            Some(frame) => guest.handle_idle(&frame)?,
            None => core::hint::spin_loop(),
        }
        if guest.is_shutdown_asked {
            guest.say_goodbye()?;
            return Ok(Ended::Shutdown);
        }
    }
}

fn start_job<S, E>(
    mut guest: Guest<S, E>,
    frame: &Frame,
    program: &Program,
    manifest: &Manifest<'_>,
    chain: &mut ClaimChain,
) -> Result<Guest<S, E>, ServiceError>
where
    S: ByteStream + Send + 'static,
    E: Surroundings,
{
    let start: JobStart = decode(frame)?;
    if frame.job <= guest.last_job {
        return Err(ServiceError::JobNumber { previous: guest.last_job, found: frame.job });
    }
    guest.last_job = frame.job;
    if let Some(detail) = guest.objection(&start, manifest.limits.input_bytes) {
        guest.refuse_job(frame.job, detail)?;
        return Ok(guest);
    }
    let what = if start.private { "sealed input" } else { "input" };
    log::info!("job {}: {} bytes of {what}", frame.job, start.input_bytes);
    guest.running_job = Some(frame.job);
    guest.surroundings.begin_job().map_err(ServiceError::Randomness)?;
    let (done, mut guest) = job::run(guest, frame.job, start, program, manifest, chain)?;
    log::info!("job {}: {:?}", frame.job, done.outcome);
    // Before the loader hears of the end: whoever is told that a job is done can rely on what it stored.
    guest.save_state()?;
    guest.finish_job(frame.job, &done)?;
    Ok(guest)
}

impl<S: ByteStream, E: Surroundings> Guest<S, E> {
    fn new(
        link: ControlLink<S>,
        surroundings: E,
        manifest: &Manifest<'_>,
        vault: SharedVault,
        audience: Audience,
        security: Security,
    ) -> Self {
        Self {
            link,
            surroundings,
            egress: EgressPolicy::of(manifest),
            vault,
            audience,
            job_key: None,
            security,
            jobs_done: 0,
            running_job: None,
            last_job: 0,
            is_shutdown_asked: false,
            requests: None,
            is_probing: false,
        }
    }

    /// Why a job is not begun.
    fn objection(&self, start: &JobStart, limit: u64) -> Option<String> {
        let found = start.input_bytes;
        if !start.private {
            return (found > limit)
                .then(|| format!("input: limits.input_bytes is {limit}, but the input has {found} bytes"));
        }
        if self.job_key.is_none() {
            return Some("this guest takes no private jobs".into());
        }
        let most = envelope_bytes_max(limit.saturating_add(JOB_HEAD_BYTES as u64));
        (found > most).then(|| {
            format!("private input: limits.input_bytes is {limit}, but the envelope has {found} bytes")
        })
    }

    /// A job that this guest does not take.
    pub(crate) fn refuse_job(&mut self, job: u32, detail: String) -> Result<(), ServiceError> {
        log::warn!("job {job}: refused: {detail}");
        self.last_job = job;
        let (outcome, usage) = (JobOutcome::Refused, Usage::default());
        self.finish_job(job, &JobDone { claim: None, outcome, detail, usage })
    }

    fn announce(&mut self, chain: &ClaimChain) -> Result<(), ServiceError> {
        let identity = chain.identity();
        let ready = Ready {
            protocol: PROTOCOL_VERSION,
            evidence: identity.evidence.encode(),
            seal_key_id: identity.keys.seal_key_id().to_vec(),
            boot_us: self.surroundings.now_ns() / 1_000,
        };
        log::info!("ready after {} us", ready.boot_us);
        Ok(self.link.send(FrameKind::READY, 0, &encode_body(&ready))?)
    }

    pub(crate) fn say_goodbye(&mut self) -> Result<(), ServiceError> {
        log::info!("shutting down");
        let stopping = Stopping { reason: "the loader asked for it".into() };
        self.link.send(FrameKind::STOPPING, 0, &encode_body(&stopping))?;
        Ok(self.link.flush()?)
    }

    pub(crate) fn finish_job(&mut self, job: u32, done: &JobDone) -> Result<(), ServiceError> {
        self.running_job = None;
        self.jobs_done += 1;
        Ok(self.link.send(FrameKind::JOB_DONE, job, &encode_body(done))?)
    }

    /// Gives the loader what is stored, sealed, if it has changed and is to outlast this guest.
    pub(crate) fn save_state(&mut self) -> Result<(), ServiceError> {
        if !self.vault.must_save() {
            return Ok(());
        }
        let blob = self.vault.save(self.surroundings.random())?;
        for piece in blob.chunks(BULK_BODY_BYTES) {
            self.link.send(FrameKind::STATE, 0, piece)?;
        }
        Ok(self.link.send(FrameKind::STATE_END, 0, &[])?)
    }

    /// Lets the surroundings move, answers a finished probe, and takes the next frame.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, ServiceError> {
        self.surroundings.poll().map_err(ServiceError::Device)?;
        self.security.time.step(&mut self.surroundings);
        while let Some(report) = self.security.time.take_report() {
            self.link.send(FrameKind::TIME_REPORT, 0, report.as_bytes())?;
        }
        if self.is_probing
            && let Some(outcome) = self.surroundings.take_probe()
        {
            self.is_probing = false;
            let (answer, error) = match outcome.answer {
                Ok(answer) => (Some(answer), String::new()),
                Err(error) => (None, error),
            };
            self.send_probe_done(&ProbeDone { answer, error, elapsed_us: outcome.elapsed_us })?;
        }
        Ok(self.link.poll()?)
    }

    /// A frame while no job runs.
    pub(crate) fn handle_idle(&mut self, frame: &Frame) -> Result<(), ServiceError> {
        match frame.kind {
            // Frames of the last job that crossed its end on the way.
            FrameKind::INPUT | FrameKind::OUTPUT_CREDIT | FrameKind::JOB_CANCEL
                if (1..=self.last_job).contains(&frame.job) =>
            {
                Ok(())
            }
            _ => self.handle_anytime(frame),
        }
    }

    /// A frame that may come at any time.
    pub(crate) fn handle_anytime(&mut self, frame: &Frame) -> Result<(), ServiceError> {
        match frame.kind {
            FrameKind::STATUS_REQUEST => self.send_status(),
            FrameKind::PROBE => self.start_probe(frame),
            FrameKind::SHUTDOWN => {
                self.is_shutdown_asked = true;
                Ok(())
            }
            kind => Err(LinkError::UnexpectedFrame { found: kind.0 }.into()),
        }
    }

    fn send_status(&mut self) -> Result<(), ServiceError> {
        let heap = self.surroundings.heap();
        let network = self.surroundings.network();
        let (address, gateway, mac) = match network {
            Some(network) => (network.address, network.gateway, Some(network.mac)),
            None => (None, None, None),
        };
        let status = Status {
            uptime_us: self.surroundings.now_ns() / 1_000,
            jobs_done: self.jobs_done,
            running_job: self.running_job,
            heap_used_bytes: heap.used_bytes,
            heap_total_bytes: heap.total_bytes,
            address,
            gateway,
            mac,
            requests: self.requests,
        };
        Ok(self.link.send(FrameKind::STATUS, 0, &encode_body(&status))?)
    }

    fn start_probe(&mut self, frame: &Frame) -> Result<(), ServiceError> {
        let probe: Probe = decode(frame)?;
        match self.try_probe(&probe) {
            Ok(()) => {
                self.is_probing = true;
                Ok(())
            }
            Err(error) => self.send_probe_done(&ProbeDone { answer: None, error, elapsed_us: 0 }),
        }
    }

    fn try_probe(&mut self, probe: &Probe) -> Result<(), String> {
        let is_permitted = |destination: SocketAddrV4| {
            self.egress.permits_connection(&destination.ip().to_string(), destination.port())
        };
        if !probe.destination.parse().is_ok_and(is_permitted) {
            return Err(format!("{} is not in the manifest's egress list", probe.destination));
        }
        if probe.payload.is_empty() || probe.payload.len() > PROBE_PAYLOAD_MAX_BYTES {
            return Err(format!(
                "payload: expected 1 to {PROBE_PAYLOAD_MAX_BYTES} bytes, found {}",
                probe.payload.len()
            ));
        }
        if self.is_probing {
            return Err("another probe is running".into());
        }
        self.surroundings.start_probe(&probe.destination, &probe.payload, u64::from(probe.timeout_ms) * 1_000)
    }

    fn send_probe_done(&mut self, done: &ProbeDone) -> Result<(), ServiceError> {
        Ok(self.link.send(FrameKind::PROBE_DONE, 0, &encode_body(done))?)
    }
}

pub(crate) fn decode<'b, T: minicbor::Decode<'b, ()>>(frame: &'b Frame) -> Result<T, ServiceError> {
    decode_body(&frame.body)
        .map_err(|error| LinkError::Body { kind: frame.kind.0, problem: error.to_string() }.into())
}
