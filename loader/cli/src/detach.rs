//! `redoubt run --detach`: starts another `redoubt run` and waits until its guest is ready.

use core::time::Duration;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, anyhow};
use attestation_cli::progress::{Audience, Progress};
use clap::ValueEnum;

use crate::arguments::RunArguments;
use crate::client::Client;
use crate::failure::{FAILED, Failure, Outcome};
use crate::place::Place;
use crate::run::BOOTING;

pub(crate) fn detach(arguments: &RunArguments, place: &Place) -> Outcome {
    // Takes and releases the place: a name that is taken is noticed here, with the better message.
    drop(place.lock()?);
    let log_path = place.loader_log();
    let mut child = start(arguments, place, &log_path)?;
    let progress = Progress::waiting(BOOTING, Audience::of_json(arguments.json));
    let said = wait_ready(&mut child, place, &log_path);
    drop(progress);
    Ok(io::stdout().write_all(said?.as_bytes())?)
}

/// What a ready guest's loader says.
fn wait_ready(child: &mut Child, place: &Place, log_path: &Path) -> Result<String, Failure> {
    loop {
        if let Some(status) = child.try_wait()? {
            let said = fs::read_to_string(log_path).unwrap_or_default();
            let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED);
            let said = said.trim().trim_start_matches("redoubt: ").to_owned();
            return Err(Failure::new(code, anyhow!(said)));
        }
        // It listens before it says so, and says so in one piece.
        let said = fs::read_to_string(log_path).unwrap_or_default();
        if !said.is_empty() && Client::connect(place).is_ok() {
            return Ok(said);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn start(arguments: &RunArguments, place: &Place, log_path: &Path) -> Result<Child> {
    let program = env::current_exe().context("cannot find the redoubt program")?;
    let base = place.folder().parent().ok_or_else(|| anyhow!("the run directory has no parent"))?;
    let log = open_log(log_path).with_context(|| format!("cannot write {}", log_path.display()))?;
    let mut command = Command::new(&program);
    command.arg("--run-dir").arg(base).args(["run", "--name", &place.name]);
    command.args(["--tee", &value_name(arguments.tee), "--accel", &value_name(arguments.accel)]);
    command.args(["--log-level", &value_name(arguments.log_level)]);
    command.args(["--boot-timeout-s", &arguments.boot_timeout_s.to_string()]);
    if arguments.allow_simulated {
        command.arg("--allow-simulated");
    }
    if let Some(folder) = &arguments.keep {
        command.arg("--keep").arg(folder);
    }
    if let Some(file) = &arguments.state {
        command.arg("--state").arg(file);
    }
    if let Some(address) = arguments.publish {
        command.args(["--publish", &address.to_string()]);
    }
    if let Some(address) = arguments.submissions {
        command.args(["--submissions", &address.to_string()]);
    }
    if arguments.json {
        command.arg("--json");
    }
    command.arg("--").arg(&arguments.dist);
    // A group of its own: Ctrl-C on this terminal is not for it.
    command.process_group(0).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn().with_context(|| format!("cannot run {}", program.display()))
}

fn open_log(path: &Path) -> io::Result<File> {
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    log.set_len(0)?;
    Ok(log)
}

fn value_name(value: impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}
