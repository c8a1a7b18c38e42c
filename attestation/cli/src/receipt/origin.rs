//! Who the server was, by the roots and keys that the guest's manifest names: judged again, years later, by what the guest
//! judged by.

use core::ops::RangeInclusive;

use attestation_manifest::{HexDigest, TlsRoots};
use attestation_receipt::{
    CertificateChecker, OriginFinding, TLS_1_3, Tls, Validity, VerifiedReceipt, verify_origin,
};
use attestation_tls_trust::{
    Applicable, Fields, Interval, SCHEMES, ServerHost, Trust, certificates_of, verify_path,
};
use attestation_x509::Instant;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use sha2::{Digest, Sha256};
use webpki::{EndEntityCert, Error, VerifiedPath};

use crate::check::Verdict;

/// Names of a certificate that are told where none is the host's.
const NAMES_MAX: usize = 4;
/// A verifier has the list of its own version.
const OTHER_LIST: &str = "roots for the host: where they are Mozilla's, they are compiled in; another version of the image \
                          has another list, and is checked by the redoubt-verify of that version";
/// The lower byte of schemes by RSASSA-PKCS1-v1_5, which servers do not sign handshakes of TLS 1.3 with (RFC 8446,
/// section 4.2.3).
const PKCS1_BYTE: u8 = 0x01;

pub(super) fn check_origin(
    verdict: &mut Verdict,
    receipt: &VerifiedReceipt,
    trust: &Trust,
    default_roots: TlsRoots,
) {
    let said = receipt.receipt();
    let (host, tls) = (&said.peer.host, &said.tls);
    let Ok(server) = ServerHost::parse(host) else {
        return verdict.fail("host", "a DNS name or an IPv4 address", host);
    };
    let applicable = trust.applicable(&server);
    verdict.compare("roots for the host", HexDigest(applicable.roots_digest), HexDigest(tls.roots_digest));
    if applicable.roots_digest != tls.roots_digest && default_roots == TlsRoots::Mozilla {
        verdict.note(OTHER_LIST);
    }
    check_key(verdict, tls, &applicable);
    let (what, expected) = ("server's certificates", "valid for the host");
    match verify_origin(receipt, &Checker { tls, applicable }) {
        Ok(OriginFinding::Checked) => verdict.pass(what, expected, "yes, and its key signed"),
        Ok(OriginFinding::NotCheckable) => verdict.note(format!(
            "server's certificates: not enclosed; that the server was {host}, the guest alone vouches for"
        )),
        Err(error) => verdict.fail(what, expected, error),
    }
}

/// The key that the receipt states: whether the certificate has it is found out with the certificate.
fn check_key(verdict: &mut Verdict, tls: &Tls, applicable: &Applicable<'_>) {
    let (what, found) = ("server's key", HexDigest(tls.spki_sha256));
    match applicable.spki_sha256 {
        [] => verdict.pass(what, "any with a certificate", &found.to_string()),
        [listed] => verdict.compare(what, HexDigest(*listed), found),
        several => {
            let expected = format!("one of {} listed", several.len());
            if several.contains(&tls.spki_sha256) {
                verdict.pass(what, &expected, &found.to_string());
            } else {
                verdict.fail(what, &expected, found);
            }
        }
    }
    let word = |was_pinned| if was_pinned { "yes" } else { "no" };
    let is_pinned = !applicable.spki_sha256.is_empty();
    verdict.compare("server's key pinned by the manifest", word(is_pinned), word(tls.was_pinned));
}

/// Certificates by webpki, as in the guest.
struct Checker<'r> {
    /// What the guest says of the session: whatever of it follows from certificates is computed again.
    tls: &'r Tls,
    applicable: Applicable<'r>,
}

impl CertificateChecker for Checker<'_> {
    /// The digest of roots is compared before, and apart.
    fn check_path(
        &self,
        host: &str,
        chain: &[&[u8]],
        _roots: &[u8; 32],
        interval: RangeInclusive<u64>,
    ) -> Result<(), String> {
        let host = ServerHost::parse(host).map_err(|error| error.to_string())?;
        let now = Interval::new(*interval.start(), *interval.end()).map_err(|error| error.to_string())?;
        let chain: Vec<CertificateDer<'_>> = chain.iter().map(|der| CertificateDer::from(*der)).collect();
        let (leaf, intermediates) = chain.split_first().ok_or("expected one at least, found none")?;
        let leaf = EndEntityCert::try_from(leaf).map_err(|error| words(&error))?;
        let path = verify_path(&leaf, intermediates, self.applicable, &host, now);
        let path = path.map_err(|error| words(&error))?;
        self.check_statements(&path, chain.len())
    }

    fn check_signature(
        &self,
        leaf: &[u8],
        scheme: u16,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), String> {
        let leaf = CertificateDer::from(leaf);
        let leaf = EndEntityCert::try_from(&leaf).map_err(|error| words(&error))?;
        let verifies = |algorithm: &&dyn SignatureVerificationAlgorithm| {
            leaf.verify_signature(*algorithm, message, signature).is_ok()
        };
        if algorithms(self.tls.version, scheme)?.iter().any(verifies) {
            return Ok(());
        }
        Err(format!("not by the key of the certificate, with scheme {scheme:#06x}"))
    }

    fn public_key_info(&self, leaf: &[u8]) -> Result<Vec<u8>, String> {
        let leaf = CertificateDer::from(leaf);
        let leaf = EndEntityCert::try_from(&leaf).map_err(|error| words(&error))?;
        Ok(leaf.subject_public_key_info().to_vec())
    }
}

