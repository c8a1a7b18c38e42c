//! The guest's life after boot: serve the loader, run jobs or answer requests, sign claims.
//!
//! Generic over the stream to the loader and over what surrounds the guest, so the whole of it runs in host tests
//! against a scripted loader. The loader is hostile: a frame that breaks the protocol ends the guest, and nothing it
//! sends can make a claim say what did not happen.
//! Panics: never on what the loader or the component does.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod channel;
mod claims;
mod connecting;
mod error;
mod exchange;
mod exchanges;
mod idle;
mod intake;
mod job;
mod origin;
mod outlet;
mod parcel;
mod receipts;
mod recording;
mod requests;
#[cfg(test)]
mod scripted;
mod security;
mod serve;
mod sessions;
mod shared;
mod sockets;
mod surroundings;
mod time;
mod vault;

pub use claims::ClaimChain;
pub use error::ServiceError;
pub use serve::{Ended, Guest, serve};
pub use sockets::{Broken, Connection, ConnectionState, Query, Question, Sockets, Unresolved};
pub use surroundings::{HeapFigures, NetworkFigures, ProbeAnswer, Surroundings};
pub use vault::{
    BUCKET_OVERHEAD_BYTES, ENTRY_OVERHEAD_BYTES, KeyValueStore, RestoreError, SavedError, SharedVault, Vault,
};
