//! Chains of certificates in headers of Intel's service: PEM, with what headers cannot hold as `%XX`.
//!
//! Spec: "API Documentation, Provisioning Certification Service" version 4, `TCB-Info-Issuer-Chain`: "URL-encoded issuer
//! certificate chain in PEM format". A plus sign is one, because base64 has it.

use attestation_x509::{Certificate, X509Error, pem};

/// The longest header that is looked at; real ones have some 2.5 kB.
pub const CHAIN_HEADER_MAX_BYTES: usize = 32 * 1024;

/// A header that holds no chain. The server is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainHeaderError {
    /// Longer than any chain.
    #[error("issuer chain: expected at most {CHAIN_HEADER_MAX_BYTES} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// Not encoded as addresses are.
    #[error("issuer chain: expected two hexadecimal digits behind % at byte {offset}")]
    Encoding {
        /// Where.
        offset: usize,
    },
    /// Not a list of certificates.
    #[error("issuer chain: {0}")]
    Certificates(#[from] X509Error),
}

/// The PEM in such a header, which is a list of well-formed certificates.
///
/// # Errors
/// Too long, badly encoded, or something else than certificates.
pub fn decode_issuer_chain(header: &str) -> Result<Vec<u8>, ChainHeaderError> {
    if header.len() > CHAIN_HEADER_MAX_BYTES {
        return Err(ChainHeaderError::TooLong { found: header.len() });
    }
    let text = decode_percent(header.as_bytes())?;
    read_chain(&text)?;
    Ok(text)
}

/// The certificates of a list in PEM, in their order.
pub(crate) fn read_chain(text: &[u8]) -> Result<Vec<Certificate>, X509Error> {
    pem::certificates(text)?.iter().map(|der| Certificate::parse(der)).collect()
}

fn decode_percent(bytes: &[u8]) -> Result<Vec<u8>, ChainHeaderError> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        let offset = bytes.len().saturating_sub(rest.len());
        (rest, _) = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => {
                let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
                    return Err(ChainHeaderError::Encoding { offset });
                };
                (behind, text.push(high << 4 | low))
            }
            (b'%', _) => return Err(ChainHeaderError::Encoding { offset }),
            (other, behind) => (behind, text.push(*other)),
        };
    }
    Ok(text)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_bytes_are_decoded_and_others_stay() {
        assert_eq!(decode_percent(b"a%20B+%2b%0A/=").unwrap(), b"a B++\n/=");
        for (wrong, offset) in [("%", 0), ("a%2", 1), ("ab%g0", 2), ("%0x", 0), ("%%20", 0)] {
            assert_eq!(
                decode_percent(wrong.as_bytes()),
                Err(ChainHeaderError::Encoding { offset }),
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_is_no_chain_is_refused() {
        let long = "%20".repeat(CHAIN_HEADER_MAX_BYTES);
        assert!(matches!(decode_issuer_chain(&long), Err(ChainHeaderError::TooLong { .. })));
        for wrong in ["", "hello", "-----BEGIN%20CERTIFICATE-----%0AAAEC%0A-----END%20CERTIFICATE-----%0A"] {
            assert!(matches!(decode_issuer_chain(wrong), Err(ChainHeaderError::Certificates(_))), "{wrong}");
        }
    }
}
