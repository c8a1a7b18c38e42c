//! The TEE under the guest: simulated, SEV-SNP or TDX; reports and derived keys.
//!
//! A platform is a value behind [`GuestRequest`]; everything above it (framing, sequence numbers, what to do when the
//! host stalls or lies) is one code path. Boot takes what it needs with [`Identity::establish`] and keeps neither the
//! platform key nor any VMPCK: whatever runs later cannot ask the platform for anything.
//! Panics: never on what the host or the platform answers.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod detect;
mod error;
mod identity;
mod keys;
mod link;
mod messenger;
mod random;
mod simulated;

pub use detect::{BootMode, Detected, detect};
pub use error::PlatformError;
pub use identity::Identity;
pub use keys::{DerivedKeys, Purpose, derive_key};
pub use link::{ByteStream, ControlLink, LinkError};
pub use messenger::{GuestRequest, Messenger, REQUEST_ATTEMPTS};
pub use random::{Random, RandomSource};
pub use simulated::SimulatedPlatform;
