//! Whom requests under TLS may reach: those whom the manifest trusts, at a time that its servers agree on.

use alloc::sync::Arc;

use attestation_manifest::Manifest;
use enclave_http::Host;
use enclave_platform::Identity;
use enclave_runtime::HttpFailure;
use enclave_tls::{ServerHost, Trust, TrustError};

use crate::idle::IdleCount;
use crate::receipts::SharedReceipts;
use crate::time::SharedTime;

/// The manifest's trust, and the time.
#[derive(Debug, Clone)]
pub(crate) struct Security {
    trust: Arc<Trust>,
    pub(crate) time: SharedTime,
    pub(crate) receipts: SharedReceipts,
    /// How many connections wait for their runs' next requests.
    pub(crate) idle: IdleCount,
}

/// Whom a connection has to lead to, and who knows.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) host: ServerHost,
    pub(crate) trust: Arc<Trust>,
    pub(crate) time: SharedTime,
}

impl Security {
    /// # Errors
    /// An authority of the manifest is no certificate.
    pub(crate) fn of(manifest: &Manifest<'_>, identity: &Identity) -> Result<Self, TrustError> {
        let trust = Trust::of(manifest)?;
        let (time, receipts) = (SharedTime::of(manifest), SharedReceipts::new(identity));
        Ok(Self { trust: Arc::new(trust), time, receipts, idle: IdleCount::default() })
    }

    #[cfg(test)]
    pub(crate) fn of_parts(trust: Trust, time: SharedTime) -> Self {
        let (receipts, idle) = (SharedReceipts::for_tests(), IdleCount::default());
        Self { trust: Arc::new(trust), time, receipts, idle }
    }

    /// Who a host has to turn out to be.
    pub(crate) fn peer(&self, host: &Host) -> Result<Peer, HttpFailure> {
        let host = match host {
            Host::Name(name) => ServerHost::parse(name).map_err(|_| HttpFailure::RequestUriInvalid)?,
            Host::V4(address) => ServerHost::from(*address),
            Host::V6(_) => return Err(HttpFailure::DestinationUnavailable),
        };
        Ok(Peer { host, trust: self.trust.clone(), time: self.time.clone() })
    }
}
