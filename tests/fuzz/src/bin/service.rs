//! The serving guest against a hostile loader: never more output than credit, and claims that say what happened.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use attestation_claim::{Outcome, SignedClaim};
use attestation_envelope::{ReaderKey, is_envelope};
use attestation_evidence::Evidence;
use attestation_manifest::{Role, manifest_digest, parse_manifest};
use attestation_transcript::Root;
use enclave_platform::{ByteStream, ControlLink, DerivedKeys, Identity};
use enclave_service::{
    ClaimChain, HeapFigures, NetworkFigures, ProbeAnswer, ServiceError, Sockets, Surroundings, Vault, serve,
};
use enclave_wire::control::{Credit, JobDone, JobOutcome, JobStart, decode_body};
use enclave_wire::frame::{FRAME_HEADER_BYTES, Frame, FrameHeader, FrameKind, FrameReader};
use sha2::{Digest, Sha256};
use tests_fuzz::{Budget, Target, fixtures, programs};
use zerocopy::FromBytes;

/// A component's memory, and besides: its store and streams, evidence in frames and claims, and what the loader here
/// keeps of them.
const GUEST_BYTES: usize = programs::MEMORY_BYTES as usize + (512 << 10);

/// Looks of the guest before a loader that waits for it hangs up: more than the time limit of a job allows. A guest
/// waits for input that it was promised as long as its loader lets it.
const PATIENCE_LOOKS: u32 = 2_000;

fn main() -> ExitCode {
    // Compiling it is not part of any input.
    if programs::echo().is_none() {
        eprintln!("the echo program does not compile");
        return ExitCode::FAILURE;
    }
    Target { name: "service", max_bytes: 16 << 10, budget: Budget::with(GUEST_BYTES), run }.drive()
}

/// The first byte says how the loader sends what the rest is.
fn run(input: &[u8]) {
    let (Some((manner, stream)), Some(program)) = (input.split_first(), programs::echo()) else { return };
    let manifest_bytes = manifest_bytes();
    let Ok(manifest) = parse_manifest(manifest_bytes) else { return };
    let digest = manifest_digest(manifest_bytes);
    let identity = Identity {
        evidence: evidence(),
        instance_key: Arc::new(fixtures::instance_key()),
        job_key: Some(Arc::new(ReaderKey::generate([7; 32]))),
        keys: DerivedKeys::derive(&[1; 32], &digest, Role::Workload),
    };
    let mut chain = ClaimChain::new(identity, &manifest, digest);
    let loader = Loader {
        to_guest: stream.to_vec(),
        manner: if *manner < 0x80 {
            Manner::Waits
        } else {
            Manner::Cuts { bytes: usize::from(*manner) - 0x7F }
        },
        looks_in_vain: 0,
        from_loader: FrameReader::new(),
        from_guest: FrameReader::new(),
        job: Job::default(),
    };
    let link = ControlLink::new(Shared(Arc::new(Mutex::new(loader))));
    let vault = Vault::new(&manifest, chain.identity());
    if let Err(error) = serve(link, Calm::default(), program, &manifest, &mut chain, vault) {
        assert!(!matches!(error, ServiceError::Trust(_)), "{error}: nothing of the loader was looked at");
        drop(error.to_string());
    }
}

/// The usual manifest, with less memory for the component, and less time to wait for a loader that waits for it.
fn manifest_bytes() -> &'static [u8] {
    static MANIFEST: OnceLock<String> = OnceLock::new();
    let limit = programs::MEMORY_BYTES.to_string();
    let text =
        || fixtures::MANIFEST.replace("16777216", &limit).replace("\"wall_ms\":2000", "\"wall_ms\":50");
    MANIFEST.get_or_init(text).as_bytes()
}

/// Signed once.
fn evidence() -> Evidence {
    static EVIDENCE: OnceLock<Evidence> = OnceLock::new();
    let manifest = manifest_bytes().to_vec();
    EVIDENCE.get_or_init(|| Evidence { manifest, ..fixtures::evidence() }).clone()
}

/// How a loader sends.
#[derive(Clone, Copy)]
enum Manner {
    /// Whole frames; no job and no end while a job runs.
    Waits,
    /// Pieces of this length, whatever the guest does.
    Cuts {
        /// In bytes.
        bytes: usize,
    },
}

/// The stream's other end, which checks what the guest sends.
struct Loader {
    to_guest: Vec<u8>,
    manner: Manner,
    looks_in_vain: u32,
    /// The same frames as the guest sees, as far as it was given them.
    from_loader: FrameReader,
    from_guest: FrameReader,
    job: Job,
}

/// What the guest was given for its job, and what it gave.
#[derive(Default)]
struct Job {
    number: u32,
    is_running: bool,
    is_private: bool,
    credit_bytes: u64,
    input: Vec<u8>,
    output: Vec<u8>,
    sent_bytes: u64,
    transcript: Vec<u8>,
}

struct Shared(Arc<Mutex<Loader>>);

impl ByteStream for Shared {
    fn receive(&mut self, consume: &mut dyn FnMut(&[u8])) -> Result<usize, String> {
        let mut loader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = loader.next_bytes();
        loader.looks_in_vain = if count == 0 { loader.looks_in_vain + 1 } else { 0 };
        if loader.to_guest.is_empty() || loader.looks_in_vain > PATIENCE_LOOKS {
            return Err("the loader hung up".into());
        }
        let piece: Vec<u8> = loader.to_guest.drain(..count).collect();
        loader.note(&piece);
        consume(&piece);
        Ok(piece.len())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut loader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loader.from_guest.push(bytes);
        loop {
            let frame = loader.from_guest.next_frame();
            assert!(frame.is_ok(), "the guest broke the framing: {frame:?}");
            let Ok(Some(frame)) = frame else { return Ok(()) };
            loader.job.check(&frame);
        }
    }

