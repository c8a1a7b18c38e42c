//! A port of the loopback address, for programs that know nothing of proofs: each connection to it gets one of its own to
//! the guest, proven before the first byte passes.
//!
//! Bytes are passed on as they are. So nobody looks which `Host` a request names: whatever runs on this machine may use the
//! port, other users and pages in a browser included. They get what the service gives to anybody who connects.

mod refusal;
mod splice;

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use crate::{ConnectError, Connector};
use refusal::Refusal;

/// Connections above the limit that are told so at the same time. Those beyond are closed without a word.
const REFUSALS_MAX: usize = 64;
/// The system is out of something: that does not change at once.
const PAUSE: Duration = Duration::from_millis(100);

/// What a proxy takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyLimits {
    /// Connections at the same time.
    pub connections: usize,
    /// How long a connection may stay after the guest has ended its side, while the local program has not.
    pub half_closed: Duration,
}

impl Default for ProxyLimits {
    fn default() -> Self {
        Self { connections: 256, half_closed: Duration::from_secs(30) }
    }
}

/// A port that is open, and passes on nothing until [`Proxy::serve`].
#[derive(Debug)]
pub struct Proxy {
    listener: TcpListener,
    address: SocketAddr,
    connector: Connector,
    limits: ProxyLimits,
}

/// Why there is no port.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// Other machines could connect.
    #[error(
        "{address}: expected a loopback address like 127.0.0.1: what goes over this port is in the clear, and not for networks"
    )]
    NotLoopback {
        /// What was asked for.
        address: SocketAddr,
    },
    /// The system refuses.
    #[error("{address}: {source}\n  name another port, or 0 for any")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// Something that went wrong with one connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// None to the guest: the local program got a 502 that says so.
    NotConnected {
        /// Why not.
        error: ConnectError,
    },
    /// The guest's side broke, or nothing came for too long: the local program's connection is reset.
    Cut {
        /// How.
        error: io::Error,
    },
    /// Too many at the same time: the local program got a 503.
    TooMany {
        /// How many there are.
        limit: usize,
    },
    /// This machine is out of something.
    Local {
        /// Of what.
        error: io::Error,
    },
}

impl Proxy {
    /// Opens a port, 0 for any.
    ///
    /// # Errors
    /// The address is no loopback address, or cannot be had.
    pub fn bind(address: SocketAddr, connector: Connector, limits: ProxyLimits) -> Result<Self, ProxyError> {
        if !address.ip().is_loopback() {
            return Err(ProxyError::NotLoopback { address });
        }
        let listen = || {
            let listener = TcpListener::bind(address)?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) = listen().map_err(|source| ProxyError::Listen { address, source })?;
        Ok(Self { listener, address, connector, limits })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Passes on connections, each in threads of its own, and tells `report` of those that fail.
    pub fn serve(self, report: impl Fn(Event) + Send + Sync + 'static) -> ! {
        let Self { listener, connector, limits, .. } = self;
        let report: Arc<Report> = Arc::new(report);
        let open = Arc::new(AtomicUsize::new(0));
        loop {
            match listener.accept() {
                Ok((local, _)) => start(local, &connector, limits, &open, &report),
                // Whoever connected went away again, or a signal came.
                Err(error)
                    if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                Err(error) => {
                    report(Event::Local { error });
                    thread::sleep(PAUSE);
                }
            }
        }
    }
}

type Report = dyn Fn(Event) + Send + Sync;

/// One of the connections that are open, until it is dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn start(
    local: TcpStream,
    connector: &Connector,
    limits: ProxyLimits,
    open: &Arc<AtomicUsize>,
    report: &Arc<Report>,
) {
    let before = open.fetch_add(1, Ordering::Relaxed);
    let place = Place(Arc::clone(open));
    if before >= limits.connections.saturating_add(REFUSALS_MAX) {
        return;
    }
    let (connector, on_thread) = (connector.clone(), Arc::clone(report));
    let work = move || {
        let _place = place;
        if before < limits.connections {
            serve_one(&local, &connector, limits, &*on_thread);
        } else {
            let limit = limits.connections;
            on_thread(Event::TooMany { limit });
            Refusal::TooMany { limit }.send(&local);
        }
    };
    if let Err(error) = thread::Builder::new().name("connection".to_owned()).spawn(work) {
        report(Event::Local { error });
    }
}

fn serve_one(local: &TcpStream, connector: &Connector, limits: ProxyLimits, report: &Report) {
    // A local program that says nothing costs the guest nothing.
    if !is_speaking(local, connector.limits().idle) {
        return;
    }
    match connector.connect() {
        Ok(remote) => {
            if let Err(error) = splice::splice(local, remote, connector.limits().idle, limits.half_closed) {
                report(Event::Cut { error });
            }
        }
        Err(error) => {
            Refusal::NotConnected { error: &error }.send(local);
            report(Event::NotConnected { error });
        }
    }
}

/// Waits for the first byte.
fn is_speaking(local: &TcpStream, limit: Duration) -> bool {
    local.set_read_timeout(Some(limit)).is_ok() && local.peek(&mut [0]).is_ok_and(|count| count > 0)
}