impl Checker<'_> {
    fn check_statements(&self, path: &VerifiedPath<'_>, stated: usize) -> Result<(), String> {
        let found = certificates_of(path).count();
        if found != stated {
            return Err(format!("expected a path of {stated}, as stated, found one of {found}"));
        }
        let root: [u8; 32] = Sha256::digest(webpki::spki_for_anchor(path.anchor())).into();
        if root != self.tls.root_spki_sha256 {
            let (expected, found) = (HexDigest(self.tls.root_spki_sha256), HexDigest(root));
            return Err(format!("expected a path to the root with key {expected}, found {found}"));
        }
        let validity = validity(path).ok_or("no validity that can be read")?;
        if validity != self.tls.validity {
            return Err(format!("expected {}, as stated, found {}", span(self.tls.validity), span(validity)));
        }
        Ok(())
    }
}

/// When all certificates of the path are valid.
fn validity(path: &VerifiedPath<'_>) -> Option<Validity> {
    let mut all: Option<attestation_tls_trust::Validity> = None;
    for der in certificates_of(path) {
        let one = Fields::read(&der)?.validity;
        all = Some(all.map_or(one, |all| all.and(one)));
    }
    all.map(|all| Validity { not_before_s: all.not_before, not_after_s: all.not_after })
}

fn span(Validity { not_before_s, not_after_s }: Validity) -> String {
    let [from, to] = [not_before_s, not_after_s].map(Instant::from_unix_seconds);
    format!("valid from {from} to {to}")
}

/// By which a server may have signed. In TLS 1.3 the scheme says on which curve its key is: the first algorithm is that.
fn algorithms(
    version: u16,
    scheme: u16,
) -> Result<&'static [&'static dyn SignatureVerificationAlgorithm], String> {
    let known = SCHEMES.iter().find(|(number, _)| *number == scheme).map(|(_, algorithms)| *algorithms);
    let is_tls13 = version == TLS_1_3;
    let [_, low] = scheme.to_be_bytes();
    let usual = known.filter(|_| !(is_tls13 && low == PKCS1_BYTE));
    let usual = usual.ok_or_else(|| format!("not by the scheme {scheme:#06x} in this version of TLS"))?;
    Ok(if is_tls13 { usual.get(..1).unwrap_or_default() } else { usual })
}

/// What webpki says in the names of its types.
fn words(error: &Error) -> String {
    match error {
        Error::CertNotValidYet { time, not_before } => {
            let [time, not_before] =
                [time, not_before].map(|time| Instant::from_unix_seconds(time.as_secs()));
            format!("expected all to be valid at {time}, found one that is from {not_before} on")
        }
        Error::CertExpired { time, not_after } => {
            let [time, not_after] = [time, not_after].map(|time| Instant::from_unix_seconds(time.as_secs()));
            format!("expected all to be valid at {time}, found one that was until {not_after}")
        }
        Error::CertNotValidForName(names) => {
            let expected = names.expected.to_str();
            let found: Vec<&str> = names.presented.iter().take(NAMES_MAX).map(String::as_str).collect();
            format!("expected the name {expected}, found {}", found.join(", "))
        }
        Error::UnknownIssuer => "expected an issuer that the manifest trusts for the host, found none".into(),
        Error::InvalidSignatureForPublicKey => "one is not signed by its issuer".into(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use attestation_receipt::TLS_1_2;

    use super::*;

    #[test]
    fn schemes_are_those_of_the_version() {
        let count = |version, scheme| algorithms(version, scheme).map(<[_]>::len);
        assert_eq!((count(TLS_1_2, 0x0403), count(TLS_1_3, 0x0403)), (Ok(2), Ok(1)));
        assert_eq!((count(TLS_1_2, 0x0503), count(TLS_1_3, 0x0503)), (Ok(2), Ok(1)));
        assert_eq!((count(TLS_1_2, 0x0804), count(TLS_1_3, 0x0804)), (Ok(1), Ok(1)));
        for pkcs1 in [0x0401, 0x0501, 0x0601] {
            assert_eq!(count(TLS_1_2, pkcs1), Ok(1));
            assert!(count(TLS_1_3, pkcs1).unwrap_err().contains("scheme 0x0"));
        }
        // SHA-1, and one that nobody has defined.
        for unknown in [0x0201, 0x0203, 0xFFFF] {
            assert!(count(TLS_1_2, unknown).is_err());
        }
    }
}
