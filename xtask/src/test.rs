//! `cargo xtask test`: every suite, one by one, with the minutes that each took.
//!
//! Everything here fits 60 minutes on two cores with an empty target folder. What does not goes behind `--long`.

use core::fmt::Write as _;
use std::env;
use std::fs;
use std::path::{self, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::ledger::{self, ByteCount};
use crate::new::Lang;
use crate::process::Tool;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use crate::{bench, component, fuzz, guest, image, languages, lint, reproduce};

/// Packages that have to build for the bare target.
const BARE_PACKAGES: [&str; 35] = [
    "attestation-artefact",
    "attestation-bundle",
    "attestation-claim",
    "attestation-corim",
    "attestation-evidence",
    "attestation-manifest",
    "attestation-measure",
    "attestation-merkle",
    "attestation-policy",
    "attestation-receipt",
    "attestation-recognise",
    "attestation-report",
    "attestation-rim",
    "attestation-ring",
    "attestation-roughtime",
    "attestation-session",
    "attestation-signature",
    "attestation-submission",
    "attestation-tls-trust",
    "attestation-toml",
    "attestation-transcript",
    "attestation-verify",
    "attestation-x509",
    "enclave-devices",
    "enclave-filesystem",
    "enclave-fw",
    "enclave-http",
    "enclave-memory",
    "enclave-platform",
    "enclave-runtime",
    "enclave-sealing",
    "enclave-service",
    "enclave-tls",
    "enclave-wire",
    "enclave-x86",
];

/// Faults in the ledger that the auditor and the end-to-end tests get.
const LEDGER_FAULTS: u64 = 9;

/// Per target: enough to run every seed and notice what a change broke; finding new bugs takes longer.
const FUZZ_SECONDS: u32 = 10;
const FUZZ_SECONDS_LONG: u32 = 60;

/// A group of tests that runs as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Rules of the house
    Rules,
    /// Layout of the code
    Fmt,
    /// Clippy, warnings refused
    Clippy,
    /// Documentation without warnings, private items included
    Docs,
    /// `cargo test` of the host crates
    Host,
    /// Clippy of the guest's crates on the bare target
    Bare,
    /// The example workloads: their own tests, and a large generated ledger
    Example,
    /// New projects in every language: their own tests, and the components they become
    Languages,
    /// Every parser against made-up input, for some seconds each
    Fuzz,
    /// What we call genuine against what other people's verifiers do
    Peers,
    /// What components can do under wasmtime as published: what they can do in the guest
    Conformance,
    /// The image, built
    Image,
    /// The image again from another path: the bytes must be the same
    Reproduce,
    /// The shipping ROM under QEMU, with honest and with hostile hosts
    E2e,
}

impl Suite {
    const ALL: [Self; 14] = [
        Self::Rules,
        Self::Fmt,
        Self::Clippy,
        Self::Docs,
        Self::Host,
        Self::Bare,
        Self::Example,
        Self::Languages,
        Self::Fuzz,
        Self::Peers,
        Self::Conformance,
        Self::Image,
        Self::Reproduce,
        Self::E2e,
    ];

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Runs it; returns what its tests skipped.
    fn run(self, workspace: &Workspace, length: Length) -> Result<Vec<String>> {
        match self {
            Self::Rules => lint::rules(workspace).map(|()| Vec::new()),
            Self::Fmt => lint::formatting(workspace).map(|()| Vec::new()),
            Self::Clippy => lint::clippy(workspace).map(|()| Vec::new()),
            Self::Docs => docs(workspace).map(|()| Vec::new()),
            Self::Host => host(workspace, length),
            Self::Bare => bare(workspace).map(|()| Vec::new()),
            Self::Example => examples(workspace),
            Self::Languages => languages::check(workspace).map(|()| Vec::new()),
            Self::Fuzz => fuzz(workspace, length),
            Self::Peers => peers(workspace),
            Self::Conformance => conformance(workspace),
            Self::Image => image(workspace).map(|()| Vec::new()),
            Self::Reproduce => reproduce::check(workspace, &image_folder(workspace)).map(|()| Vec::new()),
            Self::E2e => e2e(workspace, length),
        }
    }
}

/// How much to test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// What fits an hour.
    Short,
    /// Everything.
    Long,
}

