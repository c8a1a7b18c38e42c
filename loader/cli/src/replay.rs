//! `redoubt replay`: a claimed job once more, here, without a guest.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use attestation_cli::progress::{Audience, Progress};
use attestation_cli::reader::read_key;
use attestation_envelope::{Content, MAGIC, ReaderKey, is_envelope, open};
use attestation_manifest::{COMPONENT_MAX_BYTES, HexDigest};
use loader_replay::{Claimed, KeptFiles, Pieces, Tuning, Verdict, replay};
use loader_vmm::text::printable;
use serde::Serialize;

use crate::arguments::{ReplayArguments, TuningArgument};
use crate::failure::{DIFFERS, Failure, Outcome};
use crate::output::Output;

/// The longest claim that is read.
const CLAIM_MAX_BYTES: u64 = attestation_claim::CLAIM_MAX_BYTES as u64;
/// The longest transcript that is read: it is held in memory.
const TRANSCRIPT_MAX_BYTES: u64 = 8 << 30;

pub(crate) fn replay_claim(arguments: &ReplayArguments) -> Outcome {
    let claimed = Claimed::read(&read_file(&arguments.claim, "claim", CLAIM_MAX_BYTES)?)?;
    let component = read_file(&arguments.component, "component", COMPONENT_MAX_BYTES as u64)?;
    let key = arguments.key.as_deref().map(read_key).transpose()?;
    let transcript = read_file(&arguments.transcript, "transcript", TRANSCRIPT_MAX_BYTES)?;
    let transcript = opened(transcript, key.as_ref(), Content::Transcript, &arguments.transcript)?;
    let audience = Audience::of_json(arguments.json);
    let progress = Progress::of_bytes(claimed.claim().input.bytes, "of input, replayed", audience);
    let input = open_input(&arguments.input)?;
    // What a job is given is its own affair; a service's requests are sealed with their transcripts.
    let input =
        if claimed.is_request()? { open_request(input, key.as_ref(), &arguments.input)? } else { input };
    let mut output = arguments.output.as_deref().map(Output::create).transpose()?;
    let started = Instant::now();
    let pieces = Pieces {
        component: &component,
        transcript,
        input: Box::new(progress.counting(input)),
        output: output.as_ref().map_or_else(|| Ok(sink()), |output| output.duplicate())?,
        error_output: Box::new(io::sink()),
        tuning: tuning(arguments.engine),
    };
    let verdict = replay(&claimed, pieces)?;
    drop(progress);
    let elapsed_ms = started.elapsed().as_millis();
    if let Some(mut output) = output.take() {
        output.settle()?;
        output.finish()?;
    }
    print(arguments, &verdict, elapsed_ms)?;
    if verdict.is_equal() {
        return Ok(());
    }
    Err(Failure::new(DIFFERS, anyhow!("the claim is not what its replay finds")))
}

fn sink() -> Box<dyn Write + Send> {
    Box::new(io::sink())
}

const fn tuning(argument: TuningArgument) -> Tuning {
    match argument {
        TuningArgument::Guest => Tuning::Guest,
        TuningArgument::Baseline => Tuning::Baseline,
        TuningArgument::Interpreter => Tuning::Interpreter,
    }
}

