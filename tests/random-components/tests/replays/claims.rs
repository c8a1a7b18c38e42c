//! Claims of runs on this machine, as the guest signs them, and their replays.

use std::io::{Cursor, sink};

use attestation_artefact::{CALL_STACK_MIN_BYTES, ENGINE};
use attestation_claim::{ChainPlace, Claim, Digested, Measured, Outcome, Transcript, Usage, sign_claim};
use attestation_evidence::{Evidence, Platform};
use attestation_manifest::{manifest_digest, parse_manifest};
use enclave_runtime::{Job, JobLimits, JobReport, Outcome as RunOutcome, Program, RunName, Tuning, run_job};
use loader_replay::{Claimed, Pieces, ReplayError, Verdict, replay};
use p256::ecdsa::SigningKey;
use sha2::{Digest, Sha256};
use tests_random_components::RandomComponent;

use crate::surroundings::{Surroundings, limits};

/// Small, so that recursion finds its end before fuel does.
const CALL_STACK_BYTES: u32 = CALL_STACK_MIN_BYTES;

/// A component with the surroundings of its number.
pub(crate) struct Site<'a> {
    seed: u64,
    random: &'a RandomComponent,
    manifest: String,
}

/// A run with everything that is left of it.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Recorded {
    pub(crate) report: JobReport,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) transcript: Vec<u8>,
}

impl<'a> Site<'a> {
    pub(crate) fn new(seed: u64, random: &'a RandomComponent) -> Self {
        Self { seed, random, manifest: manifest(random, &limits(seed)) }
    }

    fn run_name(&self) -> RunName {
        RunName {
            component: Sha256::digest(&self.random.bytes).into(),
            manifest: manifest_digest(self.manifest.as_bytes()),
            sequence: 0,
        }
    }

    /// Runs it for the first time, in the surroundings of its number.
    pub(crate) fn record(&self, tuning: Tuning) -> Result<Recorded, String> {
        self.record_as(&self.random.bytes, tuning)
    }

    /// Runs another component in its place, under its name.
    pub(crate) fn record_as(&self, component: &[u8], tuning: Tuning) -> Result<Recorded, String> {
        let surroundings = Surroundings::new(self.seed, self.random);
        let memory_bytes = limits(self.seed).component_memory_bytes;
        let program = Program::compile(component, tuning, CALL_STACK_BYTES, memory_bytes);
        let program = program.map_err(|error| format!("{tuning:?}: {error}"))?;
        let job = Job {
            limits: limits(self.seed),
            args: &["test"],
            env: &[],
            keeps_files: false,
            run: self.run_name(),
        };
        let (mut report, host) = run_job(&program, &job, surroundings);
        // Words for people, which differ between processors.
        if let RunOutcome::Trapped { message } = &mut report.outcome {
            *message = cause(message);
        }
        let Surroundings { stdout, stderr, transcript, .. } = host;
        Ok(Recorded { report, stdout, stderr, transcript })
    }

    /// The claim of a run, signed.
    pub(crate) fn sign(&self, recorded: &Recorded) -> Result<Vec<u8>, String> {
        let report = &recorded.report;
        let transcript = report.transcript.ok_or_else(|| format!("no transcript: {:?}", report.outcome))?;
        let run = self.run_name();
        let claim = Claim {
            component: run.component,
            artefact: run.component,
            manifest: run.manifest,
            input: digested(&self.random.input),
            output: digested(&recorded.stdout),
            outcome: claimed_outcome(&report.outcome).ok_or("an end that no claim speaks of")?,
            sequence: run.sequence,
            transcript: Transcript {
                root: transcript.root.0,
                entries: transcript.entries,
                bytes: transcript.bytes,
            },
            receipts_root: None,
            usage: Usage {
                fuel: report.usage.fuel,
                component_memory_bytes: report.usage.peak_memory_bytes,
                error_output_bytes: report.usage.stderr_bytes,
            },
            measured: Measured { run_us: 1, heap_peak_bytes: 2 },
        };
        Ok(self.sign_as(&claim))
    }

    fn sign_as(&self, claim: &Claim) -> Vec<u8> {
        let key = SigningKey::from_slice(&[7; 32]).expect("a valid scalar");
        let instance_key = key.verifying_key().to_sec1_point(false).as_bytes().try_into().expect("65 bytes");
        let evidence = Evidence {
            platform: Platform::Simulated,
            report: vec![0; 8],
            endorsement: Vec::new(),
            instance_key,
            hpke_key: None,
            manifest: self.manifest.as_bytes().to_vec(),
        };
        sign_claim(claim, ChainPlace::default(), &evidence, &key).expect("a key that signs").0
    }

    /// Replays a claim.
    pub(crate) fn replay(
        &self,
        claim: &[u8],
        recorded: &Recorded,
        tuning: Tuning,
    ) -> Result<Verdict, ReplayError> {
        let pieces = Pieces {
            component: &self.random.bytes,
            transcript: recorded.transcript.clone(),
            input: Box::new(Cursor::new(self.random.input.clone())),
            output: Box::new(sink()),
            error_output: Box::new(sink()),
            tuning,
        };
        replay(&Claimed::read(claim)?, pieces)
    }
}

/// Of the words about a trap, what is the same everywhere.
fn cause(message: &str) -> String {
    let (_, cause) = message.rsplit_once("Caused by:").unwrap_or(("", message));
    let cause = cause.trim().lines().next().unwrap_or_default();
    cause.trim_start_matches("wasm trap: ").to_owned()
}

fn digested(bytes: &[u8]) -> Digested {
    Digested { sha256: Sha256::digest(bytes).into(), bytes: bytes.len() as u64 }
}

fn claimed_outcome(outcome: &RunOutcome) -> Option<Outcome> {
    match outcome {
        RunOutcome::Exited { code } => Some(Outcome::Exited { code: *code }),
        RunOutcome::Trapped { .. } => Some(Outcome::Trapped),
        RunOutcome::LimitExceeded { limit } => Some(Outcome::LimitExceeded { limit: limit.as_str().into() }),
        _ => None,
    }
}

fn manifest(random: &RandomComponent, limits: &JobLimits) -> String {
    let component = hex::encode(Sha256::digest(&random.bytes));
    let wall_clock = if random.wall_clock { "host" } else { "none" };
    let JobLimits { component_memory_bytes, fuel, input_bytes, output_bytes, .. } = limits;
    let JobLimits { transcript_bytes, wall_ms, files_bytes, .. } = limits;
    let text = format!(
        r#"{{"version":1,"name":"test","role":"workload","trust":"tee","component":{{"sha256":"{component}"}},
"artefact":{{"sha256":"{component}","engine":"{ENGINE}"}},
"launch":{{"snp":{{"policy":"0x30000","vmpl":0}},"tdx":{{"attributes":"0x10000000","xfam":"0xe7"}}}},"memory_mib":64,
"limits":{{"component_memory_bytes":{component_memory_bytes},"fuel":{fuel},"input_bytes":{input_bytes},
"output_bytes":{output_bytes},"wall_ms":{wall_ms},"transcript_bytes":{transcript_bytes},
"call_stack_bytes":{CALL_STACK_BYTES}}},"wall_clock":"{wall_clock}","args":[],"env":[],"egress":[],"tls":{{"roots":"none","hosts":[]}},"time":[],"service":null,
"storage":{{"key_value_bytes":0,"files_bytes":{files_bytes},"persist":false}},"logs":"public","readers":[]}}"#
    );
    parse_manifest(text.as_bytes()).expect("the test's manifest parses");
    text
}
