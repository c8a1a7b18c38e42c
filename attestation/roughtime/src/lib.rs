//! Roughtime, version 1 (RFC 10049): asks servers for the time, checks what they sign, and keeps it as a proof.
//!
//! A guest has no clock that its host cannot set. It asks servers whose long-term keys its manifest names: each request has
//! a nonce, and the answer is signed over it. Nothing here sends or waits: requests and responses are bytes, and the
//! host that carries them can lose, delay, repeat and make up whatever it likes.
//!
//! * [`request()`] and [`read_response`] are the protocol: one server, one answer, a [`Midpoint`] with its radius.
//! * [`Measurement`] asks one server after the other, each nonce made of the answer before: whoever sees the answers sees
//!   in which order they were given, and a server that lies about the time contradicts another one (RFC 10049 §8.2).
//! * [`Proof`] is what remains of a measurement. [`Proof::verify`] needs no clock and believes nobody but servers.
//! * [`agree`] says what time it is, if enough servers say the same.
//! * [`report_json`] is the form in which contradictions are reported (§8.4.1).
//!
//! # What a proof says of other objects
//! The nonce of an exchange is H(response before ‖ blind), H being the first 32 bytes of SHA-512; the first exchange after a
//! boot has no response before, and there H is over the blind alone. The blind is 32 random bytes or a [`commitment`],
//! which looks the same as long as its salt is random and was used once.
//! * *Not after*: an object under the Merkle root that the blind of exchange i commits to was there before the server of
//!   exchange i saw the nonce, so before [`latest_s`](Midpoint::latest_s) of its response. Who wants to show that opens the
//!   commitment: salt, root, and a path to the object.
//! * *Not before*: an object that has the [`response_digest`] of exchange i in it was made after the server of exchange i
//!   signed, so after [`earliest_s`](Midpoint::earliest_s) of its response.
//!
//! Both hold as far as that server is honest. The chain carries them on: the object was there before all later responses
//! as well, and was made after all earlier ones. So of the bounds of several servers the weakest holds as long as one of
//! them is honest.
//!
//! A proof without its last exchanges is a proof as well: whoever needs all of it compares the [`Proof::digest`]. And a
//! carrier can put tags that the protocol does not know around what is signed: a response is chained and digested as it
//! was accepted.
//!
//! # The form of proofs, version 1
//! ```cddl
//! proof = { 0: 1, ? 1: response, 2: [1*32 key], 3: [1*32 exchange] }
//!         ; version; last response of the measurement before, none after a boot; servers, each once, in the order of
//!         ; their first exchange
//! exchange = [uint, bstr .size 32, response]   ; number of the server, blind, what it answered
//! key = bstr .size 32                          ; Ed25519, long-term
//! response = bstr .size (1..1036)              ; a packet of Roughtime
//! ```
//! Deterministic CBOR (RFC 8949 §4.2.1). Requests are not in it: key, blind and response before determine each to the byte.
//!
//! Panics: never on input. Nothing is allocated because a length says so.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod agreement;
mod chain;
mod codec;
mod error;
mod fields;
mod hash;
mod hex;
mod key;
mod measurement;
mod message;
mod midpoint;
mod proof;
mod report;
mod request;
mod response;
mod tag;

pub use agreement::{Agreement, DisagreementError, SERVERS_AGREEING_MIN, ServerReading, agree};
pub use chain::{chained_nonce, commitment, first_nonce, response_digest};
pub use error::{MeasurementError, MessageError, Part, ProofError, ResponseError};
pub use key::ServerKey;
pub use measurement::Measurement;
pub use midpoint::{Midpoint, inconsistencies};
pub use proof::{Exchange, Proof, Verified, VerifiedExchange};
pub use report::report_json;
pub use request::request;
pub use response::read_response;
pub use tag::Tag;

/// The only version of the protocol that is spoken here.
pub const ROUGHTIME_VERSION: u32 = 1;
/// The only version of proofs.
pub const PROOF_VERSION: u32 = 1;
/// How long a request is, with its frame. Its message has the 1024 bytes that servers want over UDP (RFC 10049 §5.1).
pub const REQUEST_BYTES: usize = message::FRAME_BYTES + 1024;
/// The longest response: servers send none that is longer than what it answers.
pub const RESPONSE_MAX_BYTES: usize = REQUEST_BYTES;
/// Most exchanges of one measurement: sixteen servers, each asked twice.
pub const EXCHANGES_MAX: usize = 32;
/// The longest proof that is looked at.
pub const PROOF_MAX_BYTES: usize = codec::PROOF_MAX_BYTES;
