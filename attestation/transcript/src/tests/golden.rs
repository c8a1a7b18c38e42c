//! The format, compared with another implementation of its description.
//!
//! The values below are what this prints (Python 3, nothing of this crate):
//! ```text
//! from hashlib import sha256 as H
//! import struct
//! h = lambda *p: H(b"".join(p)).digest()
//! def leb(n):
//!     out = b""
//!     while n > 127: out += bytes([n & 127 | 128]); n >>= 7
//!     return out + bytes([n])
//! def mth(d):
//!     if len(d) == 1: return h(b"\0", d[0])
//!     k = 1 << (len(d) - 1).bit_length() - 1
//!     return h(b"\1", mth(d[:k]), mth(d[k:]))
//! def file(entries):
//!     header = b"\xa5\0\1\1\x58\x20" + b"\xc0" * 32 + b"\2\x58\x20" + b"\x3a" * 32
//!     header += b"\3\7\4\x58\x20" + b"\x5e" * 32
//!     bodies, body, count, before = [(header, 0)], b"", 0, 0
//!     for kind, fuel, payload in entries:
//!         body += bytes([kind]) + leb(fuel - before) + leb(len(payload)) + payload
//!         count, before = count + 1, fuel
//!         if len(body) >= 4096 or kind == 11:
//!             bodies.append((body, count)); body, count, before = b"", 0, 0
//!     first, chain, leaves, out = 0, bytes(32), [], b"\x89RDBTT1\n"
//!     for index, (body, count) in enumerate(bodies):
//!         leaf = struct.pack("<IQII", index, first, count, len(body)) + body
//!         chain = h(b"redoubt transcript chain 1", chain, h(b"\0", leaf))
//!         out, first = out + leaf + chain, first + count
//!         leaves.append(leaf)
//!     n = struct.pack("<IQQ", 1, first, len(leaves))
//!     return out, h(b"redoubt transcript root 1", n, chain, mth(leaves))
//! small, root = file([(1, 1000, bytes(4)), (4, 1128, b"hi"), (11, 2**64 - 1, b"")])
//! print(small.hex(), root.hex())
//! large = [(i % 10 + 1, 300 * i, bytes([i]) * (i * 97 % 1500)) for i in range(100)]
//! large, root = file(large + [(11, 30000, b"\0")])
//! print(len(large), H(large).hexdigest(), root.hex())
//! ```

use sha2::{Digest, Sha256};

use super::support::{Learnt, write};
use crate::verify;

const SMALL: &str = "\
    895244425454310a\
    00000000\
    0000000000000000\
    00000000\
    6e000000\
    a50001015820c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0\
    0258203a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a\
    03070458205e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e\
    3561ee0209f2bf1ac92b789a377a609146d344f154e5ee3f4e9a267f3dfbcd22\
    01000000\
    0000000000000000\
    03000000\
    1a000000\
    01e80704000000000480010268690b97f7ffffffffffffff0100\
    8f6eaced6cb32b365bf8957cf6486ec23cfab8293d8c478866e83c3afc74a120";
const SMALL_ROOT: &str = "8cd48696a526657e62de0d0180b7602a50f0316e9268c3e7ddc88385fe8289b5";
const LARGE_BYTES: usize = 72_152;
const LARGE_SHA256: &str = "40d15270ceab9c3069a3403b89e2e1936daced589b06b701786209b5e4a40884";
const LARGE_ROOT: &str = "0afbb15b2a21a30b02ed2ad6e94a059db61ddb8c3616f5eebda81e9fcd213d62";

#[test]
fn a_small_transcript_is_these_bytes() {
    let entries = [(1, 1000, vec![0; 4]), (4, 1128, b"hi".to_vec()), (11, u64::MAX, Vec::new())];
    let (file, root) = write(&entries);
    assert_eq!(hex::encode(&file), SMALL);
    assert_eq!(root.to_string(), SMALL_ROOT);
    assert_eq!(verify(&file, &root).map(|summary| summary.fuel), Ok(u64::MAX));
}

#[test]
fn a_transcript_of_many_segments_has_this_root() {
    let learnt = |i: u64| (i as u8 % 10 + 1, 300 * i, vec![i as u8; i as usize * 97 % 1500]);
    let mut entries: Vec<Learnt> = (0..100).map(learnt).collect();
    entries.push((11, 30_000, vec![0]));
    let (file, root) = write(&entries);
    assert_eq!(file.len(), LARGE_BYTES);
    assert_eq!(hex::encode(Sha256::digest(&file)), LARGE_SHA256);
    assert_eq!(root.to_string(), LARGE_ROOT);
    let summary = verify(&file, &root).unwrap();
    assert_eq!((summary.entries, summary.fuel, summary.bytes), (101, 30_000, LARGE_BYTES));
}
