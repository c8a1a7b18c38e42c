//! TLS without input and output: whom to believe, sessions, and what receipts say of them. The client's side of TLS 1.3
//! (RFC 8446) and 1.2 (RFC 5246), and the server's of TLS 1.3.
//!
//! | to | use |
//! | --- | --- |
//! | say whom to believe | [`Trust`], once |
//! | call a server | [`Client::connect`] with a [`ServerHost`] and the [`Interval`] that it is |
//! | say who we are | [`ServerIdentity::self_issued`], once |
//! | be called | [`Server::accept`], for each client |
//! | carry bytes | [`Connection::receive`], [`Connection::step`], [`Connection::outgoing`] |
//! | speak | [`Connection::write`], [`Connection::plaintext`], [`Connection::close`] |
//! | prove with whom | [`Connection::session`]: a [`Session`] or a [`ServerSession`] |
//!
//! The protocol is rustls', the cryptography ring's, the path from a certificate to a root webpki's. Ours are the rules:
//!
//! * Time is an interval. Every certificate of the path is valid at its start and at its end, or the connection fails.
//! * A host may have authorities and keys of its own. An authority that does not count for a host is as good as none.
//! * Every connection proves itself: nothing is resumed, no data goes first, TLS 1.2 only with extended master secret.
//! * Who is called proves itself with one key, made anew at each start; [`ServerIdentity::spki_sha256`] is for evidence that
//!   names it. Who calls proves nothing.
//! * The end of a stream is an end only if the peer said so before.
//! * What is buffered has a limit on all four sides, and so have handshakes and chains.
//!
//! **Randomness.** Keys, and what signatures need, come from ring's `SystemRandom`. On the bare target that draws from the
//! custom source of `getrandom` 0.2, which the binary has to define; one without it does not link.
//!
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

// For its feature, which promises `ring` a source of randomness on the bare target: the one that the binary defines.
#[cfg(target_os = "none")]
use getrandom02 as _;

mod certificate;
mod client;
mod connection;
mod error;
mod exporter;
mod handshake;
mod hello;
mod identity;
mod incoming;
mod moment;
mod provider;
mod refusal;
mod secrets;
mod server;
mod session;
mod traffic;
mod verifier;

pub use attestation_tls_trust::{
    Anchors, HostError, HostTrust, Interval, IntervalError, ServerHost, Trust, TrustError, Validity,
};
pub use certificate::SERVER_NAME;
pub use client::{ALPN_HTTP_1_1, Caller, Client};
pub use connection::{Connection, Side, State};
pub use error::{Signed, TlsError};
pub use exporter::ExporterError;
pub use identity::ServerIdentity;
pub use server::{Called, Server};
pub use session::{Authority, HandshakeSignature, Peer, Sct, ServerSession, Session, Version};
