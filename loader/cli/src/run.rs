//! `redoubt run`: one guest, from its launch to its end.

use core::net::{SocketAddr, SocketAddrV4};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{self, IsTerminal, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;

use anyhow::{Context, anyhow};
use attestation_cli::progress::{Audience, Progress};
use attestation_manifest::{EgressScheme, parse_manifest};
use loader_vmm::end::GuestEnd;
use loader_vmm::error::LaunchError;
use loader_vmm::host::{Simulation, Tee, TeeChoice};
use loader_vmm::{Guest, ImageFiles, LaunchConfig, Overrides, launch};

use crate::arguments::RunArguments;
use crate::detach;
use crate::failure::{Failure, GUEST_ENDED, INTERRUPTED, Outcome};
use crate::place::{Place, chip_file};
use crate::protocol::StatusReply;
use crate::server::{Server, Wish};
use crate::submissions::Submissions;
use crate::trap::Component;

/// How long a guest may take to end when asked.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// How long clients may take to read their last reply.
const DRAIN_PATIENCE: Duration = Duration::from_secs(2);
/// What people read while it takes long.
pub(crate) const BOOTING: &str = "waiting for the guest to boot";

pub(crate) fn run(arguments: &RunArguments, run_dir: Option<&Path>) -> Outcome {
    let place = Place::find(run_dir, &arguments.guest.name)?;
    let simulation = if arguments.allow_simulated { Simulation::Allowed } else { Simulation::Refused };
    let tee = TeeChoice::from(arguments.tee).resolve(simulation, None)?;
    let image = ImageFiles::check(&arguments.dist)?;
    let takes_jobs = parse_manifest(image.manifest()).context("manifest.json")?.service.is_none();
    if arguments.submissions.is_some() && !takes_jobs {
        return Err(anyhow!("--submissions: this image answers requests and takes no jobs").into());
    }
    if arguments.detach { detach::detach(arguments, &place) } else { stay(arguments, &place, tee, image) }
}

/// Owns a guest until it ends.
fn stay(arguments: &RunArguments, place: &Place, tee: Tee, image: ImageFiles) -> Outcome {
    let _lock = place.lock()?;
    let submissions = arguments.submissions.map(listen).transpose()?;
    let (wishes, heard) = mpsc::channel();
    let interrupted = Arc::new(AtomicBool::new(false));
    listen_to_signals(wishes.clone(), Arc::clone(&interrupted))?;
    let config = LaunchConfig {
        image,
        tee,
        accel: arguments.accel.into(),
        qemu: None,
        run_dir: place.folder().to_owned(),
        chip_file: chip_file()?,
        log_level: arguments.log_level.into(),
        boot_timeout: Duration::from_secs(arguments.boot_timeout_s),
        interrupted,
        publish: arguments.publish,
        keep: arguments.keep.clone(),
        state: arguments.state.clone(),
        overrides: Overrides::default(),
    };
    if let Some(path) = arguments.state.as_ref().filter(|path| !path.exists()) {
        // A name that was mistyped looks like a program that has forgotten everything.
        eprintln!("{} is not there yet: the program starts with nothing stored", path.display());
    }
    let progress = Progress::waiting(BOOTING, Audience::of_json(arguments.json));
    let guest = launch(&config).map_err(|error| launch_failure(place, error))?;
    drop(progress);
    let mut status = status(place, arguments, &guest, config.image.manifest())?;
    if let Some(listener) = submissions {
        let evidence = guest.info().evidence.clone();
        let submissions = Submissions::new(guest.session(), evidence, status.input_limit_bytes);
        status.submissions = Some(submissions.start(listener)?.to_string());
    }
    let announcement = if arguments.json { json_line(&status)? } else { announcement(&status, tee) };
    let component = Component::of(&config.image)?;
    let end = serve(place, &guest, component, status, &announcement, wishes, &heard)?;
    place.write_last_end(&end);
    if !end.is_clean() {
        return Err(Failure::new(GUEST_ENDED, anyhow!("guest {}: {end}", place.name)));
    }
    // Whoever reads JSON was promised one line; the exit code says the rest.
    if !arguments.json {
        writeln!(io::stdout(), "guest {}: {end}", place.name)?;
    }
    Ok(())
}

/// Before the guest is launched: an address that is not to be had is noticed at once.
fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
}

/// Answers clients until the guest is gone.
fn serve(
    place: &Place,
    guest: &Guest,
    component: Component,
    status: StatusReply,
    announcement: &str,
    wishes: mpsc::Sender<Wish>,
    heard: &mpsc::Receiver<Wish>,
) -> anyhow::Result<Arc<GuestEnd>> {
    watch(guest, wishes.clone())?;
    let server = Arc::new(Server {
        session: guest.session(),
        status,
        evidence: guest.info().evidence.clone(),
        component,
        wishes,
        connections: AtomicUsize::new(0),
    });
    let socket = place.socket();
    server.start(&socket).with_context(|| format!("cannot listen on {}", socket.display()))?;
    // Only now: whoever reads it may send jobs at once. In one piece: `--detach` reads it from a file.
    let mut out = io::stdout().lock();
    out.write_all(announcement.as_bytes()).and_then(|()| out.flush())?;
    drop(out);
    let mut asked = false;
    let end = loop {
        match heard.recv().unwrap_or(Wish::Ended) {
            Wish::Interrupt | Wish::Stop { kill: false } if !asked => {
                asked = true;
                stop_in_background(guest, server.wishes.clone())?;
            }
            Wish::Stop { kill: false } => {}
            // A second Ctrl-C is impatience.
            Wish::Interrupt | Wish::Stop { kill: true } => break guest.kill(),
            Wish::Ended => break guest.stop(STOP_PATIENCE),
        }
    };
    let _ = std::fs::remove_file(&socket);
    server.drain(DRAIN_PATIENCE);
    Ok(end)
}

