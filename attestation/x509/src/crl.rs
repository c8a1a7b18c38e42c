//! Revocation lists: DER to fields.

use alloc::string::ToString;
use alloc::vec::Vec;

use attestation_signature::SignatureVerifier;

use crate::elements::{Elements, GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, explicit};
use crate::envelope::{Envelope, Parts};
use crate::extensions::ExtensionList;
use crate::{Certificate, DistinguishedName, Instant, PublicKey, X509Error};

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
    /// Entries one behind the other, as DER.
    revoked: Vec<u8>,
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
        let parts = Parts::parse(bytes, OBJECT)?;
        let mut fields = Elements::of(parts.signed_bytes, SEQUENCE, OBJECT)?;
        check_version(&mut fields)?;
        parts.check_inner_algorithm(fields.element()?.whole)?;
        let issuer = DistinguishedName::read(fields.element()?.whole, "CRL issuer")?;
        let this_update = Instant::read(&mut fields)?;
        if !fields.has(UTC_TIME) && !fields.has(GENERALIZED_TIME) {
            return Err(X509Error::field("nextUpdate", "a time", "none"));
        }
        let next_update = Instant::read(&mut fields)?;
        let revoked = read_entries(&mut fields)?;
        check_extensions(&mut fields)?;
        fields.finish()?;
        Ok(Self { envelope: parts.to_envelope(), issuer, this_update, next_update, revoked })
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
    pub fn revoked(&self) -> impl Iterator<Item = &[u8]> {
        // They were read before.
        Elements::within(&self.revoked, OBJECT)
            .filter_map(|entry| Elements::within(entry.content, OBJECT).serial_number().ok())
    }

    /// Whether `certificate` is of this list's issuer and listed, whatever the date of the entry.
    #[must_use]
    pub fn revokes(&self, certificate: &Certificate) -> bool {
        *certificate.issuer() == self.issuer && self.revoked().any(|serial| serial == certificate.serial())
    }
}

/// Version 1 is the default, and left out.
fn check_version(fields: &mut Elements<'_>) -> Result<(), X509Error> {
    const V2: u8 = 1;
    let version = if fields.has(INTEGER) { fields.decode()? } else { 0_u8 };
    if version == V2 {
        return Ok(());
    }
    let found = alloc::format!("V{}", u16::from(version).saturating_add(1));
    Err(X509Error::field("CRL version", "V2", found))
}

/// `revokedCertificates`, where there are any: all of them without the header around them.
fn read_entries(fields: &mut Elements<'_>) -> Result<Vec<u8>, X509Error> {
    let mut entries = Vec::new();
    if fields.has(SEQUENCE) {
        let mut list = fields.enter(SEQUENCE)?;
        while !list.is_done() {
            let whole = list.element()?.whole;
            check_entry(whole)?;
            entries.extend_from_slice(whole);
        }
    }
    Ok(entries)
}

/// A critical extension would change what the entry means.
fn check_entry(whole: &[u8]) -> Result<(), X509Error> {
    let mut entry = Elements::of(whole, SEQUENCE, "CRL entry")?;
    entry.serial_number()?;
    Instant::read(&mut entry)?;
    if !entry.is_done() {
        ExtensionList::check_uncritical(entry.element()?.whole)
            .map_err(|error| X509Error::field("CRL entry", "no critical extension", error.to_string()))?;
    }
    entry.finish()
}

/// `[0] EXPLICIT Extensions`, where there are any.
fn check_extensions(fields: &mut Elements<'_>) -> Result<(), X509Error> {
    if fields.is_done() {
        return Ok(());
    }
    let mut tagged = fields.enter(explicit(0))?;
    ExtensionList::check_uncritical(tagged.element()?.whole)?;
    tagged.finish()
}
