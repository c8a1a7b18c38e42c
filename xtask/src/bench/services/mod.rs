//! `docs/benchmarks-services.md`: a service in our guest and under `wasmtime serve` in a Linux guest, in one run.

mod languages;
mod linux;
mod load;
mod native;
mod redoubt;
mod report;

use core::time::Duration;
use std::fs;

use anyhow::Result;

use super::machine::Machine;
use super::{LEDGER_BYTES, Options, Outcome};
use crate::process::Progress;
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use crate::{component, guest, ledger};
use languages::Languages;
use linux::LinuxService;
use load::{Load, Request};
use native::Native;
use redoubt::Service;
use report::{Report, Throughput};

const SERVICE: &str = "examples/notary-service";
/// The Linux guest compiles the component first.
const READY_TIMEOUT: Duration = Duration::from_secs(180);
/// From one client, whose time is mostly the way there and back, to so many that the guest always has something to do.
const LOADS: [Load; 4] = [
    Load { name: "`GET /health`", request: Request::Health, connections: 1, requests: 500 },
    Load { name: "`GET /health`", request: Request::Health, connections: 16, requests: 1600 },
    Load { name: "document, 1000 bytes", request: Request::Document(1000), connections: 16, requests: 1600 },
    Load { name: "document, 100 kB", request: Request::Document(100_000), connections: 4, requests: 100 },
];

/// Measures.
pub(super) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    setup::ensure(workspace, &Need::TO_RUN)?;
    fs::create_dir_all(workspace.scratch())?;
    let (_, rom) = guest::build_rom(workspace)?;
    let notary = component::build(workspace, &workspace.path(SERVICE))?;
    let auditor = component::build(workspace, &workspace.path(component::EXAMPLE))?;
    let input = workspace.scratch().join("bench-ledger.csv");
    let bytes = ledger::ByteCount(LEDGER_BYTES);
    ledger::write(&ledger::Options { out: input.clone(), bytes, seed: 1, faults: 0 })?;

    let machine = Machine::find()?;
    let linux = LinuxService::prepare(workspace, &notary)?;
    let service = Service::new(rom.bytes(), &notary, &workspace.path(SERVICE).join("app.toml"))?;
    let report = Report {
        machine: machine.describe(),
        kernel: linux.kernel_name(),
        open: service.open_requests(&machine)?,
        kept: service.kept(&machine)?,
        throughput: throughput(&machine, &service, &linux, options.runs)?,
        native: Native::measure(workspace, &notary, &auditor, &input)?,
    };
    Ok(Outcome { text: report.to_string(), missed: report.missed() })
}

/// `docs/benchmarks-languages.md`: the examples in every language.
pub(super) fn languages(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    setup::ensure(workspace, &Need::TO_RUN)?;
    let (_, rom) = guest::build_rom(workspace)?;
    let machine = Machine::find()?;
    let languages = Languages::measure(workspace, &machine, rom.bytes(), options.runs)?;
    Ok(Outcome { text: languages.to_string(), missed: Vec::new() })
}

/// Alternates, so that whatever else the machine does hits all.
fn throughput(
    machine: &Machine,
    service: &Service,
    linux: &LinuxService,
    count: u32,
) -> Result<Vec<Throughput>> {
    let progress = Progress::start("requests per second");
    let mut rows: Vec<_> = LOADS.into_iter().map(Throughput::new).collect();
    for round in 1..=count {
        for keeps in [false, true] {
            progress.detail(&format!("{round} of {count}"));
            let serving = service.launch(machine, keeps)?;
            for row in &mut rows {
                let costs = if keeps { &mut row.redoubt_keeping } else { &mut row.redoubt };
                costs.push(row.load.run(serving.address, serving.qemu_id())?);
            }
            serving.end();
        }
        let serving = linux.launch(machine)?;
        for row in &mut rows {
            row.linux.push(row.load.run(serving.address, serving.qemu_id())?);
        }
    }
    progress.end(true);
    Ok(rows)
}
