//! A writer of DER: as much as certificates and revocation lists take.

/// Tag, length, contents.
pub(crate) fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match contents.len() {
        length @ ..=0x7F => bytes.push(u8::try_from(length).unwrap()),
        length @ ..=0xFF => bytes.extend([0x81, u8::try_from(length).unwrap()]),
        length => {
            bytes.push(0x82);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    bytes.extend(contents);
    bytes
}

pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub(crate) fn octets(bytes: &[u8]) -> Vec<u8> {
    tlv(0x04, bytes)
}

/// Whole bytes.
pub(crate) fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], bytes].concat())
}

pub(crate) fn boolean(value: bool) -> Vec<u8> {
    tlv(0x01, &[if value { 0xFF } else { 0 }])
}

pub(crate) fn integer(value: u16) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let start = usize::from(bytes[0] == 0);
    let sign: &[u8] = if bytes[start] >= 0x80 { &[0] } else { &[] };
    tlv(0x02, &[sign, &bytes[start..]].concat())
}

/// Object identifier; arcs of any size behind the first two.
pub(crate) fn oid(arcs: &[u32]) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(arcs[0] * 40 + arcs[1]).unwrap()];
    for arc in &arcs[2..] {
        let groups = (0..5).rev().map(|index| u8::try_from(arc >> (7 * index) & 0x7F).unwrap());
        let groups: Vec<u8> = groups.skip_while(|group| *group == 0).collect();
        let (last, first) = groups.split_last().unwrap_or((&0, &[]));
        bytes.extend(first.iter().map(|group| group | 0x80));
        bytes.push(*last);
    }
    tlv(0x06, &bytes)
}

/// `YYMMDDhhmmssZ` of `YYYY-MM-DDThh:mm:ssZ`.
pub(crate) fn utc_time(text: &str) -> Vec<u8> {
    let digits: String = text[2..].chars().filter(char::is_ascii_digit).collect();
    tlv(0x17, format!("{digits}Z").as_bytes())
}

/// `AlgorithmIdentifier` of ECDSA with SHA-256.
pub(crate) fn ecdsa_sha256() -> Vec<u8> {
    sequence(&[oid(&[1, 2, 840, 10045, 4, 3, 2])])
}

/// A name as Intel writes them.
pub(crate) fn name(common_name: &str) -> Vec<u8> {
    let attribute =
        |arc, tag, text: &str| tlv(0x31, &sequence(&[oid(&[2, 5, 4, arc]), tlv(tag, text.as_bytes())]));
    sequence(&[
        attribute(3, 0x0C, common_name),
        attribute(10, 0x0C, "Intel Corporation"),
        attribute(7, 0x0C, "Santa Clara"),
        attribute(8, 0x0C, "CA"),
        attribute(6, 0x13, "US"),
    ])
}
