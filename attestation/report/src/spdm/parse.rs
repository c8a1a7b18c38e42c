//! From bytes to a [`MeasurementReport`].

use zerocopy::FromBytes;

use super::layout::{
    ALL_MEASUREMENTS, GET_MEASUREMENTS, GetMeasurements, MEASUREMENTS, MeasurementsHeader,
    SIGNATURE_REQUESTED,
};
use super::measurements::Measurements;
use super::opaque::Fields;
use super::{MEASUREMENT_REPORT_MAX_BYTES, NONCE_BYTES, SIGNATURE_BYTES, SPDM_VERSION, SpdmError};

/// Slot ids are in these bits; the others are reserved.
const SLOT_MASK: u8 = 0x0F;

/// A request and the response to it, well-formed and not yet believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasurementReport<'a> {
    request: &'a GetMeasurements,
    header: &'a MeasurementsHeader,
    measurements: Measurements<'a>,
    responder_nonce: &'a [u8; NONCE_BYTES],
    fields: Fields<'a>,
    signature: &'a [u8; SIGNATURE_BYTES],
    signed_bytes: &'a [u8],
    trailing_bytes: usize,
}

impl<'a> MeasurementReport<'a> {
    /// Reads request and response: sizes, lengths, counts, and the codes that decide the layout. The signature is where
    /// the lengths say, never at the end of the input: some drivers append a byte.
    ///
    /// # Errors
    /// The first part that is not what the layout needs.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SpdmError> {
        let found = bytes.len();
        if found > MEASUREMENT_REPORT_MAX_BYTES {
            return Err(SpdmError::TooLong { found });
        }
        let mut rest = bytes;
        let request: &GetMeasurements = take_struct(&mut rest, "request")?;
        expect_version("request", request.spdm_version)?;
        expect_layout("request code", GET_MEASUREMENTS, request.request_response_code)?;
        let is_signed = request.param1 & SIGNATURE_REQUESTED;
        expect_layout("request attributes", SIGNATURE_REQUESTED, is_signed)?;
        let header: &MeasurementsHeader = take_struct(&mut rest, "response header")?;
        expect_version("response", header.spdm_version)?;
        expect_layout("response code", MEASUREMENTS, header.request_response_code)?;
        // On targets with 16-bit addresses the record could not be there anyway.
        let record_bytes = usize::try_from(header.record_bytes()).unwrap_or(usize::MAX);
        let record = take(&mut rest, record_bytes, "measurement record")?;
        let measurements = Measurements::parse(record, header.number_of_blocks)?;
        let responder_nonce: &[u8; NONCE_BYTES] = take_struct(&mut rest, "responder nonce")?;
        let opaque_bytes: &[u8; 2] = take_struct(&mut rest, "opaque length")?;
        let opaque = take(&mut rest, u16::from_le_bytes(*opaque_bytes).into(), "opaque data")?;
        let fields = Fields::parse(opaque)?;
        let signed_end = found.saturating_sub(rest.len());
        let signature = take_struct(&mut rest, "signature")?;
        Ok(Self {
            request,
            header,
            measurements,
            responder_nonce,
            fields,
            signature,
            signed_bytes: bytes.get(..signed_end).unwrap_or_default(),
            trailing_bytes: rest.len(),
        })
    }

    /// Checks signed contents: all measurements were asked for, under one and the same key; blocks ascend, each index
    /// once; no opaque field twice, and those with a known meaning have its form. Fields without one may be there.
    ///
    /// # Errors
    /// The first that is otherwise.
    pub fn check_contents(&self) -> Result<(), SpdmError> {
        expect("request Param2", ALL_MEASUREMENTS, self.request.param2)?;
        let slot = self.request.slot_id & SLOT_MASK;
        expect("response slot", slot, self.header.param2 & SLOT_MASK)?;
        self.measurements.check_order()?;
        self.fields.check()
    }

    /// What was asked.
    #[must_use]
    pub const fn request(&self) -> &'a GetMeasurements {
        self.request
    }

    /// Start of the answer.
    #[must_use]
    pub const fn header(&self) -> &'a MeasurementsHeader {
        self.header
    }

    /// What was measured.
    #[must_use]
    pub const fn measurements(&self) -> Measurements<'a> {
        self.measurements
    }

    /// Random bytes of the device.
    #[must_use]
    pub const fn responder_nonce(&self) -> &'a [u8; NONCE_BYTES] {
        self.responder_nonce
    }

    /// NVIDIA's opaque data.
    #[must_use]
    pub const fn fields(&self) -> Fields<'a> {
        self.fields
    }

    /// r and s, big-endian.
    #[must_use]
    pub const fn signature(&self) -> &'a [u8; SIGNATURE_BYTES] {
        self.signature
    }

    /// What the signature covers: the request, and the response up to its signature.
    #[must_use]
    pub const fn signed_bytes(&self) -> &'a [u8] {
        self.signed_bytes
    }

    /// How many bytes follow the signature. Nobody signed them, and nothing here reads them.
    #[must_use]
    pub const fn trailing_bytes(&self) -> usize {
        self.trailing_bytes
    }
}

/// The next `count` bytes of `rest`.
pub(super) fn take<'a>(
    rest: &mut &'a [u8],
    count: usize,
    field: &'static str,
) -> Result<&'a [u8], SpdmError> {
    let found = rest.len();
    let (taken, behind) =
        rest.split_at_checked(count).ok_or(SpdmError::Truncated { field, expected: count, found })?;
    *rest = behind;
    Ok(taken)
}

/// The next structure of `rest`.
pub(super) fn take_struct<'a, T>(rest: &mut &'a [u8], field: &'static str) -> Result<&'a T, SpdmError>
where
    T: FromBytes + zerocopy::Immutable + zerocopy::KnownLayout + zerocopy::Unaligned,
{
    let (expected, found) = (size_of::<T>(), rest.len());
    let (taken, behind) =
        T::ref_from_prefix(rest).map_err(|_| SpdmError::Truncated { field, expected, found })?;
    *rest = behind;
    Ok(taken)
}

const fn expect_version(field: &'static str, found: u8) -> Result<(), SpdmError> {
    if found == SPDM_VERSION { Ok(()) } else { Err(SpdmError::Version { field, found }) }
}

pub(super) const fn expect_layout(field: &'static str, expected: u8, found: u8) -> Result<(), SpdmError> {
    if found == expected { Ok(()) } else { Err(SpdmError::Layout { field, expected, found }) }
}

const fn expect(field: &'static str, expected: u8, found: u8) -> Result<(), SpdmError> {
    if found == expected { Ok(()) } else { Err(SpdmError::Contents { field, expected, found }) }
}
