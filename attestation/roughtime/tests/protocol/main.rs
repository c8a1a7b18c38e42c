//! The protocol as others speak it, each of its checks, and chains of exchanges that somebody tampered with.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod checks;
mod interoperation;
mod measurements;
mod proofs;
mod published;
mod reports;
mod server;
