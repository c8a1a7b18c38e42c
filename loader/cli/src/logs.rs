//! `redoubt logs`: what the guest said, and why it ended.

use core::time::Duration;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;

use anyhow::{Context, anyhow};
use loader_vmm::older_log;
use loader_vmm::text::printable;

use crate::arguments::LogsArguments;
use crate::failure::{Failure, NO_GUEST, Outcome};
use crate::place::Place;

/// How often a log is looked at.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);

pub(crate) fn logs(arguments: &LogsArguments, run_dir: Option<&Path>) -> Outcome {
    let place = Place::find(run_dir, &arguments.guest.name)?;
    let path = place.log();
    if let Ok(mut older) = File::open(older_log(&path)) {
        copy(&mut older)?;
    }
    let mut log = match File::open(&path) {
        Ok(log) => log,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return no_log(&place),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display()))?,
    };
    loop {
        // Looked at before the copy: what was logged until then is copied for sure.
        let is_taken = place.is_taken();
        copy(&mut log)?;
        if !arguments.follow || !is_taken {
            break;
        }
        thread::sleep(FOLLOW_INTERVAL);
        log = reopened(&path, log)?;
    }
    match place.last_end() {
        Some(end) if !place.is_taken() => Ok(writeln!(io::stdout(), "-- guest {}: {end}", place.name)?),
        _ => Ok(()),
    }
}

fn no_log(place: &Place) -> Outcome {
    let problem = place.last_end().map_or_else(
        || format!("no guest named {} has run here ({} is not there)", place.name, place.log().display()),
        |end| format!("guest {} logged nothing: {end}", place.name),
    );
    Err(Failure::new(NO_GUEST, anyhow!(problem)))
}

/// The file that has the log's name now: a full log is renamed and a new one begun.
fn reopened(path: &Path, mut log: File) -> io::Result<File> {
    let Ok(current) = File::open(path) else { return Ok(log) };
    if current.metadata()?.ino() == log.metadata()?.ino() {
        return Ok(log);
    }
    copy(&mut log)?;
    Ok(current)
}

/// Copies what there is. A terminal gets text, anything else the bytes as they are.
fn copy(from: &mut File) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let is_terminal = out.is_terminal();
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut bytes)?;
        let piece = bytes.get(..count).unwrap_or_default();
        if piece.is_empty() {
            return out.flush();
        }
        if is_terminal {
            // The serial port ends lines with both characters.
            let text = String::from_utf8_lossy(piece).replace('\r', "");
            out.write_all(printable(&text).as_bytes())?;
        } else {
            out.write_all(piece)?;
        }
    }
}
