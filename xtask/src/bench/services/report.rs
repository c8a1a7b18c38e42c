//! `docs/benchmarks-services.md`.

use core::fmt;

use super::load::{Cost, Load};
use super::native::Native;
use crate::bench::statistics::{Samples, ratio};
use crate::bench::target::{self, Target};

/// How much of the other's throughput ours has, at least.
const THROUGHPUT_MIN: f64 = 0.9;
/// What one request may take of the guest's processor before the component runs, in milliseconds.
const INSTANTIATION_MAX_MS: f64 = 1.0;
/// Most of a run that recording may take, in percent: of requests that come and that go, and of a job that computes.
const RECORDING_MAX_PERCENT: [f64; 3] = [5.0, 5.0, 1.0];

/// What was measured.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) machine: String,
    pub(super) kernel: String,
    pub(super) throughput: Vec<Throughput>,
    pub(super) open: Open,
    /// Of `GET /health`, and of a document.
    pub(super) kept: [Kept; 2],
    pub(super) native: Native,
}

/// Time per request under one load.
#[derive(Debug)]
pub(super) struct Throughput {
    pub(super) load: Load,
    pub(super) redoubt: Costs,
    pub(super) redoubt_keeping: Costs,
    pub(super) linux: Costs,
}

/// What requests took, several times.
#[derive(Debug, Default)]
pub(super) struct Costs {
    time: Samples,
    processor: Samples,
}

impl Costs {
    pub(super) fn push(&mut self, cost: Cost) {
        self.time.push(cost.time);
        self.processor.push(cost.processor);
    }
}

impl Throughput {
    pub(super) fn new(load: Load) -> Self {
        let (redoubt, redoubt_keeping, linux) = Default::default();
        Self { load, redoubt, redoubt_keeping, linux }
    }
}

/// Memory of requests that are open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub(super) count: usize,
    pub(super) bytes_each: u64,
}

/// What is kept of one request.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub(super) transcript_bytes: u64,
    pub(super) request_bytes: u64,
    pub(super) claim_bytes: u64,
    /// From the request's head to the end of its run, by the guest's clock.
    pub(super) run: Samples,
}

impl Report {
    fn targets(&self) -> [Target; 5] {
        let ratios = self.throughput.iter().map(|row| ratio(&row.linux.time, &row.redoubt.time));
        let least = ratios.fold(f64::INFINITY, f64::min);
        let run_ms = self.native.request_ms();
        let [requests, exchanges, job] = self.native.recording_percent();
        let recording = |figure, percent: f64, most: f64| Target {
            figure,
            wanted: format!("at most {most:.0} %"),
            measured: format!("{percent:.2} %"),
            is_met: percent <= most,
        };
        [
            Target {
                figure: "requests per second, Redoubt ÷ `wasmtime serve` on Linux, least of all loads",
                wanted: format!("at least {THROUGHPUT_MIN}"),
                measured: format!("{least:.2}"),
                is_met: least >= THROUGHPUT_MIN,
            },
            Target {
                figure: "a whole `GET /health`, its instance made and dropped, natively",
                wanted: format!("at most {INSTANTIATION_MAX_MS:.0} ms for the instance alone"),
                measured: format!("{run_ms:.3} ms"),
                is_met: run_ms <= INSTANTIATION_MAX_MS,
            },
            recording("recording, share of a request, natively", requests, RECORDING_MAX_PERCENT[0]),
            recording(
                "recording, share of a job that does nothing but fetch 10 kB again and again, natively",
                exchanges,
                RECORDING_MAX_PERCENT[1],
            ),
            recording("recording, share of a job that computes, natively", job, RECORDING_MAX_PERCENT[2]),
        ]
    }

    /// What each missed target wanted and got.
    pub(super) fn missed(&self) -> Vec<String> {
        target::missed(&self.targets())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, kernel, throughput, open, kept, native } = self;
        writeln!(f, "# Benchmarks of services\n")?;
        writeln!(
            f,
            "Written by `cargo xtask bench services`; do not edit. Median, and least to greatest in brackets. The service \
             is `examples/notary-service`.\n"
        )?;
        writeln!(f, "Machine: {machine}.")?;
        writeln!(
            f,
            "Linux guest: Debian's cloud kernel {kernel}, an initramfs with `wasmtime serve` of the same version.\n"
        )?;
        target::write_table(f, &self.targets())?;
        if let Some(row) = throughput.iter().find(|row| row.load.connections > 1) {
            let processor = row.redoubt.processor.describe_us();
            writeln!(
                f,
                "| `GET /health` in the guest, emulated: processor time of QEMU, network included | shown only | {processor} |"
            )?;
        }
        writeln!(f)?;
        write_throughput(f, throughput)?;
        write_kept(f, open, kept)?;
        write!(f, "{native}")
    }
}

