//! `redoubt-verify submit`: a private job, given to a guest whose evidence was checked, and taken back with its claim.
//!
//! Who is in between is not trusted: the host, and whoever answers in its name, sees envelopes. Nothing is sent before the
//! evidence is accepted, and nothing is kept before the claim is.

pub mod arguments;
mod error;
mod host;
mod results;
mod sealing;

use attestation_claim::{Outcome, SignedClaim};
use attestation_envelope::{PUBLIC_KEY_BYTES, ReaderKey, Readers};
use attestation_evidence::Evidence;
use attestation_manifest::reference::ReferenceValues;
use attestation_manifest::{HexDigest, Logs, Manifest, parse_manifest};
use attestation_policy::Policy;
use attestation_recognise::{Item, recognise};
use attestation_submission::{AnswerReader, End, Ending};
use attestation_transcript::{Root, Run, verify_run};
use attestation_x509::Instant;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::appraise::TrustedRoots;
use crate::check::evidence::check_evidence;
use crate::check::{
    Expected, FileDigest, Hardware, Inputs, SimulatedEvidence, Verdict, check_image, check_signed,
};
use crate::files::{COMPONENT, ROM, read_item, read_reference};
use crate::progress::{Audience, Progress};
use crate::render::{Colours, json_with, table};
use crate::terms;
use arguments::SubmitArguments;
use host::{Exchange, Host};
use results::{Results, Unfit};
use sealing::{Input, Sealing};

pub use error::SubmitError;

/// What became of a job.
#[derive(Debug)]
pub struct Submitted {
    /// For standard output.
    pub text: String,
    /// What is true of it.
    pub state: Submission,
}

/// What is true of a job that was submitted, or was to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submission {
    /// The claim holds, and the component ended with code 0.
    Done,
    /// The claim holds, and the component ended otherwise.
    EndedOtherwise,
    /// The evidence was refused and nothing was sent, or the claim was, and nothing was written.
    Refused,
}

/// Does what the command line says. `say` gets what people read on standard output meanwhile.
///
/// # Errors
/// It came to no verdict.
pub fn run(
    arguments: &SubmitArguments,
    colours: Colours,
    say: impl FnOnce(&str),
) -> Result<Submitted, SubmitError> {
    let wanted = Wanted::read(arguments)?;
    let input = Input::open(&arguments.input)?;
    let host = Host { to: &arguments.to };
    let shown = host.evidence()?;
    let (mut verdict, guest) = wanted.judge(&shown);
    let image = guest.as_ref().map(|guest| wanted.judge_image(guest)).unwrap_or_default();
    verdict.absorb(None, image.clone());
    let Some(guest) = guest.filter(|_| verdict.is_accepted()) else {
        return Ok(told(arguments, &verdict, Submission::Refused, &[], colours));
    };
    if input.bytes() > guest.input_limit_bytes {
        return Err(SubmitError::InputTooLong { limit: guest.input_limit_bytes, found: input.bytes() });
    }
    if !arguments.json {
        say(&table(&verdict, colours));
    }
    let (results, sent) = give(arguments, host, &guest, input)?;
    let mut verdict = wanted.judge_results(results.as_ref(), sent, &shown);
    verdict.absorb(None, image);
    let state = state_of(&verdict);
    let written = match results {
        Ok(results) if state != Submission::Refused => {
            let is_output_whole = exit_code(&results).is_some();
            results.keep(arguments, is_output_whole)?
        }
        _ => Vec::new(),
    };
    Ok(told(arguments, &verdict, state, &written, colours))
}

/// What a relying party wants of a guest.
struct Wanted {
    reference: ReferenceValues,
    policy: Policy,
    items: Vec<Item>,
    at: Instant,
    simulated: SimulatedEvidence,
    rom: Option<Vec<u8>>,
    component: Option<Vec<u8>>,
}

/// What is needed of a guest whose evidence was judged.
struct Guest {
    key: [u8; PUBLIC_KEY_BYTES],
    input_limit_bytes: u64,
    logs: Logs,
    manifest: Vec<u8>,
}

/// Why an answer is not taken.
#[derive(Debug)]
enum Broken {
    /// It is the answer's fault, or of whoever cut it off.
    Answer(String),
}

impl Wanted {
    fn read(arguments: &SubmitArguments) -> Result<Self, SubmitError> {
        check_names(arguments)?;
        let policy = terms::policy(&arguments.policy)?;
        let mut items = Vec::new();
        for path in &arguments.files {
            let no_collateral = |error: &dyn core::fmt::Display| SubmitError::Collateral {
                path: path.clone(),
                problem: error.to_string(),
            };
            items.extend(recognise(&read_item(path)?).map_err(|error| no_collateral(&error))?);
        }
        let at = terms::instant(&arguments.at, &items)?;
        let simulated =
            if arguments.allow_simulated { SimulatedEvidence::Allowed } else { SimulatedEvidence::Refused };
        let rom = arguments.rom.as_deref().map(|path| ROM.read(path)).transpose()?;
        let component = arguments.component.as_deref().map(|path| COMPONENT.read(path)).transpose()?;
        let reference = read_reference(&arguments.reference)?;
        Ok(Self { reference, policy, items, at, simulated, rom, component })
    }

