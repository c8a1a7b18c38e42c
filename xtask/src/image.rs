//! `cargo xtask image`: guest → ROM, component → artefact, `app.toml` → manifest, all of it → `dist/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;
use crate::{component, guest};

/// What goes into an image.
#[derive(Debug)]
pub(crate) struct Source {
    /// The WebAssembly component.
    pub(crate) component: PathBuf,
    /// The builder's description of it.
    pub(crate) manifest: PathBuf,
}

impl Source {
    /// The example workload, built now.
    pub(crate) fn example(workspace: &Workspace) -> Result<Self> {
        let component = component::build(workspace, component::EXAMPLE, component::EXAMPLE_PACKAGE)?;
        Ok(Self { component, manifest: workspace.path(component::EXAMPLE).join("app.toml") })
    }
}

/// Builds the image of `source`, or of the example, into `out` and prints what it is.
pub(crate) fn build(workspace: &Workspace, source: Option<Source>, out: &Path) -> Result<()> {
    let source = match source {
        Some(source) => source,
        None => Source::example(workspace)?,
    };
    let elf = guest::build(workspace)?;
    let elf = fs::read(&elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let rom = image_rom::assemble(&elf).context("the guest does not fit the ROM")?;
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    fs::write(out.join("redoubt.rom"), rom.bytes()).context("cannot write the ROM")?;
    for section in rom.sections() {
        println!("{section:?}");
    }
    let _ = source;
    anyhow::bail!("the image builder is not part of this build yet");
}
