//! Launch measurements of a ROM, as our launches make them.

use attestation_manifest::HexDigest;
use attestation_manifest::reference::MeasurementReference;
use attestation_measure::{MeasureError, SnpProfile, snp_launch_digest, tdx_mrtd};

/// Predicts what platforms will report. They depend on the ROM alone: the number of vCPUs and their model are fixed,
/// and memory and manifest are bound elsewhere.
pub(crate) fn predict(rom: &[u8]) -> Result<MeasurementReference, MeasureError> {
    Ok(MeasurementReference {
        snp_qemu: HexDigest(snp_launch_digest(rom, SnpProfile::QEMU)?),
        tdx_qemu: HexDigest(tdx_mrtd(rom)?),
    })
}
