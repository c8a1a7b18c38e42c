//! Our side of the comparison, through the loader's own launch code.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use attestation_claim::SignedClaim;
use attestation_manifest::EgressScheme;
use enclave_wire::control::Status;
use image_builder::{AppToml, ImageFile, Sources};
use loader_vmm::session::JobEvent;
use loader_vmm::{Guest, ImageFiles, LaunchConfig, launch};
use tempfile::TempDir;

use super::load::{Client, Request};
use super::report::{Kept, Open};
use crate::bench::machine::Machine;
use crate::bench::redoubt::{STOP_TIMEOUT, launch_config};

/// Requests of which the memory is compared.
const OPEN: [usize; 2] = [2, 26];
/// How long the guest may take to have begun them.
const OPEN_TIMEOUT: Duration = Duration::from_secs(20);
/// A heap that is the same for so long has what it needs.
const STEADY: Duration = Duration::from_millis(300);
/// Requests that are kept and looked at.
const KEPT: usize = 200;
/// The document's size in these.
const DOCUMENT_BYTES: usize = 1000;

/// What the guest boots from.
#[derive(Debug)]
pub(super) struct Service {
    image: ImageFiles,
    is_service: bool,
    /// Image, sockets, the simulated chip, what is kept.
    folder: TempDir,
}

impl Service {
    /// From what `cargo xtask image` uses.
    pub(super) fn new(rom: &[u8], component: &Path, app: &Path) -> Result<Self> {
        let component =
            fs::read(component).with_context(|| format!("cannot read {}", component.display()))?;
        let text = fs::read_to_string(app).with_context(|| format!("cannot read {}", app.display()))?;
        let mut app = AppToml::parse(&text).with_context(|| format!("{} is wrong", app.display()))?;
        // As its rival on Linux, which speaks no TLS.
        if let Some(service) = &mut app.service {
            service.scheme = EgressScheme::Http;
        }
        let folder = TempDir::with_prefix("redoubt-bench-").context("cannot create a folder for sockets")?;
        let image = folder.path().join("dist");
        image_builder::build(Sources { rom, component: &component, app: &app })?.write(&image)?;
        Ok(Self { image: ImageFiles::check(&image)?, is_service: app.service.is_some(), folder })
    }

    /// Length of the native code that is in the image.
    pub(super) fn artefact_bytes(&self) -> Result<u64> {
        Ok(fs::metadata(self.folder.path().join("dist").join(ImageFile::Artefact.name()))?.len())
    }

    /// Starts the guest, and waits for the first byte of an answer, or of the output of a job without input.
    pub(super) fn cold_start(&self, machine: &Machine) -> Result<ColdStart> {
        let publish = self.is_service.then_some(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
        let config =
            LaunchConfig { publish, ..launch_config(machine, self.image.clone(), self.folder.path()) };
        let guest = launch(&config)?;
        let launched = Instant::now();
        match guest.info().published {
            Some(address) => Client::connect(address)?.first_line(&Request::Health.encode())?,
            None => first_output(&guest)?,
        }
        let (ready, answered) = (guest.info().boot, launched.elapsed());
        guest.stop(STOP_TIMEOUT);
        Ok(ColdStart { ready, first_output: ready + answered })
    }

    /// Starts the guest; `keeps` says whether requests, transcripts and claims are kept.
    pub(super) fn launch(&self, machine: &Machine, keeps: bool) -> Result<Serving> {
        let kept = self.folder.path().join("kept");
        let config = LaunchConfig {
            publish: Some(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)),
            keep: keeps.then_some(kept),
            ..launch_config(machine, self.image.clone(), self.folder.path())
        };
        let guest = launch(&config)?;
        let address = guest.info().published.context("the image has no service")?;
        Ok(Serving { guest, address })
    }

