//! From bytes to a [`Quote`].

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::{
    AttestationKeyType, BodyDescriptor, BodyType, QuoteError, QuoteHeader, SignatureData, TdBody, TdReport10,
    TdReport15, TeeType, VERSION_4, VERSION_5,
};

/// A quote whose structure holds; nobody has signed it yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote<'a> {
    /// What stands before the body.
    pub header: &'a QuoteHeader,
    /// What the TDX module reported.
    pub body: TdBody,
    /// Header and body: what the attestation key signed. In version 5, type and size of the body are among it.
    pub signed_bytes: &'a [u8],
    /// Signature, key, and who vouches for it.
    pub signature_data: SignatureData<'a>,
    /// Bytes that follow the quote. No signature covers them and nothing here reads them.
    pub trailing_bytes: usize,
}

impl<'a> Quote<'a> {
    /// Reads a quote of version 4 or 5 with a TD report in it.
    ///
    /// # Errors
    /// A size or length that reaches beyond the end of the input or of what it stands in, a version or a type that is not
    /// known here, or lengths that contradict one another.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, QuoteError> {
        let mut input = Input::new(bytes);
        let header: &QuoteHeader = input.structure("quote header")?;
        check_types(header)?;
        let body = match header.version.get() {
            VERSION_4 => TdBody::Report10(*input.structure::<TdReport10>("TD report 1.0")?),
            _ => described_body(&mut input)?,
        };
        let signed_bytes = bytes.get(..bytes.len().saturating_sub(input.rest.len())).unwrap_or_default();
        let size: &U32 = input.structure("size of the signature data")?;
        let size = usize::try_from(size.get()).unwrap_or(usize::MAX);
        let signature_data = SignatureData::parse(input.bytes("signature data", size)?)?;
        Ok(Self { header, body, signed_bytes, signature_data, trailing_bytes: input.rest.len() })
    }
}

fn check_types(header: &QuoteHeader) -> Result<(), QuoteError> {
    let (version, key, tee) = (header.version.get(), header.attestation_key_type(), header.tee_type());
    if version != VERSION_4 && version != VERSION_5 {
        return Err(QuoteError::Version { found: version });
    }
    if key != AttestationKeyType::ECDSA_P256 {
        return Err(QuoteError::AttestationKeyType { found: key });
    }
    if tee != TeeType::TDX {
        return Err(QuoteError::TeeType { found: tee });
    }
    Ok(())
}

fn described_body(input: &mut Input<'_>) -> Result<TdBody, QuoteError> {
    let descriptor: &BodyDescriptor = input.structure("type and size of the quote body")?;
    let expected = match descriptor.body_type() {
        BodyType::TD_REPORT_10 => size_of::<TdReport10>(),
        BodyType::TD_REPORT_15 => size_of::<TdReport15>(),
        found => return Err(QuoteError::BodyType { found }),
    };
    let found = usize::try_from(descriptor.size.get()).unwrap_or(usize::MAX);
    if found != expected {
        return Err(QuoteError::Malformed { field: "size of the quote body", expected, found });
    }
    Ok(match descriptor.body_type() {
        BodyType::TD_REPORT_15 => TdBody::Report15(*input.structure::<TdReport15>("TD report 1.5")?),
        _ => TdBody::Report10(*input.structure::<TdReport10>("TD report 1.0")?),
    })
}

/// What is left to read.
pub(super) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next bytes as `T`.
    pub(super) fn structure<T: FromBytes + KnownLayout + Immutable + Unaligned>(
        &mut self,
        field: &'static str,
    ) -> Result<&'a T, QuoteError> {
        let truncated = QuoteError::Truncated { field, expected: size_of::<T>(), found: self.rest.len() };
        let (value, rest) = T::ref_from_prefix(self.rest).map_err(|_| truncated)?;
        self.rest = rest;
        Ok(value)
    }

    /// The next `count` bytes.
    pub(super) fn bytes(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], QuoteError> {
        let truncated = QuoteError::Truncated { field, expected: count, found: self.rest.len() };
        let (value, rest) = self.rest.split_at_checked(count).ok_or(truncated)?;
        self.rest = rest;
        Ok(value)
    }

    /// Refuses bytes that are left over.
    pub(super) fn finish(&self, field: &'static str) -> Result<(), QuoteError> {
        match self.rest.len() {
            0 => Ok(()),
            found => Err(QuoteError::Malformed { field, expected: 0, found }),
        }
    }
}
