//! Session proofs: that one TLS connection ends in the guest that evidence is of.
//!
//! Evidence says which key a guest holds; it says nothing of a connection. So, once a handshake is over and before anything
//! else is said, whoever wants to know sends a nonce, and the guest signs what makes this connection unlike any other: the
//! value that only its two ends can export from it, whose certificates they showed, both nonces, and who says so.
//!
//! | to | use |
//! | --- | --- |
//! | ask | [`Request`], to [`SESSION_PATH`], in a connection over TLS 1.3 |
//! | answer | [`sign_session`] |
//! | believe | [`SignedSession::parse`], then [`SignedSession::verify`] with what this end of the connection knows |
//!
//! Why after the handshake, and not in its certificates: evidence inside a handshake can be relayed by whoever holds one
//! leaked key of any machine that passes (CVE-2026-33697). What each field is for:
//!
//! | field | without it |
//! | --- | --- |
//! | exporter value | the proof could be of another connection: relayed by whoever stands in the middle |
//! | role | the asker's own proof could be sent back to it: both ends export the same value |
//! | nonce of the asker | the proof could be an old one of the same connection |
//! | nonce of the prover | a peer could choose all that is signed |
//! | digests of both keys | all would hang on the exporter, whose uniqueness is the TLS library's word |
//! | manifest, evidence | the proof could be shown with evidence of another boot |
//!
//! Nobody has proven the protocol formally: it is unproven. The model in `tests/` explores it exhaustively within bounds,
//! and finds the attacks of the first three rows once these are left out.
//!
//! ```cddl
//! request = { 0: 1, 1: bstr .size 32, ? 2: bstr .size 32 }  ; version, nonce, digest of evidence that is here already
//! session = #6.18([                                          ; COSE_Sign1, external_aad = 'redoubt session 1'
//!     bstr .cbor { 1: -7, 3: tstr, -65537: bstr .size 32 },  ; ES256, content type, SHA-256 of the evidence
//!     { ? -65538: bstr },                                    ; the evidence, unless it is there already
//!     bstr .cbor {
//!         0: 1, 1: 1 / 2,                                    ; version; whoever signs is the server / the client
//!         2: bstr .size 32, 3: bstr .size 32,                ; nonces of prover and asker
//!         4: bstr .size 32, 5: bstr .size 32,                ; SHA-256 of the prover's SPKI, of the asker's or zero
//!         6: bstr .size 32, 7: bstr .size 32,                ; exporter value; SHA-256 of the manifest
//!         ? 8: [uint, uint],                                 ; when, in seconds since 1970: not before, not after
//!     },
//!     bstr .size 64,
//! ])
//! ```
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod codec;
mod error;
mod request;
mod signed;
mod statement;

use attestation_evidence::EVIDENCE_MAX_BYTES;

pub use error::SessionError;
pub use request::Request;
pub use signed::{KnownEvidence, SignedSession, VerifiedSession, evidence_digest, sign_session};
pub use statement::{Connection, Role, Seconds, Statement, exporter_context};

/// Version of request and proof.
pub const SESSION_VERSION: u32 = 1;
/// Where a service answers a [`Request`] that is posted to it.
pub const SESSION_PATH: &str = "/.well-known/redoubt/session";
/// Media type of a request.
pub const REQUEST_CONTENT_TYPE: &str = "application/redoubt-session-request+cbor";
/// Media type of a proof.
pub const CONTENT_TYPE: &str = "application/redoubt-session+cbor";
/// Label of the exported value (RFC 8446, section 7.5). Labels that begin so need no registration (RFC 5705, section 4).
pub const EXPORTER_LABEL: &[u8] = b"EXPERIMENTAL redoubt session 1";
/// Bytes of an exported value, of a nonce, and of a digest.
pub const VALUE_BYTES: usize = 32;
/// The longest request.
pub const REQUEST_MAX_BYTES: usize = 128;
/// The longest proof.
pub const SESSION_MAX_BYTES: usize = EVIDENCE_MAX_BYTES + 1024;
