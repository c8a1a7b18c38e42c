//! Everything that a run learnt from outside: append-only, hash-chained, Merkle-rooted.
//!
//! A run that is given its transcript again does the same again. The guest writes it with [`Writer`], and the
//! claim signs its [`Root`]; whoever has the claim holds the file against it with [`verify_run`], and then
//! reads it with [`Reader`]. [`prove`] and [`verify_proof`] show one segment under a root without the rest.
//!
//! # The format, version 1
//! Numbers in heads are little-endian; ‖ joins bytes; H is SHA-256; labels are ASCII without an end mark.
//! ```text
//! file    = MAGIC segment*                         MAGIC = 89 52 44 42 54 54 31 0A: "\x89RDBTT1\n"
//! segment = leaf ‖ chain value, 32 bytes
//! leaf    = index u32 ‖ number of its first entry u64 ‖ number of its entries u32 ‖ length of its body u32 ‖ body
//! entry   = kind u8 ‖ fuel LEB128 ‖ bytes of its payload LEB128 ‖ payload
//! ```
//! * Segments are numbered from 0, entries from 0 over all segments. Segment 0 has no entries: its body is
//!   the header.
//! * `fuel` is what the component has used since the previous entry, and in the first entry of a segment
//!   since the run began: so a segment says by itself when something happened. LEB128 is unsigned, at most 64
//!   bits, and has no zero byte at its end that could be left out.
//! * The kinds are those of [`Kind`]. What payloads mean is the runtime's affair; they have at most 65,600
//!   bytes.
//! * A segment is closed after the entry with which its body reaches 4,096 bytes, and after the entry of kind
//!   END, which is in every transcript once, as the last. So the same entries are always the same file.
//! ```cddl
//! header = { 0: 1, 1: digest, 2: digest, 3: uint, 4: digest }
//!          ; version; SHA-256 of component and manifest; number of the job since boot; seed
//! digest = bstr .size 32
//! ```
//! The header is deterministic CBOR (RFC 8949 §4.2.1). All randomness of the run is derived from the seed.
//! ```text
//! leaf hash i   = H(00 ‖ leaf i)
//! chain value i = H("redoubt transcript chain 1" ‖ chain value i-1 ‖ leaf hash i)
//! root          = H("redoubt transcript root 1" ‖ 1 as u32 ‖ number of entries u64 ‖ number of segments u64
//!                   ‖ last chain value ‖ Merkle tree hash of all leaves)
//! ```
//! Chain value -1 is 32 zero bytes. Leaf hashes and the Merkle tree hash are those of RFC 9162 §2.1.1, where a
//! node is H(01 ‖ left ‖ right).
//!
//! The chain finds what came to harm, and where. It is no secret how it is computed: only the root, which is
//! signed, tells a transcript from one that somebody made up.
//!
//! # What a root and a proof give away
//! The seed is in the header, and the header under the root and in every chain value: from a root alone
//! nobody can tell whether a guess of the content is right. An audit path has leaf hashes of neighbours, and
//! whoever guesses the whole of a neighbour can tell: of a private job, proofs go only to those who may see
//! that much. How a transcript leaves the guest for readers alone is `attestation-envelope`'s affair: the root is that of
//! what is in the envelope.
//!
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod entry;
mod error;
mod header;
mod hex;
mod kind;
mod leb128;
mod proof;
mod reader;
mod root;
mod segment;
#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests compute places in transcripts that they made"
)]
mod tests;
mod walk;
mod writer;

pub use entry::{Description, Entries, Entry, describe};
pub use error::{EntryField, HeadField, Place, ProofError, RunField, TranscriptError, WriteError};
pub use header::{Header, HeaderError, Run};
pub use kind::Kind;
pub use proof::{Content, InclusionProof, PROOF_MAX_BYTES, ProvenSegment, prove, verify_proof};
pub use reader::{Reader, Summary, verify, verify_run};
pub use root::Root;
pub use segment::SEGMENT_MAX_BYTES;
pub use writer::{Finished, Writer};

/// The only version of transcripts.
pub const TRANSCRIPT_VERSION: u32 = 1;
/// What a file begins with. Not text, so that nothing takes it for text and changes ends of lines unseen.
pub const MAGIC: [u8; 8] = *b"\x89RDBTT1\n";
/// A segment is closed with the entry that makes its body this long.
pub const SEGMENT_TARGET_BYTES: usize = 4096;
/// The longest payload of an entry: 64 KiB of content and 64 bytes about it.
pub const PAYLOAD_MAX_BYTES: usize = 64 * 1024 + 64;
