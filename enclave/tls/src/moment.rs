//! Time, for rustls.

use attestation_tls_trust::unix_time;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

/// For rustls, which wants one moment. It decides nothing by it: certificates are judged by our verifier, and nothing is
/// resumed.
#[derive(Debug)]
pub(crate) struct Moment(pub(crate) u64);

impl TimeProvider for Moment {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(self.0))
    }
}
