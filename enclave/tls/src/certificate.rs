//! A certificate by which a key vouches for itself, and so for nothing: whoever believes it has it from somewhere else,
//! which for us is evidence that names the key. It is as small as clients allow who were told of it and make it their root.
//!
//! Spec: RFC 5280, section 4.1, in the distinguished encoding of X.690, section 10; RFC 5480 for the key, RFC 5758, section
//! 3.2, for the signature.
//!
//! What is in it, and is not, is for those clients:
//!
//! * **Names.** Clients look for the name that they call in the subject's alternative names, and nowhere else (RFC 9525,
//!   section 6.1; so do Go and webpki). Where a guest can be reached nobody knows before it runs, so there is one name for
//!   all, [`SERVER_NAME`]: a client asks for it in place of the address that it calls. It ends in `invalid`, which no
//!   authority vouches for and no resolver knows (RFC 6761, section 6.4): only a pinned certificate can ever satisfy it.
//! * **No authority**, critical (section 4.2.1.9): webpki takes no authority's certificate for a server's own. As a root it
//!   serves nevertheless: all of these libraries take what they are given as one.
//! * **No key usage.** It has to be in certificates of authorities only (section 4.2.1.3). A list without `keyCertSign`,
//!   which nobody but an authority may have, stops OpenSSL before version 3, LibreSSL and BoringSSL from seeing that the
//!   certificate is signed by its own key, so that they miss its issuer.
//! * **For TLS servers** (section 4.2.1.12): the key is of no use in any other place.
//! * **No key identifiers.** Where issuer and subject are one key they may be left out (section 4.2.1.1).
//! * **From 1970 until 9999**, which is as the standard says that no end is known (section 4.1.2.5). A guest trusts no clock
//!   at its start, and the key lives as long as the guest.
//! * **A random number**, positive and of fixed length (section 4.1.2.2): libraries mix up certificates of one issuer and
//!   one number, and here all issuers may have one name.

use alloc::vec::Vec;

use crate::TlsError;

/// The name that a client asks for where a server has an identity of its own making.
pub const SERVER_NAME: &str = "redoubt.invalid";

/// Characters of a common name at most: `ub-common-name` (RFC 5280, appendix A.1).
pub(crate) const NAME_MAX_CHARS: usize = 64;

/// Bytes of a certificate's number.
pub(crate) const SERIAL_BYTES: usize = 16;

/// An uncompressed point on P-256, as SEC 1, section 2.3.3, writes it.
pub(crate) const POINT_BYTES: usize = 65;

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0C;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// `version` and `extensions` of a certificate.
const EXPLICIT_0: u8 = 0xA0;
const EXPLICIT_3: u8 = 0xA3;
/// `dNSName` of a `GeneralName`.
const DNS_NAME: u8 = 0x82;

/// ecPublicKey, 1.2.840.10045.2.1.
const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
/// secp256r1, 1.2.840.10045.3.1.7.
const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
/// ecdsa-with-SHA256, 1.2.840.10045.4.3.2.
const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
/// commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// subjectAltName, 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 0x11];
/// basicConstraints, 2.5.29.19.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x13];
/// extKeyUsage, 2.5.29.37.
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1D, 0x25];
/// serverAuth, 1.3.6.1.5.5.7.3.1.
const SERVER_AUTH: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];

/// Counted from nought.
const VERSION_3: &[u8] = &[2];
const TRUE: &[u8] = &[0xFF];
/// Of a bit string: how many of the last byte do not count.
const NO_UNUSED_BITS: &[u8] = &[0];

/// A `SubjectPublicKeyInfo`.
pub(crate) fn public_key_info(point: &[u8; POINT_BYTES]) -> Vec<u8> {
    let algorithm = [element(OBJECT_IDENTIFIER, &[EC_PUBLIC_KEY]), element(OBJECT_IDENTIFIER, &[P256])];
    sequence(&[sequence(&algorithm), element(BIT_STRING, &[NO_UNUSED_BITS, point])])
}

/// Whether `name` may be a common name: of some length, and of characters that can be seen.
pub(crate) fn is_common_name(name: &str) -> bool {
    (1..=NAME_MAX_CHARS).contains(&name.chars().count()) && !name.contains(char::is_control)
}

