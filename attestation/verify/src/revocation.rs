//! Revocation lists: signed, current, and silent about the chain.
//!
//! A list that is past or before its time still revokes what it lists. A list by somebody who may not sign lists, or who
//! is not known, is refused: who supplies it cannot expect it to be overlooked.

use alloc::format;
use alloc::vec::Vec;

use attestation_x509::{Certificate, Crl, Instant};

use crate::chain::{Chain, name};
use crate::trail::Stop;
use crate::{Code, Trail, Verifier};

/// Most revocation lists that are looked at.
pub const CRLS_MAX: usize = 16;

/// Checks every certificate of `chain` against `supplied`. Issuers are authorities of the chain and `others`; of each in
/// `required` there should be a list that is in date, and a finding says so where there is none. Returns the lists, for
/// chains of other things under the same root.
pub(crate) fn check(
    trail: &mut Trail,
    chain: &Chain,
    supplied: &[&[u8]],
    others: &[Certificate],
    required: &[&Certificate],
    by: Verifier<'_>,
) -> Result<Vec<Crl>, Stop> {
    let (count, limit) = (supplied.len(), format!("at most {CRLS_MAX} lists"));
    trail.require(Code::CrlEncoding, "number of CRLs", limit, count, count <= CRLS_MAX)?;
    let mut lists = Vec::new();
    for bytes in supplied {
        let crl = trail.unwrap(Code::CrlEncoding, "CRL encoding", "one CRL", Crl::parse(bytes))?;
        check_signature(trail, &crl, chain.authorities().iter().chain(others), by)?;
        check_silence(trail, &crl, chain)?;
        lists.push(crl);
    }
    for issuer in required {
        let of_issuer = lists.iter().filter(|crl| crl.issuer() == issuer.subject());
        check_freshness(trail, issuer, of_issuer.max_by_key(|crl| crl.this_update()), by.at);
    }
    Ok(lists)
}

fn check_signature<'a>(
    trail: &mut Trail,
    crl: &Crl,
    authorities: impl Iterator<Item = &'a Certificate> + Clone,
    by: Verifier<'_>,
) -> Result<(), Stop> {
    let code = Code::CrlSignatureInvalid;
    let mut issuers = authorities.filter(|certificate| certificate.subject() == crl.issuer()).peekable();
    let is_known = issuers.peek().is_some();
    trail.require(code, "CRL issuer", "an authority of the pinned chain", crl.issuer(), is_known)?;
    let mut entitled = issuers
        .filter(|issuer| issuer.extensions().authority().is_ok_and(|authority| authority.signs_crls))
        .peekable();
    let is_entitled = entitled.peek().is_some();
    let right = if is_entitled { "may sign CRLs" } else { "may not sign CRLs" };
    trail.require(code, "CRL issuer's rights", "may sign CRLs", right, is_entitled)?;
    let is_signed = entitled.any(|issuer| crl.is_signed_by(issuer.key(), by.signatures));
    let found = if is_signed { "valid" } else { "not valid" };
    trail.require(code, "CRL signature", format!("by {}", crl.issuer()), found, is_signed)
}

/// That `crl` lists no certificate of `chain`.
pub(crate) fn check_silence(trail: &mut Trail, crl: &Crl, chain: &Chain) -> Result<(), Stop> {
    for certificate in chain.iter().filter(|certificate| certificate.issuer() == crl.issuer()) {
        let is_revoked = crl.revokes(certificate);
        let what = ["revocation of ", &name(certificate.subject())].concat();
        let serial = certificate.serial_hex();
        let (listed, silent) = (["serial ", &serial, " listed"], ["serial ", &serial, " not listed"]);
        let found = if is_revoked { listed } else { silent };
        trail.require(Code::CrlRevoked, what, silent.concat(), found.concat(), !is_revoked)?;
    }
    Ok(())
}

fn check_freshness(trail: &mut Trail, issuer: &Certificate, newest: Option<&Crl>, at: Instant) {
    let what = ["CRL of ", &name(issuer.subject())].concat();
    let Some(crl) = newest else {
        trail.note(Code::RevocationUnchecked, what, "supplied", "none", false);
        return;
    };
    let (this, next) = (crl.this_update(), crl.next_update());
    let is_early = at < this;
    let code = if is_early { Code::CrlNotYetValid } else { Code::CrlStale };
    trail.note(code, what, format!("{this} to {next}"), at, !is_early && at <= next);
}
