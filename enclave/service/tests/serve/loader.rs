//! The scripted loader: reacts to the guest's frames at once, from inside the stream.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use attestation_claim::SignedClaim;
use attestation_envelope::ReaderKey;
use attestation_evidence::{ENDORSEMENT_MAX_BYTES, Evidence, MANIFEST_MAX_BYTES, Platform, REPORT_MAX_BYTES};
use attestation_manifest::{Manifest, Role, manifest_digest, parse_manifest};
use attestation_signature::{P256Point, P256Signature, P256Signer, SigningError};
use attestation_transcript::{Root, Run, Summary, verify_run};
use enclave_platform::{ByteStream, ControlLink, DerivedKeys, Identity};
use enclave_runtime::Program;
use enclave_service::{
    ClaimChain, Ended, HeapFigures, NetworkFigures, ProbeAnswer, ServiceError, Sockets, Surroundings, Vault,
    serve,
};
use enclave_wire::control::{Credit, JobDone, JobStart, ProbeDone, Ready, Status, decode_body, encode_body};
use enclave_wire::frame::{Frame, FrameKind, FrameReader, encode_frame};
use p256::ecdsa::SigningKey;

/// The loader's clock when a job starts.
pub(crate) const WALL_NS: u64 = 1_700_000_000_000_000_000;

/// One job as the loader asks for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Job {
    pub(crate) input: Vec<u8>,
    /// States another length than the input has.
    pub(crate) stated_bytes: Option<u64>,
    /// Output credit per grant; everything at once when absent.
    pub(crate) credit_step: Option<u64>,
    /// Frames sent right after the start.
    pub(crate) then: Vec<(FrameKind, Vec<u8>)>,
    /// Sends this many bytes more than the guest allows.
    pub(crate) overrun: usize,
    /// Takes the job back when its output is there, and transcript behind it: so at its end, if the output is short.
    pub(crate) cancels_late: bool,
    /// Says that the input is sealed.
    pub(crate) private: bool,
    /// Wants receipts.
    pub(crate) receipts: bool,
}

impl Job {
    pub(crate) fn with_input(input: &[u8]) -> Self {
        Self { input: input.to_vec(), ..Self::default() }
    }
}

/// What the loader saw of one job.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) output: Vec<u8>,
    pub(crate) errors: Vec<u8>,
    pub(crate) transcript: Vec<u8>,
    pub(crate) receipts: Vec<Vec<u8>>,
    pub(crate) done: Option<JobDone>,
    pub(crate) most_input_credit: u64,
}

impl Seen {
    pub(crate) fn done(&self) -> &JobDone {
        self.done.as_ref().expect("the job is done")
    }

    /// What the claim signs of the transcript is the transcript that came.
    pub(crate) fn verify_transcript(&self) -> Summary {
        let verified = self.claim();
        let claim = verified.claim();
        let run = Run { component: claim.component, manifest: claim.manifest, sequence: claim.sequence };
        let summary = verify_run(&self.transcript, &Root(claim.transcript.root), &run);
        let summary = summary.expect("the transcript is the claim's");
        assert_eq!(summary.entries, claim.transcript.entries);
        assert_eq!(summary.bytes as u64, claim.transcript.bytes);
        summary
    }

    pub(crate) fn claim(&self) -> attestation_claim::VerifiedClaim {
        let claim = self.done().claim.as_ref().expect("the job has a claim");
        SignedClaim::parse(claim).expect("the claim parses").verify().expect("the claim is the instance's")
    }
}

#[derive(Debug, Default)]
pub(crate) struct State {
    reader: FrameReader,
    to_guest: VecDeque<u8>,
    jobs: VecDeque<Job>,
    current: Option<(u32, Job, usize)>,
    pub(crate) ready: Option<Ready>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) status: Vec<Status>,
    pub(crate) probes: Vec<ProbeDone>,
    pub(crate) was_goodbye: bool,
    /// A state that has not come as a whole yet.
    part: Vec<u8>,
    /// All that the guest sent.
    pub(crate) from_guest: Vec<u8>,
    /// Whole states, each with the number of the job that it came in.
    pub(crate) saved: Vec<(usize, Vec<u8>)>,
}

