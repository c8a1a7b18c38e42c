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
    /// # Errors A size or length that reaches beyond the end of the input or of what it stands in, a version or a type
    /// that is not known here, or lengths that contradict one another.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tdx::{CertificationData, CertificationDataType};

    /// A quote without a signature that means anything.
    fn quote(start: &[u8], body: usize) -> Vec<u8> {
        let qe_start = [7; 448];
        let inner = [&qe_start[..], &[3, 0], b"abc", &[5, 0], &4_u32.to_le_bytes(), b"PEM\n"].concat();
        let inner_bytes = u32::try_from(inner.len()).unwrap().to_le_bytes();
        let data = [&[1; 64][..], &[2; 64], &[6, 0], &inner_bytes, &inner].concat();
        let data_bytes = u32::try_from(data.len()).unwrap().to_le_bytes();
        [start, &vec![9; body], &data_bytes, &data].concat()
    }

    fn header(version: u8) -> Vec<u8> {
        let mut header = vec![0; 48];
        (header[0], header[2], header[4]) = (version, 2, 0x81);
        header
    }

    fn described(body_type: u8, size: u32) -> Vec<u8> {
        [header(5), vec![body_type, 0], size.to_le_bytes().to_vec()].concat()
    }

    #[test]
    fn all_layouts_are_read_to_their_end() {
        for (bytes, signed, has_15) in [
            (quote(&header(4), 584), 632, false),
            (quote(&described(2, 584), 584), 638, false),
            (quote(&described(3, 648), 648), 702, true),
        ] {
            let parsed = Quote::parse(&bytes).unwrap();
            assert_eq!(parsed.signed_bytes, &bytes[..signed]);
            assert_eq!(parsed.body.report().report_data, [9; 64]);
            assert_eq!(parsed.body.report_15().is_some(), has_15);
            let data = parsed.signature_data;
            assert_eq!((data.signature, data.attestation_key), (&[1; 64], &[2; 64]));
            assert_eq!(
                (data.qe_report_signature, data.qe_authentication_data),
                (&[7; 64], b"abc".as_slice())
            );
            let expected = CertificationData { data_type: CertificationDataType::PCK_CHAIN, bytes: b"PEM\n" };
            assert_eq!((data.certification_data, parsed.trailing_bytes), (expected, 0));
            let longer = [bytes.as_slice(), &[1, 2, 3]].concat();
            assert_eq!(Quote::parse(&longer).unwrap(), Quote { trailing_bytes: 3, ..parsed });
            for length in 0..bytes.len() {
                assert!(
                    matches!(Quote::parse(&bytes[..length]), Err(QuoteError::Truncated { .. })),
                    "{length}"
                );
            }
        }
    }

    #[test]
    fn bodies_of_other_kinds_are_refused_by_name() {
        for (body_type, size, name) in
            [(1, 384, "SGX report"), (4, 885, "TD report 1.5 extended"), (5, 9, "unknown")]
        {
            let bytes = quote(&described(body_type, size), usize::try_from(size).unwrap());
            let error = Quote::parse(&bytes).unwrap_err();
            assert_eq!(error, QuoteError::BodyType { found: BodyType(body_type.into()) });
            assert!(error.to_string().contains(&format!("found {body_type} ({name})")), "{error}");
        }
        let error = Quote::parse(&quote(&described(3, 584), 584)).unwrap_err();
        assert_eq!(error.to_string(), "size of the quote body: expected 648, found 584");
    }

    #[test]
    fn types_are_judged_in_the_order_in_which_they_decide_the_layout() {
        for version in [0, 1, 3, 6] {
            let error = Quote::parse(&quote(&header(version), 584)).unwrap_err();
            assert_eq!(error, QuoteError::Version { found: version.into() });
        }
        let mut bytes = quote(&header(4), 584);
        bytes[4] = 0;
        assert_eq!(Quote::parse(&bytes), Err(QuoteError::TeeType { found: TeeType::SGX }));
        bytes[2] = 3;
        assert_eq!(
            Quote::parse(&bytes),
            Err(QuoteError::AttestationKeyType { found: AttestationKeyType(3) })
        );
    }

    #[test]
    fn lengths_inside_must_add_up() {
        let bytes = quote(&header(4), 584);
        let (size, outer_type, outer_size, auth_size, inner_size) = (632, 764, 766, 1218, 1225);
        for (offsets, field) in [
            (&[size][..], "bytes behind the certification data"),
            (&[size, outer_size], "bytes behind the PCK certification data"),
        ] {
            let mut longer = bytes.clone();
            longer.push(0);
            offsets.iter().for_each(|offset| longer[*offset] += 1);
            assert_eq!(Quote::parse(&longer), Err(QuoteError::Malformed { field, expected: 0, found: 1 }));
        }
        let mut shorter = bytes.clone();
        shorter[inner_size] -= 1;
        let field = "bytes behind the PCK certification data";
        assert_eq!(Quote::parse(&shorter), Err(QuoteError::Malformed { field, expected: 0, found: 1 }));
        let mut other = bytes.clone();
        other[outer_type] = 5;
        let field = "certification data type";
        assert_eq!(Quote::parse(&other), Err(QuoteError::Malformed { field, expected: 6, found: 5 }));
        for offset in [size, outer_size, auth_size, inner_size] {
            let mut longest = bytes.clone();
            longest[offset..offset + 2].fill(0xFF);
            assert!(matches!(Quote::parse(&longest), Err(QuoteError::Truncated { .. })), "{offset}");
        }
    }
}
