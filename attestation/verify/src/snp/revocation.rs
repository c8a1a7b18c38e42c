//! Revocation lists: signed, current, and silent about the chain.
//!
//! AMD's authority lists ASKs and ASVKs only. A list by an ASK or ASVK is accepted where its certificate may sign lists,
//! which AMD's may not today. A list that is past or before its time still revokes what it lists.

use alloc::format;

use attestation_x509::{Certificate, Crl, Instant};

use super::endorsement::{CRLS_MAX, Chain, parsed, pinned, valid};
use super::roots::Roots;
use crate::trail::Stop;
use crate::{Code, Trail};

pub(super) fn check(
    trail: &mut Trail,
    chain: &Chain,
    supplied: &[&[u8]],
    roots: &Roots<'_>,
    at: Instant,
) -> Result<(), Stop> {
    let (count, limit) = (supplied.len(), format!("at most {CRLS_MAX} lists"));
    trail.require(Code::CrlEncoding, "number of CRLs", limit, count, count <= CRLS_MAX)?;
    let mut newest: Option<Crl> = None;
    for bytes in supplied {
        let crl =
            trail.unwrap(Code::CrlEncoding, "CRL encoding", "a CRL as AMD encodes it", Crl::parse(bytes))?;
        verify_signature(trail, chain, &crl, roots)?;
        for certificate in [&chain.root, &chain.intermediate, &chain.vek] {
            let is_revoked = crl.revokes(certificate);
            let (subject, serial) = (certificate.subject(), certificate.serial_hex());
            let found = format!("{subject} {serial} {}", if is_revoked { "listed" } else { "not listed" });
            trail.require(
                Code::CrlRevoked,
                "revocation",
                format!("{subject} not listed"),
                found,
                !is_revoked,
            )?;
        }
        let is_newer = newest.as_ref().is_none_or(|newest| crl.this_update() > newest.this_update());
        if crl.issuer() == chain.root.subject() && is_newer {
            newest = Some(crl);
        }
    }
    check_freshness(trail, newest.as_ref(), at);
    Ok(())
}

fn verify_signature(trail: &mut Trail, chain: &Chain, crl: &Crl, roots: &Roots<'_>) -> Result<(), Stop> {
    let code = Code::CrlSignatureInvalid;
    let issuer = if crl.issuer() == chain.intermediate.subject() {
        Some(chain.intermediate.clone())
    } else {
        parsed(roots).map(|(_, root)| root).find(|root| root.subject() == crl.issuer())
    };
    let issuer =
        trail.unwrap(code, "CRL issuer", pinned(roots), issuer.ok_or_else(|| crl.issuer().clone()))?;
    let may_sign = issuer.extensions().authority().is_ok_and(|authority| authority.signs_crls);
    let right = if may_sign { "signs CRLs" } else { "may not sign CRLs" };
    trail.require(code, "CRL issuer's rights", "signs CRLs", right, may_sign)?;
    let is_signed = is_signed(crl, &issuer);
    trail.require(code, "CRL signature", format!("by {}", issuer.subject()), valid(is_signed), is_signed)
}

fn is_signed(crl: &Crl, issuer: &Certificate) -> bool {
    issuer.key().authority().is_some_and(|key| crl.is_signed_by(key))
}

fn check_freshness(trail: &mut Trail, newest: Option<&Crl>, at: Instant) {
    let Some(crl) = newest else {
        trail.note(Code::RevocationUnchecked, "revocation list", "one of the ARK", "none", false);
        return;
    };
    let (this, next) = (crl.this_update(), crl.next_update());
    let is_early = at < this;
    let code = if is_early { Code::CrlNotYetValid } else { Code::CrlStale };
    trail.note(code, "CRL time", format!("{this} to {next}"), at, !is_early && at <= next);
}
