//! What webpki reads in a certificate and does not tell: from when until when it is valid, and who issued it.
//!
//! Spec: RFC 5280, section 4.1. webpki has read the certificate before; this walks over the same fields, in lengths of at
//! most two bytes as there.
//!
//! Panics: never on input.

use der::Decode;
use der::asn1::{GeneralizedTime, UtcTime};

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `[0]` with the version inside, which is left out in version 1.
const VERSION: u8 = 0xA0;

/// From when until when a certificate is valid, both included, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First second.
    pub not_before: u64,
    /// Last second.
    pub not_after: u64,
}

impl Validity {
    /// When both are valid. It may end before it begins.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let not_before = self.not_before.max(other.not_before);
        Self { not_before, not_after: self.not_after.min(other.not_after) }
    }
}

/// Fields of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields<'c> {
    /// A `Name`, with its header.
    pub issuer: &'c [u8],
    /// When it is valid.
    pub validity: Validity,
}

impl<'c> Fields<'c> {
    /// `None` when this is no certificate of version 3.
    #[must_use]
    pub fn read(certificate: &'c [u8]) -> Option<Self> {
        let (outer, rest) = Element::split(certificate)?;
        let (signed, _) = Element::split(outer.content_of(SEQUENCE)?)?;
        let (version, fields) = Element::split(signed.content_of(SEQUENCE)?)?;
        let (serial, fields) = Element::split(fields)?;
        let (algorithm, fields) = Element::split(fields)?;
        let (issuer, fields) = Element::split(fields)?;
        let (validity, _) = Element::split(fields)?;
        let are_right = [
            rest.is_empty(),
            version.tag == VERSION,
            serial.tag == INTEGER,
            algorithm.tag == SEQUENCE,
            issuer.tag == SEQUENCE,
        ];
        if are_right.contains(&false) {
            return None;
        }
        let validity = read_validity(validity.content_of(SEQUENCE)?)?;
        Some(Self { issuer: issuer.whole, validity })
    }
}

fn read_validity(content: &[u8]) -> Option<Validity> {
    let (not_before, rest) = Element::split(content)?;
    let (not_after, rest) = Element::split(rest)?;
    if !rest.is_empty() {
        return None;
    }
    Some(Validity { not_before: not_before.time()?, not_after: not_after.time()? })
}

/// One element of DER.
#[derive(Debug, Clone, Copy)]
struct Element<'c> {
    tag: u8,
    content: &'c [u8],
    /// With its header.
    whole: &'c [u8],
}

impl<'c> Element<'c> {
    /// The first element of `bytes`, and what follows it.
    fn split(bytes: &'c [u8]) -> Option<(Self, &'c [u8])> {
        let (&[tag, first], after) = bytes.split_first_chunk()?;
        // High tag numbers go on in the next byte; no certificate needs them before its extensions.
        if tag & 0x1F == 0x1F {
            return None;
        }
        let (length, content) = match first {
            0..=0x7F => (usize::from(first), after),
            0x81 => {
                let (&[length], content) = after.split_first_chunk()?;
                (usize::from(length), content)
            }
            0x82 => {
                let (length, content) = after.split_first_chunk()?;
                (usize::from(u16::from_be_bytes(*length)), content)
            }
            _ => return None,
        };
        // A length has one spelling, the shortest.
        let is_shortest = match first {
            0x81 => length >= 0x80,
            0x82 => length > 0xFF,
            _ => true,
        };
        let (content, rest) = content.split_at_checked(length)?;
        let whole = bytes.get(..bytes.len().checked_sub(rest.len())?)?;
        is_shortest.then_some((Self { tag, content, whole }, rest))
    }

    fn content_of(self, tag: u8) -> Option<&'c [u8]> {
        (self.tag == tag).then_some(self.content)
    }

    /// As `Time`, in seconds since 1970. Either kind for any year: RFC 5280 wants `GeneralizedTime` from 2050 on only, and
    /// webpki does not insist.
    fn time(self) -> Option<u64> {
        let since_1970 = match self.tag {
            UTC_TIME => UtcTime::from_der(self.whole).ok()?.to_unix_duration(),
            GENERALIZED_TIME => GeneralizedTime::from_der(self.whole).ok()?.to_unix_duration(),
            _ => return None,
        };
        Some(since_1970.as_secs())
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "times of a test are small")]
mod tests;
