//! From a claim and its files to a verdict.

use std::io::{Read, Write};

use attestation_artefact::ENGINE;
use attestation_claim::{Claim, SignedClaim};
use attestation_manifest::{Manifest, parse_manifest};
use attestation_transcript::Root;
use enclave_runtime::{
    Job, JobLimits, Outcome, Parting, Program, ReplayReport, RunName, Transcript, Tuning, replay_job,
    replay_request,
};
use sha2::{Digest, Sha256};

use crate::console::ReplayConsole;
use crate::error::ReplayError;
use crate::files::KeptFiles;
use crate::location::in_component;
use crate::request::read_request;
use crate::verdict::{Verdict, claimed_outcome, differences};

/// A claim with the manifest in its evidence, before anything was run.
#[derive(Debug)]
pub struct Claimed {
    claim: Claim,
    manifest: Vec<u8>,
}

/// What a replay needs besides the claim.
pub struct Pieces<'a> {
    /// The component, in binary form.
    pub component: &'a [u8],
    /// The transcript, whole.
    pub transcript: Vec<u8>,
    /// The input, from its beginning.
    pub input: Box<dyn Read + Send>,
    /// Gets the output of the replay.
    pub output: Box<dyn Write + Send>,
    /// Gets its error output.
    pub error_output: Box<dyn Write + Send>,
    /// How the component is compiled.
    pub tuning: Tuning,
}

impl core::fmt::Debug for Pieces<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pieces").field("tuning", &self.tuning).finish_non_exhaustive()
    }
}

impl Claimed {
    /// Reads a claim, and checks that the instance key in its evidence signed it.
    ///
    /// # Errors
    /// [`ReplayError::Claim`], [`ReplayError::Manifest`], [`ReplayError::Engine`].
    pub fn read(bytes: &[u8]) -> Result<Self, ReplayError> {
        let verified = SignedClaim::parse(bytes)?.verify()?;
        let claimed =
            Self { claim: verified.claim().clone(), manifest: verified.evidence().manifest.clone() };
        let expected = claimed.manifest()?.artefact.engine;
        if expected != ENGINE {
            return Err(ReplayError::Engine { expected: expected.into(), found: ENGINE });
        }
        Ok(claimed)
    }

    /// What it says.
    #[must_use]
    pub const fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Whether it is of a service's request, and not of a job.
    ///
    /// # Errors
    /// [`ReplayError::Manifest`].
    pub fn is_request(&self) -> Result<bool, ReplayError> {
        Ok(self.manifest()?.service.is_some())
    }

    fn manifest(&self) -> Result<Manifest<'_>, ReplayError> {
        Ok(parse_manifest(&self.manifest)?)
    }

    const fn run(&self) -> RunName {
        let Claim { component, manifest, sequence, .. } = self.claim;
        RunName { component, manifest, sequence }
    }

    /// Compiles the component of the claim.
    fn compile(&self, component: &[u8], tuning: Tuning) -> Result<Program, ReplayError> {
        let found: [u8; 32] = Sha256::digest(component).into();
        check_file("component", self.claim.component, found)?;
        let manifest = self.manifest()?;
        let memory_bytes = limits(&manifest).component_memory_bytes;
        Ok(Program::compile(component, tuning, manifest.limits.call_stack_bytes, memory_bytes)?)
    }

    fn verdict(&self, report: ReplayReport, console: &ReplayConsole, entries: usize) -> Verdict {
        // A run that parts has another end, too: the first difference is what counts.
        let parting: Option<Parting> = report.parting;
        let outcome = claimed_outcome(&report.outcome);
        let differences = match (&parting, &outcome) {
            (None, Some(outcome)) => {
                let output = console.output_digest.digested();
                differences(&self.claim, outcome, &report.usage, &output)
            }
            // An end that no claim speaks of is not the transcript's: that is the parting.
            _ => Vec::new(),
        };
        let outcome = outcome.map_or_else(|| format!("{:?}", report.outcome), |outcome| outcome.to_string());
        Verdict { parting, differences, outcome, trap: None, usage: report.usage, entries, files: None }
    }
}

/// Runs the claimed job, or answers the claimed request, once more.
///
/// # Errors
/// A file is not the one that the claim names, or cannot be read or written; the engine refuses the component; or this
/// machine could not run it. A claim that the replay refutes is no error but a [`Verdict`].
pub fn replay(claimed: &Claimed, pieces: Pieces<'_>) -> Result<Verdict, ReplayError> {
    let Pieces { component, transcript, mut input, output, error_output, tuning } = pieces;
    let root = Root(claimed.claim.transcript.root);
    let files = KeptFiles::of(&transcript)?;
    let transcript = Transcript::read(transcript, &root, &claimed.run())?;
    let entries = transcript.entries();
    let program = claimed.compile(component, tuning)?;
    let manifest = claimed.manifest()?;
    let mut args = vec![manifest.name];
    args.extend(manifest.args.iter());
    let env: Vec<(&str, &str)> = manifest.env.iter().map(|var| (var.name, var.value)).collect();
    let job = Job {
        limits: limits(&manifest),
        args: &args,
        env: &env,
        keeps_files: manifest.keeps_files(),
        run: claimed.run(),
    };
    let (mut report, mut console) = if let Some(service) = &manifest.service {
        let served = read_request(&claimed.claim, service, &mut input)?;
        let (request, console) = ReplayConsole::of_request(served, output, error_output);
        let (report, mut console) = replay_request(&program, &job, request, transcript, console);
        console.end_response();
        (report, console)
    } else {
        let console = ReplayConsole::new(input, output, error_output);
        let (report, mut console) = replay_job(&program, &job, transcript, console);
        console.read_rest();
        check_console(&mut console)?;
        check_file("input", claimed.claim.input.sha256, console.input_digest.digested().sha256)?;
        (report, console)
    };
    check_console(&mut console)?;
    let placed = |text: &str| in_component(text, component, manifest.limits.call_stack_bytes);
    if let Some(parting) = report.parting.as_mut().filter(|parting| !parting.backtrace.is_empty()) {
        parting.backtrace = placed(&parting.backtrace);
    }
    let trap = match &report.outcome {
        Outcome::Trapped { message } => Some(placed(message)),
        _ => None,
    };
    if let (Outcome::Failed { message }, None) = (&report.outcome, &report.parting) {
        return Err(ReplayError::Machine(message.clone()));
    }
    Ok(Verdict { trap, files, ..claimed.verdict(report, &console, entries) })
}

/// Those of one run: a job's, or a request's.
fn limits(manifest: &Manifest<'_>) -> JobLimits {
    manifest
        .service
        .as_ref()
        .map_or_else(|| JobLimits::of(manifest), |service| JobLimits::of_request(manifest, service))
}

fn check_console(console: &mut ReplayConsole) -> Result<(), ReplayError> {
    match (console.input_failure.take(), console.output_failure.take()) {
        (Some(error), _) => Err(ReplayError::Input(error)),
        (None, Some(error)) => Err(ReplayError::Output(error)),
        (None, None) => Ok(()),
    }
}

pub(crate) fn check_file(file: &'static str, expected: [u8; 32], found: [u8; 32]) -> Result<(), ReplayError> {
    if expected == found {
        return Ok(());
    }
    Err(ReplayError::OtherFile { file, expected: hex::encode(expected), found: hex::encode(found) })
}
