//! One test: its run, what its specification says of that, and its replay.

use attestation_artefact::CALL_STACK_DEFAULT_BYTES;
use enclave_runtime::{
    Job, JobLimits, JobReport, Limit, Outcome, Program, RunName, Transcript, Tuning, replay_job, run_job,
};

use crate::host::SuiteHost;
use crate::specification::{End, Specification};

/// Wide enough that no test ends by one.
const LIMITS: JobLimits = JobLimits {
    component_memory_bytes: 64 << 20,
    fuel: 10_000_000_000,
    input_bytes: 1 << 20,
    output_bytes: 1 << 20,
    transcript_bytes: 16 << 20,
    wall_ms: 60_000,
    files_bytes: 16 << 20,
};

const RUN: RunName = RunName { component: [1; 32], manifest: [2; 32], sequence: 0 };

/// What a test and its replays said.
#[derive(Debug)]
pub(crate) struct Tried {
    /// Where the run differs from its specification.
    pub(crate) difference: Option<String>,
    /// Where a replay differs from the run.
    pub(crate) parting: Option<String>,
}

/// Compiles a component, for this processor or the interpreter.
///
/// # Errors
/// The engine or the guest refuses it; in words.
pub(crate) fn compile(component: &[u8], tuning: Tuning) -> Result<Program, String> {
    Program::compile(component, tuning, CALL_STACK_DEFAULT_BYTES, LIMITS.component_memory_bytes)
        .map_err(|error| error.to_string())
}

/// Runs a component natively, and from its transcript natively and by the interpreter.
///
/// # Errors
/// It does not compile.
pub(crate) fn run(name: &str, component: &[u8], said: &Specification) -> Result<Tried, String> {
    let args: Vec<&str> = [name].into_iter().chain(said.args.iter().map(String::as_str)).collect();
    let env: Vec<(&str, &str)> =
        said.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // Without a root the program has no directory: the suite numbers its descriptors by that.
    let files_bytes = if said.root.is_some() { LIMITS.files_bytes } else { 0 };
    let limits = JobLimits { files_bytes, ..LIMITS };
    let job = Job { limits, args: &args, env: &env, keeps_files: false, run: RUN };
    let native = compile(component, Tuning::Baseline)?;
    let (report, host) = run_job(&native, &job, SuiteHost::with_input(&said.input));
    let difference = difference(said, &report, &host);
    let mut parting = parting(&native, &job, (&report, &host), &said.input);
    if parting.is_none() {
        let interpreted = compile(component, Tuning::Interpreter)?;
        parting = self::parting(&interpreted, &job, (&report, &host), &said.input);
    }
    Ok(Tried { difference, parting })
}

/// Where a run differs from its specification.
fn difference(said: &Specification, report: &JobReport, host: &SuiteHost) -> Option<String> {
    let is_expected = match said.end {
        End::Exits => report.outcome == Outcome::Exited { code: said.exit_code },
        End::Traps => matches!(report.outcome, Outcome::Trapped { .. }),
        End::RunsOutOfTime => report.outcome == Outcome::LimitExceeded { limit: Limit::Wall },
    };
    if !is_expected {
        return Some(format!("{:?}; {}", report.outcome, String::from_utf8_lossy(&host.stderr)));
    }
    for (output, expected, found) in
        [("standard output", &said.stdout, &host.stdout), ("standard error", &said.stderr, &host.stderr)]
    {
        if expected.as_ref().is_some_and(|expected| expected.as_bytes() != found) {
            return Some(format!("{output}: {:?}", String::from_utf8_lossy(found)));
        }
    }
    None
}

/// Where a replay differs from the run that it repeats.
fn parting(
    program: &Program,
    job: &Job<'_>,
    (report, host): (&JobReport, &SuiteHost),
    input: &str,
) -> Option<String> {
    let Some(recorded) = &report.transcript else { return Some("the run left no transcript".to_owned()) };
    let transcript = match Transcript::read(host.transcript.clone(), &recorded.root, &job.run) {
        Ok(transcript) => transcript,
        Err(error) => return Some(error.to_string()),
    };
    let (replayed, console) = replay_job(program, job, transcript, SuiteHost::with_input(input));
    // Words about a trap name places in machine code; that both trapped is what counts.
    let both_trap =
        matches!((&replayed.outcome, &report.outcome), (Outcome::Trapped { .. }, Outcome::Trapped { .. }));
    if let Some(parting) = &replayed.parting {
        return Some(format!("{parting:?}"));
    }
    let is_equal = (both_trap || replayed.outcome == report.outcome)
        && replayed.usage == report.usage
        && (&console.stdout, &console.stderr) == (&host.stdout, &host.stderr);
    (!is_equal).then(|| format!("{:?} {:?}", replayed.outcome, replayed.usage))
}
