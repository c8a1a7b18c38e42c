//! Envelopes: what leaves a guest, is kept by its host, and is read by those whom the manifest names, or by who gave it a
//! private job; and what such a one gives to the guest.
//!
//! A guest makes one [`Readers`] for its boot and an [`Envelope`] for each thing that it gives out; whoever has the key of
//! one of the readers [opens](open()) it. Whoever gives it a private job seals the input for the key that its evidence binds,
//! and the guest, which is the one reader then, opens that [while it comes](Opener).
//! Numbers are little-endian; ‖ joins bytes; labels are ASCII without an end mark.
//!
//! ```text
//! file   = head ‖ record*                            MAGIC = 89 52 44 42 54 45 31 0A: "\x89RDBTE1\n"
//! content: 1 transcript, 2 request, 3 private input, 4 output of a private job, 5 its claim, 6 a log
//! head   = MAGIC ‖ content u8 ‖ readers u8 ‖ stanza* ‖ salt, 32 bytes
//! stanza = encapsulated key, 32 bytes ‖ wrapped secret, 48 bytes
//! record = length of the plaintext u32 ‖ ciphertext ‖ tag, 16 bytes
//! private input, as plaintext = "RDBTJOB1" ‖ key for the reply, 32 bytes ‖ input of the job
//! ```
//! * The secret is 32 random bytes of a boot, the same for all its envelopes: a service seals hundreds in a second, and
//!   wrapping costs two multiplications on the curve for each reader. A private job has a secret of its own, for its
//!   envelopes alone, because its readers are its own.
//! * A stanza is the secret, sealed by HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
//!   ChaCha20Poly1305, info "redoubt envelope reader 1" and no associated data.
//! * Records are sealed with AES-256-GCM and no associated data. Their key is of this file alone, because its salt is
//!   random: HKDF-SHA256(salt = salt, ikm = secret, info = "redoubt envelope 1" ‖ head).
//! * The nonce of a record is its number from 0 as 11 bytes, big-endian, and 1 for the last record, 0 for others. The last
//!   one has no plaintext, and no other is without. So records that are missing, moved, repeated or cut off do not open.
//!   A record has at most 1 MiB of plaintext, and one of a private input at most 128 KiB.
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
mod job;
mod key;
mod open;
mod opener;
mod record;
mod seal;
#[cfg(test)]
mod tests;

pub use error::{EnvelopeError, JobHeadError, KeyError};
pub use head::{Content, Head, MAGIC};
pub use job::{JOB_HEAD_BYTES, JobHead};
pub use key::{PUBLIC_KEY_BYTES, ReaderKey};
pub use open::{is_envelope, open};
pub use opener::Opener;
pub use seal::{Envelope, Readers};

/// Most readers of one envelope: all that a manifest can name, and who gave a private job.
pub const READERS_MAX: usize = 9;
/// The longest plaintext of a record. Whatever is longer is cut.
pub const RECORD_MAX_BYTES: usize = 1 << 20;
/// The same of a private input: the guest holds one record of it while the rest comes.
pub const INPUT_RECORD_MAX_BYTES: usize = 128 << 10;
/// Shorter pieces wait for the next one, so that their records are not mostly overhead.
pub const RECORD_LEAST_BYTES: usize = 4096;
/// Length and tag.
const RECORD_OVERHEAD_BYTES: usize = record::LENGTH_BYTES + record::TAG_BYTES;

/// How long an envelope is for so many readers, with so many bytes in so many records besides the last, empty one.
#[must_use]
pub const fn envelope_bytes(readers: usize, bytes: u64, records: u64) -> u64 {
    let overhead = records.saturating_add(1).saturating_mul(RECORD_OVERHEAD_BYTES as u64);
    bytes.saturating_add(overhead).saturating_add(head::head_bytes(readers) as u64)
}

/// How long an envelope with so many bytes in it is at most.
#[must_use]
pub const fn envelope_bytes_max(bytes: u64) -> u64 {
    // Full records, and the one before the last.
    let records = (bytes >> RECORD_LEAST_BYTES.trailing_zeros()).saturating_add(1);
    envelope_bytes(READERS_MAX, bytes, records)
}
