//! `redoubt-verify`: reads files, asks [`attestation_cli::check`], [`attestation_cli::connect`], [`attestation_cli::receipt`],
//! [`attestation_cli::show`] or [`attestation_cli::measure`], prints the answer.
#![forbid(unsafe_code)]

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use attestation_cli::appraise::{Question, TrustedRoots, appraise, is_evidence};
use attestation_cli::arguments::{Arguments, CheckArguments, Command, PolicyCommand, ShowArguments};
use attestation_cli::check::{Hardware, SimulatedEvidence, Verdict, check};
use attestation_cli::collateral;
use attestation_cli::collateral::arguments::CollateralCommand;
use attestation_cli::connect::arguments::ConnectArguments;
use attestation_cli::files::{ClaimFiles, read_item};
use attestation_cli::measure::arguments::{DiffArguments, MeasureArguments};
use attestation_cli::measure::{self, run_diff, run_measure};
use attestation_cli::progress::{Audience, Progress};
use attestation_cli::reader;
use attestation_cli::receipt::arguments::ReceiptArguments;
use attestation_cli::receipt::command::Answer;
use attestation_cli::render::{Colours, json, table};
use attestation_cli::show::{self, show};
use attestation_cli::submit::arguments::SubmitArguments;
use attestation_cli::submit::{Submission, Submitted};
use attestation_cli::{connect, ear, explain, receipt, redact, submit, terms};
use attestation_evidence::text::printable;
use attestation_recognise::{Item, Kind, recognise};
use clap::{CommandFactory, Parser};

/// The claim was checked and is not to be believed, or something is not to be had.
const REFUSED: u8 = 1;
/// Two ROMs do not measure to the same.
const DIFFERENT: u8 = 1;
/// A claim holds, and its component ended otherwise than with code 0.
const ENDED_OTHERWISE: u8 = 3;
/// Nothing was checked. `clap` uses the same for wrong usage.
const UNUSABLE: u8 = 2;

/// A report of a claim was made before anybody asked, and answers for the claim's key.
const CHALLENGED_CLAIM: &str =
    "--challenge is for evidence alone: the report of a claim answers for the key that signed it";
/// A CoRIM has the measurements only.
const CORIM_OF_CLAIM: &str =
    "--corim is for evidence alone: a claim is checked against --reference, which lists what ran as well";
/// It is about something else than a run, and has a verdict of its own.
const RECEIPT_AMONG_FILES: &str = "a receipt among the files: `redoubt-verify receipt` checks it";
/// Files may come from whoever is checked.
const CORIM_AMONG_FILES: &str =
    "reference values among the files: say --corim FILE, so that those of nobody else are taken for yours";

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Check(arguments) => run_check(&arguments),
        Command::Connect(arguments) => run_connect(&arguments),
        Command::Receipt(arguments) => run_receipt(&arguments),
        Command::Redact(arguments) => print_or_say(redact::run(&arguments)),
        Command::Diff(arguments) => show_difference(&arguments),
        Command::Measure(arguments) => show_measurements(&arguments),
        Command::Collateral(command) => run_collateral(&command),
        Command::Policy(command) => run_policy(&command),
        Command::Show(arguments) => run_show(&arguments),
        Command::Submit(arguments) => run_submit(&arguments),
        Command::ReaderKey(command) => print_or_say(reader::run(&command)),
        Command::Open(arguments) => print_or_say(reader::open_file(&arguments)),
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "redoubt-verify", &mut script);
            print(&script, ExitCode::SUCCESS)
        }
    }
}

fn run_check(arguments: &CheckArguments) -> ExitCode {
    match verdict(arguments) {
        Ok(verdict) => {
            let text = if arguments.json { json(&verdict) } else { table(&verdict, colours()) };
            let status = if verdict.is_accepted() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) };
            print(text.as_bytes(), status)
        }
        Err(message) => unusable(&message),
    }
}