    /// About nothing, yet.
    fn inputs<'a>(&'a self, claim: &'a [u8], manifest: Option<&'a [u8]>) -> Inputs<'a> {
        Inputs {
            claim,
            input: FileDigest::of(&[]),
            output: FileDigest::of(&[]),
            reference: &self.reference,
            manifest,
            rom: self.rom.as_deref(),
            component: self.component.as_deref(),
            simulated: self.simulated,
            hardware: self.hardware(),
        }
    }

    /// Judges the files of the image that are at hand, with the manifest that the evidence binds.
    fn judge_image(&self, guest: &Guest) -> Verdict {
        check_image(&self.inputs(&[], Some(&guest.manifest)))
    }

    fn hardware(&self) -> Hardware<'_> {
        Hardware { items: &self.items, policy: &self.policy, at: self.at, roots: TrustedRoots::of_vendors() }
    }

    /// Judges what a host shows as its guest's evidence.
    fn judge(&self, shown: &[u8]) -> (Verdict, Option<Guest>) {
        let mut verdict = Verdict::default();
        let evidence = match Evidence::decode(shown) {
            Ok(evidence) => evidence,
            Err(error) => {
                verdict.fail("evidence", "evidence of a guest", error);
                return (verdict, None);
            }
        };
        let (simulated, hardware) = (self.simulated, self.hardware());
        check_evidence(
            &mut verdict,
            &evidence,
            &Expected { reference: &self.reference, simulated, hardware },
        );
        // A point of small order is no key: everybody could open what is sealed for it.
        let is_sealed_for = |key: &[u8; PUBLIC_KEY_BYTES]| Readers::new(&[*key], [0; 32]).is_ok();
        let key = evidence.hpke_key.as_deref().and_then(|key| key.try_into().ok()).filter(is_sealed_for);
        let what = "key for private jobs";
        match key {
            Some(_) => verdict.pass(what, "of X25519", "yes"),
            None => verdict.fail(what, "of X25519", "none, or one that nothing can be sealed for"),
        }
        let manifest = parse_manifest(&evidence.manifest).ok();
        manifest.iter().for_each(|manifest| note_readers(&mut verdict, manifest));
        let guest = key.zip(manifest).map(|(key, manifest)| Guest {
            key,
            input_limit_bytes: manifest.limits.input_bytes,
            logs: manifest.logs,
            manifest: evidence.manifest.clone(),
        });
        (verdict, guest)
    }

    /// Judges what came back, for the input that was sent.
    fn judge_results(&self, results: Result<&Results, &Broken>, input: FileDigest, shown: &[u8]) -> Verdict {
        let mut verdict = Verdict::default();
        let results = match results {
            Ok(results) => results,
            Err(Broken::Answer(problem)) => {
                verdict.fail("answer", "a whole answer", problem);
                return verdict;
            }
        };
        let Some(claim) = &results.claim else {
            verdict.fail("claim", "a signed claim", said(results.end.as_ref()));
            return verdict;
        };
        let inputs = Inputs { input, output: results.output(), ..self.inputs(claim, None) };
        verdict = check_signed(&inputs).0;
        results.check_ends(&mut verdict);
        check_same_guest(&mut verdict, claim, shown);
        check_transcript(&mut verdict, claim, results);
        verdict
    }
}

/// Two results in one file would be one result.
fn check_names(arguments: &SubmitArguments) -> Result<(), SubmitError> {
    let SubmitArguments { output, claim, transcript, log, .. } = arguments;
    let named: Vec<_> =
        [Some(output), claim.as_ref(), transcript.as_ref(), log.as_ref()].into_iter().flatten().collect();
    let twice = named
        .iter()
        .enumerate()
        .find(|(index, path)| named.iter().skip(index.saturating_add(1)).any(|other| other == *path));
    match twice {
        Some((_, path)) => Err(SubmitError::SameFile { path: (*path).clone() }),
        None => Ok(()),
    }
}

/// Who else reads what.
fn note_readers(verdict: &mut Verdict, manifest: &Manifest<'_>) {
    if !manifest.readers.is_empty() {
        verdict.note(format!(
            "readers: {} keys in the manifest open all results of this job, too",
            manifest.readers.len()
        ));
    }
    if manifest.logs == Logs::Public {
        verdict.note("logs: public: the host reads what the component writes to standard error and its log");
    }
}

