//! `cargo xtask image`: guest → ROM, component → artefact, `app.toml` → manifest, all of it → `dist/`.

use core::fmt;
use std::fs;
use std::path::{self, Path, PathBuf};

use anyhow::{Context as _, Result};
use image_builder::{AppToml, Image, Sources};
use image_rom::Rom;
use serde_json::Value;

use crate::process::Progress;
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
    /// The project in `folder`, built now.
    pub(crate) fn project(workspace: &Workspace, folder: &Path) -> Result<Self> {
        let manifest = folder.join("app.toml");
        // Said before minutes of building.
        anyhow::ensure!(
            manifest.is_file(),
            "{} is missing: it says what the program may use",
            manifest.display()
        );
        Ok(Self { component: component::build(workspace, folder)?, manifest })
    }

    /// The example workload, built now.
    pub(crate) fn example(workspace: &Workspace) -> Result<Self> {
        Self::project(workspace, &workspace.path(component::EXAMPLE))
    }
}

/// An image in a folder.
pub(crate) struct Built {
    image: Image,
    rom: Rom,
    folder: PathBuf,
}

impl Built {
    /// For programs: the reference values, and what they do not say.
    pub(crate) fn json(&self) -> Result<Value> {
        let mut json = serde_json::to_value(self.image.reference())?;
        json["folder"] = path::absolute(&self.folder)?.to_string_lossy().into();
        json["rom"]["used_bytes"] = self.rom.used_bytes().into();
        json["trapping_imports"] = self.image.trapping_imports().into();
        Ok(json)
    }
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { image, rom, folder } = self;
        write!(
            f,
            "{}\n{}\n{}written to {}",
            image.summary(),
            rom.explain(),
            Note(image.trapping_imports()),
            folder.display()
        )
    }
}

/// What the author of a component should know of an image of it; nothing, mostly.
struct Note<'a>(&'a [String]);

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            names => writeln!(f, "note: imports that trap when called: {}", names.join(", ")),
        }
    }
}

/// Builds the image of `source`, or of the example, into the folder `out`.
pub(crate) fn build(workspace: &Workspace, source: Option<Source>, out: &Path) -> Result<Built> {
    let source = match source {
        Some(source) => source,
        None => Source::example(workspace)?,
    };
    let app = fs::read_to_string(&source.manifest)
        .with_context(|| format!("cannot read {}", source.manifest.display()))?;
    let app = AppToml::parse(&app).with_context(|| format!("{} is wrong", source.manifest.display()))?;
    let component = read(&source.component)?;
    let (_, rom) = guest::build_rom(workspace)?;

    let progress = Progress::start("compiling the component");
    let image = image_builder::build(Sources { rom: rom.bytes(), component: &component, app: &app });
    progress.end(image.is_ok());
    let image = image.with_context(|| format!("cannot build an image of {}", source.component.display()))?;
    image.write(out).with_context(|| format!("cannot write the image to {}", out.display()))?;
    Ok(Built { image, rom, folder: out.to_owned() })
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_that_trap_are_a_line_of_their_own() {
        let names = ["wasi:sockets/tcp@0.2.0", "wasi:sockets/udp@0.2.0"].map(String::from);
        let note = "note: imports that trap when called: wasi:sockets/tcp@0.2.0, wasi:sockets/udp@0.2.0\n";
        assert_eq!(Note(&names).to_string(), note);
        assert_eq!(Note(&[]).to_string(), "");
    }
}
