//! What ties a key and a manifest to a report.

use attestation_manifest::manifest_digest;
use attestation_report::SnpReport;
use sha2::{Digest, Sha512};

use crate::{Evidence, EvidenceError, INSTANCE_KEY_BYTES};

const LABEL: &[u8] = b"redoubt evidence";
const VERSION: u32 = 1;

/// `REPORT_DATA` of a guest that holds these keys and runs this manifest: SHA-512 over label, version and fields, each
/// field preceded by its length as 4 big-endian bytes. An absent field has length 0, which no present one has.
#[must_use]
pub fn report_data(
    instance_key: &[u8; INSTANCE_KEY_BYTES],
    hpke_key: Option<&[u8]>,
    manifest_digest: &[u8; 32],
    gpu_digest: Option<&[u8; 32]>,
) -> [u8; 64] {
    let gpu_digest = gpu_digest.map_or(&[][..], |digest| digest);
    let fields = [instance_key.as_slice(), hpke_key.unwrap_or_default(), manifest_digest, gpu_digest];
    let mut hash = Sha512::new();
    update_with_length(&mut hash, LABEL);
    hash.update(VERSION.to_be_bytes());
    fields.into_iter().for_each(|field| update_with_length(&mut hash, field));
    hash.finalize().into()
}

/// Checks that the report was made for the keys and the manifest next to it, and launched with that manifest.
///
/// # Errors
/// [`EvidenceError::ReportData`] or [`EvidenceError::HostData`].
pub fn check_binding(report: &SnpReport, evidence: &Evidence) -> Result<(), EvidenceError> {
    let manifest = manifest_digest(&evidence.manifest);
    if report.report_data
        != report_data(&evidence.instance_key, evidence.hpke_key.as_deref(), &manifest, None)
    {
        return Err(EvidenceError::ReportData);
    }
    if report.host_data != manifest {
        return Err(EvidenceError::HostData);
    }
    Ok(())
}

fn update_with_length(hash: &mut Sha512, field: &[u8]) {
    // Fields are capped far below 4 GiB by whoever decoded them; saturating keeps this total all the same.
    let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
    hash.update(length.to_be_bytes());
    hash.update(field);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_and_its_absence_matter() {
        let key = [4; INSTANCE_KEY_BYTES];
        let base = report_data(&key, None, &[1; 32], None);
        let others = [
            report_data(&[5; INSTANCE_KEY_BYTES], None, &[1; 32], None),
            report_data(&key, Some(&[1; 32]), &[1; 32], None),
            report_data(&key, None, &[2; 32], None),
            report_data(&key, None, &[1; 32], Some(&[1; 32])),
            report_data(&key, None, &[1; 32], Some(&[0; 32])),
        ];
        assert!(others.iter().all(|other| *other != base));
    }

    /// Python, independent of this crate:
    /// ```python
    /// import hashlib, struct
    /// f = lambda b: struct.pack('>I', len(b)) + b
    /// hashlib.sha512(f(b'redoubt evidence') + struct.pack('>I', 1) + f(b'\x04'*65) + f(b'') + f(b'\x01'*32) + f(b'')).hexdigest()
    /// ```
    #[test]
    fn layout_is_pinned() {
        let digest = report_data(&[4; INSTANCE_KEY_BYTES], None, &[1; 32], None);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            concat!(
                "791e0b10c7a0cdeeb81f1f08e7c6bd0151203e14ce0e6d48771ca44505b043a4",
                "a14e5c8dc6174b128104f40c212a41b85159a6301710cf400161a0ae9e09442f"
            )
        );
    }
}
