//! The report, field by field, in the order and with the names of 56860, table "ATTESTATION_REPORT".

use core::mem::offset_of;

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{REPORT_BYTES, SIGNED_BYTES};

/// `ATTESTATION_REPORT`. Fields that older versions lack have accessors that answer `None` there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct SnpReport {
    /// Version of this layout.
    pub version: U32,
    /// Security version of the guest, from its ID block.
    pub guest_svn: U32,
    /// Guest policy; read it with [`SnpReport::guest_policy`].
    pub policy: U64,
    /// Family of the guest, from its ID block.
    pub family_id: [u8; 16],
    /// Image of the guest, from its ID block.
    pub image_id: [u8; 16],
    /// VMPL that the report was asked for; `0xFFFF_FFFF` when the host asked.
    pub vmpl: U32,
    /// [`SIGNATURE_ALGORITHM_ECDSA_P384_SHA384`](crate::SIGNATURE_ALGORITHM_ECDSA_P384_SHA384).
    pub signature_algorithm: U32,
    /// TCB that runs now.
    pub current_tcb: U64,
    /// Bits on the machine: 0 SMT, 1 TSME, 2 ECC, 3 RAPL off, 4 ciphertext hiding, 5 alias check complete, 7 TIO.
    /// Bit 6 is reserved on paper and set on real Turin parts.
    pub platform_info: U64,
    /// Bit 0 `AUTHOR_KEY_EN`, bit 1 `MASK_CHIP_KEY`, bits 4:2 `SIGNING_KEY`.
    pub key_info: U32,
    /// Zero.
    pub reserved_04c: [u8; 4],
    /// What the guest put in its request.
    pub report_data: [u8; 64],
    /// Launch digest.
    pub measurement: [u8; 48],
    /// What the host put in at launch.
    pub host_data: [u8; 32],
    /// SHA-384 of the key that signed the ID block.
    pub id_key_digest: [u8; 48],
    /// SHA-384 of the key that signed the ID key.
    pub author_key_digest: [u8; 48],
    /// Identity of this guest.
    pub report_id: [u8; 32],
    /// Identity of its migration agent; all ones when there is none.
    pub report_id_ma: [u8; 32],
    /// TCB that the signing key was derived for.
    pub reported_tcb: U64,
    /// CPUID family, from version 3.
    pub cpuid_family: u8,
    /// CPUID model, from version 3.
    pub cpuid_model: u8,
    /// CPUID stepping, from version 3.
    pub cpuid_stepping: u8,
    /// Zero.
    pub reserved_18b: [u8; 21],
    /// Identity of the chip; zero when masked or signed by a VLEK; Turin fills the first 8 bytes only.
    pub chip_id: [u8; 64],
    /// TCB below which the firmware can no longer be rolled back.
    pub committed_tcb: U64,
    /// Build of the current firmware.
    pub current_build: u8,
    /// Minor version of the current firmware.
    pub current_minor: u8,
    /// Major version of the current firmware.
    pub current_major: u8,
    /// Zero.
    pub reserved_1eb: u8,
    /// Build of the committed firmware.
    pub committed_build: u8,
    /// Minor version of the committed firmware.
    pub committed_minor: u8,
    /// Major version of the committed firmware.
    pub committed_major: u8,
    /// Zero.
    pub reserved_1ef: u8,
    /// TCB at launch or import.
    pub launch_tcb: U64,
    /// Mitigations verified at launch, from version 5; bits differ per firmware line.
    pub launch_mit_vector: U64,
    /// Mitigations verified now, from version 5.
    pub current_mit_vector: U64,
    /// Zero.
    pub reserved_208: [u8; 152],
    /// Over everything above.
    pub signature: ReportSignature,
}

/// `SIGNATURE` of a report: numbers are little-endian, unlike in nearly every other ECDSA format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct ReportSignature {
    /// R, little-endian, zero above byte 47.
    pub r: [u8; 72],
    /// S, little-endian, zero above byte 47.
    pub s: [u8; 72],
    /// Zero.
    pub reserved: [u8; 368],
}

const _: () = assert!(size_of::<ReportSignature>() == 512, "56860: a signature has 0x200 bytes");
const _: () = assert!(size_of::<SnpReport>() == REPORT_BYTES, "56860: a report has 0x4A0 bytes");
const _: () =
    assert!(offset_of!(SnpReport, signature) == SIGNED_BYTES, "56860: the signature starts at 0x2A0");
const _: () = assert!(offset_of!(SnpReport, report_data) == 0x050, "56860: REPORT_DATA at 0x50");
const _: () = assert!(offset_of!(SnpReport, measurement) == 0x090, "56860: MEASUREMENT at 0x90");
const _: () = assert!(offset_of!(SnpReport, host_data) == 0x0C0, "56860: HOST_DATA at 0xC0");
const _: () = assert!(offset_of!(SnpReport, reported_tcb) == 0x180, "56860: REPORTED_TCB at 0x180");
const _: () = assert!(offset_of!(SnpReport, chip_id) == 0x1A0, "56860: CHIP_ID at 0x1A0");
const _: () = assert!(offset_of!(SnpReport, launch_tcb) == 0x1F0, "56860: LAUNCH_TCB at 0x1F0");

impl ReportSignature {
    /// R and S as 48 big-endian bytes each, `None` when a byte that must be zero is not.
    #[must_use]
    pub fn to_big_endian(&self) -> Option<[u8; 96]> {
        let (r, r_padding) = self.r.split_first_chunk::<48>()?;
        let (s, s_padding) = self.s.split_first_chunk::<48>()?;
        let mut padding = r_padding.iter().chain(s_padding).chain(&self.reserved);
        if padding.any(|byte| *byte != 0) {
            return None;
        }
        let mut bytes = [0; 96];
        let number = r.iter().rev().chain(s.iter().rev());
        bytes.iter_mut().zip(number).for_each(|(to, from)| *to = *from);
        Some(bytes)
    }

    /// The signature whose R and S are the 48 big-endian bytes each of `bytes`.
    #[must_use]
    pub fn from_big_endian(bytes: &[u8; 96]) -> Self {
        let mut signature = Self { r: [0; 72], s: [0; 72], reserved: [0; 368] };
        let (r, s) = bytes.split_at(48);
        signature.r.iter_mut().zip(r.iter().rev()).for_each(|(to, from)| *to = *from);
        signature.s.iter_mut().zip(s.iter().rev()).for_each(|(to, from)| *to = *from);
        signature
    }
}
