//! Lists of certificates in PEM (RFC 7468), one behind the other; revocation lists, one alone.

use alloc::string::String;
use alloc::vec::Vec;

use crate::{CERTIFICATE_MAX_BYTES, CRL_MAX_BYTES, X509Error};

/// The most certificates that one list may have; real chains have two to five.
pub const PEM_CERTIFICATES_MAX: usize = 16;

const OBJECT: &str = "PEM";

/// What stands around base64 of one kind, and how long that can be: the longest object, with line ends.
struct Block {
    begin: &'static str,
    end: &'static str,
    max_bytes: usize,
}

const CERTIFICATE: Block = Block {
    begin: "-----BEGIN CERTIFICATE-----",
    end: "-----END CERTIFICATE-----",
    max_bytes: CERTIFICATE_MAX_BYTES * 3 / 2,
};
const REVOCATION_LIST: Block = Block {
    begin: "-----BEGIN X509 CRL-----",
    end: "-----END X509 CRL-----",
    max_bytes: CRL_MAX_BYTES * 3 / 2,
};

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
    let mut rest = text(bytes)?;
    let mut list = Vec::new();
    while !rest.is_empty() {
        if list.len() == PEM_CERTIFICATES_MAX {
            let limit = alloc::format!("at most {PEM_CERTIFICATES_MAX} certificates");
            return Err(X509Error::field(OBJECT, limit, "more"));
        }
        let (der, behind) = CERTIFICATE.read(rest)?;
        list.push(der);
        rest = behind;
    }
    if list.is_empty() {
        return Err(X509Error::field(OBJECT, CERTIFICATE.begin, "nothing"));
    }
    Ok(list)
}

/// Whether the bytes look like a revocation list in PEM.
#[must_use]
pub fn is_revocation_list(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(REVOCATION_LIST.begin.as_bytes())
}

/// The one revocation list as DER.
///
/// # Errors
/// Something else than one list, or base64 that is not that of RFC 7468.
pub fn revocation_list(bytes: &[u8]) -> Result<Vec<u8>, X509Error> {
    let (der, behind) = REVOCATION_LIST.read(text(bytes)?)?;
    if behind.is_empty() {
        return Ok(der);
    }
    Err(X509Error::field(OBJECT, "one list", alloc::format!("{} bytes behind it", behind.len())))
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

/// Without white space around it, nor the NUL that C programs append.
fn text(bytes: &[u8]) -> Result<&str, X509Error> {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    let text = core::str::from_utf8(bytes)
        .map_err(|error| X509Error::field(OBJECT, "text", alloc::format!("{error}")))?;
    Ok(text.trim_ascii())
}

impl Block {
    /// DER of the first block, and what follows it.
    fn read<'a>(&self, text: &'a str) -> Result<(Vec<u8>, &'a str), X509Error> {
        if !text.starts_with(self.begin) {
            let found: String = text.chars().take(self.begin.len()).collect();
            return Err(X509Error::field(OBJECT, self.begin, alloc::format!("{found:?}")));
        }
        let end = text.find(self.end).and_then(|start| start.checked_add(self.end.len()));
        let (block, behind) = end
            .and_then(|end| text.split_at_checked(end))
            .ok_or_else(|| X509Error::field(OBJECT, self.end, "no end"))?;
        if block.len() > self.max_bytes {
            return Err(X509Error::TooLong { field: OBJECT, limit: self.max_bytes, found: block.len() });
        }
        let wrong = |error| X509Error::field(OBJECT, "base64 as of RFC 7468", alloc::format!("{error}"));
        let (_, der) = pem_rfc7468::decode_vec(block.as_bytes()).map_err(wrong)?;
        Ok((der, behind.trim_ascii_start()))
    }
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
    fn a_revocation_list_stands_alone() {
        let list = "\n-----BEGIN X509 CRL-----\nAAEC\n-----END X509 CRL-----\n";
        assert!(is_revocation_list(list.as_bytes()) && !is_revocation_list(ONE.as_bytes()));
        assert_eq!(revocation_list(list.as_bytes()).unwrap(), [0, 1, 2]);
        for (text, expected) in [
            (list.repeat(2), "expected one list, found 52 bytes behind it"),
            (ONE.to_owned(), "expected -----BEGIN X509 CRL-----"),
            (list.replace("AAEC", "AAE*"), "base64"),
            (String::new(), "expected -----BEGIN X509 CRL-----"),
        ] {
            let error = revocation_list(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
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
            (ONE.replace("AAEC", &"A".repeat(CERTIFICATE.max_bytes)), "at most 12288 bytes"),
        ];
        for (text, expected) in wrong {
            let error = certificates(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:.80}: {error}");
        }
        assert!(certificates(&[0xFF, 0xFE]).unwrap_err().to_string().contains("text"));
    }
}
