//! As much of a DER writer as certificates need, so that the wrong ones can be written too.

use der::Encode;
use der::asn1::ObjectIdentifier;

pub(crate) const NULL: &[u8] = &[5, 0];

pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let header = match length {
        0..=0x7F => vec![tag, low],
        0x80..=0xFF => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [header.as_slice(), content].concat()
}

pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub(crate) fn oid(text: &str) -> Vec<u8> {
    ObjectIdentifier::new_unwrap(text).to_der().unwrap()
}

/// Positive, shortest.
pub(crate) fn integer(big_endian: &[u8]) -> Vec<u8> {
    let start = big_endian.iter().position(|byte| *byte != 0).unwrap_or(big_endian.len() - 1);
    let mut content = big_endian[start..].to_vec();
    if content[0] >= 0x80 {
        content.insert(0, 0);
    }
    tlv(2, &content)
}

pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(3, &[&[0], bytes].concat())
}

pub(crate) fn octet_string(bytes: &[u8]) -> Vec<u8> {
    tlv(4, bytes)
}

/// `YYMMDDHHMMSSZ`.
pub(crate) fn utc_time(text: &str) -> Vec<u8> {
    tlv(0x17, text.as_bytes())
}

/// A name as AMD writes it.
pub(crate) fn amd_name(common_name: &str) -> Vec<u8> {
    let utf8 = 0x0C;
    let attributes = [
        ("2.5.4.11", utf8, "Engineering"),
        ("2.5.4.6", 0x13, "US"),
        ("2.5.4.7", utf8, "Santa Clara"),
        ("2.5.4.8", utf8, "CA"),
        ("2.5.4.10", utf8, "Advanced Micro Devices"),
        ("2.5.4.3", utf8, common_name),
    ];
    let sets =
        attributes.map(|(kind, tag, text)| tlv(0x31, &sequence(&[oid(kind), tlv(tag, text.as_bytes())])));
    sequence(&sets)
}

/// `AlgorithmIdentifier` of RSASSA-PSS with SHA-384 and `salt` bytes of salt.
pub(crate) fn pss(salt: u8) -> Vec<u8> {
    let sha384 = sequence(&[oid("2.16.840.1.101.3.4.2.2"), NULL.to_vec()]);
    let mgf1 = sequence(&[oid("1.2.840.113549.1.1.8"), sha384.clone()]);
    let parameters = sequence(&[tlv(0xA0, &sha384), tlv(0xA1, &mgf1), tlv(0xA2, &integer(&[salt]))]);
    sequence(&[oid("1.2.840.113549.1.1.10"), parameters])
}
