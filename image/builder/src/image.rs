//! A finished image, in memory and as a folder.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use std::path::Path;

use attestation_corim::CORIM_MAX_BYTES;
use attestation_manifest::reference::{FileReference, ReferenceValues};
use attestation_manifest::{
    ARTEFACT_MAX_BYTES, COMPONENT_MAX_BYTES, MANIFEST_MAX_BYTES, Manifest, parse_manifest,
};
use enclave_wire::layout::ROM_BYTES;

use crate::builder::{file_reference, manifest_reference};
use crate::error::ImageError;
use crate::manifest_json::pretty_json;
use crate::summary::Summary;
use crate::{files, measurement};

/// ROM, component, artefact, manifest and reference values that belong together.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    pub(crate) rom: Vec<u8>,
    pub(crate) component: Vec<u8>,
    pub(crate) artefact: Vec<u8>,
    pub(crate) manifest: Vec<u8>,
    pub(crate) reference: ReferenceValues,
    pub(crate) trapping_imports: Vec<String>,
}

/// The files of an image folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFile {
    /// The guest.
    Rom,
    /// The program.
    Component,
    /// The program as native code.
    Artefact,
    /// What runs, under which limits.
    Manifest,
    /// The measurements, for verifiers that are not ours.
    Corim,
    /// Describes the others; written last.
    ReferenceValues,
}

impl ImageFile {
    /// The name in the folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rom => "redoubt.rom",
            Self::Component => "component.wasm",
            Self::Artefact => "artefact.cwasm",
            Self::Manifest => "manifest.json",
            Self::Corim => "reference-values.corim",
            Self::ReferenceValues => "reference-values.json",
        }
    }

    /// Larger files are refused before they are read.
    #[must_use]
    pub const fn max_bytes(self) -> u64 {
        match self {
            Self::Rom => ROM_BYTES,
            Self::Component => COMPONENT_MAX_BYTES as u64,
            Self::Artefact => ARTEFACT_MAX_BYTES as u64,
            Self::Manifest => MANIFEST_MAX_BYTES as u64,
            Self::Corim => CORIM_MAX_BYTES as u64,
            Self::ReferenceValues => 64 << 10,
        }
    }
}

impl Image {
    /// The ROM.
    #[must_use]
    pub fn rom(&self) -> &[u8] {
        &self.rom
    }

    /// The WebAssembly component.
    #[must_use]
    pub fn component(&self) -> &[u8] {
        &self.component
    }

    /// The native artefact.
    #[must_use]
    pub fn artefact(&self) -> &[u8] {
        &self.artefact
    }

    /// The exact bytes of the manifest.
    #[must_use]
    pub fn manifest_json(&self) -> &[u8] {
        &self.manifest
    }

