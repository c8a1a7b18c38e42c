//! Certificates: DER to fields.

use alloc::string::String;
use alloc::vec::Vec;

use attestation_signature::SignatureVerifier;
use der::{Decode, Encode, Reader, SliceReader};
use x509_cert::certificate::{TbsCertificateInner, Version};

use crate::envelope::{Envelope, hex};
use crate::{DistinguishedName, Extensions, Instant, PublicKey, SignatureAlgorithm, Validity, X509Error};

/// The longest certificate that is read; AMD's have 1.7 kB, the longest of the vendors.
pub const CERTIFICATE_MAX_BYTES: usize = 8192;

const OBJECT: &str = "certificate";

/// A certificate that is well-formed, signed by nobody in particular until [`Certificate::is_signed_by`] says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    envelope: Envelope,
    serial: Vec<u8>,
    issuer: DistinguishedName,
    subject: DistinguishedName,
    validity: Validity,
    key: PublicKey,
    extensions: Extensions,
}

impl Certificate {
    /// Reads exactly one certificate.
    ///
    /// # Errors
    /// Anything but the one DER encoding of a version 3 certificate with a key and a signature algorithm that are known.
    pub fn parse(bytes: &[u8]) -> Result<Self, X509Error> {
        if bytes.len() > CERTIFICATE_MAX_BYTES {
            let (limit, found) = (CERTIFICATE_MAX_BYTES, bytes.len());
            return Err(X509Error::TooLong { field: OBJECT, limit, found });
        }
        let envelope = Envelope::parse(bytes, OBJECT)?;
        let decoded = x509_cert::Certificate::from_der(bytes).map_err(X509Error::encoding(OBJECT))?;
        let encoded = decoded.to_der().map_err(X509Error::encoding(OBJECT))?;
        if encoded != bytes && !differs_in_validity_only(&encoded, bytes) {
            return Err(X509Error::NotCanonical { field: OBJECT });
        }
        Self::read(envelope, decoded.tbs_certificate())
    }

    fn read(envelope: Envelope, fields: &TbsCertificateInner) -> Result<Self, X509Error> {
        let inner =
            fields.signature().to_der().map_err(X509Error::encoding("signature algorithm, signed copy"))?;
        envelope.check_inner_algorithm(&inner)?;
        if fields.version() != Version::V3 {
            let found = alloc::format!("{:?}", fields.version());
            return Err(X509Error::field("certificate version", "V3", found));
        }
        if fields.issuer_unique_id().is_some() || fields.subject_unique_id().is_some() {
            return Err(X509Error::field("unique identifiers", "none", "some"));
        }
        let validity = fields.validity();
        Ok(Self {
            envelope,
            serial: fields.serial_number().as_bytes().to_vec(),
            issuer: DistinguishedName::read(fields.issuer(), "issuer")?,
            subject: DistinguishedName::read(fields.subject(), "subject")?,
            validity: Validity {
                not_before: Instant::of(validity.not_before),
                not_after: Instant::of(validity.not_after),
            },
            key: PublicKey::read(fields.subject_public_key_info())?,
            extensions: Extensions::new(fields.extensions().map_or(&[], Vec::as_slice))?,
        })
    }

    /// Whether `key` signed the bytes that were read, as `by` computes it.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey, by: &dyn SignatureVerifier) -> bool {
        self.envelope.is_signed_by(key, by)
    }

    /// How it is signed.
    #[must_use]
    pub const fn signature_algorithm(&self) -> SignatureAlgorithm {
        self.envelope.algorithm()
    }

    /// Whether issuer and subject are one: a root, or what pretends to be one.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Serial number, big-endian. Zero in every VCEK and VLEK of AMD.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Serial number in hexadecimal.
    #[must_use]
    pub fn serial_hex(&self) -> String {
        hex(&self.serial)
    }

    /// Who signed, by its own account.
    #[must_use]
    pub const fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// Whose key this is.
    #[must_use]
    pub const fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// When it may be relied on.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What else it says.
    #[must_use]
    pub const fn extensions(&self) -> &Extensions {
        &self.extensions
    }
}

/// NVIDIA's authorities for reference values write dates before 2050 as `GeneralizedTime`. That is DER, each date in one
/// spelling of its kind, but not the kind that RFC 5280 prescribes and that our own encoding therefore has.
fn differs_in_validity_only(encoded: &[u8], bytes: &[u8]) -> bool {
    let (encoded, bytes) = (parts_without_validity(encoded), parts_without_validity(bytes));
    encoded.is_ok_and(|encoded| bytes.is_ok_and(|bytes| encoded == bytes))
}

/// The parts of a certificate in their order, each with tag and length.
fn parts_without_validity(bytes: &[u8]) -> Result<Vec<&[u8]>, der::Error> {
    /// Behind version, serial number, algorithm and issuer.
    const VALIDITY: usize = 4;
    let mut reader = SliceReader::new(bytes)?;
    let parts = reader.sequence(|body| {
        let mut parts = body.sequence(|fields| {
            let mut parts = Vec::new();
            for index in 0_usize.. {
                if fields.is_finished() {
                    break;
                }
                let part = fields.tlv_bytes()?;
                if index != VALIDITY {
                    parts.push(part);
                }
            }
            Ok::<_, der::Error>(parts)
        })?;
        parts.push(body.tlv_bytes()?);
        parts.push(body.tlv_bytes()?);
        Ok::<_, der::Error>(parts)
    })?;
    reader.finish()?;
    Ok(parts)
}
