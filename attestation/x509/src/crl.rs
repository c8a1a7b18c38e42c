//! Revocation lists: DER to fields.

use alloc::string::ToString;
use alloc::vec::Vec;

use attestation_signature::SignatureVerifier;
use der::{Decode, Encode};
use x509_cert::certificate::Version;
use x509_cert::crl::{CertificateList, RevokedCert};

use crate::envelope::Envelope;
use crate::{Certificate, DistinguishedName, Extensions, Instant, PublicKey, X509Error};

/// The longest list that is read; AMD's have less than 2 kB, Intel's some kB per hundred revoked platforms.
pub const CRL_MAX_BYTES: usize = 64 * 1024;

const OBJECT: &str = "CRL";

/// A list that is well-formed, signed by nobody in particular until [`Crl::is_signed_by`] says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crl {
    envelope: Envelope,
    issuer: DistinguishedName,
    this_update: Instant,
    next_update: Instant,
    revoked: Vec<Vec<u8>>,
}

impl Crl {
    /// Reads exactly one list.
    ///
    /// # Errors
    /// Anything but the one DER encoding of a whole version 2 list with a signature algorithm that is known. A critical
    /// extension would make it something else, a partial list for example.
    pub fn parse(bytes: &[u8]) -> Result<Self, X509Error> {
        if bytes.len() > CRL_MAX_BYTES {
            return Err(X509Error::TooLong { field: OBJECT, limit: CRL_MAX_BYTES, found: bytes.len() });
        }
        let envelope = Envelope::parse(bytes, OBJECT)?;
        let decoded: CertificateList =
            CertificateList::from_der(bytes).map_err(X509Error::encoding(OBJECT))?;
        if decoded.to_der().map_err(X509Error::encoding(OBJECT))? != bytes {
            return Err(X509Error::NotCanonical { field: OBJECT });
        }
        let fields = decoded.tbs_cert_list;
        let inner =
            fields.signature.to_der().map_err(X509Error::encoding("signature algorithm, signed copy"))?;
        envelope.check_inner_algorithm(&inner)?;
        if fields.version != Version::V2 {
            return Err(X509Error::field("CRL version", "V2", alloc::format!("{:?}", fields.version)));
        }
        let next = fields.next_update.ok_or_else(|| X509Error::field("nextUpdate", "a time", "none"))?;
        Extensions::new(fields.crl_extensions.as_deref().unwrap_or_default())?.check_critical(&[])?;
        let entries = fields.revoked_certificates.unwrap_or_default();
        let revoked = entries.iter().map(read_entry).collect::<Result<_, _>>()?;
        Ok(Self {
            envelope,
            issuer: DistinguishedName::read(&fields.issuer, "CRL issuer")?,
            this_update: Instant::of(fields.this_update),
            next_update: Instant::of(next),
            revoked,
        })
    }

    /// Whether `key` signed the bytes that were read, as `by` computes it.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey, by: &dyn SignatureVerifier) -> bool {
        self.envelope.is_signed_by(key, by)
    }

    /// Who signed, by its own account.
    #[must_use]
    pub const fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// When it was issued.
    #[must_use]
    pub const fn this_update(&self) -> Instant {
        self.this_update
    }

    /// When the next one is due.
    #[must_use]
    pub const fn next_update(&self) -> Instant {
        self.next_update
    }

    /// Serial numbers that are listed, big-endian.
    pub fn revoked(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.revoked.iter().map(Vec::as_slice)
    }

    /// Whether `certificate` is of this list's issuer and listed, whatever the date of the entry.
    #[must_use]
    pub fn revokes(&self, certificate: &Certificate) -> bool {
        *certificate.issuer() == self.issuer
            && self.revoked.iter().any(|serial| serial == certificate.serial())
    }
}

fn read_entry(entry: &RevokedCert) -> Result<Vec<u8>, X509Error> {
    Extensions::new(entry.crl_entry_extensions.as_deref().unwrap_or_default())
        .and_then(|extensions| extensions.check_critical(&[]))
        .map_err(|error| X509Error::field("CRL entry", "no critical extension", error.to_string()))?;
    Ok(entry.serial_number.as_bytes().to_vec())
}
