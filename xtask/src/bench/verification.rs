//! `docs/benchmarks-verification.md`: our verification of evidence beside other people's.

use core::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::Outcome;
use super::machine::processor;
use super::sizes;
use crate::guest;
use crate::process::Tool;
use crate::setup::{self, Need};
use crate::test::fixtures;
use crate::workspace::Workspace;

/// The workspace that builds other people's verifiers.
pub(crate) const FOLDER: &str = "tests/verifier-bench";
/// Where it does, in the target folder.
pub(crate) const TARGET: &str = "verifier-bench";
const SIZE_FOLDER: &str = "tests/verifier-size";
/// Its programs besides `nothing`, and what they verify.
const LINKED: [(&str, &str); 4] =
    [("snp", "SEV-SNP"), ("tdx", "TDX"), ("nvidia", "NVIDIA with manifests"), ("all", "all three")];
const OURS: &str = "Redoubt";
/// Most that verification may hold at once.
const PEAK_MAX_BYTES: u64 = 4 << 20;

/// A line that the program prints.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Row {
    what: String,
    who: String,
    /// Other people's; what is ours and not a whole verification is shown only.
    is_peer: bool,
    median_us: f64,
    least_us: f64,
    most_us: f64,
    peak_bytes: u64,
}

/// Builds the contenders, each at its best, and lets them race.
pub(super) fn run(workspace: &Workspace) -> Result<Outcome> {
    let evidence = fixtures(workspace).context(
        "there is no evidence to verify: set REDOUBT_FIXTURES to the folder that holds `snp` and `tdx`",
    )?;
    let folder = workspace.path(FOLDER);
    let target = workspace.target().join(TARGET);
    Tool::cargo(workspace)
        .dir(&folder)
        .args(["build", "--release", "--locked", "--target-dir"])
        .arg(&target)
        .run("building the verifiers")?;
    let program = target.join("release/tests-verifier-bench");
    let printed = Tool::new(program).arg(evidence).run("verifying")?;
    let rows = parse(&printed)?;
    let text = render(&rows, &linked(workspace)?)?;
    Ok(Outcome { text, missed: missed(&rows) })
}

/// What each verifier adds to a program of the guest's target, in bytes.
fn linked(workspace: &Workspace) -> Result<Vec<(&'static str, u64)>> {
    setup::ensure(workspace, &[Need::GuestToolchain])?;
    guest::cargo(workspace, "build")?
        .args(["--profile", "guest", "--locked", "--bins", "--manifest-path"])
        .arg(workspace.path(SIZE_FOLDER).join("Cargo.toml"))
        .run("linking the verifiers for the guest")?;
    let size = |program: &str| sizes::linked_bytes(&guest::built(workspace, program));
    let nothing = size("nothing")?;
    LINKED.iter().map(|(program, what)| Ok((*what, size(program)?.saturating_sub(nothing)))).collect()
}

fn parse(printed: &str) -> Result<Vec<Row>> {
    let row = |line: &str| serde_json::from_str(line).with_context(|| format!("no measurement: {line:?}"));
    printed.lines().filter(|line| line.starts_with('{')).map(row).collect()
}

/// Each of other people's, and ours of the same evidence.
fn pairs(rows: &[Row]) -> impl Iterator<Item = (&Row, &Row)> {
    rows.iter().filter(|row| row.is_peer).filter_map(|theirs| {
        let ours = rows.iter().find(|row| row.who == OURS && row.what == theirs.what)?;
        Some((ours, theirs))
    })
}

fn missed(rows: &[Row]) -> Vec<String> {
    let slow =
        pairs(rows).filter(|(ours, theirs)| ours.median_us > theirs.median_us).map(|(ours, theirs)| {
            let ratio = ours.median_us / theirs.median_us;
            format!("{}, Redoubt ÷ {}: expected at most 1.00, found {ratio:.2}", ours.what, theirs.who)
        });
    let large = rows.iter().filter(|row| row.who == OURS && row.peak_bytes > PEAK_MAX_BYTES).map(|row| {
        format!("{}, memory: expected at most {PEAK_MAX_BYTES} bytes, found {}", row.what, row.peak_bytes)
    });
    slow.chain(large).collect()
}

