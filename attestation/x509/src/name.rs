//! Distinguished names: compared byte for byte, because a name that can be written in two ways is two names to somebody.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use der::asn1::{Ia5StringRef, ObjectIdentifier, PrintableStringRef};

use crate::X509Error;
use crate::elements::{Element, Elements, SEQUENCE, SET};

const UTF8_STRING: u8 = 0x0C;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;
/// `id-at-commonName`, content of its OBJECT IDENTIFIER.
const COMMON_NAME: &[u8] = b"\x55\x04\x03";

/// Who issued, or whose key it is.
#[derive(Debug, Clone)]
pub struct DistinguishedName {
    der: Vec<u8>,
    common_name: Option<String>,
}

impl DistinguishedName {
    /// `CN`, when there is exactly one.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// The name as it stands in the certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Reads a name, with its header.
    pub(crate) fn read(der: &[u8], field: &'static str) -> Result<Self, X509Error> {
        let (mut common_name, mut count) = (None, 0_usize);
        each_attribute(der, field, |_, attribute| {
            if attribute.oid == COMMON_NAME {
                common_name = Some(attribute.text.into());
                count = count.saturating_add(1);
            }
        })?;
        Ok(Self { der: der.to_vec(), common_name: common_name.filter(|_| count == 1) })
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for DistinguishedName {}

/// RFC 4514: `CN=SEV-Milan,O=Advanced Micro Devices,…`, the last set first.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut attributes = Vec::new();
        // It was read before.
        let _ = each_attribute(&self.der, "name", |set, attribute| attributes.push((set, attribute)));
        let sets = attributes.chunk_by(|(one, _), (other, _)| one == other);
        for (index, set) in sets.rev().enumerate() {
            if index != 0 {
                f.write_char(',')?;
            }
            for (index, (_, attribute)) in set.iter().enumerate() {
                if index != 0 {
                    f.write_char('+')?;
                }
                attribute.fmt(f)?;
            }
        }
        Ok(())
    }
}

struct Attribute<'a> {
    /// Content of its OBJECT IDENTIFIER.
    oid: &'a [u8],
    value: Element<'a>,
    text: &'a str,
}

/// Reads `Name`, and tells of each attribute which set it is in, from 0. Attributes of a set are in order and differ, as in
/// any `SET OF` of DER.
fn each_attribute<'a>(
    der: &'a [u8],
    field: &'static str,
    mut tell: impl FnMut(usize, Attribute<'a>),
) -> Result<(), X509Error> {
    let mut sets = Elements::of(der, SEQUENCE, field)?;
    for index in 0_usize.. {
        if sets.is_done() {
            break;
        }
        let mut set = sets.enter(SET)?;
        let mut earlier: &[u8] = &[];
        loop {
            let whole = set.element()?.whole;
            if whole <= earlier {
                return Err(X509Error::NotCanonical { field });
            }
            earlier = whole;
            tell(index, Attribute::read(whole, field)?);
            if set.is_done() {
                break;
            }
        }
    }
    Ok(())
}

impl<'a> Attribute<'a> {
    /// Reads `AttributeTypeAndValue`, with its header. Vendors' names are text.
    fn read(whole: &'a [u8], field: &'static str) -> Result<Self, X509Error> {
        let mut parts = Elements::of(whole, SEQUENCE, field)?;
        let (oid, value) = (parts.object_identifier()?, parts.element()?);
        parts.finish()?;
        let text = match value.tag {
            UTF8_STRING => str::from_utf8(value.content).ok(),
            PRINTABLE_STRING => PrintableStringRef::new(value.content).ok().map(|text| text.as_str()),
            IA5_STRING => Ia5StringRef::new(value.content).ok().map(|text| text.as_str()),
            _ => None,
        };
        let text =
            text.ok_or_else(|| X509Error::field(field, "text in UTF-8 or ASCII", hex::encode(value.whole)))?;
        Ok(Self { oid, value, text })
    }
}

/// RFC 4514, sections 2.3 and 2.4: what has no short name is in numbers.
impl fmt::Display for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = label(self.oid) {
            f.write_str(label)?;
            f.write_char('=')?;
            return write_escaped(f, self.text);
        }
        let value = hex::encode(self.value.whole);
        match <ObjectIdentifier>::from_bytes(self.oid) {
            Ok(oid) => write!(f, "{oid}=#{value}"),
            Err(_) => write!(f, "{}=#{value}", hex::encode(self.oid)),
        }
    }
}

/// Attribute types of RFC 4514, section 3, and their short names.
const fn label(oid: &[u8]) -> Option<&'static str> {
    Some(match oid {
        COMMON_NAME => "CN",
        b"\x55\x04\x06" => "C",
        b"\x55\x04\x07" => "L",
        b"\x55\x04\x08" => "ST",
        b"\x55\x04\x09" => "STREET",
        b"\x55\x04\x0A" => "O",
        b"\x55\x04\x0B" => "OU",
        b"\x09\x92\x26\x89\x93\xF2\x2C\x64\x01\x01" => "UID",
        b"\x09\x92\x26\x89\x93\xF2\x2C\x64\x01\x19" => "DC",
        _ => return None,
    })
}

fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if !text.starts_with(' ') && !text.ends_with(' ') && text.bytes().all(is_plain) {
        return f.write_str(text);
    }
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

/// Characters of most names. They have no meaning of their own, wherever they stand; blanks do at the ends.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'-' | b'.' | b'/' | b':' | b'_')
}

#[cfg(test)]
mod tests {
    use core::str::FromStr;

    use der::Encode;
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

    fn read(attributes: &[&[u8]]) -> Result<DistinguishedName, X509Error> {
        let set = attributes.concat();
        let set = [&[0x31, u8::try_from(set.len()).unwrap()], set.as_slice()].concat();
        let der = [&[0x30, u8::try_from(set.len()).unwrap()], set.as_slice()].concat();
        DistinguishedName::read(&der, "name")
    }

    #[test]
    fn what_has_no_name_reads_in_numbers() {
        let serial_number = b"\x30\x0B\x06\x03\x55\x04\x05\x0C\x04abcd";
        assert_eq!(read(&[serial_number]).unwrap().to_string(), "2.5.4.5=#0c0461626364");
        let with_newline = b"\x30\x0A\x06\x03\x55\x04\x03\x0C\x03a\nb";
        assert_eq!(read(&[with_newline]).unwrap().to_string(), "CN=a\\0ab");
    }

    #[test]
    fn what_is_no_text_is_no_name() {
        for value in [&b"\x05\x00"[..], b"\x0C\x01\xFF", b"\x13\x01@", b"\x16\x01\x80", b"\x1E\x02\x00a"] {
            let attribute =
                [&[0x30, u8::try_from(5 + value.len()).unwrap()], &b"\x06\x03\x55\x04\x03"[..], value];
            let error = read(&[&attribute.concat()]).unwrap_err().to_string();
            assert!(error.starts_with("name: expected text in UTF-8 or ASCII, found "), "{error}");
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
        assert!(read(&[a, b]).is_ok());
        for wrong in [&[b.as_slice(), a][..], &[a, a]] {
            assert_eq!(read(wrong), Err(X509Error::NotCanonical { field: "name" }));
        }
        assert!(read(&[]).is_err());
    }
}