/// The verdict on a claim, when there is one among the files, or on evidence.
fn verdict(arguments: &CheckArguments) -> Result<Verdict, String> {
    let policy = terms::narrowed_policy(arguments).map_err(|error| error.to_string())?;
    let mut items = Vec::new();
    for path in &arguments.files {
        items.extend(recognised(path, arguments.reference.is_some())?);
    }
    if items.iter().any(|item| item.kind == Kind::ReferenceManifest) {
        return Err(CORIM_AMONG_FILES.to_owned());
    }
    if items.iter().any(|item| item.kind == Kind::Receipt) {
        return Err(RECEIPT_AMONG_FILES.to_owned());
    }
    let at = terms::instant(&arguments.at, &items).map_err(|error| error.to_string())?;
    let (claims, items): (Vec<Item>, Vec<Item>) =
        items.into_iter().partition(|item| item.kind == Kind::Claim);
    let hardware = Hardware { items: &items, policy: &policy, at, roots: TrustedRoots::of_vendors() };
    let (verdict, about) = match claims.as_slice() {
        [] => (verdict_on_evidence(arguments, hardware)?, evidence_name(&items)),
        [claim] => (verdict_on_claim(arguments, &claim.bytes, hardware)?, Kind::Claim.name()),
        several => return Err(format!("expected one claim, found {}: check them one by one", several.len())),
    };
    write_result(arguments, &verdict, about, hardware)?;
    Ok(verdict)
}

fn verdict_on_evidence(arguments: &CheckArguments, hardware: Hardware<'_>) -> Result<Verdict, String> {
    let challenge = arguments.challenge.as_deref().map(|word| terms::digits("--challenge", word));
    let challenge = challenge.transpose().map_err(|error| error.to_string())?;
    let Hardware { items, policy, at, roots } = hardware;
    Ok(appraise(&Question { items, policy, challenge: challenge.as_deref(), at, roots }))
}

fn verdict_on_claim(
    arguments: &CheckArguments,
    claim: &[u8],
    hardware: Hardware<'_>,
) -> Result<Verdict, String> {
    if arguments.challenge.is_some() {
        return Err(CHALLENGED_CLAIM.to_owned());
    }
    if arguments.corim.is_some() {
        return Err(CORIM_OF_CLAIM.to_owned());
    }
    let files = ClaimFiles::read(arguments).map_err(|error| error.to_string())?;
    let simulated =
        if arguments.allow_simulated { SimulatedEvidence::Allowed } else { SimulatedEvidence::Refused };
    let what = if arguments.component.is_some() { "compiling the component again" } else { "checking" };
    let _progress = Progress::waiting(what, Audience::of_json(arguments.json));
    Ok(check(&files.inputs(claim, simulated, hardware)))
}

fn evidence_name(items: &[Item]) -> &'static str {
    items.iter().find(|item| is_evidence(item.kind)).map_or("none", |item| item.kind.name())
}

/// The attestation result on `about`, where one was asked for.
fn write_result(
    arguments: &CheckArguments,
    verdict: &Verdict,
    about: &str,
    hardware: Hardware<'_>,
) -> Result<(), String> {
    let (Some(path), Some(key)) = (&arguments.ear, &arguments.ear_key) else { return Ok(()) };
    let named = |path: &Path, error: &dyn core::fmt::Display| format!("{}: {error}", path.display());
    let pem = std::fs::read_to_string(key).map_err(|error| named(key, &error))?;
    let signer = ear::key(&pem).map_err(|error| named(key, &error))?;
    let token = ear::jwt(verdict, about, &hardware.policy.name, hardware.at, &signer);
    std::fs::write(path, token).map_err(|error| named(path, &error))
}