    /// The manifest, parsed.
    ///
    /// # Errors
    /// [`ImageError::Manifest`]; not for an image that [`build`](crate::build) or [`load`](Self::load) made.
    pub fn manifest(&self) -> Result<Manifest<'_>, ImageError> {
        parse_manifest(&self.manifest).map_err(ImageError::Manifest)
    }

    /// Imports of the component whose functions trap when they are called. Known to whoever built the image: one that was
    /// loaded from a folder says none.
    #[must_use]
    pub fn trapping_imports(&self) -> &[String] {
        &self.trapping_imports
    }

    /// What the files are compared with.
    #[must_use]
    pub const fn reference(&self) -> &ReferenceValues {
        &self.reference
    }

    /// A table for people: sizes, digests, measurements.
    #[must_use]
    pub const fn summary(&self) -> Summary<'_> {
        Summary::new(&self.reference)
    }

    /// Writes the six files. `reference-values.json` comes last, and an earlier one goes first: a folder without it
    /// is incomplete, whatever else lies there.
    ///
    /// # Errors
    /// [`ImageError::Io`] names the file or folder.
    pub fn write(&self, folder: &Path) -> Result<(), ImageError> {
        let reference = pretty_json(&self.reference).map_err(ImageError::Reference)?;
        files::begin(folder)?;
        files::write(folder, ImageFile::Rom, &self.rom)?;
        files::write(folder, ImageFile::Component, &self.component)?;
        files::write(folder, ImageFile::Artefact, &self.artefact)?;
        files::write(folder, ImageFile::Manifest, &self.manifest)?;
        files::write(folder, ImageFile::Corim, &measurement::corim(&self.reference))?;
        files::write(folder, ImageFile::ReferenceValues, &reference)
    }

    /// Reads a folder and compares every file with the reference values, and these with each other.
    ///
    /// # Errors
    /// [`ImageError`] names the file and the field, and shows both values.
    pub fn load(folder: &Path) -> Result<Self, ImageError> {
        let reference = files::read(folder, ImageFile::ReferenceValues)?;
        let image = Self {
            reference: serde_json::from_slice(&reference).map_err(ImageError::Reference)?,
            rom: files::read(folder, ImageFile::Rom)?,
            component: files::read(folder, ImageFile::Component)?,
            artefact: files::read(folder, ImageFile::Artefact)?,
            manifest: files::read(folder, ImageFile::Manifest)?,
            trapping_imports: Vec::new(),
        };
        image.check_files()?;
        image.check_manifest()?;
        image.check_measurement()?;
        image.check_corim(&files::read(folder, ImageFile::Corim)?)?;
        Ok(image)
    }

    fn check_files(&self) -> Result<(), ImageError> {
        let reference = &self.reference;
        let artefact = FileReference { sha256: reference.artefact.sha256, bytes: reference.artefact.bytes };
        let manifest = FileReference { sha256: reference.manifest.sha256, bytes: reference.manifest.bytes };
        check_file(ImageFile::Rom, &reference.rom, &self.rom)?;
        check_file(ImageFile::Component, &reference.component, &self.component)?;
        check_file(ImageFile::Artefact, &artefact, &self.artefact)?;
        check_file(ImageFile::Manifest, &manifest, &self.manifest)?;
        let sha384 = manifest_reference(&self.manifest).sha384;
        compare(ImageFile::Manifest, "sha384", reference.manifest.sha384, sha384)
    }

    /// The manifest is what the guest obeys: it must speak of the same files.
    fn check_manifest(&self) -> Result<(), ImageError> {
        let (manifest, reference) = (self.manifest()?, &self.reference);
        let file = ImageFile::Manifest;
        compare(file, "name", reference.name.as_str(), manifest.name)?;
        compare(file, "component.sha256", reference.component.sha256, manifest.component.sha256)?;
        compare(file, "artefact.sha256", reference.artefact.sha256, manifest.artefact.sha256)?;
        compare(file, "artefact.engine", reference.artefact.engine.as_str(), manifest.artefact.engine)
    }

    fn check_measurement(&self) -> Result<(), ImageError> {
        let expected = &self.reference.measurement;
        let found = measurement::predict(&self.rom).map_err(ImageError::Measure)?;
        compare(ImageFile::Rom, "measurement.snp_qemu", expected.snp_qemu, found.snp_qemu)?;
        compare(ImageFile::Rom, "measurement.tdx_qemu", expected.tdx_qemu, found.tdx_qemu)
    }

    /// Whoever hands the file on should not hand on something else.
    fn check_corim(&self, found: &[u8]) -> Result<(), ImageError> {
        check_file(ImageFile::Corim, &file_reference(&measurement::corim(&self.reference)), found)
    }
}

impl fmt::Debug for Image {
    /// Megabytes of code say little: the reference values stand for them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image").field("reference", &self.reference).finish_non_exhaustive()
    }
}

fn check_file(file: ImageFile, expected: &FileReference, bytes: &[u8]) -> Result<(), ImageError> {
    let found = file_reference(bytes);
    compare(file, "bytes", expected.bytes, found.bytes)?;
    compare(file, "sha256", expected.sha256, found.sha256)
}

fn compare<T: PartialEq + fmt::Display>(
    file: ImageFile,
    field: &'static str,
    expected: T,
    found: T,
) -> Result<(), ImageError> {
    if expected == found {
        return Ok(());
    }
    let [expected, found]: [String; 2] = [expected.to_string(), found.to_string()];
    Err(ImageError::Mismatch { file: file.name(), field, expected, found })
}
