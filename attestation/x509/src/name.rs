//! Names as AMD writes them: one sequence of attributes, of which only the last differs.

use alloc::string::String;
use core::fmt;

use der::Encode;
use x509_cert::name::Name;

use crate::X509Error;

/// Everything before the common name, as DER: `OU=Engineering, C=US, L=Santa Clara, ST=CA, O=Advanced Micro Devices`.
const PREFIX: &[u8] = b"\x31\x14\x30\x12\x06\x03\x55\x04\x0B\x0C\x0BEngineering\
    \x31\x0B\x30\x09\x06\x03\x55\x04\x06\x13\x02US\
    \x31\x14\x30\x12\x06\x03\x55\x04\x07\x0C\x0BSanta Clara\
    \x31\x0B\x30\x09\x06\x03\x55\x04\x08\x0C\x02CA\
    \x31\x1F\x30\x1D\x06\x03\x55\x04\x0A\x0C\x16Advanced Micro Devices";

/// The common name behind AMD's other attributes; names that are otherwise refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmdName(String);

impl AmdName {
    /// `CN`.
    #[must_use]
    pub fn common_name(&self) -> &str {
        &self.0
    }

    pub(crate) fn read(name: &Name, field: &'static str) -> Result<Self, X509Error> {
        let der = name.to_der().map_err(X509Error::encoding(field))?;
        common_name(&der).map(|name| Self(name.into())).ok_or_else(|| {
            let expected =
                "OU=Engineering, C=US, L=Santa Clara, ST=CA, O=Advanced Micro Devices and a common name";
            X509Error::field(field, expected, alloc::format!("{name}"))
        })
    }
}

impl fmt::Display for AmdName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Byte for byte, because one name that can be written in two ways is two names to somebody.
fn common_name(der: &[u8]) -> Option<&str> {
    let (body, length) = match der {
        [0x30, 0x81, length, body @ ..] => (body, length),
        [0x30, length, body @ ..] => (body, length),
        _ => return None,
    };
    let [0x31, set, 0x30, sequence, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, text, name @ ..] =
        body.strip_prefix(PREFIX)?
    else {
        return None;
    };
    let size = u8::try_from(name.len()).ok()?;
    let is_exact = [(text, 0), (sequence, 7), (set, 9)]
        .iter()
        .all(|(found, more)| size.checked_add(*more) == Some(**found));
    let is_whole = usize::from(*length) == body.len();
    core::str::from_utf8(name).ok().filter(|_| is_exact && is_whole)
}
