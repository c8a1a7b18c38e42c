//! What is asked (RFC 10049 §5.1).

use alloc::vec::Vec;

use crate::message::{FRAME_BYTES, packet};
use crate::{REQUEST_BYTES, ROUGHTIME_VERSION, ServerKey, Tag};

/// Value of TYPE in requests.
const TYPE: u32 = 0;
const PAIRS: usize = 5;
/// Zeros that bring the message to its length: all of it less N, offsets and tags, and the other four values.
const PADDING_BYTES: usize = REQUEST_BYTES - FRAME_BYTES - 8 * PAIRS - (4 + 32 + 32 + 4);

const _: () = assert!(PADDING_BYTES.is_multiple_of(4), "offsets are multiples of four");

/// The request to this server with this nonce, [`REQUEST_BYTES`] long.
///
/// The same key and nonce always give the same bytes, so that a proof can do without them; and a request that got no answer
/// can be sent again.
#[must_use]
pub fn request(key: &ServerKey, nonce: &[u8; 32]) -> Vec<u8> {
    packet(&[
        (Tag::VER, &ROUGHTIME_VERSION.to_le_bytes()),
        (Tag::SRV, &key.srv()),
        (Tag::NONC, nonce),
        (Tag::TYPE, &TYPE.to_le_bytes()),
        (Tag::ZZZZ, &[0; PADDING_BYTES]),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_one_length_and_one_layout() {
        let key = ServerKey([7; 32]);
        let request = request(&key, &[9; 32]);
        assert_eq!(request.len(), REQUEST_BYTES);
        assert_eq!(request[..16], *b"ROUGHTIM\x00\x04\x00\x00\x05\x00\x00\x00");
        assert_eq!(request[16..32], *b"\x04\0\0\0\x24\0\0\0\x44\0\0\0\x48\0\0\0");
        assert_eq!(request[32..52], *b"VER\0SRV\0NONCTYPEZZZZ");
        assert_eq!(request[52..56], [1, 0, 0, 0]);
        assert_eq!((&request[56..88], &request[88..120]), (&key.srv()[..], &[9; 32][..]));
        assert_eq!(request[120..], [0; REQUEST_BYTES - 120]);
    }
}