/// The loader's end and the guest's end of the stream in one.
#[derive(Debug, Clone)]
pub(crate) struct Loader(pub(crate) Arc<Mutex<State>>);

impl Loader {
    /// A loader that sends `first`, runs `jobs` one after the other and then shuts the guest down.
    pub(crate) fn new(jobs: Vec<Job>, first: Vec<(FrameKind, Vec<u8>)>) -> Self {
        let mut state = State { jobs: jobs.into(), ..State::default() };
        for (kind, body) in first {
            state.send(kind, 0, &body);
        }
        Self(Arc::new(Mutex::new(state)))
    }
}

impl State {
    fn send(&mut self, kind: FrameKind, job: u32, body: &[u8]) {
        let mut bytes = Vec::new();
        encode_frame(kind, job, body, &mut bytes).expect("the test sends valid frames");
        self.to_guest.extend(bytes);
    }

    fn next_job(&mut self) {
        let number = u32::try_from(self.seen.len()).expect("few jobs") + 1;
        let Some(job) = self.jobs.pop_front() else { return self.send(FrameKind::SHUTDOWN, 0, &[]) };
        let input_bytes = job.stated_bytes.unwrap_or(job.input.len() as u64);
        self.seen.push(Seen::default());
        self.send(
            FrameKind::JOB_START,
            number,
            &encode_body(&JobStart {
                input_bytes,
                wall_ns: WALL_NS,
                receipts: job.receipts,
                private: job.private,
            }),
        );
        let first_credit = job.credit_step.unwrap_or(1 << 40);
        self.send(FrameKind::OUTPUT_CREDIT, number, &encode_body(&Credit { bytes: first_credit }));
        for (kind, body) in &job.then {
            self.send(*kind, number, body);
        }
        self.current = Some((number, job, 0));
    }

    fn react(&mut self, frame: &Frame) {
        match frame.kind {
            FrameKind::READY => {
                self.ready = Some(decode_body(&frame.body).expect("ready decodes"));
                self.next_job();
            }
            FrameKind::INPUT_CREDIT => {
                self.send_input(decode_body::<Credit>(&frame.body).expect("credit").bytes)
            }
            FrameKind::OUTPUT | FrameKind::ERROR_OUTPUT | FrameKind::TRANSCRIPT => self.take_output(frame),
            FrameKind::JOB_DONE => {
                let done = decode_body(&frame.body).expect("done decodes");
                self.seen.last_mut().expect("a job runs").done = Some(done);
                self.next_job();
            }
            FrameKind::RECEIPT => {
                self.seen.last_mut().expect("a job runs").receipts.push(frame.body.clone());
            }
            // With receipts, which say what they are for.
            FrameKind::TIME_PROOF | FrameKind::TIME_COMMITMENT => {}
            FrameKind::STATUS => self.status.push(decode_body(&frame.body).expect("status decodes")),
            FrameKind::PROBE_DONE => self.probes.push(decode_body(&frame.body).expect("probe decodes")),
            FrameKind::STOPPING => self.was_goodbye = true,
            FrameKind::STATE => self.part.extend_from_slice(&frame.body),
            FrameKind::STATE_END => {
                let is_running = self.seen.last().is_some_and(|seen| seen.done.is_none());
                assert!(is_running, "whoever hears that a job is done has what it stored");
                self.saved.push((self.seen.len(), core::mem::take(&mut self.part)));
            }
            other => panic!("the guest sent a frame of kind {other:?}"),
        }
    }

    fn send_input(&mut self, credit: u64) {
        let (number, job, sent) = self.current.clone().expect("credit only comes in a job");
        let seen = self.seen.last_mut().expect("a job runs");
        seen.most_input_credit = seen.most_input_credit.max(credit);
        let end = (sent + usize::try_from(credit).expect("a window") + job.overrun).min(job.input.len());
        for piece in job.input[sent..end].chunks(10_000) {
            self.send(FrameKind::INPUT, number, piece);
        }
        self.current = Some((number, job, end));
    }

