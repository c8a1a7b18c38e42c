//! Envelopes: what leaves a guest, is kept by its host, and is read by those whom the manifest names.
//!
//! A guest makes one [`Readers`] for its boot and an [`Envelope`] for each thing that it gives out; whoever has the key of
//! one of the readers [opens](open()) it. Numbers are little-endian; ‖ joins bytes; labels are ASCII without an end mark.
//!
//! ```text
//! file   = head ‖ record*                            MAGIC = 89 52 44 42 54 45 31 0A: "\x89RDBTE1\n"
//! head   = MAGIC ‖ content u8 ‖ readers u8 ‖ stanza* ‖ salt, 32 bytes
//! stanza = encapsulated key, 32 bytes ‖ wrapped secret, 48 bytes
//! record = length of the plaintext u32 ‖ ciphertext ‖ tag, 16 bytes
//! ```
//! * The secret is 32 random bytes of a boot, the same for all its envelopes: a service seals hundreds in a second, and
//!   wrapping costs two multiplications on the curve for each reader.
//! * A stanza is the secret, sealed by HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
//!   ChaCha20Poly1305, info "redoubt envelope reader 1" and no associated data.
//! * Records are sealed with AES-256-GCM and no associated data. Their key is of this file alone, because its salt is
//!   random: HKDF-SHA256(salt = salt, ikm = secret, info = "redoubt envelope 1" ‖ head).
//! * The nonce of a record is its number from 0 as 11 bytes, big-endian, and 1 for the last record, 0 for others. The last
//!   one has no plaintext, and no other is without. So records that are missing, moved, repeated or cut off do not open.
//!
//! An envelope hides what is in it and says nothing of who made it: anybody can make one for these readers. What is in
//! it has a root or a digest in a signed claim.
//!
//! HPKE is the crate `hpke`'s, records are `ring`'s. Secrets of ours are wiped when dropped; `ring` wipes none of its
//! state. Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

// For its feature: see `enclave-sealing`.
#[cfg(target_os = "none")]
use getrandom02 as _;

mod error;
mod head;
mod key;
mod open;
mod record;
mod seal;
#[cfg(test)]
mod tests;

pub use error::{EnvelopeError, KeyError};
pub use head::{Content, Head, MAGIC};
pub use key::{PUBLIC_KEY_BYTES, ReaderKey};
pub use open::{is_envelope, open};
pub use seal::{Envelope, Readers};

/// Most readers of one envelope.
pub const READERS_MAX: usize = 8;
/// The longest plaintext of a record. Whatever is longer is cut.
pub const RECORD_MAX_BYTES: usize = 1 << 20;
/// Shorter pieces wait for the next one, so that their records are not mostly overhead.
pub const RECORD_LEAST_BYTES: usize = 4096;
/// Length and tag.
const RECORD_OVERHEAD_BYTES: usize = record::LENGTH_BYTES + record::TAG_BYTES;

/// How long an envelope with so many bytes in it is at most.
#[must_use]
pub const fn envelope_bytes_max(bytes: u64) -> u64 {
    // Full records, the one before the last, and the last.
    let records = (bytes >> RECORD_LEAST_BYTES.trailing_zeros()).saturating_add(2);
    let overhead = records.saturating_mul(RECORD_OVERHEAD_BYTES as u64);
    bytes.saturating_add(overhead).saturating_add(head::HEAD_MAX_BYTES as u64)
}