    /// What requests take of the guest's memory while they are open.
    pub(super) fn open_requests(&self, machine: &Machine) -> Result<Open> {
        let serving = self.launch(machine, false)?;
        let mut clients = Vec::new();
        let mut heaps = [0; 2];
        for (heap, wanted) in heaps.iter_mut().zip(OPEN) {
            while clients.len() < wanted {
                let mut client = Client::connect(serving.address)?;
                // The last byte never comes.
                let request = Request::Document(DOCUMENT_BYTES).encode();
                client.send(request.split_last().map(|(_, most)| most).unwrap_or_default())?;
                clients.push(client);
            }
            *heap = serving.wait_open(wanted)?.heap_used_bytes;
        }
        let [few, many] = heaps;
        let count = u64::try_from(OPEN[1] - OPEN[0])?;
        serving.end();
        Ok(Open { count: OPEN[1], bytes_each: many.saturating_sub(few) / count })
    }

    /// What is left of requests that are kept, for `GET /health` and then for a document, one after the other.
    pub(super) fn kept(&self, machine: &Machine) -> Result<[Kept; 2]> {
        let serving = self.launch(machine, true)?;
        let mut client = Client::connect(serving.address)?;
        for request in [Request::Health, Request::Document(DOCUMENT_BYTES)] {
            let request = request.encode();
            (0..KEPT).try_for_each(|_| client.ask(&request).map(drop))?;
        }
        let folder = serving.guest.info().kept.clone().context("nothing is kept")?;
        serving.end();
        let mut both = [Kept::default(), Kept::default()];
        for number in 0..2 * KEPT {
            let kept = &mut both[number / KEPT];
            let length = |end: &str| Ok::<_, anyhow::Error>(fs::metadata(folder.join(end))?.len());
            kept.transcript_bytes = length(&format!("{number}.transcript"))?;
            kept.request_bytes = length(&format!("{number}.request"))?;
            let claim = fs::read(folder.join(format!("{number}.claim.cbor")))?;
            kept.claim_bytes = u64::try_from(claim.len())?;
            let claim = SignedClaim::parse(&claim).context("the guest's claim")?;
            let run_us = claim.unverified_claim().measured.run_us;
            // The first ones translate what the others run.
            if number % KEPT >= KEPT / 2 {
                kept.run.push(Duration::from_micros(run_us));
            }
        }
        Ok(both)
    }
}

/// How long a guest took, from the start of QEMU.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColdStart {
    /// Until it said that it was ready.
    pub(super) ready: Duration,
    /// Until the component said something. What the loader does in between is not counted.
    pub(super) first_output: Duration,
}

/// Gives it a job without input, and waits for something that the component says.
fn first_output(guest: &Guest) -> Result<()> {
    let mut job = guest.session().enqueue(0)?;
    loop {
        match job.next_event()? {
            JobEvent::ErrorOutput(_) | JobEvent::Output(_) => return Ok(()),
            JobEvent::Done(done) => bail!("the component printed nothing: {:?}", done.outcome),
            _ => {}
        }
    }
}

/// A guest that takes requests.
#[derive(Debug)]
pub(super) struct Serving {
    guest: Guest,
    pub(super) address: SocketAddrV4,
}

impl Serving {
    /// QEMU's process.
    pub(super) fn qemu_id(&self) -> u32 {
        self.guest.info().qemu_id
    }

    /// Ends it in good order.
    pub(super) fn end(&self) {
        self.guest.stop(STOP_TIMEOUT);
    }

    /// Waits until so many requests are open, and their instances are made.
    fn wait_open(&self, wanted: usize) -> Result<Status> {
        let deadline = Instant::now() + OPEN_TIMEOUT;
        let mut last_heap = 0;
        loop {
            let status = self.guest.status(STOP_TIMEOUT)?;
            let open = status.requests.context("no service")?.open;
            if usize::try_from(open)? == wanted && status.heap_used_bytes == last_heap {
                return Ok(status);
            }
            last_heap = status.heap_used_bytes;
            ensure!(Instant::now() < deadline, "open requests: expected {wanted}, found {open}");
            thread::sleep(STEADY);
        }
    }
}
