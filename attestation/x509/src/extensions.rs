//! Extensions: each at most once, read by its OID.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use der::asn1::{BitStringRef, ObjectIdentifier};
use der::{Decode, Encode};
use x509_cert::ext::pkix::BasicConstraints;

use crate::X509Error;
use crate::envelope::hex;

pub(crate) const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
pub(crate) const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const KEY_CERT_SIGN: usize = 5;
const CRL_SIGN: usize = 6;

/// What a certificate says besides its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extensions(Vec<x509_cert::ext::Extension>);

/// What an authority may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority {
    /// How many authorities may follow below it; `None` without a limit.
    pub path_length: Option<u8>,
    /// It may sign revocation lists.
    pub signs_crls: bool,
}

impl Extensions {
    /// Refuses an extension that stands twice.
    pub(crate) fn new(list: &[x509_cert::ext::Extension]) -> Result<Self, X509Error> {
        for (index, extension) in list.iter().enumerate() {
            if list.iter().take(index).any(|earlier| earlier.extn_id == extension.extn_id) {
                return Err(X509Error::field(
                    "extensions",
                    "each at most once",
                    extension.extn_id.to_string(),
                ));
            }
        }
        Ok(Self(list.to_vec()))
    }

    pub(crate) fn value(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|extension| extension.extn_id == oid)
            .map(|extension| extension.extn_value.as_bytes())
    }

    /// Refuses critical extensions that are not in `known`: whoever marks one critical forbids to overlook it.
    pub(crate) fn check_critical(&self, known: &[ObjectIdentifier]) -> Result<(), X509Error> {
        match self.0.iter().find(|extension| extension.critical && !known.contains(&extension.extn_id)) {
            None => Ok(()),
            Some(extension) => Err(X509Error::field(
                "critical extension",
                "one that is known",
                extension.extn_id.to_string(),
            )),
        }
    }

    /// Reads what an authority's certificate must have: `cA`, and the right to sign certificates.
    ///
    /// # Errors
    /// The certificate is no authority's, may not sign certificates, or has a critical extension that is not known.
    pub fn authority(&self) -> Result<Authority, X509Error> {
        self.check_critical(&[BASIC_CONSTRAINTS, KEY_USAGE])?;
        let constraints = self.value(BASIC_CONSTRAINTS);
        let decoded = constraints.and_then(|value| {
            let decoded = BasicConstraints::from_der(value).ok()?;
            decoded.to_der().ok().filter(|der| der == value).map(|_| decoded)
        });
        let Some(BasicConstraints { ca: true, path_len_constraint: path_length }) = decoded else {
            return Err(X509Error::field("basic constraints", "CA", shown(constraints)));
        };
        let usage = self.value(KEY_USAGE);
        // Not `KeyUsage`: AMD leaves a zero bit at the end, which DER would have trimmed.
        let bits = usage.and_then(|value| BitStringRef::from_der(value).ok());
        let is_set = |index: usize| bits.is_some_and(|bits| bits.bits().nth(index) == Some(true));
        let others = bits.is_some_and(|bits| {
            bits.bits().enumerate().any(|(index, bit)| bit && index != KEY_CERT_SIGN && index != CRL_SIGN)
        });
        if !is_set(KEY_CERT_SIGN) || others {
            return Err(X509Error::field(
                "key usage",
                "to sign certificates, and nothing but CRLs besides",
                shown(usage),
            ));
        }
        Ok(Authority { path_length, signs_crls: is_set(CRL_SIGN) })
    }
}

fn shown(value: Option<&[u8]>) -> String {
    value.map_or_else(|| "none".into(), hex)
}