/// Asks the guest to end; kills it when it does not.
fn stop_in_background(guest: &Guest, wishes: mpsc::Sender<Wish>) -> io::Result<()> {
    let session = guest.session();
    // A guest that ended already is what we want.
    let _ = session.request_shutdown();
    thread::Builder::new().name("stop".to_owned()).spawn(move || {
        if session.wait_end(STOP_PATIENCE).is_none() {
            let _ = wishes.send(Wish::Stop { kill: true });
        }
    })?;
    Ok(())
}

fn watch(guest: &Guest, wishes: mpsc::Sender<Wish>) -> io::Result<()> {
    let session = guest.session();
    thread::Builder::new().name("watch".to_owned()).spawn(move || {
        while session.wait_end(Duration::from_secs(3600)).is_none() {}
        let _ = wishes.send(Wish::Ended);
    })?;
    Ok(())
}

fn listen_to_signals(wishes: mpsc::Sender<Wish>, interrupted: Arc<AtomicBool>) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        interrupted.store(true, Ordering::Relaxed);
        // Nobody hears it while the guest is launched: the flag does.
        let _ = wishes.send(Wish::Interrupt);
    })
    .context("cannot listen to signals")
}

fn launch_failure(place: &Place, error: LaunchError) -> Failure {
    place.write_last_end(&error);
    match error {
        LaunchError::Interrupted => Failure::new(INTERRUPTED, error),
        LaunchError::Guest(_) | LaunchError::NotReady { .. } => Failure::new(GUEST_ENDED, error),
        _ => error.into(),
    }
}

fn status(
    place: &Place,
    arguments: &RunArguments,
    guest: &Guest,
    manifest: &[u8],
) -> anyhow::Result<StatusReply> {
    let info = guest.info();
    let manifest = parse_manifest(manifest).context("manifest.json")?;
    Ok(StatusReply {
        name: place.name.clone(),
        image: std::fs::canonicalize(&arguments.dist)?.display().to_string(),
        loader_id: std::process::id(),
        qemu_id: info.qemu_id,
        tee: "simulated".to_owned(),
        accel: info.accel.name().to_owned(),
        memory_mib: info.memory_mib,
        measurement: hex::encode(info.measurement),
        manifest_sha256: hex::encode(info.manifest_sha256),
        seal_key_id: hex::encode(&info.seal_key_id),
        boot_ms: u64::try_from(info.boot.as_millis()).unwrap_or(u64::MAX),
        input_limit_bytes: manifest.limits.input_bytes,
        waiting_jobs: 0,
        kept: info.kept.as_ref().map(|folder| folder.display().to_string()),
        submissions: None,
        service_url: info
            .published
            .zip(manifest.service)
            .map(|(address, service)| service_url(address, service.scheme)),
        guest: None,
    })
}

fn service_url(address: SocketAddrV4, scheme: EgressScheme) -> String {
    match scheme {
        EgressScheme::Https => format!("https://{address}/"),
        EgressScheme::Http => format!("http://{address}/"),
    }
}

fn json_line(status: &StatusReply) -> anyhow::Result<String> {
    Ok(serde_json::to_string(status)? + "\n")
}

fn announcement(status: &StatusReply, tee: Tee) -> String {
    let StatusReply { name, boot_ms, accel, memory_mib, qemu_id, measurement, manifest_sha256, .. } = status;
    let mut text = format!(
        "guest {name} is ready after {boot_ms} ms ({accel}, {memory_mib} MiB, qemu pid {qemu_id})\n  \
         measurement  {measurement}\n  \
         manifest     {manifest_sha256}\n"
    );
    if tee == Tee::Simulated {
        let warning = "simulated platform: the host can read and change everything; for development only";
        let (red, plain) = if has_colours(&io::stdout()) { ("\u{1b}[31m", "\u{1b}[0m") } else { ("", "") };
        text += &format!("  {red}{warning}{plain}\n");
    }
    if let Some(url) = &status.service_url {
        text += &format!("answers requests at {url}\n");
        if url.starts_with("https:") {
            let base = url.trim_end_matches('/');
            text +=
                &format!("clients prove whom they reach with: redoubt-verify connect {base} --reference …\n");
        }
        return match &status.kept {
            Some(folder) => text + &format!("keeps requests, transcripts and signed claims in {folder}\n"),
            None => text + "keeps nothing of them: --keep FOLDER lets others check what was answered\n",
        };
    }
    let option = if name == crate::place::DEFAULT_NAME { String::new() } else { format!(" --name {name}") };
    if let Some(address) = &status.submissions {
        text += &format!("takes private jobs at {address}: redoubt-verify submit --to {address}\n");
    }
    text + &format!("give it work with: redoubt job{option} --input FILE --output FILE\n")
}

fn has_colours(out: &impl IsTerminal) -> bool {
    out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