/// What a file holds. Where a claim is expected, what is not known is taken for a damaged one: then the verdict says what is
/// wrong with it.
fn recognised(path: &Path, expects_claim: bool) -> Result<Vec<Item>, String> {
    let bytes = read_item(path).map_err(|error| error.to_string())?;
    match recognise(&bytes) {
        Ok(items) => Ok(items),
        Err(_) if expects_claim => Ok(vec![Item { kind: Kind::Claim, bytes, within: Vec::new() }]),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn run_policy(command: &PolicyCommand) -> ExitCode {
    match command {
        PolicyCommand::Init { preset } => match terms::preset(preset) {
            Ok(preset) => print(preset.text().as_bytes(), ExitCode::SUCCESS),
            Err(error) => unusable(&error.to_string()),
        },
        PolicyCommand::Explain { policy, json } => match terms::policy(policy) {
            Ok(policy) => {
                let text = if *json { explain::json(&policy) } else { explain::table(&policy) };
                print(text.as_bytes(), ExitCode::SUCCESS)
            }
            Err(error) => unusable(&error.to_string()),
        },
    }
}

fn run_show(arguments: &ShowArguments) -> ExitCode {
    let mut items = Vec::new();
    for path in &arguments.files {
        match read_item(path) {
            Ok(bytes) => match show(&path.display().to_string(), &bytes) {
                Ok(shown) => items.extend(shown),
                Err(error) => return unusable(&format!("{}: {error}", path.display())),
            },
            Err(error) => return unusable(&error.to_string()),
        }
    }
    let text = if arguments.json { show::json(&items) } else { show::table(&items, colours()) };
    print(text.as_bytes(), ExitCode::SUCCESS)
}

fn run_receipt(arguments: &ReceiptArguments) -> ExitCode {
    match receipt::command::run(arguments, colours()) {
        Ok(Answer { text, is_accepted, complaint }) => {
            let status = if is_accepted { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) };
            let status = print(text.as_bytes(), status);
            complaint.map_or(status, |complaint| unusable(&complaint))
        }
        Err(error) => unusable(&error.to_string()),
    }
}

fn run_connect(arguments: &ConnectArguments) -> ExitCode {
    let answer = match connect::command::prove(arguments, colours()) {
        Ok(answer) => answer,
        Err(error) => return unusable(&error.to_string()),
    };
    let status = if answer.is_accepted { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) };
    let status = print(answer.text.as_bytes(), status);
    if status != ExitCode::SUCCESS || arguments.check_only {
        return status;
    }
    match answer.open(arguments) {
        Ok(door) => match print(door.text.as_bytes(), ExitCode::SUCCESS) {
            ExitCode::SUCCESS => door.serve(),
            unread => unread,
        },
        Err(error) => unusable(&error.to_string()),
    }
}

fn run_submit(arguments: &SubmitArguments) -> ExitCode {
    // Nobody has to read it for the job to go on.
    let say = |text: &str| drop(io::stdout().write_all(text.as_bytes()));
    match submit::run(arguments, colours(), say) {
        Ok(Submitted { text, state }) => {
            let status = match state {
                Submission::Done => ExitCode::SUCCESS,
                Submission::EndedOtherwise => ExitCode::from(ENDED_OTHERWISE),
                Submission::Refused => ExitCode::from(REFUSED),
            };
            print(text.as_bytes(), status)
        }
        Err(error) => unusable(&error.to_string()),
    }
}

fn print_or_say(done: Result<String, impl core::error::Error>) -> ExitCode {
    match done {
        Ok(text) => print(text.as_bytes(), ExitCode::SUCCESS),
        Err(error) => unusable(&error.to_string()),
    }
}

fn show_measurements(arguments: &MeasureArguments) -> ExitCode {
    match run_measure(arguments) {
        Ok(report) => {
            let text =
                if arguments.json { measure::json(&report) } else { measure::table::measurements(&report) };
            print(text.as_bytes(), ExitCode::SUCCESS)
        }
        Err(error) => unusable(&error.to_string()),
    }
}

fn show_difference(arguments: &DiffArguments) -> ExitCode {
    match run_diff(arguments) {
        Ok(report) => {
            let text = if arguments.json {
                measure::json(&report)
            } else {
                measure::table::differences(&report, colours())
            };
            let status = if report.equal { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENT) };
            print(text.as_bytes(), status)
        }
        Err(error) => unusable(&error.to_string()),
    }
}

/// Names of files and fields come from outside. Nobody is left to tell when standard error is closed.
fn unusable(message: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "redoubt-verify: {}", printable(message));
    ExitCode::from(UNUSABLE)
}

fn run_collateral(command: &CollateralCommand) -> ExitCode {
    match collateral::run(command) {
        Ok(report) => {
            let status = if report.is_complete { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) };
            print(report.text.as_bytes(), status)
        }
        Err(error) => unusable(&error.to_string()),
    }
}

fn colours() -> Colours {
    let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if io::stdout().is_terminal() && !declined { Colours::On } else { Colours::Off }
}

/// A verdict that nobody could read was not given: then the status says so.
fn print(text: &[u8], status: ExitCode) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Ok(()) => status,
        Err(_) => ExitCode::from(UNUSABLE),
    }
}
