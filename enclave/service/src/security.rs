//! Whom requests under TLS may reach: those whom the manifest trusts, at a time that its servers agree on.

use alloc::borrow::ToOwned;
use alloc::sync::Arc;
use alloc::vec::Vec;

use attestation_manifest::{Manifest, TlsHost, TlsRoots, authority_der};
use enclave_http::Host;
use enclave_platform::Identity;
use enclave_runtime::HttpFailure;
use enclave_tls::{Anchors, HostTrust, ServerHost, Trust, TrustError};

use crate::receipts::SharedReceipts;
use crate::time::SharedTime;

/// The manifest's trust, and the time.
#[derive(Debug, Clone)]
pub(crate) struct Security {
    trust: Arc<Trust>,
    pub(crate) time: SharedTime,
    pub(crate) receipts: SharedReceipts,
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
        let anchors = match manifest.tls.roots {
            TlsRoots::Mozilla => Anchors::Mozilla,
            TlsRoots::None => Anchors::None,
        };
        let trust = Trust::new(anchors, manifest.tls.hosts.iter().map(host_trust).collect())?;
        let (time, receipts) = (SharedTime::of(manifest), SharedReceipts::new(identity));
        Ok(Self { trust: Arc::new(trust), time, receipts })
    }

    #[cfg(test)]
    pub(crate) fn of_parts(trust: Trust, time: SharedTime) -> Self {
        Self { trust: Arc::new(trust), time, receipts: SharedReceipts::for_tests() }
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

/// The manifest was parsed, so its Base64 is some; one that is empty is refused as a certificate.
fn host_trust(host: &TlsHost<'_>) -> HostTrust {
    let authorities: Vec<_> =
        host.authorities.iter().map(|text| authority_der(text).unwrap_or_default()).collect();
    HostTrust {
        host: host.host.to_owned(),
        authorities,
        spki_sha256: host.spki_sha256.iter().map(|digest| digest.0).collect(),
    }
}
