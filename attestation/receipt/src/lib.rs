//! Receipts: what a guest asked a server over HTTPS, what came back, and how it knew whom it talked to.
//!
//! TLS ends in the guest. After an exchange it signs a receipt: a COSE_Sign1 (RFC 9052) by ES256 with the instance key of
//! its evidence. Method, address, fields and bodies are not in it by themselves, but as salted leaves under the root of a
//! Merkle tree: whoever has a receipt can show some of them and keep the others, and nobody can guess those.
//!
//! # What a receipt proves, and what it does not
//! **The server did not sign what it said.** Records of TLS are protected by symmetric keys, which both ends have: either
//! could have written every byte. That a body came from a server is vouched for by the guest alone, so by the hardware
//! that the evidence is of, and by the image that it measured. A server can deny whatever a receipt says that it said.
//!
//! What the server did sign is the handshake. That signature is in the receipt, and [`verify_origin`] checks with it,
//! without believing the guest, that the key of this certificate took part in *some* handshake, whenever that was. In TLS
//! 1.3 it is over a hash, and only the guest says that this is the hash of this handshake; in TLS 1.2 it is over the random
//! numbers that the receipt has. Exchanges on one connection have one handshake: all that their receipts say of TLS is the
//! same, and the certificates were valid at the time of each.
//!
//! # The staircase
//! bytes → [`SignedReceipt`] (parsed; whatever is shown is under the root) → [`VerifiedReceipt`] (signed by the key that
//! the evidence names). Whether that evidence is true is for others to verify. Three further questions have answers of their
//! own: who the server was ([`verify_origin`]), when it was ([`check_time`]), and whether a receipt is missing
//! ([`check_chain`]). Where nothing was enclosed or shown, the first two say so, and never that all is well.
//!
//! | who | uses |
//! | --- | --- |
//! | guest, during an exchange | [`Recorder`], which ends in an [`Opening`] and its [`Leaves`] |
//! | guest, afterwards or much later | [`Receipt`], [`sign_receipt`], [`receipts_root`] |
//! | holder of the opening | [`Opening::disclose`], [`Body::disclose`], [`SignedReceipt::with_disclosures`] |
//! | anybody with a file | [`redact`], [`SignedReceipt::verify`] |
//!
//! # The form, version 1
//! ```cddl
//! receipt-file = #6.18([bstr .cbor headers, enclosed, bstr .cbor receipt, bstr .size 64])
//! headers = { 1: -7, 3: "application/redoubt-receipt+cbor", -65537: digest }   ; SHA-256 of the evidence's bytes
//! enclosed = { ? -65538: bstr .cbor evidence, ? -65540: [1*1024 shown-leaf],
//!     ? -65541: [1*1024 shown-chunk], ? -65542: [1*10 bstr] }
//!     ; leaves and chunks in their order; certificates of the server in DER, all of them, as it presented them
//! shown-leaf = [uint, bstr .cbor leaf, path]       ; number of the leaf
//! shown-chunk = [5 / 9, bstr .cbor chunk, path]    ; kind of the body
//! path = [0*32 digest]                             ; audit path of RFC 9162 §2.1.3.1
//! receipt = {
//!     0: 1, 1: uint, 2: digest,       ; version; number since boot; digest of the receipt before or zeros
//!     3: run, 4: leaves, 5: peer, 6: tls,
//!     7: 0 / 1,                       ; the request was sent whole, or cut
//!     8: [0, 0 / 1 / 2] / [1],        ; the response ended by length, by chunks, by close_notify; or was truncated
//!     9: time,
//! }
//! run = { 0: digest, 1: digest, 2: uint, 3: uint } ; component, manifest; run since boot, exchange in the run, from 0
//! leaves = { 0: digest, 1: 7..1024 }               ; root, number
//! peer = { 0: tstr, 1: bstr .size 4, 2: uint .size 2 }   ; name or address as called; IPv4 address and port
//! tls = {
//!     0: uint .size 2, 1: uint .size 2, 2: uint .size 2, 3: bool,   ; version, cipher suite, group; whether asked twice
//!     ? 4: bstr .size (1..255), 5: bstr .size 32, ? 6: bstr .size 32,   ; ALPN; client random, server random
//!     7: bstr .size 32,               ; exporter value for EXPORTER-redoubt-receipt-1, no context
//!     8: digest, 9: [1*10 digest], 10: [1*10 uint],   ; server's SPKI; certificates as presented; those of the path
//!     11: digest, 12: digest, 13: bool,   ; root's SPKI, list of roots that it is from, whether the key was pinned
//!     14: validity, 15: handshake-signature,
//! }
//! validity = { 0: uint, 1: uint }                  ; of the whole path: first and last second since 1970
//! handshake-signature = { 0: uint .size 2, 1: bstr .size (1..512), 2: bstr .size (1..1024) }
//!     ; scheme, message, signature
//! time = { 0: uint, 1: uint, ? 2: digest, 3: uint, 4: uint, 5: uint }
//!     ; earliest and latest second since 1970 at the end; Roughtime response that the earliest is from
//!     ; microseconds since boot: request begun, first and last byte of the response
//! leaf = [salt, 0 / 1 / 2 / 3, tstr]               ; method, scheme, authority, path with query
//!      / [salt, 4 / 6 / 8 / 10, tstr, bstr]        ; field of request, trailer of request, field and trailer of response
//!      / [salt, 5 / 9, uint, uint, digest]         ; body of request, of response: bytes, chunks, root over these
//!      / [salt, 7, 100..999]                       ; status
//! chunk = [salt, 11, uint, bstr .size (1..4096)]   ; its number, what is in it
//! salt = bstr .size 16
//! digest = bstr .size 32
//! ```
//! All of it is deterministic CBOR (RFC 8949 §4.2.1). `external_aad` is the bytes `redoubt receipt 1`; S is in the lower
//! half; `evidence` is described in that crate. A receipt's digest is SHA-256 of its payload.
//!
//! * Leaves are in the order of their kinds, fields as they were sent and received; each kind that is no field or trailer is
//!   there once. So whatever is hidden has a place, and the first four leaves have a known kind.
//! * A body is cut into chunks of 4,096 bytes, the last is shorter; they are the leaves of a tree of its own.
//! * Hashes of leaves and chunks, and both trees, are those of RFC 9162 §2.1.1.
//! * Salt i is the first 16 bytes of SHA-256("redoubt receipt salt 1" ‖ secret ‖ i as u64, big-endian). For leaves the
//!   secret is the receipt's, 32 random bytes; for chunks it is the body's, SHA-256("redoubt receipt body 1" ‖ secret of the
//!   receipt ‖ 0 for the request or 1 for the response as u64, big-endian). Labels are ASCII without an end mark.
//! * So a body's secret opens all of the body and nothing else, and a salt opens one leaf or chunk.
//! * A commitment in Roughtime (see `attestation-roughtime`) and the receipts root of a claim are roots of the tree whose
//!   leaves are digests of receipts: [`receipts_root`].
//!
//! # What a receipt gives away that hides all leaves
//! Whatever is in the payload: the host, the run, TLS, times; and how many leaves there are, so how many fields. A body that
//! is shown in part gives away its length.
//!
//! Panics: never on input. Nothing is allocated because a length says so.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod body;
mod chain;
mod contents;
mod cose;
mod disclosure;
mod error;
#[cfg(test)]
mod fixtures;
mod hex;
mod opening;
mod origin;
mod payload;
mod recorder;
mod secret;
mod signed;
mod time;
mod tls;
mod value;
mod written;

