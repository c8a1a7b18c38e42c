//! Servers that tests talk to, on this machine's loopback: HTTPS with an authority of their own, services of guests,
//! and Roughtime, honest and lying. They are written from the specifications and with other libraries than the guest's, but
//! for TLS itself, and for what guests sign.
#![forbid(unsafe_code)]
#![expect(clippy::expect_used, reason = "a test whose server does not start has failed")]

mod app_toml;
mod guest;
mod https;
mod roughtime;

pub use app_toml::{AppTomlParts, time_servers};
pub use guest::{Asked, Guest, TlsIdentity, TlsServer, TlsStream, respond};
pub use https::{Authority, Behaviour, HttpsServer, MemoryServer};
pub use roughtime::{Clock, TimeServer, UdpTimeServer};
