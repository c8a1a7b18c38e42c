//! How a VBIOS writes its version.

use core::fmt;

use super::opaque::as_text;

/// Version of a VBIOS. It is shown as RIMs write it: `96.00.9F.00.01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VbiosVersion<'a> {
    /// GPUs: two little-endian numbers of four bytes, of which the second has one byte in use.
    Packed([u8; 8]),
    /// Switches: the text itself.
    Text(&'a str),
}

impl<'a> VbiosVersion<'a> {
    /// `None` for bytes in neither form.
    #[must_use]
    pub(super) fn read(value: &'a [u8]) -> Option<Self> {
        match <[u8; 8]>::try_from(value) {
            // `00 9F 00 96 01 00 00 00`: the last three bytes have no place in a version of five numbers.
            Ok(packed @ [.., 0, 0, 0]) => Some(Self::Packed(packed)),
            Ok(_) => None,
            Err(_) => as_text(value).filter(|text| is_version(text)).map(Self::Text),
        }
    }
}

impl fmt::Display for VbiosVersion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packed([d, c, b, a, e, ..]) => write!(f, "{a:02X}.{b:02X}.{c:02X}.{d:02X}.{e:02X}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Five numbers of two hexadecimal digits.
fn is_version(text: &str) -> bool {
    let mut parts = text.split('.');
    let is_byte = |part: &str| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_hexdigit());
    parts.by_ref().take(5).filter(|part| is_byte(part)).count() == 5 && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_read_as_rims_write_them() {
        let shown = |value: &[u8]| VbiosVersion::read(value).map(|version| version.to_string());
        assert_eq!(shown(&[0x00, 0x9F, 0x00, 0x96, 0x01, 0, 0, 0]).unwrap(), "96.00.9F.00.01");
        assert_eq!(shown(b"96.10.55.00.01").unwrap(), "96.10.55.00.01");
        let wrong: [&[u8]; 7] = [
            &[],
            &[0, 0x9F, 0, 0x96, 1, 1, 0, 0],
            &[0; 7],
            b"96.10.55.00",
            b"96.10.55.00.01.02",
            b"96.10.55.00.0G",
            b"96.10.55.00.001",
        ];
        assert!(wrong.iter().all(|value| shown(value).is_none()));
    }
}
