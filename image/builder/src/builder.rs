//! From sources to an image.

use alloc::string::ToString;

use attestation_artefact::{ENGINE, compile};
use attestation_manifest::reference::{
    ArtefactReference, FileReference, ManifestReference, REFERENCE_VERSION, ReferenceValues,
};
use attestation_manifest::{ARTEFACT_MAX_BYTES, COMPONENT_MAX_BYTES, HexDigest, parse_manifest};
use enclave_runtime::{Demands, Footprint, Inspected, ProgramKind, inspect};
use enclave_wire::layout;
use image_rom::RomTables;
use sha2::{Digest, Sha256, Sha384};

use crate::app_toml::AppToml;
use crate::error::BuildError;
use crate::image::Image;
use crate::manifest_json::manifest_json;
use crate::measurement;

/// What an image is made of.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The WebAssembly component, in binary form.
    pub component: &'a [u8],
    /// What its author decides.
    pub app: &'a AppToml,
    /// The guest, as `image-rom` assembles it.
    pub rom: &'a [u8],
}

/// Makes an image. The same sources give the same image.
///
/// # Errors
/// [`BuildError`] names the source that is guilty. An import that the guest does not offer is found here, not at
/// launch.
pub fn build(sources: Sources<'_>) -> Result<Image, BuildError> {
    let Sources { component, app, rom } = sources;
    RomTables::parse(rom).map_err(BuildError::Rom)?;
    check_length("component", component, COMPONENT_MAX_BYTES)?;
    let Inspected { kind, footprint, trapping_imports } =
        inspect(component).map_err(BuildError::Component)?;
    // The compiler takes its time: what the author wrote is refused before.
    check_kind(kind, &manifest_json(app, component, &[])?)?;
    let call_stack_bytes = app.limits().call_stack_bytes;
    let artefact = compile(component, call_stack_bytes).map_err(BuildError::Compile)?;
    check_length("artefact", &artefact, ARTEFACT_MAX_BYTES)?;
    let manifest = manifest_json(app, component, &artefact)?;
    check_memory(footprint, &manifest, &artefact)?;
    let reference = ReferenceValues {
        version: REFERENCE_VERSION,
        name: app.name.clone(),
        rom: file_reference(rom),
        component: file_reference(component),
        artefact: artefact_reference(&artefact),
        manifest: manifest_reference(&manifest),
        measurement: measurement::predict(rom).map_err(BuildError::Measure)?,
    };
    let (rom, component) = (rom.to_vec(), component.to_vec());
    Ok(Image { rom, component, artefact, manifest, reference, trapping_imports })
}

/// Whether the component is for what the manifest says.
fn check_kind(kind: ProgramKind, manifest: &[u8]) -> Result<(), BuildError> {
    let manifest = parse_manifest(manifest).map_err(BuildError::Manifest)?;
    kind.check(&manifest).map_err(BuildError::Component)
}

fn check_length(part: &'static str, bytes: &[u8], limit: usize) -> Result<(), BuildError> {
    let found = bytes.len();
    if found > limit { Err(BuildError::TooLarge { part, limit, found }) } else { Ok(()) }
}

/// What the guest would say at launch: whether jobs, or as many requests as are answered at once, could exhaust the
/// memory that is left beside what is stored.
fn check_memory(footprint: Footprint, manifest: &[u8], artefact: &[u8]) -> Result<(), BuildError> {
    let manifest = parse_manifest(manifest).map_err(BuildError::Manifest)?;
    let heap_bytes = layout::heap_bytes(u64::from(manifest.memory_mib) << 20);
    let demands = Demands::of(&manifest, artefact.len() as u64);
    footprint.check(heap_bytes, &demands).map_err(BuildError::Component)
}

pub(crate) fn file_reference(bytes: &[u8]) -> FileReference {
    FileReference { sha256: HexDigest(Sha256::digest(bytes).into()), bytes: bytes.len() as u64 }
}

pub(crate) fn manifest_reference(bytes: &[u8]) -> ManifestReference {
    let FileReference { sha256, bytes: length } = file_reference(bytes);
    ManifestReference { sha256, sha384: HexDigest(Sha384::digest(bytes).into()), bytes: length }
}

fn artefact_reference(bytes: &[u8]) -> ArtefactReference {
    let FileReference { sha256, bytes } = file_reference(bytes);
    ArtefactReference { sha256, bytes, engine: ENGINE.to_string() }
}