/// Runs `only`, or all suites, and prints the table. Later suites run even when earlier ones fail.
pub(crate) fn run(workspace: &Workspace, length: Length, only: &[Suite]) -> Result<()> {
    let suites = if only.is_empty() { &Suite::ALL } else { only };
    let mut table = format!("\n{:<12}{:>8}  result\n", "suite", "minutes");
    let mut failed = Vec::new();
    let started = Instant::now();
    for &suite in suites {
        let name = suite.name();
        eprintln!("\n== {name}");
        let begun = Instant::now();
        let result = suite.run(workspace, length);
        let minutes = begun.elapsed().as_secs_f64() / 60.0;
        let outcome = match &result {
            Ok(skipped) if skipped.is_empty() => "ok".to_owned(),
            Ok(skipped) => format!("ok, {} skipped", skipped.len()),
            Err(_) => "FAILED".to_owned(),
        };
        // Writing to a `String` cannot fail.
        let _infallible = writeln!(table, "{name:<12}{minutes:>8.1}  {outcome}");
        match result {
            Ok(skipped) => skipped.iter().for_each(|line| eprintln!("{line}")),
            Err(error) => {
                eprintln!("{error:#}");
                failed.push(name);
            }
        }
    }
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    println!("{table}{:<12}{minutes:>8.1}", "all");
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

fn host(workspace: &Workspace, length: Length) -> Result<Vec<String>> {
    setup::ensure(workspace, &[Need::Qemu, Need::SevSnpMeasure])?;
    let test = Tool::cargo(workspace)
        .args(["test", "--workspace", "--exclude", "tests-e2e", "--locked", "--no-fail-fast"])
        .env("REDOUBT_SEV_SNP_MEASURE", setup::sev_snp_measure(workspace))
        .env("REDOUBT_CONFORMANCE", conformance_component(workspace)?);
    let required = "conformance,qemu,sev-snp-measure";
    let test = match fixtures(workspace) {
        Some(folder) => {
            test.env("REDOUBT_REQUIRE", format!("{required},fixtures")).env("REDOUBT_FIXTURES", folder)
        }
        None => test.env("REDOUBT_REQUIRE", required),
    };
    let (_, skipped) = with_ignored(test.args(["--", "--show-output"]), length).run_tests("cargo test")?;
    Ok(skipped)
}

/// Evidence of real hardware: part of this machine, not of the project.
pub(crate) fn fixtures(workspace: &Workspace) -> Option<PathBuf> {
    // Absolute, because each test runs in its package's folder.
    let stated =
        env::var_os("REDOUBT_FIXTURES").map(|folder| path::absolute(&folder).unwrap_or(folder.into()));
    let beside = workspace.path("../shared/fixtures");
    stated.or_else(|| beside.is_dir().then(|| beside.join("attestation")))
}

/// With the tests that take too long for a change, when everything is asked for.
fn with_ignored(test: Tool, length: Length) -> Tool {
    if length == Length::Long { test.arg("--include-ignored") } else { test }
}

fn bare(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, &[Need::GuestToolchain, Need::GuestClippy])?;
    let packages = BARE_PACKAGES.iter().flat_map(|package| ["--package", package]);
    // Clippy and not only a check: the host's clippy never sees what exists on this target alone.
    guest::cargo(workspace, "clippy")?
        .args(["--locked", "--profile", "guest", "--no-default-features"])
        .args(packages)
        // Of taste, and unknown to the host's older clippy, which would warn of an exception in the code.
        .args(["--", "--deny", "warnings", "--allow", "clippy::chunks_exact_to_as_chunks"])
        .run("clippy on the bare target")
        .map(drop)
}

fn examples(workspace: &Workspace) -> Result<Vec<String>> {
    let variables = [
        ("LEDGER_AUDIT_FILE", large_ledger(workspace)?.to_string_lossy().into_owned()),
        ("LEDGER_AUDIT_FAULTS", LEDGER_FAULTS.to_string()),
    ];
    let skipped = component::test_rust(workspace, &workspace.path(component::EXAMPLE), &variables)?;
    for (lang, example) in [
        (Lang::Rust, "examples/notary-service"),
        (Lang::Rust, "examples/rate-report"),
        (Lang::Js, "examples/webhook-scrubber"),
        (Lang::Python, "examples/sensor-report"),
    ] {
        languages::test(workspace, lang, &workspace.path(example))?;
    }
    Ok(skipped)
}

