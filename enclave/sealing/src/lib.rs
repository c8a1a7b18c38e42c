//! Sealed blobs: state that the host keeps and that only a guest with the same manifest on the same platform can read.
//!
//! Version 1 of a blob; numbers are little endian:
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 0 | 6 | `RDSEAL` |
//! | 6 | 2 | version |
//! | 8 | 8 | counter |
//! | 16 | 32 | salt, random |
//! | 48 | 1 | kind of the [`Purpose`] |
//! | 49 | 1 | n, bytes of the purpose's context, at most 64 |
//! | 50 | n | context |
//! | 50 + n | m | ciphertext, as long as the plaintext |
//! | 50 + n + m | 16 | tag |
//!
//! Everything before the ciphertext is the header. It is public, and the associated data of the encryption:
//!
//! ```text
//! blob key         = HKDF-SHA256(salt = salt, ikm = seal key, info = "redoubt sealed blob v1" ‖ header)
//! ciphertext ‖ tag = AES-256-GCM(blob key, nonce = 0, associated data = header, plaintext)
//! ```
//!
//! **Why the nonce is zero.** A nonce has to be fresh for its key, and here the key is fresh: no other blob has its salt.
//! After 2^64 blobs two salts are equal with a probability of 2^-129. A key for many blobs with random nonces of 96
//! bits would be used up after 2^32 of them (NIST SP 800-38D, section 8.3), and a guest cannot count those of its
//! predecessors. A counter as the nonce would be worse: the host can give an old state back, whose counter then counts
//! the same numbers again. For the same reason a salt must never be derived from state: it comes from the generator.
//!
//! **What a blob does not say.** The host may keep, lose, copy and give back any blob. That it is the newest one is
//! known only from a counter that somebody else keeps; see [`Sealer::unseal`].
//!
//! All cryptography is `ring`'s, in the guest and elsewhere. It wipes none of its own state: the key of a blob stays on
//! the stack, or where the stack was, until something overwrites it or the guest ends and wipes its memory. The seal key
//! and plaintexts that are ours are wiped when dropped.
//!
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

// For its feature, which promises `ring` a source of randomness on the bare target. There is none, and none is needed:
// randomness is an argument here.
#[cfg(target_os = "none")]
use getrandom02 as _;

mod blob;
mod error;
mod purpose;
mod sealer;
mod self_test;
#[cfg(test)]
mod tests;

pub use error::SealError;
pub use purpose::{CONTEXT_MAX_BYTES, Context, ContextTooLong, Purpose};
pub use sealer::{Opened, Sealer};
pub use self_test::{SelfTestError, self_test};