fn open_input(path: &Path) -> Result<Box<dyn Read + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path).with_context(|| format!("input {}", path.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

/// A request that was kept, which may be sealed: then it is opened in memory.
fn open_request(
    mut input: Box<dyn Read + Send>,
    key: Option<&ReaderKey>,
    path: &Path,
) -> Result<Box<dyn Read + Send>> {
    let failed = || format!("input {}", path.display());
    let mut bytes = Vec::new();
    input.by_ref().take(MAGIC.len() as u64).read_to_end(&mut bytes).with_context(failed)?;
    if !is_envelope(&bytes) {
        return Ok(Box::new(Cursor::new(bytes).chain(input)));
    }
    input.read_to_end(&mut bytes).with_context(failed)?;
    Ok(Box::new(Cursor::new(opened(bytes, key, Content::Request, path)?)))
}

/// What is in an envelope; what is in none, as it is.
fn opened(bytes: Vec<u8>, key: Option<&ReaderKey>, content: Content, path: &Path) -> Result<Vec<u8>> {
    if !is_envelope(&bytes) {
        return Ok(bytes);
    }
    let Some(key) = key else {
        bail!("{}: sealed for readers: say the key of one of them, with --key", path.display());
    };
    open(bytes, key, content).with_context(|| path.display().to_string())
}

fn read_file(path: &Path, what: &str, limit_bytes: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| format!("{what} {}", path.display()))?;
    let read = file.take(limit_bytes + 1).read_to_end(&mut bytes);
    let count = read.with_context(|| format!("{what} {}", path.display()))?;
    if count as u64 > limit_bytes {
        bail!("{what} {}: expected at most {limit_bytes} bytes, found more", path.display());
    }
    Ok(bytes)
}

/// What a replay found, for scripts.
#[derive(Debug, Serialize)]
struct Report<'a> {
    equal: bool,
    outcome: &'a str,
    trap: Option<&'a str>,
    entries: usize,
    fuel: u64,
    component_memory_bytes: u64,
    engine: &'a str,
    elapsed_ms: u128,
    files: Option<FilesReport>,
    parting: Option<PartingReport>,
    differences: Vec<DifferenceReport<'a>>,
}

/// SHA-256 of snapshots, in hexadecimal.
#[derive(Debug, Serialize)]
struct FilesReport {
    began_with: Option<String>,
    ended_with: Option<String>,
}

impl FilesReport {
    fn of(files: KeptFiles) -> Self {
        let digits = |digest: [u8; 32]| HexDigest(digest).to_string();
        Self { began_with: files.began_with.map(digits), ended_with: files.ended_with.map(digits) }
    }
}

#[derive(Debug, Serialize)]
struct PartingReport {
    entry: u64,
    recorded: Option<String>,
    found: String,
    backtrace: String,
}

#[derive(Debug, Serialize)]
struct DifferenceReport<'a> {
    field: &'a str,
    claimed: &'a str,
    found: &'a str,
}

fn print(arguments: &ReplayArguments, verdict: &Verdict, elapsed_ms: u128) -> Result<()> {
    let mut out = io::stdout().lock();
    if arguments.json {
        let report = Report {
            equal: verdict.is_equal(),
            outcome: &verdict.outcome,
            trap: verdict.trap.as_deref(),
            entries: verdict.entries,
            fuel: verdict.usage.fuel,
            component_memory_bytes: verdict.usage.peak_memory_bytes,
            engine: arguments.engine.name(),
            elapsed_ms,
            files: verdict.files.map(FilesReport::of),
            parting: verdict.parting.as_ref().map(|parting| PartingReport {
                entry: parting.entry,
                recorded: parting.recorded.as_ref().map(ToString::to_string),
                found: parting.found.to_string(),
                backtrace: parting.backtrace.clone(),
            }),
            differences: (verdict.differences.iter())
                .map(|difference| DifferenceReport {
                    field: difference.field,
                    claimed: &difference.claimed,
                    found: &difference.found,
                })
                .collect(),
        };
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?);
    }
    if verdict.is_equal() {
        let (fuel, entries) = (verdict.usage.fuel, verdict.entries);
        let outcome = &verdict.outcome;
        writeln!(
            out,
            "equal: the component {outcome} after {fuel} fuel and {entries} entries ({elapsed_ms} ms)"
        )?;
        if let Some(trap) = &verdict.trap {
            writeln!(out, "{}", printable(trap).trim_end())?;
        }
        if let Some(files) = verdict.files.map(FilesReport::of) {
            writeln!(out, "files: began with {}", files.began_with.as_deref().unwrap_or("none"))?;
            let ended_with = files.ended_with.as_deref();
            writeln!(out, "       ended with {}", ended_with.unwrap_or("nothing that is kept"))?;
        }
        return Ok(());
    }
    if let Some(parting) = &verdict.parting {
        writeln!(out, "the runs part at {}", printable(&parting.to_string()))?;
    }
    for difference in &verdict.differences {
        writeln!(out, "{}", printable(&difference.to_string()))?;
    }
    Ok(())
}
