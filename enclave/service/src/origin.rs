//! Whom a request goes to, and how: what egress rules speak of, and what a connection can be used for again.

use attestation_manifest::{EgressPolicy, EgressScheme};
use enclave_http::{Host, Scheme};
use enclave_runtime::{HttpFailure, HttpRequest};

/// Scheme, host and port (RFC 9110, section 4.3.1). Two that differ in one of them are strangers to each other, whatever
/// their addresses are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) scheme: EgressScheme,
    pub(crate) host: Host,
    pub(crate) port: u16,
}

impl Origin {
    /// # Errors
    /// The request names none.
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, HttpFailure> {
        let port = request.authority.port_for(&request.scheme).ok_or(HttpFailure::RequestDenied)?;
        let scheme = match request.scheme {
            Scheme::Https => EgressScheme::Https,
            Scheme::Http => EgressScheme::Http,
            _ => return Err(HttpFailure::ProtocolError),
        };
        Ok(Self { scheme, host: request.authority.host.clone(), port })
    }

    /// Whether a rule allows it. None is of addresses that names resolve to, so it makes no difference which one is called.
    pub(crate) fn is_permitted(&self, policy: &EgressPolicy, method: &str) -> bool {
        let permits = |host: &str| policy.permits(self.scheme, host, self.port, method);
        match &self.host {
            Host::Name(name) => permits(name),
            Host::V4(address) => permits(&alloc::format!("{address}")),
            Host::V6(_) => false,
        }
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.scheme == EgressScheme::Https
    }
}