/// The certificate for a key that `sign` signs with.
pub(crate) fn self_signed(
    common_name: &str,
    serial: [u8; SERIAL_BYTES],
    public_key_info: Vec<u8>,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, TlsError>,
) -> Result<Vec<u8>, TlsError> {
    let algorithm = sequence(&[element(OBJECT_IDENTIFIER, &[ECDSA_WITH_SHA256])]);
    let name = name(common_name);
    let to_be_signed = sequence(&[
        element(EXPLICIT_0, &[&element(INTEGER, &[VERSION_3])]),
        element(INTEGER, &[&positive(serial)]),
        algorithm.clone(),
        name.clone(),
        // Years before 2050 have two digits, the others four.
        sequence(&[element(UTC_TIME, &[b"700101000000Z"]), element(GENERALIZED_TIME, &[b"99991231235959Z"])]),
        name,
        public_key_info,
        element(EXPLICIT_3, &[&extensions()]),
    ]);
    let signature = sign(&to_be_signed)?;
    Ok(sequence(&[to_be_signed, algorithm, element(BIT_STRING, &[NO_UNUSED_BITS, &signature])]))
}

/// A `Name` of one part.
fn name(common: &str) -> Vec<u8> {
    let part = [element(OBJECT_IDENTIFIER, &[COMMON_NAME]), element(UTF8_STRING, &[common.as_bytes()])];
    sequence(&[element(SET, &[&sequence(&part)])])
}

/// Neither negative nor shorter than the others.
const fn positive(mut serial: [u8; SERIAL_BYTES]) -> [u8; SERIAL_BYTES] {
    serial[0] = serial[0] & 0x7F | 0x40;
    serial
}

fn extensions() -> Vec<u8> {
    let no_authority = sequence(&[]);
    let purposes = sequence(&[element(OBJECT_IDENTIFIER, &[SERVER_AUTH])]);
    let names = sequence(&[element(DNS_NAME, &[SERVER_NAME.as_bytes()])]);
    sequence(&[
        sequence(&[
            element(OBJECT_IDENTIFIER, &[BASIC_CONSTRAINTS]),
            element(BOOLEAN, &[TRUE]),
            element(OCTET_STRING, &[&no_authority]),
        ]),
        sequence(&[element(OBJECT_IDENTIFIER, &[EXTENDED_KEY_USAGE]), element(OCTET_STRING, &[&purposes])]),
        sequence(&[element(OBJECT_IDENTIFIER, &[SUBJECT_ALT_NAME]), element(OCTET_STRING, &[&names])]),
    ])
}

fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    let parts: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
    element(SEQUENCE, &parts)
}

/// Tag, length and `content` (X.690, section 8.1).
fn element(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let mut bytes = alloc::vec![tag];
    match u8::try_from(content.len()) {
        Ok(length @ ..0x80) => bytes.push(length),
        Ok(length) => bytes.extend([0x81, length]),
        Err(_) => {
            let length = content.len().to_be_bytes();
            let length: Vec<u8> = length.into_iter().skip_while(|&byte| byte == 0).collect();
            // A length has eight bytes at most.
            bytes.push(0x80 | u8::try_from(length.len()).unwrap_or_default());
            bytes.extend(length);
        }
    }
    bytes.extend(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_can_be() {
        for (length, header) in [
            (0, &[SEQUENCE, 0][..]),
            (0x7F, &[SEQUENCE, 0x7F]),
            (0x80, &[SEQUENCE, 0x81, 0x80]),
            (0xFF, &[SEQUENCE, 0x81, 0xFF]),
            (0x100, &[SEQUENCE, 0x82, 1, 0]),
            (0x1_0000, &[SEQUENCE, 0x83, 1, 0, 0]),
        ] {
            let content = vec![7; length];
            assert_eq!(element(SEQUENCE, &[&content]), [header, &content].concat(), "{length}");
        }
    }

    #[test]
    fn numbers_are_positive_and_of_one_length() {
        for first in [0, 1, 0x40, 0x7F, 0x80, 0xFF] {
            let serial = positive([first; SERIAL_BYTES]);
            assert!((0x40..0x80).contains(&serial[0]));
            assert_eq!(serial[1..], [first; SERIAL_BYTES][1..]);
        }
    }

    #[test]
    fn names_have_a_length_and_can_be_seen() {
        for name in ["a", "guest 7 (été)", &"é".repeat(64)] {
            assert!(is_common_name(name), "{name}");
        }
        for name in ["", "a\nb", "\0", &"a".repeat(65)] {
            assert!(!is_common_name(name), "{name:?}");
        }
    }
}
