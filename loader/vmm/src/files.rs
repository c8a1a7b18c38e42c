//! The files of an image, as QEMU is told of them.

use std::fs;
use std::path::{Path, PathBuf};

use image_builder::{Image, ImageFile};

use crate::error::LaunchError;

/// An image folder whose files were compared with its reference values, or deliberately not.
#[derive(Debug, Clone)]
pub struct ImageFiles {
    folder: PathBuf,
    rom: Vec<u8>,
    manifest: Vec<u8>,
}

impl ImageFiles {
    /// Compares every file of an image folder with its reference values.
    ///
    /// # Errors
    /// Names the file, the field, and what was expected and found.
    pub fn check(folder: &Path) -> Result<Self, LaunchError> {
        let image = Image::load(folder).map_err(LaunchError::Image)?;
        let (rom, manifest) = (image.rom().to_vec(), image.manifest_json().to_vec());
        Ok(Self { folder: absolute(folder)?, rom, manifest })
    }

    /// Takes the files as they are. For tests that show what a guest refuses; an operator's launch never does this.
    ///
    /// # Errors
    /// ROM or manifest cannot be read.
    pub fn dangerous_unchecked(folder: &Path) -> Result<Self, LaunchError> {
        let folder = absolute(folder)?;
        let read = |file: ImageFile| {
            let path = folder.join(file.name());
            fs::read(&path).map_err(|source| LaunchError::Io { verb: "read", path, source })
        };
        let (rom, manifest) = (read(ImageFile::Rom)?, read(ImageFile::Manifest)?);
        Ok(Self { folder, rom, manifest })
    }

    /// Exact bytes of the manifest.
    #[must_use]
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// Where the component lies: it may be large, and few need it.
    #[must_use]
    pub fn component(&self) -> PathBuf {
        self.path(ImageFile::Component)
    }

    pub(crate) fn rom(&self) -> &[u8] {
        &self.rom
    }

    pub(crate) fn path(&self, file: ImageFile) -> PathBuf {
        self.folder.join(file.name())
    }
}

/// QEMU is started by a thread and may outlive a change of the working folder.
fn absolute(folder: &Path) -> Result<PathBuf, LaunchError> {
    fs::canonicalize(folder).map_err(|source| LaunchError::Io {
        verb: "open",
        path: folder.to_owned(),
        source,
    })
}
