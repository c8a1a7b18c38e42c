//! What stands before the body: header, and in version 5 the descriptor of the body.

use core::fmt;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Version whose body is always a TD report 1.0.
pub const VERSION_4: u16 = 4;
/// Version that describes its body.
pub const VERSION_5: u16 = 5;
/// `QE Vendor ID` of Intel: 939A7233-F79C-4CA9-940A-0DB3957F0607.
pub const INTEL_QE_VENDOR_ID: [u8; 16] =
    [0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07];

/// `Quote Header`, the same in both versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct QuoteHeader {
    /// Version of the whole layout.
    pub version: U16,
    /// Kind of key that signed; read it with [`QuoteHeader::attestation_key_type`].
    pub attestation_key_type: U16,
    /// Whose evidence it is; read it with [`QuoteHeader::tee_type`].
    pub tee_type: U32,
    /// Security version of the quoting enclave; zero in every TDX quote seen, whatever the enclave's report says.
    pub qe_svn: U16,
    /// Security version of the provisioning certification enclave; zero in every TDX quote seen.
    pub pce_svn: U16,
    /// Maker of the quoting enclave: [`INTEL_QE_VENDOR_ID`].
    pub qe_vendor_id: [u8; 16],
    /// First 16 bytes: identity of the quoting enclave on its platform.
    pub user_data: [u8; 20],
}

/// `TD Quote Body Descriptor` of version 5, without the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct BodyDescriptor {
    /// Layout of the body; read it with [`BodyDescriptor::body_type`].
    pub body_type: U16,
    /// Bytes of the body.
    pub size: U32,
}

const _: () = assert!(size_of::<QuoteHeader>() == 48, "TD Quote Format: a header has 48 bytes");
const _: () = assert!(size_of::<BodyDescriptor>() == 6, "TD Quote Format: type and size have 6 bytes");

/// `Attestation Key Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttestationKeyType(pub u16);

impl AttestationKeyType {
    /// ECDSA on P-256, the only one that Intel's quoting enclaves use.
    pub const ECDSA_P256: Self = Self(2);
}

/// `TEE Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TeeType(pub u32);

impl TeeType {
    /// An enclave of SGX.
    pub const SGX: Self = Self(0);
    /// A domain of TDX.
    pub const TDX: Self = Self(0x81);
}

impl fmt::Display for TeeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// `TD Quote Body Type` of version 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyType(pub u16);

impl BodyType {
    /// Report of an SGX enclave, 384 bytes.
    pub const SGX: Self = Self(1);
    /// TD report 1.0, 584 bytes.
    pub const TD_REPORT_10: Self = Self(2);
    /// TD report 1.5, 648 bytes.
    pub const TD_REPORT_15: Self = Self(3);
    /// TD report 1.5 with what migration adds, 885 bytes. Known by name only.
    pub const TD_REPORT_15_EXTENDED: Self = Self(4);
}

impl fmt::Display for BodyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::SGX => "SGX report",
            Self::TD_REPORT_10 => "TD report 1.0",
            Self::TD_REPORT_15 => "TD report 1.5",
            Self::TD_REPORT_15_EXTENDED => "TD report 1.5 extended",
            _ => "unknown",
        };
        write!(f, "{} ({name})", self.0)
    }
}

impl QuoteHeader {
    /// Kind of key that signed.
    #[must_use]
    pub const fn attestation_key_type(&self) -> AttestationKeyType {
        AttestationKeyType(self.attestation_key_type.get())
    }

    /// Whose evidence it is.
    #[must_use]
    pub const fn tee_type(&self) -> TeeType {
        TeeType(self.tee_type.get())
    }
}

impl BodyDescriptor {
    /// Layout of the body.
    #[must_use]
    pub const fn body_type(&self) -> BodyType {
        BodyType(self.body_type.get())
    }
}
