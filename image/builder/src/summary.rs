//! What an image is, for people.

use core::fmt;

use attestation_manifest::reference::ReferenceValues;

use crate::image::ImageFile;

/// Prints sizes, digests and measurements of an image.
#[derive(Debug, Clone, Copy)]
pub struct Summary<'a> {
    reference: &'a ReferenceValues,
}

impl<'a> Summary<'a> {
    pub(crate) const fn new(reference: &'a ReferenceValues) -> Self {
        Self { reference }
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reference = self.reference;
        let files = [
            (ImageFile::Rom, reference.rom.bytes, reference.rom.sha256),
            (ImageFile::Component, reference.component.bytes, reference.component.sha256),
            (ImageFile::Artefact, reference.artefact.bytes, reference.artefact.sha256),
            (ImageFile::Manifest, reference.manifest.bytes, reference.manifest.sha256),
        ];
        writeln!(f, "image {} ({})", reference.name, reference.artefact.engine)?;
        writeln!(f, "  {:<16}{:>12}  sha256", "file", "bytes")?;
        for (file, bytes, sha256) in files {
            writeln!(f, "  {:<16}{bytes:>12}  {sha256}", file.name())?;
        }
        writeln!(f, "  launch values")?;
        for (name, value) in [
            ("snp measurement", reference.measurement.snp_qemu.to_string()),
            ("snp host data", reference.manifest.sha256.to_string()),
            ("tdx mrtd", reference.measurement.tdx_qemu.to_string()),
            ("tdx mrconfigid", reference.manifest.sha384.to_string()),
        ] {
            writeln!(f, "  {name:<16}{value}")?;
        }
        Ok(())
    }
}
