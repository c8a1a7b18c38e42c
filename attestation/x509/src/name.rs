//! Distinguished names: compared byte for byte, because a name that can be written in two ways is two names to somebody.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use der::asn1::{ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use der::{Encode, Tag, Tagged};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{Name, RelativeDistinguishedName};

use crate::X509Error;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// Attribute types of RFC 4519 and their short names.
const LABELS: [(ObjectIdentifier, &str); 6] = [
    (COMMON_NAME, "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
];

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
        Ok(Self { der, common_name, text: to_text(name) })
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

/// RFC 4514, as the library writes it. For each attribute the library searches all object identifiers that it knows,
/// which was a tenth of the time for a TDX quote; what authorities' names are made of is written here.
fn to_text(name: &Name) -> String {
    let set = |set: &RelativeDistinguishedName| {
        set.as_ref().iter().map(attribute_text).collect::<Vec<_>>().join("+")
    };
    let mut sets: Vec<String> = name.as_ref().iter().map(set).collect();
    sets.reverse();
    sets.join(",")
}

fn attribute_text(attribute: &AttributeTypeAndValue) -> String {
    let is_plain = |value: &String| {
        let has_plain_ends = !value.starts_with(' ') && !value.ends_with(' ');
        has_plain_ends && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -./:_".contains(&byte))
    };
    let label = LABELS.iter().find(|(oid, _)| *oid == attribute.oid);
    match (label, text(attribute).filter(is_plain)) {
        (Some((_, label)), Some(value)) => alloc::format!("{label}={value}"),
        _ => attribute.to_string(),
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

#[cfg(test)]
mod tests {
    use core::str::FromStr;

    use super::*;

    /// What the library writes is the specification; this is only faster.
    #[test]
    fn names_read_as_the_library_writes_them() {
        for text in [
            "CN=SEV-Milan,O=Advanced Micro Devices,ST=CA,L=Santa Clara,C=US,OU=Engineering",
            "CN=Intel SGX PCK Platform CA,O=Intel Corporation,L=Santa Clara,ST=CA,C=US",
            "CN=A\\, with \\+ and \\;,O=x",
            "CN=\\#leading,O=\\ leading",
            "CN=trailing\\ ,O=x",
            "CN=one+OU=two,C=US",
            "STREET=not in the table,UID=neither",
            "O=umlaut \u{e4}",
        ] {
            let name = Name::from_str(text).expect(text);
            assert_eq!(to_text(&name), name.to_string(), "{text}");
        }
        assert_eq!(to_text(&Name::default()), "");
    }
}
