//! HTTP/1.1 without input and output: heads, bodies, limits. Both sides of RFC 9110 and RFC 9112.
//!
//! The guest is a client of services and a server of requests, and the host may change every byte in between unless TLS
//! is below. Two readers who find different ends of a message in the same bytes are how requests are smuggled, so where
//! the specifications let a recipient guess, this one refuses. Each refusal has a name: [`HttpError`] for what the peer
//! sent, [`OutgoingError`] for what our own side wants to send.
//!
//! | to | use |
//! | --- | --- |
//! | read a request | [`RequestHead::parse`], [`RequestHead::framing`], [`BodyDecoder`] |
//! | answer it | [`OutgoingResponse::encode`], which gives the [`BodyEncoder`] and says whether the connection goes on |
//! | send a request | [`OutgoingRequest::encode`] |
//! | read its response | [`parse_final_response`], [`ResponseHead::framing`], [`BodyDecoder`] |
//!
//! After any error a connection is closed: where the next message begins is not known any more. Tunnels (CONNECT) and
//! protocol changes (Upgrade, 101) are not offered.
//!
//! Panics: never on input. Nothing is allocated that a length field asks for.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod authority;
mod chunked;
mod connection;
mod decoder;
mod encoder;
mod error;
mod field;
mod framing;
mod limits;
mod method;
mod outgoing;
mod request;
mod response;
mod scan;
mod status;
mod target;

pub use authority::{Authority, AuthorityError, Host, Scheme};
pub use decoder::{BodyDecoder, Decoded};
pub use encoder::BodyEncoder;
pub use error::{HttpError, OutgoingError};
pub use field::{Field, FieldError, Fields};
pub use framing::Framing;
pub use limits::{BodyLimits, HeadLimits};
pub use method::{METHOD_MAX_BYTES, Method, MethodError, Version};
pub use outgoing::{BodyPlan, CONTINUE, OutgoingRequest, OutgoingResponse, RequestFacts, ResponseStart};
pub use request::RequestHead;
pub use response::{ResponseHead, parse_final_response};
pub use status::StatusCode;
pub use target::Target;
