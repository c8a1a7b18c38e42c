//! Certificates: DER to fields.

use alloc::string::String;
use alloc::vec::Vec;

use attestation_signature::SignatureVerifier;

use crate::elements::{Elements, SEQUENCE, explicit, implicit};
use crate::envelope::{Envelope, Parts};
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
        let parts = Parts::parse(bytes, OBJECT)?;
        let mut fields = Elements::of(parts.signed_bytes, SEQUENCE, OBJECT)?;
        check_version(&mut fields)?;
        let serial = fields.serial_number()?.to_vec();
        parts.check_inner_algorithm(fields.element()?.whole)?;
        let issuer = DistinguishedName::read(fields.element()?.whole, "issuer")?;
        let validity = read_validity(&mut fields)?;
        let subject = DistinguishedName::read(fields.element()?.whole, "subject")?;
        let key = PublicKey::read(fields.element()?.whole)?;
        let extensions = read_extensions(&mut fields)?;
        fields.finish()?;
        let envelope = parts.to_envelope();
        Ok(Self { envelope, serial, issuer, subject, validity, key, extensions })
    }

    /// The bytes that were read.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        self.envelope.der()
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
        hex::encode(&self.serial)
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

/// `[0] EXPLICIT Version`. Version 1 is the default, and left out.
fn check_version(fields: &mut Elements<'_>) -> Result<(), X509Error> {
    const V3: u8 = 2;
    let version = if fields.has(explicit(0)) { fields.enter(explicit(0))?.only()? } else { 0_u8 };
    if version == V3 {
        return Ok(());
    }
    let found = alloc::format!("V{}", u16::from(version).saturating_add(1));
    Err(X509Error::field("certificate version", "V3", found))
}

fn read_validity(fields: &mut Elements<'_>) -> Result<Validity, X509Error> {
    let mut times = fields.enter(SEQUENCE)?;
    let (not_before, not_after) =
        (Instant::read_of_either_kind(&mut times)?, Instant::read_of_either_kind(&mut times)?);
    times.finish()?;
    Ok(Validity { not_before, not_after })
}

/// `[3] EXPLICIT Extensions`, where there are any. Before them may stand unique identifiers, which nobody uses.
fn read_extensions(fields: &mut Elements<'_>) -> Result<Extensions, X509Error> {
    if fields.has(implicit(1)) || fields.has(implicit(2)) {
        return Err(X509Error::field("unique identifiers", "none", "some"));
    }
    if fields.is_done() {
        return Ok(Extensions::default());
    }
    let mut tagged = fields.enter(explicit(3))?;
    let extensions = Extensions::read(tagged.element()?.whole)?;
    tagged.finish()?;
    Ok(extensions)
}
