//! From a server's certificate to a root.

use rustls_pki_types::CertificateDer;
use webpki::{EndEntityCert, Error, KeyUsage, VerifiedPath};

use crate::interval::unix_time;
use crate::x509::{Fields, Validity};
use crate::{ALGORITHMS, Applicable, Interval, ServerHost};

/// A path from `certificate` to a root that counts, of which every certificate is valid all through `now`, and whose first
/// one is of `host`.
///
/// # Errors
/// What is wrong with the path that came farthest.
pub fn verify_path<'p>(
    certificate: &'p EndEntityCert<'p>,
    intermediates: &'p [CertificateDer<'p>],
    trust: Applicable<'p>,
    host: &ServerHost,
    now: Interval,
) -> Result<VerifiedPath<'p>, Error> {
    let path = certificate.verify_for_usage(
        ALGORITHMS,
        trust.anchors,
        intermediates,
        unix_time(now.earliest()),
        KeyUsage::server_auth(),
        None,
        Some(&|path| check_throughout(path, now)),
    )?;
    certificate.verify_is_valid_for_subject_name(host.server_name())?;
    Ok(path)
}

/// Whether every certificate of the path is valid from the first second that it may be to the last. webpki has looked at
/// one moment; where this says no, it goes on to look for another path.
fn check_throughout(path: &VerifiedPath<'_>, now: Interval) -> Result<(), Error> {
    for der in certificates_of(path) {
        let Validity { not_before, not_after } = Fields::read(&der).ok_or(Error::BadDer)?.validity;
        if now.earliest() < not_before {
            let (time, not_before) = (unix_time(now.earliest()), unix_time(not_before));
            return Err(Error::CertNotValidYet { time, not_before });
        }
        if now.latest() > not_after {
            let (time, not_after) = (unix_time(now.latest()), unix_time(not_after));
            return Err(Error::CertExpired { time, not_after });
        }
    }
    Ok(())
}

/// From the server's own up to the one that the root issued.
pub fn certificates_of<'p>(path: &'p VerifiedPath<'p>) -> impl Iterator<Item = CertificateDer<'p>> {
    let intermediates = path.intermediate_certificates().map(|certificate| certificate.der());
    core::iter::once(path.end_entity().der()).chain(intermediates)
}