fn fuzz(workspace: &Workspace, length: Length) -> Result<Vec<String>> {
    let seconds = if length == Length::Long { FUZZ_SECONDS_LONG } else { FUZZ_SECONDS };
    fuzz::run(workspace, &fuzz::Options::all(seconds))?;
    fuzz::test(workspace)
}

fn peers(workspace: &Workspace) -> Result<Vec<String>> {
    // Where and as the benchmark builds them, so that it need not again.
    let test = Tool::cargo(workspace)
        .dir(&workspace.path(bench::PEERS))
        .args(["test", "--release", "--locked", "--target-dir"])
        .arg(workspace.target().join(bench::PEERS_TARGET));
    let test = match fixtures(workspace) {
        Some(folder) => test.env("REDOUBT_FIXTURES", folder),
        None => test,
    };
    let (_, skipped) = test.args(["--", "--show-output"]).run_tests("cargo test in tests/verifier-bench")?;
    Ok(skipped)
}

fn conformance(workspace: &Workspace) -> Result<Vec<String>> {
    let test = Tool::cargo(workspace)
        .dir(&workspace.path("tests/conformance-stock"))
        .args(["test", "--locked", "--target-dir"])
        .arg(workspace.target().join("conformance-stock"))
        .env("REDOUBT_REQUIRE", "conformance")
        .env("REDOUBT_CONFORMANCE", conformance_component(workspace)?);
    let (_, skipped) =
        test.args(["--", "--show-output"]).run_tests("cargo test in tests/conformance-stock")?;
    Ok(skipped)
}

fn conformance_component(workspace: &Workspace) -> Result<PathBuf> {
    component::build(workspace, &workspace.path("tests/conformance"))
}

fn image(workspace: &Workspace) -> Result<()> {
    println!("{}", image::build(workspace, None, &image_folder(workspace))?);
    Ok(())
}

fn e2e(workspace: &Workspace, length: Length) -> Result<Vec<String>> {
    setup::ensure(workspace, &[Need::Qemu, Need::Tlslite])?;
    let programs = Tool::cargo(workspace).args([
        "build",
        "--locked",
        "--package",
        "loader-cli",
        "--package",
        "attestation-cli",
    ]);
    programs.run("building redoubt and redoubt-verify")?;
    // Not only in the suite of images: what is tested alone must be what the sources say, too.
    image::build(workspace, None, &image_folder(workspace))?;
    let examples = workspace.scratch().join("examples");
    languages::build_examples(workspace, &examples)?;
    let test = Tool::cargo(workspace)
        .args(["test", "--package", "tests-e2e", "--locked"])
        .env("REDOUBT_REQUIRE", "conformance,examples,qemu,image,ledger,programs,tlslite")
        .env("REDOUBT_TLSLITE_PYTHON", setup::tlslite_python(workspace))
        .env("REDOUBT_CONFORMANCE", conformance_component(workspace)?)
        .env("REDOUBT_DIST", image_folder(workspace))
        .env("REDOUBT_EXAMPLES", examples)
        .env("REDOUBT_LEDGER", large_ledger(workspace)?)
        .env("REDOUBT_BIN_DIR", workspace.target().join("debug"));
    // Each test starts virtual machines: several at once would only be slower, and their timeouts would lie.
    let test = test.args(["--", "--test-threads=1", "--show-output"]);
    let (_, skipped) = with_ignored(test, length).run_tests("end-to-end tests")?;
    Ok(skipped)
}

fn docs(workspace: &Workspace) -> Result<()> {
    Tool::cargo(workspace)
        .args(["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"])
        .env("RUSTDOCFLAGS", "--deny=warnings")
        .run("cargo doc")
        .map(drop)
}

fn image_folder(workspace: &Workspace) -> PathBuf {
    workspace.scratch().join("dist")
}

fn large_ledger(workspace: &Workspace) -> Result<PathBuf> {
    fs::create_dir_all(workspace.scratch())?;
    let out = workspace.scratch().join("ledger.csv");
    ledger::write(&ledger::Options {
        out: out.clone(),
        bytes: ByteCount(10_500_000),
        seed: 2,
        faults: LEDGER_FAULTS,
    })?;
    Ok(out)
}