/// Seals and sends the input, and takes what comes.
fn give(
    arguments: &SubmitArguments,
    host: Host<'_>,
    guest: &Guest,
    input: Input,
) -> Result<(Result<Results, Broken>, FileDigest), SubmitError> {
    let [reply_seed, secret, salt] = seeds()?;
    let reply_key = ReaderKey::generate(*reply_seed);
    let sealing = Sealing::new(guest.key, reply_key.public_key(), [*secret, *salt]);
    let results = Results::begin(arguments, reply_key, guest.logs)?;
    let audience = Audience::of_json(arguments.json);
    let bytes = input.envelope_bytes();
    // The report binds it: only a guest of this image could have made a key that nothing can be sealed for.
    let sealing = match sealing {
        Ok(sealing) => sealing,
        Err(error) => return Ok((Err(Broken::Answer(error.to_string())), FileDigest::of(&[]))),
    };
    let mut exchange = host.begin_job(bytes)?;
    let progress = Progress::of_bytes(bytes, "sealed and sent", audience);
    let mut sent: u64 = 0;
    let digest = input.seal(sealing, |part| {
        exchange.write(part)?;
        sent = sent.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
        progress.set(sent);
        Ok(())
    })?;
    drop(progress);
    let _progress = Progress::waiting("waiting for the job", audience);
    exchange.expect_answer()?;
    Ok((receive(&mut exchange, results)?, digest))
}

fn seeds() -> Result<[Zeroizing<[u8; 32]>; 3], SubmitError> {
    let mut seeds = [(); 3].map(|()| Zeroizing::new([0; 32]));
    for seed in &mut seeds {
        getrandom::fill(&mut **seed).map_err(SubmitError::Randomness)?;
    }
    Ok(seeds)
}

fn receive(
    exchange: &mut Exchange<'_>,
    mut results: Results,
) -> Result<Result<Results, Broken>, SubmitError> {
    let mut reader = AnswerReader::new();
    let broken = |error: &dyn core::fmt::Display| Ok(Err(Broken::Answer(error.to_string())));
    loop {
        match exchange.read_piece() {
            Ok(piece) if piece.is_empty() => break,
            Ok(piece) => reader.push(&piece),
            Err(error) => return broken(&error),
        }
        loop {
            match reader.next_part() {
                Ok(None) => break,
                Err(error) => return broken(&error),
                Ok(Some(part)) => match results.take(part) {
                    Ok(()) => {}
                    Err(Unfit::File(error)) => return Err(error.into()),
                    Err(error) => return broken(&error),
                },
            }
        }
    }
    match reader.finish() {
        Ok(()) => Ok(Ok(results)),
        Err(error) => broken(&error),
    }
}

/// What a host says of a job without a claim.
fn said(end: Option<&End>) -> String {
    let Some(End { ending, text }) = end else { return "none".to_owned() };
    let what = match ending {
        Ending::Claimed | Ending::Failed => "the guest could not run the job",
        Ending::Refused => "the guest refused the job",
        Ending::Cancelled => "the job was cancelled",
        Ending::Gone => "the guest is gone",
    };
    let more = if text.is_empty() { String::new() } else { format!(": {text}") };
    format!("none; the host says: {what}{more}")
}

/// A claim of another guest would be about somebody else's key.
fn check_same_guest(verdict: &mut Verdict, claim: &[u8], shown: &[u8]) {
    let Ok(signed) = SignedClaim::parse(claim) else { return };
    let digest = |bytes: &[u8]| HexDigest::<32>(Sha256::digest(bytes).into());
    let found = digest(&signed.unverified_evidence().encode());
    verdict.compare("evidence that was shown before", digest(shown), found);
}

fn check_transcript(verdict: &mut Verdict, claim: &[u8], results: &Results) {
    let (Some(transcript), Ok(signed)) = (results.transcript(), SignedClaim::parse(claim)) else { return };
    let (what, expected) = ("transcript", "the one that the claim names");
    let claim = signed.unverified_claim();
    let run = Run { component: claim.component, manifest: claim.manifest, sequence: claim.sequence };
    match transcript.map(|bytes| verify_run(&bytes, &Root(claim.transcript.root), &run)) {
        Ok(Ok(_)) => verdict.pass(what, expected, "yes"),
        Ok(Err(error)) => verdict.fail(what, expected, error),
        Err(error) => verdict.fail(what, expected, error),
    }
}

/// The only thing that may be otherwise is how the component ended.
fn state_of(verdict: &Verdict) -> Submission {
    if verdict.is_accepted() {
        Submission::Done
    } else if !verdict.checks.is_empty() && verdict.failures().all(|check| check.what == "outcome") {
        Submission::EndedOtherwise
    } else {
        Submission::Refused
    }
}

/// `None` where the output is what came before something went wrong.
fn exit_code(results: &Results) -> Option<u8> {
    let signed = SignedClaim::parse(results.claim.as_deref()?).ok()?;
    match signed.unverified_claim().outcome {
        Outcome::Exited { code } => Some(code),
        _ => None,
    }
}

fn told(
    arguments: &SubmitArguments,
    verdict: &Verdict,
    state: Submission,
    written: &[String],
    colours: Colours,
) -> Submitted {
    let text = if arguments.json {
        let word = match state {
            Submission::Done => "done",
            Submission::EndedOtherwise => "ended-otherwise",
            Submission::Refused => "refused",
        };
        let more: Map<String, Value> =
            [("submission".to_owned(), json!(word)), ("written".to_owned(), json!(written))]
                .into_iter()
                .collect();
        json_with(verdict, &more)
    } else {
        let mut text = table(verdict, colours);
        let files = if written.is_empty() { "nothing".to_owned() } else { written.join(", ") };
        text.push_str(&format!("written: {files}\n"));
        text
    };
    Submitted { text, state }
}
