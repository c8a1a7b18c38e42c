//! Text: PEM, hexadecimal, base64, XML, JSON.

use alloc::string::String;
use alloc::vec::Vec;

use attestation_x509::pem;
use base64ct::{Base64, Base64UrlUnpadded, Encoding};

use crate::{Items, Kind, RecogniseError};

/// Root element of a SWID tag, with or without a prefix.
const RIM_ROOT: &str = "SoftwareIdentity";

impl Items {
    pub(crate) fn read_text(&mut self, text: &str) -> Result<(), RecogniseError> {
        let trimmed = text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0');
        match trimmed.as_bytes() {
            [b'{' | b'[', ..] => self.unwrap("JSON", |items| items.read_json(trimmed)),
            [b'<', ..] if trimmed.contains(RIM_ROOT) => self.push(Kind::Rim, text.as_bytes()),
            [b'-', ..] => self.unwrap("PEM", |items| items.read_pem(text)),
            _ => self.read_digits(trimmed),
        }
    }

    pub(crate) fn read_pem(&mut self, text: &str) -> Result<(), RecogniseError> {
        if pem::is_revocation_list(text.as_bytes()) {
            let list = pem::revocation_list(text.as_bytes()).map_err(|error| self.malformed(error))?;
            return self.push(Kind::RevocationList, &list);
        }
        let certificates = pem::certificates(text.as_bytes()).map_err(|error| self.malformed(error))?;
        certificates.iter().try_for_each(|certificate| self.push(Kind::Certificate, certificate))
    }

    /// Hexadecimal first: its digits are base64 as well, and no binary format here looks like hexadecimal in base64.
    fn read_digits(&mut self, text: &str) -> Result<(), RecogniseError> {
        if let Some(bytes) = unhex(text) {
            return self.unwrap("hexadecimal", |items| items.read(&bytes));
        }
        if let Some(bytes) = unbase64(text) {
            return self.unwrap("base64", |items| items.read(&bytes));
        }
        let start: String = text.chars().take(32).collect();
        Err(RecogniseError::Unknown { found: alloc::format!("text that begins with {start:?}") })
    }
}

/// Bytes of hexadecimal digits, with white space between them; `None` for anything else.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    let digits = text.chars().filter(|letter| !letter.is_ascii_whitespace());
    let digits: Vec<u8> = digits
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let is_whole = rest.is_empty() && !pairs.is_empty();
    is_whole.then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Bytes of base64 in either alphabet, with or without padding, in lines or not; `None` for anything else.
pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    let one_line: String = text.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    let bytes = Base64::decode_vec(&one_line).ok().or_else(|| {
        let url_safe = one_line.trim_end_matches('=').replace('+', "-").replace('/', "_");
        Base64UrlUnpadded::decode_vec(&url_safe).ok()
    })?;
    (!bytes.is_empty()).then_some(bytes)
}
