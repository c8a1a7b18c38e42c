//! A quote of a TPM: `TPMS_ATTEST` of type `TPM_ST_ATTEST_QUOTE` (TPM 2.0 Library, part 2, section 10.12). Big-endian,
//! unlike everything else here.

/// `TPM_GENERATED_VALUE`: only a TPM writes it before what it signs.
pub const GENERATED: u32 = 0xFF54_4347;
/// `TPM_ST_ATTEST_QUOTE`.
pub const ATTEST_QUOTE: u16 = 0x8018;
/// `TPM_ALG_SHA256`.
pub const ALGORITHM_SHA256: u16 = 0x000B;
/// Registers that a selection of three bytes can name.
pub const PCR_COUNT: usize = 24;

/// Clock, counters, and whether the clock is safe: not interpreted.
const CLOCK_BYTES: usize = 17;
const FIRMWARE_VERSION_BYTES: usize = 8;
const SELECTION_BYTES: u8 = 3;

/// A quote over registers of the SHA-256 bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TpmQuote<'a> {
    /// What the verifier sent: `extraData`.
    pub extra_data: &'a [u8],
    /// Which registers: bit N is register N.
    pub selected: u32,
    /// Digest over their contents.
    pub pcr_digest: &'a [u8],
}

/// Bytes that are no such quote. Whoever supplied them is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TpmQuoteError {
    /// The end comes before a length says.
    #[error("TPM quote: truncated in {field}")]
    Truncated {
        /// Where.
        field: &'static str,
    },
    /// Bytes behind the end.
    #[error("TPM quote: expected no more bytes, found {found}")]
    Trailing {
        /// How many.
        found: usize,
    },
    /// A field with another value than in such a quote.
    #[error("TPM quote, {field}: expected {expected:#x}, found {found:#x}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What such a quote has.
        expected: u32,
        /// What stands there.
        found: u32,
    },
}

impl<'a> TpmQuote<'a> {
    /// Reads exactly one quote.
    ///
    /// # Errors
    /// Another structure, or other registers than one selection of the SHA-256 bank.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, TpmQuoteError> {
        let mut reader = Reader(bytes);
        reader.expect_u32("magic", GENERATED)?;
        reader.expect_u16("type", ATTEST_QUOTE)?;
        reader.sized("qualified signer")?;
        let extra_data = reader.sized("extra data")?;
        reader.take("clock", CLOCK_BYTES)?;
        reader.take("firmware version", FIRMWARE_VERSION_BYTES)?;
        reader.expect_u32("count of PCR selections", 1)?;
        reader.expect_u16("PCR bank", ALGORITHM_SHA256)?;
        reader.expect_u8("bytes of the PCR selection", SELECTION_BYTES)?;
        let [low, middle, high] = reader.array("PCR selection")?;
        let selected = u32::from_le_bytes([low, middle, high, 0]);
        let pcr_digest = reader.sized("PCR digest")?;
        match reader.0.len() {
            0 => Ok(Self { extra_data, selected, pcr_digest }),
            found => Err(TpmQuoteError::Trailing { found }),
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], TpmQuoteError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(TpmQuoteError::Truncated { field })?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], TpmQuoteError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(TpmQuoteError::Truncated { field })?;
        self.0 = rest;
        Ok(*taken)
    }

    /// `TPM2B_…`: a length of two bytes, and as many bytes.
    fn sized(&mut self, field: &'static str) -> Result<&'a [u8], TpmQuoteError> {
        let count = u16::from_be_bytes(self.array(field)?);
        self.take(field, usize::from(count))
    }

    fn expect_u32(&mut self, field: &'static str, expected: u32) -> Result<(), TpmQuoteError> {
        match u32::from_be_bytes(self.array(field)?) {
            found if found == expected => Ok(()),
            found => Err(TpmQuoteError::Field { field, expected, found }),
        }
    }

    fn expect_u16(&mut self, field: &'static str, expected: u16) -> Result<(), TpmQuoteError> {
        match u16::from_be_bytes(self.array(field)?) {
            found if found == expected => Ok(()),
            found => Err(TpmQuoteError::Field { field, expected: expected.into(), found: found.into() }),
        }
    }

    fn expect_u8(&mut self, field: &'static str, expected: u8) -> Result<(), TpmQuoteError> {
        match self.array(field)? {
            [found] if found == expected => Ok(()),
            [found] => Err(TpmQuoteError::Field { field, expected: expected.into(), found: found.into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote() -> Vec<u8> {
        let parts: [&[u8]; 9] = [
            &GENERATED.to_be_bytes(),
            &ATTEST_QUOTE.to_be_bytes(),
            &[0, 3, 7, 7, 7],
            &[0, 2, b'h', b'i'],
            &[1; CLOCK_BYTES + FIRMWARE_VERSION_BYTES],
            &[0, 0, 0, 1],
            &ALGORITHM_SHA256.to_be_bytes(),
            &[3, 0x01, 0x80, 0x40],
            &[0, 2, 0xD1, 0xD2],
        ];
        parts.concat()
    }

    #[test]
    fn fields_are_read_in_their_order() {
        let bytes = quote();
        let quote = TpmQuote::parse(&bytes).unwrap();
        assert_eq!((quote.extra_data, quote.pcr_digest), (&b"hi"[..], &[0xD1, 0xD2][..]));
        assert_eq!(quote.selected, 1 | 1 << 15 | 1 << 22);
    }

    #[test]
    fn every_truncation_and_every_wrong_field_is_named() {
        let bytes = quote();
        for length in 0..bytes.len() {
            let error = TpmQuote::parse(&bytes[..length]).unwrap_err();
            assert!(matches!(error, TpmQuoteError::Truncated { .. }), "{length}: {error}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(TpmQuote::parse(&longer), Err(TpmQuoteError::Trailing { found: 1 }));
        for (offset, name) in
            [(0, "magic"), (5, "type"), (43, "count"), (45, "bank"), (46, "bytes of the PCR")]
        {
            let mut wrong = bytes.clone();
            wrong[offset] ^= 0x40;
            let error = TpmQuote::parse(&wrong).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("expected 0x"), "{offset}: {error}");
        }
    }
}
