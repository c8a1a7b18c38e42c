//! What was done, for people and for programs.

use core::fmt::Write as _;
use std::path::Path;

use attestation_collateral::{Cache, FetchError, Found, Holds, Kept, Source};
use attestation_evidence::text::printable_line;
use attestation_x509::Instant;
use serde::Serialize;

use super::Outcome;

/// Columns of an object's name.
const OBJECT_COLUMNS: usize = 30;

/// What a command has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// For standard output.
    pub text: String,
    /// Whether everything is there.
    pub is_complete: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    complete: bool,
    at: String,
    cache: String,
    bundle: Option<String>,
    objects: Vec<ObjectRow<'a>>,
}

#[derive(Serialize)]
struct ObjectRow<'a> {
    object: String,
    name: String,
    source: Option<&'a str>,
    fetched_at: Option<String>,
    bytes: Option<usize>,
    holds: Option<String>,
    error: Option<String>,
}

#[derive(Serialize)]
struct KeptRow<'a> {
    service: &'static str,
    name: &'a str,
    bytes: u64,
    fetched_at: Option<String>,
}

/// Of what was needed; `written` is the bundle and its length.
pub(super) fn fetched(
    outcomes: &[Outcome],
    cache: &Cache,
    at: Instant,
    written: Option<(&Path, usize)>,
    json: bool,
) -> Report {
    let is_complete = outcomes.iter().all(|outcome| outcome.result.is_ok());
    let text = if json {
        let document = Document {
            complete: is_complete,
            at: at.to_string(),
            cache: cache.folder().display().to_string(),
            bundle: written.map(|(path, _)| path.display().to_string()),
            objects: outcomes.iter().map(row).collect(),
        };
        pretty(&document)
    } else {
        table(outcomes, cache, at, written)
    };
    Report { text, is_complete }
}

/// Of what is kept.
pub(super) fn listed(all: &[Kept], cache: &Cache, json: bool) -> Report {
    let text = if json {
        let rows = all.iter().map(|kept| KeptRow {
            service: kept.service.name(),
            name: &kept.name,
            bytes: kept.bytes,
            fetched_at: kept.fetched_at.map(|at| at.to_string()),
        });
        pretty(&rows.collect::<Vec<_>>())
    } else {
        let mut text = String::new();
        for kept in all {
            let when =
                kept.fetched_at.map_or_else(|| "damaged, will be fetched again".into(), |at| at.to_string());
            let (service, bytes, name) = (kept.service.name(), kept.bytes, printable_line(&kept.name));
            let _infallible = writeln!(text, "{service:<18}  {when:<20}  {bytes:>7}  {name}");
        }
        let folder = printable_line(&cache.folder().display().to_string());
        let _infallible = writeln!(text, "{} in {folder}", count(all.len()));
        text
    };
    Report { text, is_complete: true }
}

fn table(outcomes: &[Outcome], cache: &Cache, at: Instant, written: Option<(&Path, usize)>) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let object = outcome.request.to_string();
        // Writing to a `String` is infallible.
        let _infallible = match &outcome.result {
            Ok(found) => {
                let (source, holds) = (short(&found.source), holds(found));
                writeln!(text, "ok    {object:<OBJECT_COLUMNS$}  {source:<38}  {holds}")
            }
            Err(error) => {
                writeln!(
                    text,
                    "FAIL  {object}\n      {}\n      {}",
                    printable_line(&error.to_string()),
                    next(error)
                )
            }
        };
    }
    let there = outcomes.iter().filter(|outcome| outcome.result.is_ok()).count();
    let folder = printable_line(&cache.folder().display().to_string());
    let all = outcomes.len();
    let _infallible = if there == all {
        writeln!(text, "COMPLETE at {at}: {} in {folder}", count(all))
    } else {
        writeln!(text, "INCOMPLETE at {at}: {there} of {} in {folder}", count(all))
    };
    if let Some((path, bytes)) = written {
        let _infallible = writeln!(text, "{bytes} bytes in {}", printable_line(&path.display().to_string()));
    }
    text
}

fn count(objects: usize) -> String {
    if objects == 1 { "1 object".into() } else { format!("{objects} objects") }
}

fn short(source: &Source) -> &str {
    match source {
        Source::Cache => "cache",
        Source::Service(url) => url.split('/').nth(2).unwrap_or(url),
    }
}

fn holds(found: &Found) -> String {
    match found.object.holds() {
        Holds::Always => "for ever".into(),
        Holds::Between { until, .. } => format!("until {until}"),
        Holds::For(kept) => {
            let until = found.fetched_at.unix_seconds().saturating_add(kept.as_secs());
            format!("asked for again from {}", Instant::from_unix_seconds(until))
        }
    }
}

/// What to do about it.
const fn next(error: &FetchError) -> &'static str {
    match error {
        FetchError::NotCached { .. } => "run `redoubt-verify collateral fetch` where there is a network",
        FetchError::RateLimited { .. } => {
            "run the same again later, or with a longer --wait; what is there is kept"
        }
        FetchError::Unreachable { .. } => {
            "see whether the network lets HTTPS through; HTTPS_PROXY names a proxy"
        }
        FetchError::NotThere { .. } => "see whether --product, --fmspc or --rim is that of the evidence",
        FetchError::NotCurrent { .. } => "say --at with a time at which it holds, or leave it out",
        FetchError::Cache(_) => "say --cache with a folder that can be written to",
        _ => {
            "this is no answer of the vendor's: see what is between here and there, or ask elsewhere with --…-url"
        }
    }
}

fn row(outcome: &Outcome) -> ObjectRow<'_> {
    let found = outcome.result.as_ref().ok();
    ObjectRow {
        object: outcome.request.to_string(),
        name: outcome.request.name(),
        source: found.map(|found| match &found.source {
            Source::Cache => "cache",
            Source::Service(url) => url.as_str(),
        }),
        fetched_at: found.map(|found| found.fetched_at.to_string()),
        bytes: found.map(|found| found.object.contents().len()),
        holds: found.map(holds),
        error: outcome.result.as_ref().err().map(ToString::to_string),
    }
}

fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