fn render(rows: &[Row], linked: &[(&str, u64)]) -> Result<String> {
    let mut text = String::from(INTRODUCTION);
    writeln!(text, "Machine: {}.\n", processor())?;
    writeln!(text, "| figure | target | measured |\n| --- | --- | --- |")?;
    for (ours, theirs) in pairs(rows) {
        let ratio = ours.median_us / theirs.median_us;
        writeln!(text, "| {}: time, Redoubt ÷ {} | at most 1.00 | {ratio:.2} |", ours.what, theirs.who)?;
    }
    for row in rows.iter().filter(|row| row.who == OURS) {
        let limit = PEAK_MAX_BYTES >> 10;
        writeln!(text, "| {}: memory | at most {limit} KiB | {} KiB |", row.what, row.peak_bytes >> 10)?;
    }
    writeln!(text, "\n| evidence | verifier | time | memory |\n| --- | --- | --- | --- |")?;
    for Row { what, who, median_us, least_us, most_us, peak_bytes, .. } in rows {
        let kib = peak_bytes >> 10;
        writeln!(text, "| {what} | {who} | {median_us:.0} µs ({least_us:.0} to {most_us:.0}) | {kib} KiB |")?;
    }
    text.push_str(SIZES);
    for (what, bytes) in linked {
        writeln!(text, "| {what} | {bytes} |")?;
    }
    Ok(text)
}

const INTRODUCTION: &str = "\
# Benchmarks: verification

Written by `cargo xtask bench verification`; do not edit. Median of 200 runs, and least to greatest in brackets. All
verifiers run in one process on one thread and take turns. Memory is what a verification holds at once, what it was
given left out.

Everybody starts from the same bytes. Redoubt records every check with what it expected and found, verifies the
signatures of revocation lists, and for TDX evaluates every level of the TCB.

";

const SIZES: &str = "
## In the guest

What the verifier adds to a program that is built as the ROM is: code and constants, pinned authorities included.

| verifies | bytes |
| --- | ---: |
";

#[cfg(test)]
mod tests {
    use super::*;

    fn row(who: &str, is_peer: bool, median_us: f64, peak_bytes: u64) -> Row {
        let (what, who) = ("quote".to_owned(), who.to_owned());
        Row { what, who, is_peer, median_us, least_us: 1.0, most_us: 9.0, peak_bytes }
    }

    #[test]
    fn missed_targets_are_named() {
        let rows = |ours, peak| {
            let shown_only = row("Redoubt, again", false, 9.0, 9 << 20);
            [row(OURS, false, ours, peak), row("peer", true, 2.0, 1), shown_only]
        };
        assert_eq!(missed(&rows(2.0, PEAK_MAX_BYTES)), [""; 0]);
        assert_eq!(missed(&rows(3.0, 1)), ["quote, Redoubt ÷ peer: expected at most 1.00, found 1.50"]);
        assert_eq!(missed(&rows(1.0, PEAK_MAX_BYTES + 1)).len(), 1);
        let text = render(&rows(3.0, 1 << 20), &[("all", 7)]).expect("text");
        assert!(text.contains("| quote: time, Redoubt ÷ peer | at most 1.00 | 1.50 |"), "{text}");
        assert!(text.contains("| quote: memory | at most 4096 KiB | 1024 KiB |"), "{text}");
        assert!(text.ends_with("| all | 7 |\n"), "{text}");
    }

    #[test]
    fn what_is_no_measurement_is_refused() {
        assert_eq!(parse("warming up\n").expect("nothing"), []);
        assert!(parse("{\"what\":1}\n").is_err());
    }
}
