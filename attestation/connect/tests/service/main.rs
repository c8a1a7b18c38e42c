//! Connections to services on this machine's loopback: of guests, of those who pretend to be one, and of those who stand in
//! between.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod adversaries;
mod broken;
mod honest;
mod proxy;
mod world;
