//! Lists of certificates in PEM (RFC 7468), one behind the other.

use alloc::string::String;
use alloc::vec::Vec;

use crate::{CERTIFICATE_MAX_BYTES, X509Error};

/// The most certificates that one list may have; real chains have two to five.
pub const PEM_CERTIFICATES_MAX: usize = 16;

const OBJECT: &str = "PEM";
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// Base64 of the longest certificate, with line ends.
const BLOCK_MAX_BYTES: usize = CERTIFICATE_MAX_BYTES * 3 / 2;

/// Whether the bytes look like PEM.
#[must_use]
pub fn is_pem(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"-----BEGIN ")
}

/// The certificates of a list as DER, in their order. Between them only white space may stand, and behind the last one
/// the NUL that C programs append.
///
/// # Errors
/// Something else than certificates, too many of them, or base64 that is not that of RFC 7468.
pub fn certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, X509Error> {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    let text = core::str::from_utf8(bytes)
        .map_err(|error| X509Error::field(OBJECT, "text", alloc::format!("{error}")))?;
    let mut rest = text.trim_ascii();
    let mut list = Vec::new();
    while !rest.is_empty() {
        if list.len() == PEM_CERTIFICATES_MAX {
            let limit = alloc::format!("at most {PEM_CERTIFICATES_MAX} certificates");
            return Err(X509Error::field(OBJECT, limit, "more"));
        }
        let (block, behind) = split(rest)?;
        list.push(decode(block)?);
        rest = behind.trim_ascii_start();
    }
    if list.is_empty() {
        return Err(X509Error::field(OBJECT, BEGIN, "nothing"));
    }
    Ok(list)
}

/// A list of certificates as PEM, in their order; `None` when one is too long to be encoded.
#[must_use]
pub fn encode(certificates: &[&[u8]]) -> Option<Vec<u8>> {
    let mut list = Vec::new();
    for der in certificates {
        let block = pem_rfc7468::encode_string("CERTIFICATE", pem_rfc7468::LineEnding::LF, der).ok()?;
        list.extend(block.bytes());
    }
    Some(list)
}

fn split(text: &str) -> Result<(&str, &str), X509Error> {
    if !text.starts_with(BEGIN) {
        let found: String = text.chars().take(BEGIN.len()).collect();
        return Err(X509Error::field(OBJECT, BEGIN, alloc::format!("{found:?}")));
    }
    let end = text.find(END).and_then(|start| start.checked_add(END.len()));
    end.and_then(|end| text.split_at_checked(end)).ok_or_else(|| X509Error::field(OBJECT, END, "no end"))
}

fn decode(block: &str) -> Result<Vec<u8>, X509Error> {
    if block.len() > BLOCK_MAX_BYTES {
        return Err(X509Error::TooLong { field: OBJECT, limit: BLOCK_MAX_BYTES, found: block.len() });
    }
    let wrong = |error| X509Error::field(OBJECT, "base64 as of RFC 7468", alloc::format!("{error}"));
    pem_rfc7468::decode_vec(block.as_bytes()).map(|(_, der)| der).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";

    #[test]
    fn lists_keep_their_order() {
        let two = ONE.to_owned() + "\r\n" + &ONE.replace("AAEC", "AwQ=");
        assert_eq!(certificates(two.as_bytes()).unwrap(), [vec![0, 1, 2], vec![3, 4]]);
        assert_eq!(certificates((ONE.to_owned() + "\0").as_bytes()).unwrap(), [[0, 1, 2]]);
        assert_eq!(
            certificates(&encode(&[&[0, 1, 2], &[3, 4]]).unwrap()).unwrap(),
            [vec![0, 1, 2], vec![3, 4]]
        );
        assert!(is_pem(two.as_bytes()) && !is_pem(&[0x30, 0x82]));
    }

    #[test]
    fn what_is_no_list_of_certificates_is_refused_with_what_was_found() {
        let wrong = [
            (String::new(), "nothing"),
            ("-----BEGIN PUBLIC KEY-----\nAAEC\n-----END PUBLIC KEY-----\n".to_owned(), "PUBLIC KE"),
            (format!("note\n{ONE}"), "note"),
            (format!("{ONE}note"), "note"),
            (ONE.replace("AAEC", "AA EC*"), "base64"),
            (ONE.replace("-----END", "----END"), "no end"),
            (ONE.repeat(PEM_CERTIFICATES_MAX + 1), "at most 16"),
            (ONE.replace("AAEC", &"A".repeat(BLOCK_MAX_BYTES)), "at most 12288 bytes"),
        ];
        for (text, expected) in wrong {
            let error = certificates(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:.80}: {error}");
        }
        assert!(certificates(&[0xFF, 0xFE]).unwrap_err().to_string().contains("text"));
    }
}
