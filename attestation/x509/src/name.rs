//! Distinguished names: compared byte for byte, because a name that can be written in two ways is two names to somebody.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use der::asn1::{ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use der::{Encode, Tag, Tagged};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::Name;

use crate::X509Error;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// Who issued, or whose key it is.
#[derive(Debug, Clone)]
pub struct DistinguishedName {
    der: Vec<u8>,
    common_name: Option<String>,
    text: String,
}

impl DistinguishedName {
    /// `CN`, when there is exactly one, as UTF-8 or printable string.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// The name as it stands in the certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn read(name: &Name, field: &'static str) -> Result<Self, X509Error> {
        let der = name.to_der().map_err(X509Error::encoding(field))?;
        let mut names = name.as_ref().iter().flat_map(|set| set.as_ref().iter());
        let mut common_names = names.by_ref().filter(|attribute| attribute.oid == COMMON_NAME);
        let first = common_names.next().and_then(text);
        let common_name = if common_names.next().is_none() { first } else { None };
        Ok(Self { der, common_name, text: name.to_string() })
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for DistinguishedName {}

/// RFC 4514: `CN=SEV-Milan,O=Advanced Micro Devices,…`.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn text(attribute: &AttributeTypeAndValue) -> Option<String> {
    let value = &attribute.value;
    match value.tag() {
        Tag::Utf8String => value.decode_as::<Utf8StringRef<'_>>().ok().map(|text| text.as_str().into()),
        Tag::PrintableString => {
            value.decode_as::<PrintableStringRef<'_>>().ok().map(|text| text.as_str().into())
        }
        _ => None,
    }
}
