//! `/init` of the Linux guest: runs the component twice with each artefact that is there, reports times, switches
//! off.
#![expect(unsafe_code, reason = "loading native code has no safe form")]

use std::fs;
use std::path::Path;
use std::time::Instant;

use rustix::system::{RebootCommand, reboot};
use tests_linux_guest::{INPUT_FILE, MARK, Tuning};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::error::Context as _;
use wasmtime::{Engine, Result, Store};
use wasmtime_wasi::p2::bindings::Command;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

/// More than any report is long.
const OUTPUT_MAX_BYTES: usize = 256 << 20;
/// Fuel between two yields, as in our guest.
const SLICE_FUEL: u64 = 20_000_000;

fn main() {
    println!("{MARK} main");
    if let Err(error) = run_all() {
        println!("{MARK} failed: {error:#}");
    }
    // What follows a failure here would be a kernel panic, which ends the machine as well.
    let Err(error) = reboot(RebootCommand::PowerOff) else { return };
    println!("{MARK} cannot switch off: {error}");
}

fn run_all() -> Result<()> {
    let input =
        if Path::new(INPUT_FILE).exists() { fs::read(INPUT_FILE).context("input")? } else { Vec::new() };
    let reactor = tokio::runtime::Builder::new_current_thread().build().context("reactor")?;
    for tuning in Tuning::ALL.into_iter().filter(|tuning| Path::new(tuning.artefact_file()).exists()) {
        for round in ["first", "second"] {
            let pipe = MemoryInputPipe::new(input.clone());
            reactor
                .block_on(run(tuning, round, pipe))
                .with_context(|| format!("tuning {}", tuning.name()))?;
        }
    }
    Ok(())
}

/// What host functions see.
struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

async fn run(tuning: Tuning, round: &str, input: MemoryInputPipe) -> Result<()> {
    let engine = Engine::new(&tuning.config())?;
    // SAFETY: the file was made by `compile` in the same build and came with this program.
    let component = unsafe { Component::deserialize_file(&engine, tuning.artefact_file()) }?;
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    let output = MemoryOutputPipe::new(OUTPUT_MAX_BYTES);
    let wasi =
        WasiCtxBuilder::new().stdin(input).stdout(output.clone()).inherit_stderr().arg("component").build();
    let mut store = Store::new(&engine, State { wasi, table: ResourceTable::new() });
    if tuning == Tuning::Same {
        store.set_fuel(u64::MAX)?;
        store.fuel_async_yield_interval(Some(SLICE_FUEL))?;
    }
    let command = Command::instantiate_async(&mut store, &component, &linker).await?;

    let started = Instant::now();
    let result = command.wasi_cli_run().call_run(&mut store).await;
    let run_us = started.elapsed().as_micros();
    // A component that calls exit ends with an error of its own; the output tells whether it did its work.
    let outcome = if matches!(result, Ok(Ok(()))) { "success" } else { "failure" };
    let (tuning, output_bytes) = (tuning.name(), output.contents().len());
    println!("{MARK} run tuning={tuning} round={round} us={run_us} output={output_bytes} {outcome}");
    Ok(())
}
