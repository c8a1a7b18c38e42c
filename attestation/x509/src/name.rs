//! Distinguished names: compared byte for byte, because a name that can be written in two ways is two names to somebody.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use der::asn1::{AnyRef, Ia5StringRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use der::{Encode, Tag, Tagged};

use crate::X509Error;
use crate::elements::Elements;
use crate::envelope::hex;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// Attribute types of RFC 4514, section 3, and their short names.
const LABELS: [(ObjectIdentifier, &str); 9] = [
    (COMMON_NAME, "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.9"), "STREET"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"), "UID"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"), "DC"),
];

/// Who issued, or whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistinguishedName {
    der: Vec<u8>,
}

impl DistinguishedName {
    /// `CN`, when there is exactly one, as UTF-8 or printable string.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        let mut found = (0_usize, None);
        // It was read before.
        let _ = each_attribute(&self.der, "name", |_, attribute| {
            if attribute.oid == COMMON_NAME {
                found = (found.0.saturating_add(1), attribute.text());
            }
        });
        found.1.filter(|_| found.0 == 1)
    }

    /// The name as it stands in the certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Reads a name, with its header.
    pub(crate) fn read(der: &[u8], field: &'static str) -> Result<Self, X509Error> {
        each_attribute(der, field, |_, _| ())?;
        Ok(Self { der: der.to_vec() })
    }
}

/// RFC 4514: `CN=SEV-Milan,O=Advanced Micro Devices,…`, the last attribute first.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sets: Vec<String> = Vec::new();
        // It was read before.
        let _ = each_attribute(&self.der, "name", |set, attribute| match sets.get_mut(set) {
            Some(text) => *text = alloc::format!("{text}+{attribute}"),
            None => sets.push(attribute.to_string()),
        });
        sets.reverse();
        f.write_str(&sets.join(","))
    }
}

struct Attribute<'a> {
    oid: ObjectIdentifier,
    value: AnyRef<'a>,
}

/// Reads `Name`, and tells of each attribute which set it is in, from 0. Attributes of a set are in order and differ, as in
/// any `SET OF` of DER.
fn each_attribute<'a>(
    der: &'a [u8],
    field: &'static str,
    mut tell: impl FnMut(usize, Attribute<'a>),
) -> Result<(), X509Error> {
    let mut sets = Elements::of(der, Tag::Sequence, field)?;
    for index in 0_usize.. {
        if sets.is_done() {
            break;
        }
        let mut set = sets.enter(Tag::Set)?;
        let mut earlier: &[u8] = &[];
        loop {
            let whole = set.whole()?;
            if whole <= earlier {
                return Err(X509Error::NotCanonical { field });
            }
            earlier = whole;
            let mut parts = Elements::of(whole, Tag::Sequence, field)?;
            let attribute = Attribute { oid: parts.decode()?, value: parts.decode()? };
            parts.finish()?;
            tell(index, attribute);
            if set.is_done() {
                break;
            }
        }
    }
    Ok(())
}

impl<'a> Attribute<'a> {
    fn text(&self) -> Option<&'a str> {
        match self.value.tag() {
            Tag::Utf8String => self.value.decode_as::<Utf8StringRef<'a>>().ok().map(|text| text.as_str()),
            Tag::PrintableString => {
                self.value.decode_as::<PrintableStringRef<'a>>().ok().map(|text| text.as_str())
            }
            Tag::Ia5String => self.value.decode_as::<Ia5StringRef<'a>>().ok().map(|text| text.as_str()),
            _ => None,
        }
    }
}

/// RFC 4514, sections 2.3 and 2.4: what has no short name or is no text is in numbers.
impl fmt::Display for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = LABELS.iter().find(|(oid, _)| *oid == self.oid);
        match label.zip(self.text()) {
            Some(((_, label), text)) => {
                write!(f, "{label}=")?;
                write_escaped(f, text)
            }
            None => {
                let value = self.value.to_der().map_err(|_| fmt::Error)?;
                match label {
                    Some((_, label)) => write!(f, "{label}=#{}", hex(&value)),
                    None => write!(f, "{}=#{}", self.oid, hex(&value)),
                }
            }
        }
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let last = text.chars().count().saturating_sub(1);
    for (index, character) in text.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{character}")?,
            '#' if index == 0 => write!(f, "\\#")?,
            ' ' if index == 0 || index == last => write!(f, "\\ ")?,
            _ if character.is_control() => {
                for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                    write!(f, "\\{byte:02x}")?;
                }
            }
            _ => write!(f, "{character}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use core::str::FromStr;

    use x509_cert::name::Name;

    use super::*;

    fn name(text: &str) -> DistinguishedName {
        let der = Name::from_str(text).expect(text).to_der().expect(text);
        DistinguishedName::read(&der, "name").expect(text)
    }

    #[test]
    fn names_read_as_the_library_writes_them() {
        for text in [
            "CN=SEV-Milan,O=Advanced Micro Devices,ST=CA,L=Santa Clara,C=US,OU=Engineering",
            "CN=Intel SGX PCK Platform CA,O=Intel Corporation,L=Santa Clara,ST=CA,C=US",
            "CN=A\\, with \\+ and \\;,O=x",
            "CN=\\#leading,O=\\ leading",
            "CN=trailing\\ ,O=x",
            "CN=one+OU=two,C=US",
            "STREET=a street,UID=somebody,DC=example",
            "O=umlaut \u{e4}",
            "O=\\\"quoted\\\" \\<tag\\> back\\\\slash",
        ] {
            assert_eq!(name(text).to_string(), Name::from_str(text).expect(text).to_string());
        }
        assert_eq!(DistinguishedName::read(b"\x30\x00", "name").expect("a name").to_string(), "");
    }

    #[test]
    fn what_is_no_text_reads_in_numbers() {
        // An attribute without a short name; a common name that is a NULL; a control character.
        for (attribute, text) in [
            (&b"\x30\x0B\x06\x03\x55\x04\x05\x0C\x04abcd"[..], "2.5.4.5=#0c0461626364"),
            (b"\x30\x07\x06\x03\x55\x04\x03\x05\x00", "CN=#0500"),
            (b"\x30\x0A\x06\x03\x55\x04\x03\x0C\x03a\nb", "CN=a\\0ab"),
        ] {
            let set = [&[0x31, u8::try_from(attribute.len()).unwrap()], attribute].concat();
            let der = [&[0x30, u8::try_from(set.len()).unwrap()], set.as_slice()].concat();
            assert_eq!(DistinguishedName::read(&der, "name").unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_common_name_is_one_or_none() {
        assert_eq!(name("CN=one,O=x").common_name(), Some("one"));
        assert_eq!(name("CN=one,CN=two").common_name(), None);
        assert_eq!(name("O=x").common_name(), None);
    }

    #[test]
    fn sets_are_in_order_and_not_empty() {
        let (a, b) = (b"\x30\x08\x06\x03\x55\x04\x03\x0C\x01a", b"\x30\x08\x06\x03\x55\x04\x03\x0C\x01b");
        let read = |attributes: &[&[u8]]| {
            let set = attributes.concat();
            let set = [&[0x31, u8::try_from(set.len()).unwrap()], set.as_slice()].concat();
            let der = [&[0x30, u8::try_from(set.len()).unwrap()], set.as_slice()].concat();
            DistinguishedName::read(&der, "name")
        };
        assert!(read(&[a, b]).is_ok());
        for wrong in [&[b.as_slice(), a][..], &[a, a]] {
            assert_eq!(read(wrong), Err(X509Error::NotCanonical { field: "name" }));
        }
        assert!(read(&[]).is_err());
    }
}