    fn take_output(&mut self, frame: &Frame) {
        let seen = self.seen.last_mut().expect("a job runs");
        let sink = match frame.kind {
            FrameKind::OUTPUT => &mut seen.output,
            FrameKind::ERROR_OUTPUT => &mut seen.errors,
            _ => &mut seen.transcript,
        };
        sink.extend_from_slice(&frame.body);
        let step = self.current.as_ref().and_then(|(_, job, _)| job.credit_step);
        let has_output = self.seen.last().is_some_and(|seen| !seen.output.is_empty());
        let is_behind = has_output && frame.kind == FrameKind::TRANSCRIPT;
        if is_behind && self.current.as_ref().is_some_and(|(_, job, _)| job.cancels_late) {
            self.send(FrameKind::JOB_CANCEL, frame.job, &[]);
        } else if step.is_some() {
            let bytes = frame.body.len() as u64;
            self.send(FrameKind::OUTPUT_CREDIT, frame.job, &encode_body(&Credit { bytes }));
        }
    }
}

impl ByteStream for Loader {
    fn receive(&mut self, consume: &mut dyn FnMut(&[u8])) -> Result<usize, String> {
        let mut state = self.0.lock().expect("one thread");
        // An odd length, so that frames are cut everywhere.
        let count = state.to_guest.len().min(12_345);
        let bytes: Vec<u8> = state.to_guest.drain(..count).collect();
        consume(&bytes);
        Ok(bytes.len())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut state = self.0.lock().expect("one thread");
        state.from_guest.extend_from_slice(bytes);
        state.reader.push(bytes);
        while let Some(frame) = state.reader.next_frame().expect("the guest keeps to the framing") {
            state.react(&frame);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// Surroundings in memory: time moves with every look at it.
#[derive(Debug, Default)]
pub(crate) struct TestSurroundings {
    now_ns: u64,
    probe: Option<Vec<u8>>,
}

impl Surroundings for TestSurroundings {
    fn now_ns(&mut self) -> u64 {
        self.now_ns += 1_000;
        self.now_ns
    }

    fn fill_random(&mut self, bytes: &mut [u8]) {
        bytes.fill(0x5A);
    }

    fn poll(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn heap(&mut self) -> HeapFigures {
        HeapFigures { used_bytes: 1, peak_bytes: 2, total_bytes: 3 }
    }

    fn begin_job(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn network(&mut self) -> Option<NetworkFigures> {
        Some(NetworkFigures {
            address: Some("10.0.2.15/24".into()),
            gateway: None,
            mac: "52-54-00-12-34-56".into(),
        })
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

pub(crate) const MANIFEST: &str = r#"{"version":1,"name":"test","role":"workload","trust":"tee",
"component":{"sha256":"1111111111111111111111111111111111111111111111111111111111111111"},
"artefact":{"sha256":"2222222222222222222222222222222222222222222222222222222222222222","engine":"test"},
"launch":{"snp":{"policy":"0x30000","vmpl":0},"tdx":{"attributes":"0x10000000","xfam":"0xe7"}},"memory_mib":64,
"limits":{"component_memory_bytes":16777216,"fuel":500000000,"input_bytes":4000000,"output_bytes":4000000,"wall_ms":2000,
"transcript_bytes":4000000,"call_stack_bytes":524288},"wall_clock":"none","args":[],"env":[],
"egress":[{"host":"10.0.2.2","port":7,"scheme":"http","methods":["*"]}],"tls":{"roots":"none","hosts":[]},"time":[],"service":null,
"storage":{"key_value_bytes":4096,"files_bytes":0,"persist":false},"logs":"public","readers":[]}"#;

/// Opens private jobs.
pub(crate) fn job_key() -> ReaderKey {
    ReaderKey::generate([0x70; 32])
}

/// A guest's identity without a platform: the instance key is real, the report is not.
fn identity() -> Identity {
    let instance_key = Arc::new(SigningKey::from_slice(&[7; 32]).expect("a valid scalar"));
    let evidence = Evidence {
        platform: Platform::Simulated,
        report: vec![0; attestation_report::REPORT_BYTES],
        endorsement: vec![1],
        instance_key: instance_key.public_key(),
        hpke_key: Some(job_key().public_key().to_vec()),
        manifest: MANIFEST.as_bytes().to_vec(),
    };
    let keys = DerivedKeys::derive(&[1; 32], &manifest_digest(MANIFEST.as_bytes()), Role::Workload);
    Identity { evidence, instance_key, job_key: Some(Arc::new(job_key())), keys }
}

/// A chain of claims about this manifest.
pub(crate) fn chain_of(text: &str, manifest: &Manifest<'_>) -> ClaimChain {
    let mut identity = identity();
    identity.evidence.manifest = text.as_bytes().to_vec();
    ClaimChain::new(identity, manifest, manifest_digest(text.as_bytes()))
}

pub(crate) fn manifest() -> Manifest<'static> {
    parse_manifest(MANIFEST.as_bytes()).expect("the test's manifest parses")
}

/// Serves `loader` until the end.
pub(crate) fn serve_loader(program: &Program, loader: &Loader) -> Result<Ended, ServiceError> {
    serve_identity(program, loader, identity())
}

/// Serves `loader` with evidence as large as evidence can be.
pub(crate) fn serve_with_largest_evidence(program: &Program, loader: &Loader) -> Result<Ended, ServiceError> {
    let mut identity = identity();
    identity.evidence.report = vec![7; REPORT_MAX_BYTES];
    identity.evidence.endorsement = vec![8; ENDORSEMENT_MAX_BYTES];
    identity.evidence.manifest.resize(MANIFEST_MAX_BYTES, b' ');
    serve_identity(program, loader, identity)
}

/// Serves `loader` with an instance key that signs nothing.
pub(crate) fn serve_unsigned(program: &Program, loader: &Loader) -> Result<Ended, ServiceError> {
    serve_identity(program, loader, Identity { instance_key: Arc::new(Unsigning), ..identity() })
}

#[derive(Debug)]
struct Unsigning;

impl P256Signer for Unsigning {
    fn public_key(&self) -> P256Point {
        identity().instance_key.public_key()
    }

    fn ecdsa_p256_sha256(&self, _message: &[u8]) -> Result<P256Signature, SigningError> {
        Err(SigningError)
    }
}

fn serve_identity(program: &Program, loader: &Loader, identity: Identity) -> Result<Ended, ServiceError> {
    let manifest = manifest();
    let digest = manifest_digest(&identity.evidence.manifest);
    let mut chain = ClaimChain::new(identity, &manifest, digest);
    let vault = Vault::new(&manifest, chain.identity());
    let link = ControlLink::new(loader.clone());
    serve(link, TestSurroundings::default(), program, &manifest, &mut chain, vault)
}

/// Serves `loader` with another manifest, and with what an earlier guest has stored.
pub(crate) fn serve_stored(
    text: &str,
    state: Option<Vec<u8>>,
    program: &Program,
    loader: &Loader,
) -> Result<Ended, ServiceError> {
    let manifest = parse_manifest(text.as_bytes()).expect("the test's manifest parses");
    let mut chain = chain_of(text, &manifest);
    let mut vault = Vault::new(&manifest, chain.identity());
    if let Some(state) = state {
        vault.restore(state).expect("an earlier guest's");
    }
    let link = ControlLink::new(loader.clone());
    serve(link, TestSurroundings::default(), program, &manifest, &mut chain, vault)
}

/// Runs jobs to a shutdown and tells what the loader saw.
pub(crate) fn run_jobs(program: &Program, jobs: Vec<Job>) -> Vec<Seen> {
    let loader = Loader::new(jobs, Vec::new());
    assert_eq!(serve_loader(program, &loader), Ok(Ended::Shutdown));
    let state = loader.0.lock().expect("one thread");
    assert!(state.was_goodbye);
    state.seen.clone()
}
