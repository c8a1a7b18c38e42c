//! Writes the wire format of Protocol Buffers.

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
    bytes
}

pub(crate) fn number(field: u32, value: u64) -> Vec<u8> {
    [varint(u64::from(field) << 3), varint(value)].concat()
}

pub(crate) fn delimited(field: u32, bytes: &[u8]) -> Vec<u8> {
    [varint(u64::from(field) << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}
