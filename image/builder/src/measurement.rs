//! Launch measurements of a ROM, as our launches make them.

use alloc::string::ToString;
use alloc::vec::Vec;

use attestation_corim::{Platform, ReferenceManifest};
use attestation_manifest::HexDigest;
use attestation_manifest::reference::{MeasurementReference, ReferenceValues};
use attestation_measure::{MeasureError, PageOrder, SnpProfile, snp_launch_digest, tdx_mrtd};

/// Predicts what platforms will report. They depend on the ROM alone: the number of vCPUs and their model are fixed,
/// and memory and manifest are bound elsewhere.
pub(crate) fn predict(rom: &[u8]) -> Result<MeasurementReference, MeasureError> {
    Ok(MeasurementReference {
        snp_qemu: HexDigest(snp_launch_digest(rom, SnpProfile::QEMU)?),
        tdx_qemu: HexDigest(tdx_mrtd(rom)?),
    })
}

/// The measurements in the format of verifiers that are not ours. The same reference values give the same bytes.
pub(crate) fn corim(reference: &ReferenceValues) -> Vec<u8> {
    let MeasurementReference { snp_qemu, tdx_qemu } = reference.measurement;
    let measurements = [
        (Platform::Snp, SnpProfile::QEMU.to_string(), snp_qemu.0),
        (Platform::Tdx, PageOrder::Interleaved.to_string(), tdx_qemu.0),
    ];
    ReferenceManifest::of_rom(&reference.rom.sha256.0, measurements).encode()
}
