//! Fixed parts of the two messages, field by field, in the order and with the names of DSP0274.

use zerocopy::little_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{NONCE_BYTES, REQUEST_BYTES};

/// `RequestResponseCode` of `GET_MEASUREMENTS`.
pub(super) const GET_MEASUREMENTS: u8 = 0xE0;
/// `RequestResponseCode` of `MEASUREMENTS`.
pub(super) const MEASUREMENTS: u8 = 0x60;
/// Param1 of the request, bit 0: a signature is asked for. It decides that nonce and slot are there.
pub(super) const SIGNATURE_REQUESTED: u8 = 0x01;
/// Param2 of the request: all measurements are asked for.
pub(super) const ALL_MEASUREMENTS: u8 = 0xFF;
/// `MeasurementSpecification`, bit 0: the block is laid out as DMTF says.
pub(super) const DMTF: u8 = 0x01;

/// `GET_MEASUREMENTS`, with a signature asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct GetMeasurements {
    /// [`SPDM_VERSION`](super::SPDM_VERSION).
    pub spdm_version: u8,
    /// 0xE0.
    pub request_response_code: u8,
    /// Attributes; bit 0 asks for a signature.
    pub param1: u8,
    /// Which measurements; 0xFF asks for all.
    pub param2: u8,
    /// What the evidence has to answer. The requester's choice.
    pub nonce: [u8; NONCE_BYTES],
    /// Slot of the certificate chain whose key signs, in bits 3:0.
    pub slot_id: u8,
}

/// `MEASUREMENTS`, up to the measurement record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct MeasurementsHeader {
    /// [`SPDM_VERSION`](super::SPDM_VERSION).
    pub spdm_version: u8,
    /// 0x60.
    pub request_response_code: u8,
    /// Number of measurements where only that was asked for, else reserved.
    pub param1: u8,
    /// Slot of the certificate chain, in bits 3:0.
    pub param2: u8,
    /// Measurement blocks in the record.
    pub number_of_blocks: u8,
    /// Bytes of the record, little-endian.
    pub measurement_record_length: [u8; 3],
}

impl MeasurementsHeader {
    /// Bytes of the measurement record.
    #[must_use]
    pub const fn record_bytes(&self) -> u32 {
        let [low, middle, high] = self.measurement_record_length;
        u32::from_le_bytes([low, middle, high, 0])
    }
}

/// Head of a measurement block.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct BlockHeader {
    /// From 1.
    pub(super) index: u8,
    /// Who says how the measurement is laid out.
    pub(super) measurement_specification: u8,
    /// Bytes of the measurement.
    pub(super) measurement_size: U16,
}

/// Head of a measurement as DMTF lays it out.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct DmtfHeader {
    /// What was measured in bits 6:0; bit 7 for raw bytes instead of a digest.
    pub(super) value_type: u8,
    /// Bytes of the value.
    pub(super) value_size: U16,
}

/// Head of a field of NVIDIA's opaque data.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct OpaqueHeader {
    /// Which field.
    pub(super) id: U16,
    /// Bytes of the field.
    pub(super) length: U16,
}

const _: () = assert!(size_of::<GetMeasurements>() == REQUEST_BYTES, "DSP0274: the request has 37 bytes");
const _: () = assert!(size_of::<MeasurementsHeader>() == 8, "DSP0274: the record starts at byte 8");
const _: () = assert!(size_of::<BlockHeader>() == 4, "DSP0274: a measurement starts at byte 4 of its block");
const _: () = assert!(size_of::<DmtfHeader>() == 3, "DSP0274: a value starts at byte 3 of its measurement");
const _: () = assert!(size_of::<OpaqueHeader>() == 4, "nvtrust: id and length have two bytes each");
