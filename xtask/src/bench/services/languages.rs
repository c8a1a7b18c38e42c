//! The examples in every language: how large they are, and how soon they answer.

use core::fmt;
use std::fs;

use anyhow::{Context as _, Result};

use super::redoubt::{ColdStart, Service};
use crate::bench::machine::Machine;
use crate::bench::statistics::Samples;
use crate::component;
use crate::process::Progress;
use crate::workspace::Workspace;

/// One of each language, services before jobs.
const EXAMPLES: [(&str, &str); 4] = [
    ("Rust", "examples/notary-service"),
    ("JavaScript", "examples/webhook-scrubber"),
    ("Rust", component::EXAMPLE),
    ("Python", "examples/sensor-report"),
];

/// What was measured of each.
#[derive(Debug)]
pub(super) struct Languages {
    machine: String,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    language: &'static str,
    example: &'static str,
    component_bytes: u64,
    artefact_bytes: u64,
    ready: Samples,
    first_output: Samples,
}

impl Languages {
    /// Builds all of them, and starts each so many times.
    pub(super) fn measure(workspace: &Workspace, machine: &Machine, rom: &[u8], starts: u32) -> Result<Self> {
        let measure = |(language, example): (&'static str, &'static str)| {
            let mut row = Row::new(language, example);
            row.measure(workspace, machine, rom, starts).with_context(|| example.to_owned())?;
            Ok(row)
        };
        let rows = EXAMPLES.into_iter().map(measure).collect::<Result<_>>()?;
        Ok(Self { machine: machine.describe(), rows })
    }
}

impl Row {
    fn new(language: &'static str, example: &'static str) -> Self {
        let (ready, first_output) = Default::default();
        Self { language, example, component_bytes: 0, artefact_bytes: 0, ready, first_output }
    }

    fn measure(&mut self, workspace: &Workspace, machine: &Machine, rom: &[u8], starts: u32) -> Result<()> {
        let folder = workspace.path(self.example);
        let component = component::build(workspace, &folder)?;
        let progress = Progress::start(&format!("cold starts of {}", self.example));
        let service = Service::new(rom, &component, &folder.join("app.toml"))?;
        for _ in 0..starts {
            let ColdStart { ready, first_output } = service.cold_start(machine)?;
            self.ready.push(ready);
            self.first_output.push(first_output);
        }
        progress.end(true);
        self.component_bytes = fs::metadata(&component)?.len();
        self.artefact_bytes = service.artefact_bytes()?;
        Ok(())
    }
}

impl fmt::Display for Languages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Benchmarks of languages\n")?;
        writeln!(
            f,
            "Written by `cargo xtask bench languages`; do not edit. Median, and least to greatest in brackets.\n"
        )?;
        writeln!(f, "Machine: {}.\n", self.machine)?;
        writeln!(
            f,
            "What an image holds besides the ROM, and how long it takes from the start of QEMU until the guest says that it \
             is ready, and until the first byte of an answer or, of a job with empty input, of its output or complaint. The \
             guest checks every byte of component and artefact before it is ready.\n"
        )?;
        writeln!(
            f,
            "| language | example | component, KiB | native code, KiB | ready | first byte |\n\
             | --- | --- | ---: | ---: | --- | --- |"
        )?;
        for Row { language, example, component_bytes, artefact_bytes, ready, first_output } in &self.rows {
            let (component, artefact) = (component_bytes / 1024, artefact_bytes / 1024);
            let (ready, first) = (ready.describe(), first_output.describe());
            writeln!(f, "| {language} | `{example}` | {component} | {artefact} | {ready} | {first} |")?;
        }
        Ok(())
    }
}
