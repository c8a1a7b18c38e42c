//! `redoubt-verify connect`: that a service's TLS ends in a guest that is wanted, and a port for programs that cannot find
//! out themselves.
//!
//! [`Judge`] says whether a guest is wanted; [`command`] reads files, asks the service and the clock, and opens the port.

pub mod arguments;
pub mod command;
mod judge;
mod text;

pub use judge::Judge;