fn write_throughput(f: &mut fmt::Formatter<'_>, rows: &[Throughput]) -> fmt::Result {
    writeln!(f, "## Throughput\n")?;
    writeln!(
        f,
        "Clients on the host that send a request when they have the answer to the last one, over connections that stay \
         open, through QEMU's user networking and the same virtio device; each guest has one processor. Both make a new \
         instance for every request. `wasmtime serve` runs with its own settings: it counts no fuel and relies on guard \
         pages; it compiles the component before it listens. Guests take turns. Keeping: with `redoubt run --keep`, so \
         that requests, transcripts and signed claims leave the guest; that takes more than to record: both messages are \
         hashed, everything is handed to the loader, and claims are signed.\n"
    )?;
    writeln!(
        f,
        "| load | clients | Redoubt, requests/s | Redoubt, keeping | `wasmtime serve` | Redoubt ÷ it | keeping ÷ it |"
    )?;
    writeln!(f, "| --- | ---: | --- | --- | --- | ---: | ---: |")?;
    for Throughput { load, redoubt, redoubt_keeping, linux } in rows {
        let (rate, keeping) = (ratio(&linux.time, &redoubt.time), ratio(&linux.time, &redoubt_keeping.time));
        let [redoubt, redoubt_keeping, linux] =
            [redoubt, redoubt_keeping, linux].map(|costs| costs.time.describe_rate());
        let Load { name, connections, .. } = load;
        writeln!(
            f,
            "| {name} | {connections} | {redoubt} | {redoubt_keeping} | {linux} | {rate:.2} | {keeping:.2} |"
        )?;
    }
    write_processor(f, rows)
}

fn write_processor(f: &mut fmt::Formatter<'_>, rows: &[Throughput]) -> fmt::Result {
    writeln!(
        f,
        "\nThe same requests, in processor time of the QEMU process, which other work on the machine disturbs less. Our \
         guest looks for work without end, so that what it takes for one client at a time is mostly waiting.\n"
    )?;
    writeln!(
        f,
        "| load | clients | Redoubt, per request | Redoubt, keeping | `wasmtime serve` | it ÷ Redoubt |"
    )?;
    writeln!(f, "| --- | ---: | --- | --- | --- | ---: |")?;
    for Throughput { load, redoubt, redoubt_keeping, linux } in rows {
        let rate = ratio(&linux.processor, &redoubt.processor);
        let [redoubt, redoubt_keeping, linux] =
            [redoubt, redoubt_keeping, linux].map(|costs| costs.processor.describe_us());
        let Load { name, connections, .. } = load;
        writeln!(f, "| {name} | {connections} | {redoubt} | {redoubt_keeping} | {linux} | {rate:.2} |")?;
    }
    writeln!(f)
}

fn write_kept(f: &mut fmt::Formatter<'_>, open: &Open, kept: &[Kept; 2]) -> fmt::Result {
    writeln!(f, "## What a request takes\n")?;
    writeln!(
        f,
        "Memory: {} KiB of the guest's heap for each request that is open and waits for its body, by the difference \
         between few of them and {}. In the guest, one client at a time, keeping; the time is the guest's own, from the \
         request's head to the end of its run.\n",
        open.bytes_each / 1024,
        open.count
    )?;
    writeln!(
        f,
        "| request | time | transcript, bytes | request as kept, bytes | signed claim, bytes |\n\
         | --- | --- | ---: | ---: | ---: |"
    )?;
    for (name, Kept { transcript_bytes, request_bytes, claim_bytes, run }) in
        ["`GET /health`", "`POST /documents`, 1000 bytes"].into_iter().zip(kept)
    {
        let run = run.describe_us();
        writeln!(f, "| {name} | {run} | {transcript_bytes} | {request_bytes} | {claim_bytes} |")?;
    }
    writeln!(f)
}
