//! The few structures of certificates that generated NVIDIA chains need, as DER.

use p384::ecdsa::SigningKey;

const CRITICAL: &[u8] = &[0x01, 0x01, 0xFF];

pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, value.to_vec()].concat()
}

pub(crate) fn bit_string(value: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0][..], value].concat())
}

pub(crate) fn ecdsa_sha384() -> Vec<u8> {
    tlv(0x30, b"\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x03")
}

/// `YYYYMMDDHHMMSSZ`, in the short form where RFC 5280 wants it, unless a `G` before it asks for the long one.
pub(crate) fn time(text: &str) -> Vec<u8> {
    let long = text.strip_prefix('G');
    match text.strip_prefix("20").filter(|_| text < "2050") {
        Some(short) => tlv(0x17, short.as_bytes()),
        None => tlv(0x18, long.unwrap_or(text).as_bytes()),
    }
}

pub(crate) fn name(common_name: &str) -> Vec<u8> {
    let attribute = [b"\x06\x03\x55\x04\x03".to_vec(), tlv(0x0C, common_name.as_bytes())].concat();
    tlv(0x30, &tlv(0x31, &tlv(0x30, &attribute)))
}

pub(crate) fn public_key(key: &SigningKey) -> Vec<u8> {
    let algorithm = tlv(0x30, b"\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x05\x2B\x81\x04\x00\x22");
    let point = key.verifying_key().to_sec1_point(false);
    tlv(0x30, &[algorithm, bit_string(point.as_bytes())].concat())
}

pub(crate) fn key_usage(bits: u8) -> Vec<u8> {
    let unused = u8::try_from(bits.trailing_zeros()).unwrap();
    extension(b"\x55\x1D\x0F", true, &tlv(0x03, &[unused, bits]))
}

pub(crate) fn authority(path_length: Option<u8>) -> Vec<u8> {
    let limit = path_length.map_or_else(Vec::new, |limit| tlv(0x02, &[limit]));
    extension(b"\x55\x1D\x13", true, &tlv(0x30, &[vec![0x01, 0x01, 0xFF], limit].concat()))
}

/// Subject alternative name of DMTF.
pub(crate) fn device_info(text: &str) -> Vec<u8> {
    let id = b"\x06\x0A\x2B\x06\x01\x04\x01\x83\x1C\x82\x12\x01".to_vec();
    let other_name = [id, tlv(0xA0, &tlv(0x0C, text.as_bytes()))].concat();
    extension(b"\x55\x1D\x11", false, &tlv(0x30, &tlv(0xA0, &other_name)))
}

pub(crate) fn composite_device_id(device_key: &SigningKey, fwid: &[u8; 48]) -> Vec<u8> {
    let sha384 = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02".to_vec();
    let fwid = tlv(0x30, &[sha384, tlv(0x04, fwid)].concat());
    let value = tlv(0x30, &[vec![0x02, 0x01, 0x01], public_key(device_key), fwid].concat());
    extension(b"\x67\x81\x05\x05\x04\x01", false, &value)
}

/// `id` without tag and length.
pub(crate) fn extension(id: &[u8], is_critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if is_critical { CRITICAL } else { &[] };
    tlv(0x30, &[tlv(0x06, id), critical.to_vec(), tlv(0x04, value)].concat())
}
