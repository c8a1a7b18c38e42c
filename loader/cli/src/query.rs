//! `redoubt status`, `stop` and `probe`: one question, one answer.

use std::io::{self, Write};
use std::path::Path;

use anyhow::anyhow;
use attestation_cli::progress::{Audience, Progress};
use loader_vmm::text::printable_line;
use serde::Serialize;

use crate::arguments::{ProbeArguments, StatusArguments, StopArguments};
use crate::client::{Client, unexpected};
use crate::failure::{FAILED, Failure, GUEST_ENDED, Outcome};
use crate::place::Place;
use crate::protocol::{GuestReply, Reply, Request, RequestsReply, StatusReply, VERSION};
use crate::server::PROBE_PAYLOAD;

pub(crate) fn status(arguments: &StatusArguments, run_dir: Option<&Path>) -> Outcome {
    let place = Place::find(run_dir, &arguments.guest.name)?;
    let request = Request::Status { version: VERSION };
    match ask(&place, &request, "waiting for the guest's status", arguments.json)? {
        (Reply::Status(status), _) if arguments.json => print_json(&status),
        (Reply::Status(status), _) => Ok(print_status(&status)?),
        (reply, _) => Err(unexpected(&reply)),
    }
}

pub(crate) fn stop(arguments: &StopArguments, run_dir: Option<&Path>) -> Outcome {
    let place = Place::find(run_dir, &arguments.guest.name)?;
    let request = Request::Stop { version: VERSION, kill: arguments.kill };
    let (reply, _) = ask(&place, &request, "waiting for the guest to end", arguments.json)?;
    let Reply::Stopped { end, clean } = reply else { return Err(unexpected(&reply)) };
    if arguments.json {
        print_json(&Stopped { name: &place.name, end: &end, clean })?;
    } else if clean {
        writeln!(io::stdout(), "guest {}: {end}", place.name)?;
    }
    if clean { Ok(()) } else { Err(Failure::new(GUEST_ENDED, anyhow!("guest {}: {end}", place.name))) }
}

pub(crate) fn probe(arguments: &ProbeArguments, run_dir: Option<&Path>) -> Outcome {
    let place = Place::find(run_dir, &arguments.guest.name)?;
    let destination = arguments.destination.to_string();
    let request = Request::Probe {
        version: VERSION,
        destination: destination.clone(),
        timeout_ms: arguments.timeout_ms,
    };
    let (reply, answer) = ask(&place, &request, "waiting for the echo", arguments.json)?;
    let Reply::Probe { error, elapsed_us } = reply else { return Err(unexpected(&reply)) };
    let problem = probe_problem(error, &answer);
    if arguments.json {
        print_json(&Probed { destination: &destination, problem: problem.as_deref(), elapsed_us })?;
    } else if problem.is_none() {
        writeln!(io::stdout(), "{destination} answered with the echo after {:.1} ms", millis(elapsed_us))?;
    }
    match problem {
        None => Ok(()),
        Some(problem) => Err(Failure::new(FAILED, anyhow!("probe of {destination}: {problem}"))),
    }
}

fn probe_problem(error: String, answer: &[u8]) -> Option<String> {
    if !error.is_empty() {
        return Some(error);
    }
    let (expected, found) = (PROBE_PAYLOAD.escape_ascii(), answer.escape_ascii());
    (answer != PROBE_PAYLOAD).then(|| format!("expected the echo \"{expected}\", found \"{found}\""))
}

/// How a guest ended, for scripts.
#[derive(Debug, Serialize)]
struct Stopped<'a> {
    name: &'a str,
    end: &'a str,
    clean: bool,
}

/// What a probe found, for scripts.
#[derive(Debug, Serialize)]
struct Probed<'a> {
    destination: &'a str,
    /// Absent when the echo came back.
    problem: Option<&'a str>,
    elapsed_us: u64,
}

fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{}", serde_json::to_string_pretty(value)?)?)
}

/// One question, one answer; the guest behind it may take its time.
fn ask(place: &Place, request: &Request, what: &str, json: bool) -> Result<(Reply, Vec<u8>), Failure> {
    let mut client = Client::connect(place)?;
    let _progress = Progress::waiting(what, Audience::of_json(json));
    client.ask(request)
}

fn print_status(status: &StatusReply) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "guest {} runs {}", status.name, status.image)?;
    writeln!(out, "  platform     {} ({}, {} MiB)", status.tee, status.accel, status.memory_mib)?;
    writeln!(out, "  processes    redoubt {}, qemu {}", status.loader_id, status.qemu_id)?;
    writeln!(out, "  measurement  {}", status.measurement)?;
    writeln!(out, "  manifest     {}", status.manifest_sha256)?;
    writeln!(out, "  seal key     {}", status.seal_key_id)?;
    writeln!(out, "  booted in    {} ms", status.boot_ms)?;
    if let Some(address) = &status.submissions {
        writeln!(out, "  private jobs {address}")?;
    }
    if let Some(url) = &status.service_url {
        writeln!(out, "  service      {url}")?;
        writeln!(out, "  kept in      {}", status.kept.as_deref().unwrap_or("nothing is kept"))?;
    }
    match &status.guest {
        Some(guest) => print_guest(&mut out, guest, status.waiting_jobs),
        None => writeln!(out, "  the guest did not answer in time"),
    }
}

fn print_guest(out: &mut impl Write, guest: &GuestReply, waiting: usize) -> io::Result<()> {
    let running = guest.running_job.map_or_else(|| "none".to_owned(), |job| format!("number {job}"));
    writeln!(out, "  up for       {:.1} s", millis(guest.uptime_us) / 1000.0)?;
    match guest.requests {
        Some(RequestsReply { open, answered, failed }) => {
            writeln!(out, "  requests     {answered} answered, {failed} failed, {open} open")?;
        }
        None => {
            writeln!(out, "  jobs         {} done, {running} running, {waiting} waiting", guest.jobs_done)?
        }
    }
    writeln!(
        out,
        "  heap         {} of {} KiB",
        guest.heap_used_bytes / 1024,
        guest.heap_total_bytes / 1024
    )?;
    let text = |value: &Option<String>| value.as_deref().map_or_else(|| "none".to_owned(), printable_line);
    let (address, gateway, mac) = (text(&guest.address), text(&guest.gateway), text(&guest.mac));
    writeln!(out, "  network      address {address}, gateway {gateway}, mac {mac}")
}

#[expect(clippy::cast_precision_loss, reason = "for people, to a tenth of a millisecond")]
fn millis(us: u64) -> f64 {
    us as f64 / 1000.0
}
