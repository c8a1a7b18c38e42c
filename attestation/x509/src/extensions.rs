//! Extensions: each at most once, read by its OID.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use der::Decode;
use der::asn1::{BitStringRef, ObjectIdentifier};

use crate::X509Error;
use crate::elements::{BOOLEAN, Elements, OCTET_STRING, SEQUENCE};

pub(crate) const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
pub(crate) const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
/// The most that are read; a VCEK has 18.
pub const EXTENSIONS_MAX: usize = 64;

const FIELD: &str = "extensions";
const KEY_CERT_SIGN: usize = 5;
const CRL_SIGN: usize = 6;

/// What a certificate says besides its fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extensions {
    /// One behind the other, as DER.
    list: Vec<u8>,
}

/// What an authority may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority {
    /// How many authorities may follow below it; `None` without a limit.
    pub path_length: Option<u8>,
    /// It may sign revocation lists.
    pub signs_crls: bool,
}

struct Extension<'a> {
    /// Content of its OBJECT IDENTIFIER.
    oid: &'a [u8],
    is_critical: bool,
    value: &'a [u8],
}

/// Extensions that were read, borrowed: one behind the other, as DER.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExtensionList<'a>(&'a [u8]);

impl<'a> ExtensionList<'a> {
    /// Reads `Extensions`, with its header. Refuses an extension that stands twice.
    pub(crate) fn read(sequence: &'a [u8]) -> Result<Self, X509Error> {
        Self::read_each(sequence, |_| Ok(()))
    }

    /// The same where nothing may be critical.
    pub(crate) fn check_uncritical(sequence: &'a [u8]) -> Result<(), X509Error> {
        let check = |extension: &Extension<'_>| check_known(extension, &[]);
        Self::read_each(sequence, check).map(drop)
    }

    fn read_each(
        sequence: &'a [u8],
        check: impl Fn(&Extension<'a>) -> Result<(), X509Error>,
    ) -> Result<Self, X509Error> {
        let mut elements = Elements::of(sequence, SEQUENCE, FIELD)?;
        let list = Self(elements.rest());
        let mut seen: [&[u8]; EXTENSIONS_MAX] = [&[]; _];
        let mut count = 0_usize;
        while !elements.is_done() {
            let extension = read_extension(elements.element()?.whole)?;
            check(&extension)?;
            if seen.iter().take(count).any(|earlier| *earlier == extension.oid) {
                return Err(X509Error::field(FIELD, "each at most once", shown_oid(extension.oid)));
            }
            let Some(place) = seen.get_mut(count) else {
                return Err(X509Error::field(FIELD, alloc::format!("at most {EXTENSIONS_MAX}"), "more"));
            };
            *place = extension.oid;
            count = count.saturating_add(1);
        }
        Ok(list)
    }

    /// They were read before.
    fn iter(self) -> impl Iterator<Item = Extension<'a>> {
        Elements::within(self.0, FIELD).filter_map(|element| read_extension(element.whole).ok())
    }
}

impl Extensions {
    /// Reads `Extensions`, with its header.
    pub(crate) fn read(sequence: &[u8]) -> Result<Self, X509Error> {
        Ok(Self { list: ExtensionList::read(sequence)?.0.to_vec() })
    }

    pub(crate) fn value(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        let mut extensions = ExtensionList(&self.list).iter();
        extensions.find(|extension| extension.oid == oid.as_bytes()).map(|extension| extension.value)
    }

    /// Refuses critical extensions that are not in `known`.
    pub(crate) fn check_critical(&self, known: &[ObjectIdentifier]) -> Result<(), X509Error> {
        ExtensionList(&self.list).iter().try_for_each(|extension| check_known(&extension, known))
    }

    /// Reads what an authority's certificate must have: `cA`, and the right to sign certificates.
    ///
    /// # Errors
    /// The certificate is no authority's, may not sign certificates, or has a critical extension that is not known.
    pub fn authority(&self) -> Result<Authority, X509Error> {
        self.check_critical(&[BASIC_CONSTRAINTS, KEY_USAGE])?;
        let constraints = self.value(BASIC_CONSTRAINTS);
        let path_length = constraints
            .and_then(|value| read_path_length(value).ok())
            .ok_or_else(|| X509Error::field("basic constraints", "CA", shown(constraints)))?;
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

/// Refuses an extension that is critical and not in `known`: whoever marks one critical forbids to overlook it.
fn check_known(extension: &Extension<'_>, known: &[ObjectIdentifier]) -> Result<(), X509Error> {
    if !extension.is_critical || known.iter().any(|known| known.as_bytes() == extension.oid) {
        return Ok(());
    }
    Err(X509Error::field("critical extension", "one that is known", shown_oid(extension.oid)))
}

/// `Extension`. `critical` is false by default, so that DER leaves it out.
fn read_extension(whole: &[u8]) -> Result<Extension<'_>, X509Error> {
    let mut parts = Elements::of(whole, SEQUENCE, FIELD)?;
    let oid = parts.object_identifier()?;
    let is_critical = parts.has(BOOLEAN);
    if is_critical && !parts.decode::<bool>()? {
        return Err(X509Error::NotCanonical { field: "extension: critical" });
    }
    let value = parts.content(OCTET_STRING)?;
    parts.finish()?;
    Ok(Extension { oid, is_critical, value })
}

/// `pathLenConstraint` of `BasicConstraints` with `cA`. Fails without `cA`.
fn read_path_length(value: &[u8]) -> Result<Option<u8>, X509Error> {
    let mut parts = Elements::of(value, SEQUENCE, "basic constraints")?;
    if !parts.decode::<bool>()? {
        return Err(X509Error::NotCanonical { field: parts.field() });
    }
    let path_length = if parts.is_done() { None } else { Some(parts.decode()?) };
    parts.finish()?;
    Ok(path_length)
}

fn shown_oid(content: &[u8]) -> String {
    ObjectIdentifier::from_bytes(content).map_or_else(|_| hex::encode(content), |oid| oid.to_string())
}

fn shown(value: Option<&[u8]>) -> String {
    value.map_or_else(|| "none".into(), hex::encode)
}
