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
/// Most that verification may hold at once.
const PEAK_MAX_BYTES: u64 = 4 << 20;

/// What a contender is in the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    Ours,
    Peer,
    /// Of ours, and not a whole verification: shown only.
    Part,
}

/// A line that the program prints.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Row {
    what: String,
    who: String,
    role: Role,
    /// Whose arithmetic it verifies signatures with.
    cryptography: String,
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

/// Each of other people's, and ours of the same evidence with the same arithmetic: what differs is everything else.
fn pairs(rows: &[Row]) -> impl Iterator<Item = (&Row, &Row)> {
    rows.iter().filter(|row| row.role == Role::Peer).filter_map(|theirs| {
        let is_like = |row: &&Row| row.what == theirs.what && row.cryptography == theirs.cryptography;
        let ours = rows.iter().filter(|row| row.role == Role::Ours).find(is_like)?;
        Some((ours, theirs))
    })
}

fn missed(rows: &[Row]) -> Vec<String> {
    let slow =
        pairs(rows).filter(|(ours, theirs)| ours.median_us > theirs.median_us).map(|(ours, theirs)| {
            let ratio = ours.median_us / theirs.median_us;
            format!("{}, {} ÷ {}: expected at most 1.00, found {ratio:.2}", ours.what, ours.who, theirs.who)
        });
    let large =
        rows.iter().filter(|row| row.role == Role::Ours && row.peak_bytes > PEAK_MAX_BYTES).map(|row| {
            format!(
                "{}, {}, memory: expected at most {PEAK_MAX_BYTES} bytes, found {}",
                row.what, row.who, row.peak_bytes
            )
        });
    slow.chain(large).collect()
}

fn render(rows: &[Row], linked: &[(&str, u64)]) -> Result<String> {
    let mut text = String::from(INTRODUCTION);
    writeln!(text, "Machine: {}.\n", processor())?;
    writeln!(text, "| figure | target | measured |\n| --- | --- | --- |")?;
    for (ours, theirs) in pairs(rows) {
        let ratio = ours.median_us / theirs.median_us;
        let Row { what, who, .. } = ours;
        writeln!(text, "| {what}: time, {who} ÷ {} | at most 1.00 | {ratio:.2} |", theirs.who)?;
    }
    for row in rows.iter().filter(|row| row.role == Role::Ours) {
        let (Row { what, who, .. }, limit, found) = (row, PEAK_MAX_BYTES >> 10, row.peak_bytes >> 10);
        writeln!(text, "| {what}: memory, {who} | at most {limit} KiB | {found} KiB |")?;
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
signatures of revocation lists, and for TDX evaluates every level of the TCB. Times are compared where both sides compute
signatures with the same library: with `ring` as the command does, with RustCrypto as the guest does.

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

    fn row(who: &str, role: Role, median_us: f64, peak_bytes: u64) -> Row {
        let (what, who, cryptography) = ("quote".to_owned(), who.to_owned(), "ring".to_owned());
        Row { what, who, role, cryptography, median_us, least_us: 1.0, most_us: 9.0, peak_bytes }
    }

    #[test]
    fn missed_targets_are_named() {
        let rows = |ours, peak| {
            let other = Row { cryptography: "other".to_owned(), ..row("slow", Role::Ours, 9.0, 1) };
            let part = row("part", Role::Part, 9.0, 9 << 20);
            [other, row("ours", Role::Ours, ours, peak), row("peer", Role::Peer, 2.0, 1), part]
        };
        assert_eq!(missed(&rows(2.0, PEAK_MAX_BYTES)), [""; 0]);
        assert_eq!(missed(&rows(3.0, 1)), ["quote, ours ÷ peer: expected at most 1.00, found 1.50"]);
        assert_eq!(missed(&rows(1.0, PEAK_MAX_BYTES + 1)).len(), 1);
        let text = render(&rows(3.0, 1 << 20), &[("all", 7)]).expect("text");
        assert!(text.contains("| quote: time, ours ÷ peer | at most 1.00 | 1.50 |"), "{text}");
        assert!(text.contains("| quote: memory, ours | at most 4096 KiB | 1024 KiB |"), "{text}");
        assert!(text.ends_with("| all | 7 |\n"), "{text}");
    }

    #[test]
    fn what_is_no_measurement_is_refused() {
        assert_eq!(parse("warming up\n").expect("nothing"), []);
        assert!(parse("{\"what\":1}\n").is_err());
    }
}
