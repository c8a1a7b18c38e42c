//! Connections to services of guests: TLS 1.3, proven to end in the guest before anything of the caller's is sent.
//!
//! | to | use |
//! | --- | --- |
//! | connect, as often as needed | [`Connector::connect`] |
//! | talk | [`Connection`], which reads and writes; [`Connection::split`] for both at once |
//! | look at who is there | [`Peer`]: the proven session, evidence included, and what TLS agreed on |
//! | give it to programs that know nothing of this | [`Proxy`]: a port of the loopback address |
//!
//! The certificate that a service shows is self-issued and says nothing; any is taken. What counts is the proof of
//! `attestation-session`, which names the certificate's key and the connection, and is signed by the key that evidence
//! names. Whether that evidence is good enough is for the caller to say: [`Connector::new`] takes a function for it. There is
//! no resumption and no early data, so that there is no connection without a proof of its own.
//!
//! ```no_run
//! use attestation_connect::{Connector, Limits, Peer, Refused};
//! use std::io::{Read, Write};
//!
//! fn appraise(peer: &Peer) -> Result<(), Refused> {
//!     let evidence = peer.session().evidence().evidence();
//!     // Verify the report up to the vendor's roots, and compare what it says with what is expected.
//!     Err(Refused(format!("platform {:?} is not wanted", evidence.platform)))
//! }
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let connector = Connector::new("https://ledger.example:8443".parse()?, Limits::default(), appraise)?;
//! let mut connection = connector.connect()?;
//! connection.write_all(b"GET / HTTP/1.1\r\nHost: ledger.example\r\nConnection: close\r\n\r\n")?;
//! let mut answer = Vec::new();
//! connection.read_to_end(&mut answer)?; // fails if the answer was cut short
//! # Ok(())
//! # }
//! ```
//! Panics: never on what comes from the network.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod address;
mod connection;
mod connector;
mod error;
mod handshake;
mod http;
mod known;
mod limits;
mod peer;
mod proxy;

pub use address::{AddressError, ServiceUrl};
pub use connection::{Connection, ReadHalf, WriteHalf};
pub use connector::Connector;
pub use error::{ConnectError, Refused};
pub use http::HttpError;
pub use limits::Limits;
pub use peer::{Peer, TlsParameters};
pub use proxy::{Event, Proxy, ProxyError, ProxyLimits};
