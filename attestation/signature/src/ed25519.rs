//! What of keys and signatures the implementations of Ed25519 do not refuse of themselves.

use crate::{Ed25519Key, Ed25519Signature};

/// Y coordinates of the points whose order is 8 or less, little-endian: 0, 1, -1, and the two of order 8.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    [0; 32],
    *b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    *b"\xEC\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\
       \xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F",
    *b"\x26\xE8\x95\x8F\xC2\xB2\x27\xB0\x45\xC3\xF4\x89\xF2\xEF\x98\xF0\
       \xD5\xDF\xAC\x05\xD3\xC6\x33\x39\xB1\x38\x02\x88\x6D\x53\xFC\x05",
    *b"\xC7\x17\x6A\x70\x3D\x4D\xD8\x4F\xBA\x3C\x0B\x76\x0D\x10\x67\x0F\
       \x2A\x20\x53\xFA\x2C\x39\xCC\xC6\x4E\xC7\xFD\x77\x92\xAC\x03\x7A",
];

/// Bytes 1 to 30 of 2^255 - 19 and of the numbers up to 2^255; the first and the last byte of the prime.
const FULL: [u8; 30] = [0xFF; 30];
const PRIME_FIRST: u8 = 0xED;
const PRIME_LAST: u8 = 0x7F;
const SIGN: u8 = 0x80;

/// Whether the points in a key and a signature, A and R, are spelled as RFC 8032 §5.1.3 wants it, and of more than small
/// order. Every implementation of [`ed25519`](crate::SignatureVerifier::ed25519) asks this first.
///
/// Whether A is a point at all, whether S is below the order of the group, and the equation itself are left to the
/// implementation: in those, none differs. A point that is refused here verifies in some and not in others, and a key of
/// small order has, with R of small order, signed whatever message one likes.
#[must_use]
pub fn has_ed25519_points(key: &Ed25519Key, signature: &Ed25519Signature) -> bool {
    let points = [Some(key), signature.first_chunk()];
    points.into_iter().all(|point| point.is_some_and(|point| is_canonical(point) && !is_small_order(point)))
}

/// Whether Y is below the prime. That zero has no sign is left to [`is_small_order`], which refuses both points that have
/// X = 0.
fn is_canonical(point: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = point;
    *first < PRIME_FIRST || *middle != FULL || last & !SIGN != PRIME_LAST
}

/// Whatever its sign: both points with such a Y have the same order.
fn is_small_order(point: &[u8; 32]) -> bool {
    let mut y = *point;
    let [.., last] = &mut y;
    *last &= !SIGN;
    SMALL_ORDER_Y.contains(&y)
}
