//! What Azure's paravisor leaves in the virtual TPM: a hardware report, and the runtime data that the report binds.
//!
//! Source: the layout that Microsoft documents as "guest attestation report" of confidential VMs (NV index 0x01400001);
//! there is no specification with a number. Header of 32 bytes, room of 1184 bytes for a report, a header of 20 bytes, JSON.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::REPORT_BYTES;

/// First four bytes.
pub const SIGNATURE: [u8; 4] = *b"HCLA";
/// `report_type` of SEV-SNP.
pub const REPORT_TYPE_SNP: u32 = 2;
/// `report_type` of TDX.
pub const REPORT_TYPE_TDX: u32 = 4;
/// `hash_type` of SHA-256, the only one that is read here.
pub const HASH_TYPE_SHA256: u32 = 1;

/// The blob in parts. Nothing in it is believed before the hardware report is, and the runtime data only under that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HclReport<'a> {
    /// Report of SEV-SNP, or the TDREPORT of TDX in the first 1024 bytes.
    pub hardware_report: &'a [u8; REPORT_BYTES],
    /// [`REPORT_TYPE_SNP`] or [`REPORT_TYPE_TDX`].
    pub report_type: u32,
    /// JSON whose SHA-256 the report binds.
    pub runtime_data: &'a [u8],
}

/// Bytes that are no such blob. Whoever supplied them is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HclError {
    /// The end comes before a length says.
    #[error("HCL report: expected at least {expected} bytes, found {found}")]
    Truncated {
        /// Bytes that the lengths ask for.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// A field with a value that means something else, or nothing.
    #[error("HCL report, {field}: expected {expected}, found {found:#x}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What would be read.
        expected: &'static str,
        /// What stands there.
        found: u32,
    },
}

impl<'a> HclReport<'a> {
    /// Reads a blob. The NV index is larger than its contents: what follows the JSON is not looked at.
    ///
    /// # Errors
    /// Too short, not such a blob, or runtime data that is hashed otherwise than with SHA-256.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, HclError> {
        let found = bytes.len();
        let truncated = |expected| HclError::Truncated { expected, found };
        let (header, rest) = Header::ref_from_prefix(bytes).map_err(|_| truncated(size_of::<Header>()))?;
        let field = |field, expected, found| Err(HclError::Field { field, expected, found });
        if header.signature != SIGNATURE {
            return field("signature", "HCLA (0x414c4348)", u32::from_le_bytes(header.signature));
        }
        let runtime = &header.runtime;
        let report_type = runtime.report_type.get();
        if ![REPORT_TYPE_SNP, REPORT_TYPE_TDX].contains(&report_type) {
            return field("report type", "2 (SEV-SNP) or 4 (TDX)", report_type);
        }
        if runtime.hash_type.get() != HASH_TYPE_SHA256 {
            return field("hash type", "1 (SHA-256)", runtime.hash_type.get());
        }
        let length = usize::try_from(runtime.data_bytes.get()).unwrap_or(usize::MAX);
        let runtime_data =
            rest.get(..length).ok_or_else(|| truncated(size_of::<Header>().saturating_add(length)))?;
        Ok(Self { hardware_report: &header.hardware_report, report_type, runtime_data })
    }
}

/// Everything before the JSON.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Header {
    signature: [u8; 4],
    /// 1 and 2 have been seen, with one layout.
    version: U32,
    report_bytes: U32,
    request_type: U32,
    status: U32,
    reserved: [u8; 12],
    hardware_report: [u8; REPORT_BYTES],
    runtime: RuntimeHeader,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RuntimeHeader {
    total_bytes: U32,
    version: U32,
    report_type: U32,
    hash_type: U32,
    data_bytes: U32,
}

const _: () =
    assert!(core::mem::offset_of!(Header, runtime) == 0x4C0, "the runtime data's header is at 0x4C0");
const _: () = assert!(size_of::<Header>() == 0x4D4, "the JSON begins at 0x4D4");

const _: () = assert!(size_of::<RuntimeHeader>() == 20, "five numbers stand before the JSON");

#[cfg(test)]
mod tests {
    use zerocopy::FromZeros;

    use super::*;

    fn blob(json: &[u8]) -> Vec<u8> {
        let mut header = Header::new_zeroed();
        header.signature = SIGNATURE;
        header.hardware_report = [0xAB; REPORT_BYTES];
        header.runtime.report_type = REPORT_TYPE_SNP.into();
        header.runtime.hash_type = HASH_TYPE_SHA256.into();
        header.runtime.data_bytes = u32::try_from(json.len()).unwrap().into();
        [header.as_bytes(), json].concat()
    }

    #[test]
    fn parts_are_where_they_belong() {
        let bytes = [blob(b"{}").as_slice(), &[0; 9]].concat();
        let report = HclReport::parse(&bytes).unwrap();
        assert_eq!((report.hardware_report, report.runtime_data), (&[0xAB; REPORT_BYTES], &b"{}"[..]));
    }

    #[test]
    fn every_truncation_and_every_wrong_field_is_named() {
        let bytes = blob(b"{}");
        for length in 0..bytes.len() {
            let error = HclReport::parse(&bytes[..length]).unwrap_err();
            assert!(
                matches!(error, HclError::Truncated { found, .. } if found == length),
                "{length}: {error}"
            );
        }
        for (offset, field) in [(0, "signature"), (0x4C8, "report type"), (0x4CC, "hash type")] {
            let mut wrong = bytes.clone();
            wrong[offset] ^= 0x10;
            let error = HclReport::parse(&wrong).unwrap_err().to_string();
            assert!(error.contains(field) && error.contains("found 0x"), "{error}");
        }
        let mut long = bytes;
        long[0x4D0..0x4D4].fill(0xFF);
        assert!(
            HclReport::parse(&long).unwrap_err().to_string().contains("expected at least 4294968531 bytes")
        );
    }
}