    fn flush(&mut self) -> Result<(), String> {
        Ok(())
    }
}

impl Loader {
    /// How much to send now.
    fn next_bytes(&self) -> usize {
        let header = FrameHeader::read_from_prefix(&self.to_guest);
        let wanted = match (self.manner, header) {
            (Manner::Cuts { bytes }, _) => bytes,
            (Manner::Waits, Ok((header, _))) => {
                let is_later = [FrameKind::JOB_START.0, FrameKind::SHUTDOWN.0].contains(&header.kind.get());
                let frame_bytes = FRAME_HEADER_BYTES.saturating_add(header.body_bytes.get() as usize);
                if is_later && self.job.is_running { 0 } else { frame_bytes }
            }
            (Manner::Waits, Err(_)) => usize::MAX,
        };
        wanted.min(self.to_guest.len())
    }

    /// Follows what the guest is told, as far as it makes sense.
    fn note(&mut self, piece: &[u8]) {
        self.from_loader.push(piece);
        while let Ok(Some(frame)) = self.from_loader.next_frame() {
            match frame.kind {
                FrameKind::JOB_START => {
                    let is_private = decode_body::<JobStart>(&frame.body).is_ok_and(|start| start.private);
                    self.job = Job { number: frame.job, is_running: true, is_private, ..Job::default() };
                }
                FrameKind::INPUT if frame.job == self.job.number => self.job.input.extend(&frame.body),
                FrameKind::OUTPUT_CREDIT if frame.job == self.job.number => {
                    let more = decode_body::<Credit>(&frame.body).map_or(0, |credit| credit.bytes);
                    self.job.credit_bytes = self.job.credit_bytes.saturating_add(more);
                }
                _ => {}
            }
        }
    }
}

impl Job {
    /// A frame of the guest's.
    fn check(&mut self, frame: &Frame) {
        assert!((1..=10).contains(&frame.kind.0), "the guest sent {frame:?}");
        match frame.kind {
            FrameKind::OUTPUT | FrameKind::ERROR_OUTPUT => {
                assert_eq!(frame.job, self.number);
                self.sent_bytes += frame.body.len() as u64;
                assert!(self.sent_bytes <= self.credit_bytes, "more output than credit");
                if frame.kind == FrameKind::OUTPUT {
                    self.output.extend(&frame.body);
                }
            }
            FrameKind::TRANSCRIPT => {
                assert_eq!(frame.job, self.number);
                self.transcript.extend(&frame.body);
            }
            FrameKind::JOB_DONE => self.check_done(frame),
            _ => {}
        }
    }

    fn check_done(&mut self, frame: &Frame) {
        self.is_running = false;
        let done = decode_body::<JobDone>(&frame.body);
        assert!(done.is_ok(), "a job's end does not decode: {done:?}");
        let Ok(done) = done else { return };
        if self.is_private {
            assert_eq!(done.claim.as_deref().is_some_and(is_envelope), done.outcome == JobOutcome::Sealed);
            return;
        }
        let Some(claim) = done.claim else { return };
        let verified = SignedClaim::parse(&claim).and_then(SignedClaim::verify);
        assert!(verified.is_ok(), "a claim does not verify: {verified:?}");
        let Ok(verified) = verified else { return };
        let claim = verified.claim();
        assert_eq!(claim.output.bytes, self.output.len() as u64);
        assert_eq!(claim.output.sha256, <[u8; 32]>::from(Sha256::digest(&self.output)));
        let summary = attestation_transcript::verify(&self.transcript, &Root(claim.transcript.root));
        assert!(summary.is_ok(), "a transcript is not its claim's: {summary:?}");
        if matches!(claim.outcome, Outcome::Exited { .. }) {
            // What came after the stated end is not of this job.
            let input = usize::try_from(claim.input.bytes).ok().and_then(|bytes| self.input.get(..bytes));
            assert_eq!(input.map(|input| <[u8; 32]>::from(Sha256::digest(input))), Some(claim.input.sha256));
        }
    }
}

/// Surroundings in which nothing happens but time.
#[derive(Debug, Default)]
struct Calm {
    now_ns: u64,
    probe: Option<Vec<u8>>,
}

impl Surroundings for Calm {
    fn now_ns(&mut self) -> u64 {
        self.now_ns += 100_000;
        self.now_ns
    }

    fn fill_random(&mut self, bytes: &mut [u8]) {
        bytes.fill(0x5A);
    }

    fn poll(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn heap(&mut self) -> HeapFigures {
        HeapFigures::default()
    }

    fn begin_job(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn network(&mut self) -> Option<NetworkFigures> {
        None
    }

    fn sockets(&mut self) -> Option<&mut dyn Sockets> {
        None
    }

    fn start_probe(&mut self, _destination: &str, payload: &[u8], _timeout_us: u64) -> Result<(), String> {
        self.probe = Some(payload.to_vec());
        Ok(())
    }

    fn take_probe(&mut self) -> Option<ProbeAnswer> {
        self.probe.take().map(|answer| ProbeAnswer { answer: Ok(answer), elapsed_us: 7 })
    }
}
