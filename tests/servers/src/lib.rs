//! Servers that tests talk to, on this machine's loopback: HTTPS with an authority of their own, and Roughtime, honest and
//! lying. They are written from the specifications and with other libraries than the guest's, but for TLS itself.
#![forbid(unsafe_code)]
#![expect(clippy::expect_used, reason = "a test whose server does not start has failed")]

mod app_toml;
mod https;
mod roughtime;

pub use app_toml::AppTomlParts;
pub use https::{Authority, Behaviour, HttpsServer, MemoryServer};
pub use roughtime::{Clock, TimeServer, UdpTimeServer};
