//! A notary over HTTP. `POST /documents` answers with what the document is and with a receipt; `GET /health` answers
//! that the notary is there.
//!
//! A receipt is a hash over the document's facts and over the receipt before it, which the client names in the header
//! [`PREVIOUS_HEADER`]. Whoever holds the latest receipt of a chain can prove the order and the content of everything
//! in it, and the notary has to remember nothing.
//!
//! A document is read piece by piece and never held: a gigabyte takes no more memory than a line. The answer depends on
//! the request's bytes only: no clock, no randomness. Panics: never on a request.
#![forbid(unsafe_code)]

mod answer;
mod digest;
mod document;
#[cfg(target_family = "wasm")]
mod service;

pub use answer::{Answer, Method, PREVIOUS_HEADER, Refusal, Task, plan};
pub use digest::Digest;
pub use document::{Document, Facts};
