//! Whom to believe over TLS, and whether a chain of certificates says so all through an interval of time.
//!
//! The guest asks it in every handshake, and whoever reads a receipt asks it again, years later: both have the same roots,
//! from the same manifest, and the same answer. The path from a certificate to a root is webpki's; ours are the rules:
//!
//! * Time is an interval. Every certificate of the path is valid at its start and at its end.
//! * A host may have authorities and keys of its own. An authority that does not count for a host is as good as none.
//! * Of revocation nothing is asked. A key that must not be believed any more has to leave the list of keys.
//!
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod algorithms;
mod host;
mod interval;
mod path;
mod trust;
mod x509;

pub use algorithms::{ALGORITHMS, SCHEMES};
pub use host::{HostError, ServerHost};
pub use interval::{Interval, IntervalError, unix_time};
pub use path::{certificates_of, verify_path};
pub use trust::{Anchors, Applicable, HostTrust, Trust, TrustError};
pub use x509::{Fields, Validity};
