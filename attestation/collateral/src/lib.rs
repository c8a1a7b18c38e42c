//! Collateral: what AMD, Intel and NVIDIA publish about their machines, fetched, checked for what it is, and kept on disk.
//!
//! Collateral is never trusted because of where it came from. TLS, a mirror and the cache decide only whether an answer
//! arrives; whether it is genuine, signatures decide later, in `attestation-verify`. What is checked here is that an answer
//! is the object that was asked for: anything else is refused with a name and kept nowhere.
//!
//! * [`Request`]: an object of a vendor's service, with its address, its limits and how long it may be kept.
//! * [`plan`]: which objects some evidence needs.
//! * [`Fetcher`]: from the [`Cache`], or over a [`Transport`] with back-off that all processes of a machine share.
//!
//! Time, chance and the network are arguments ([`Environment`], [`Transport`]).
//! Panics: never on input.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod address;
mod backoff;
mod cache;
mod chain_header;
mod entry;
mod environment;
mod error;
mod fetch;
#[cfg(feature = "https")]
mod https;
mod names;
mod object;
pub mod plan;
mod request;
mod transport;

pub use address::{AddressError, BaseUrl, Endpoints, Service};
pub use cache::{Cache, CacheError, Kept};
pub use chain_header::{CHAIN_HEADER_MAX_BYTES, ChainHeaderError, decode_issuer_chain};
pub use environment::{Environment, System};
pub use error::FetchError;
pub use fetch::{Event, Fetcher, Found, Mode, Source};
#[cfg(feature = "https")]
pub use https::{Https, Limits};
pub use names::{ChipKey, Fmspc, NameError, PckCa, RimId};
pub use object::{Holds, Object, ObjectError};
pub use request::Request;
pub use transport::{Answer, Get, Transport, TransportError};