pub use body::{Body, BodySide, CHUNK_BYTES, RunningBody};
pub use chain::{RunningRoot, check_chain, receipts_root};
pub use contents::{Content, Piece};
pub use disclosure::{ChunkDisclosure, Disclosure, LeafDisclosure, Place};
pub use error::{ReceiptError, RecordError};
pub use opening::Opening;
pub use origin::{CertificateChecker, OriginFinding, verify_origin};
pub use payload::{
    BodyEnd, LEAVES_MAX, LEAVES_MIN, Leaves, Peer, Receipt, RequestOutcome, ResponseOutcome, Run, Time,
};
pub use recorder::{Recorder, RequestHead, ResponseHead};
pub use secret::{BodySecret, ReceiptSecret, SALT_BYTES};
pub use signed::{SignedReceipt, VerifiedReceipt, redact, sign_receipt};
pub use time::{Bound, CommitmentOpening, CommitmentOpenings, TimeFinding, check_time};
pub use tls::{CERTIFICATES_MAX, HandshakeSignature, TLS_1_2, TLS_1_3, Tls, Validity};
pub use value::{Field, Kind, Value};

/// The only version of receipts.
pub const RECEIPT_VERSION: u32 = 1;
/// Content type of the payload.
pub const CONTENT_TYPE: &str = "application/redoubt-receipt+cbor";
/// What the exporter value of a session is derived with, without a context.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-redoubt-receipt-1";
/// The longest payload that is looked at.
pub const RECEIPT_MAX_BYTES: usize = 4096;
/// The longest file that is looked at: evidence, certificates, heads, and 1,024 chunks of bodies. Whoever shows more of a
/// body shows all of it, apart, with its secret: [`Body::check`].
pub const SIGNED_RECEIPT_MAX_BYTES: usize = 8 << 20;
