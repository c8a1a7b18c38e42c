//! `Quote Signature Data`: the quote's signature, the key it is by, and how the quoting enclave vouches for that key.

use core::mem::offset_of;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::QuoteError;
use super::quote::Input;

/// What every signature data begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct SignatureStart {
    signature: [u8; 64],
    attestation_key: [u8; 64],
}

/// `Certification Data` without its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct CertificationHeader {
    data_type: U16,
    size: U32,
}

/// What `QE Report Certification Data` begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct QeStart {
    report: EnclaveReport,
    signature: [u8; 64],
    authentication_data_size: U16,
}

/// `REPORT` of an SGX enclave as it stands in quotes: without key id and MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct EnclaveReport {
    /// Security versions of the processor.
    pub cpu_svn: [u8; 16],
    /// Which parts of the state are saved on exceptions; bytes as `QE identity` spells them.
    pub misc_select: [u8; 4],
    /// Zero.
    pub reserved_020: [u8; 28],
    /// Attributes of the enclave.
    pub attributes: [u8; 16],
    /// Measurement of the enclave.
    pub mr_enclave: [u8; 32],
    /// Zero.
    pub reserved_096: [u8; 32],
    /// Signer of the enclave.
    pub mr_signer: [u8; 32],
    /// Zero.
    pub reserved_160: [u8; 96],
    /// Product of the signer.
    pub isv_prod_id: U16,
    /// Security version of that product.
    pub isv_svn: U16,
    /// Zero.
    pub reserved_260: [u8; 60],
    /// What the enclave put in: here a digest of the attestation key.
    pub report_data: [u8; 64],
}

const _: () =
    assert!(size_of::<SignatureStart>() == 128, "TD Quote Format: signature and key have 128 bytes");
const _: () = assert!(size_of::<CertificationHeader>() == 6, "TD Quote Format: type and size have 6 bytes");
const _: () =
    assert!(size_of::<QeStart>() == 450, "TD Quote Format: report, signature and size have 450 bytes");
const _: () =
    assert!(size_of::<EnclaveReport>() == 384, "SDM: a report without key id and MAC has 384 bytes");
const _: () = assert!(offset_of!(EnclaveReport, mr_signer) == 128, "SDM: MRSIGNER at 128");
const _: () = assert!(offset_of!(EnclaveReport, isv_prod_id) == 256, "SDM: ISVPRODID at 256");
const _: () = assert!(offset_of!(EnclaveReport, report_data) == 320, "SDM: REPORTDATA at 320");

/// `Certification Data Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificationDataType(pub u16);

impl CertificationDataType {
    /// Chain of the PCK certificate in PEM: leaf, authority, root.
    pub const PCK_CHAIN: Self = Self(5);
    /// Report of the quoting enclave, with certification data of its own inside.
    pub const QE_REPORT: Self = Self(6);
}

/// How to find the certificate of the key that signed the report of the quoting enclave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificationData<'a> {
    /// What the bytes are. Types 1 to 4 name a platform or a leaf: their chain has to come from elsewhere.
    pub data_type: CertificationDataType,
    /// Contents.
    pub bytes: &'a [u8],
}

/// `Quote Signature Data`, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureData<'a> {
    /// R and S of the attestation key's signature over header and body, 32 big-endian bytes each.
    pub signature: &'a [u8; 64],
    /// X and Y of the attestation key, 32 big-endian bytes each.
    pub attestation_key: &'a [u8; 64],
    /// Report of the quoting enclave.
    pub qe_report: &'a EnclaveReport,
    /// R and S of the PCK's signature over that report.
    pub qe_report_signature: &'a [u8; 64],
    /// What the quoting enclave hashed together with the attestation key.
    pub qe_authentication_data: &'a [u8],
    /// Where the PCK certificate is.
    pub certification_data: CertificationData<'a>,
}

impl<'a> SignatureData<'a> {
    /// The chain of the PCK certificate as PEM, where the quote carries it.
    #[must_use]
    pub fn certification_pem(&self) -> Option<&'a [u8]> {
        let data = self.certification_data;
        (data.data_type == CertificationDataType::PCK_CHAIN).then_some(data.bytes)
    }

    /// Takes apart exactly `bytes`: what a length leaves over inside would be bytes that nobody signs and nobody reads.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, QuoteError> {
        let mut input = Input::new(bytes);
        let start: &SignatureStart = input.structure("signature and attestation key")?;
        let outer = certification_data(&mut input, "QE report certification data")?;
        input.finish("bytes behind the certification data")?;
        if outer.data_type != CertificationDataType::QE_REPORT {
            let (expected, found) = (CertificationDataType::QE_REPORT.0.into(), outer.data_type.0.into());
            return Err(QuoteError::Malformed { field: "certification data type", expected, found });
        }
        let mut input = Input::new(outer.bytes);
        let qe: &QeStart = input.structure("QE report and its signature")?;
        let size = qe.authentication_data_size.get().into();
        let qe_authentication_data = input.bytes("QE authentication data", size)?;
        let certification_data = certification_data(&mut input, "PCK certification data")?;
        input.finish("bytes behind the PCK certification data")?;
        Ok(Self {
            signature: &start.signature,
            attestation_key: &start.attestation_key,
            qe_report: &qe.report,
            qe_report_signature: &qe.signature,
            qe_authentication_data,
            certification_data,
        })
    }
}

fn certification_data<'a>(
    input: &mut Input<'a>,
    field: &'static str,
) -> Result<CertificationData<'a>, QuoteError> {
    let header: &CertificationHeader = input.structure(field)?;
    // A size that does not fit an address is beyond every end.
    let size = usize::try_from(header.size.get()).unwrap_or(usize::MAX);
    let bytes = input.bytes(field, size)?;
    Ok(CertificationData { data_type: CertificationDataType(header.data_type.get()), bytes })
}
