//! Certificate chains in the order that signing went: leaf first, then its issuer, up to a pinned root.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use attestation_x509::{Certificate, DistinguishedName, Instant};

use crate::trail::Stop;
use crate::{Code, Trail, Verifier};

/// What a chain is called, and which code each of its faults has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChainProfile {
    pub(crate) name: &'static str,
    pub(crate) incomplete: Code,
    pub(crate) untrusted_root: Code,
    pub(crate) signature: Code,
    pub(crate) profile: Code,
    pub(crate) not_yet_valid: Code,
    pub(crate) expired: Code,
}

impl ChainProfile {
    /// Name of a check: `PCK chain: validity of Intel SGX Root CA`.
    pub(crate) fn about(&self, what: &str, certificate: &Certificate) -> String {
        [self.name, ": ", what, " ", &name(certificate.subject())].concat()
    }
}

/// A chain whose signatures hold, up to a pinned root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    leaf: Certificate,
    /// From the leaf's issuer to the root.
    authorities: Vec<Certificate>,
}

impl Chain {
    pub(crate) const fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// From the leaf's issuer to the root.
    pub(crate) fn authorities(&self) -> &[Certificate] {
        &self.authorities
    }

    /// All of them, leaf first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Certificate> {
        core::iter::once(&self.leaf).chain(&self.authorities)
    }

    /// Links `supplied`, leaf first and with or without its root, to `root`: names, signatures from the root down, rights of
    /// each authority. `root` is our own copy, and what the caller supplies in its place must be the same bytes.
    pub(crate) fn verify(
        trail: &mut Trail,
        profile: &ChainProfile,
        supplied: Vec<Certificate>,
        root: &Certificate,
        by: Verifier<'_>,
    ) -> Result<Self, Stop> {
        check_names(trail, profile, &supplied, root)?;
        let mut authorities = supplied.into_iter();
        let Some(leaf) = authorities.next() else {
            let name = profile.name;
            return Err(trail.stop(profile.incomplete, name, "a certificate and its issuers", "nothing"));
        };
        let mut authorities: Vec<Certificate> = authorities.collect();
        if authorities.last() != Some(root) {
            authorities.push(root.clone());
        }
        let chain = Self { leaf, authorities };
        chain.check_signatures(trail, profile, by)?;
        chain.check_rights(trail, profile)?;
        Ok(chain)
    }

    /// Whether every certificate is in date; the codes of `profile` say whether it has to be.
    pub(crate) fn check_validity(
        &self,
        trail: &mut Trail,
        profile: &ChainProfile,
        at: Instant,
    ) -> Result<(), Stop> {
        for certificate in self.iter().rev() {
            let validity = certificate.validity();
            let is_early = at < validity.not_before;
            let code = if is_early { profile.not_yet_valid } else { profile.expired };
            let what = profile.about("validity of", certificate);
            let expected = format!("{} to {}", validity.not_before, validity.not_after);
            trail.judge(code, what, expected, at, !is_early && at <= validity.not_after)?;
        }
        Ok(())
    }

    fn check_signatures(
        &self,
        trail: &mut Trail,
        profile: &ChainProfile,
        by: Verifier<'_>,
    ) -> Result<(), Stop> {
        let certificates: Vec<&Certificate> = self.iter().collect();
        for pair in certificates.windows(2).rev() {
            let [certificate, issuer] = pair else { continue };
            let holds = certificate.is_signed_by(issuer.key(), by.signatures);
            let what = profile.about("signature on", certificate);
            let found = if holds { "valid" } else { "not valid" };
            trail.require(
                profile.signature,
                what,
                ["by ", &name(issuer.subject())].concat(),
                found,
                holds,
            )?;
        }
        Ok(())
    }

    fn check_rights(&self, trail: &mut Trail, profile: &ChainProfile) -> Result<(), Stop> {
        for (below, certificate) in self.authorities.iter().enumerate() {
            check_authority(trail, profile, certificate, below)?;
        }
        Ok(())
    }
}

/// That `certificate` may sign certificates, with `below` authorities between it and the leaf.
pub(crate) fn check_authority(
    trail: &mut Trail,
    profile: &ChainProfile,
    certificate: &Certificate,
    below: usize,
) -> Result<(), Stop> {
    let what = profile.about("rights of", certificate);
    let expected = format!("an authority that signs certificates, with {below} authorities below it");
    let authority = match certificate.extensions().authority() {
        Ok(authority) => authority,
        Err(error) => return Err(trail.stop(profile.profile, what, expected, error)),
    };
    let limit = authority.path_length;
    let holds = limit.is_none_or(|limit| below <= usize::from(limit));
    let found = limit.map_or_else(|| "no limit".to_string(), |limit| format!("at most {limit} below it"));
    trail.require(profile.profile, what, expected, found, holds)
}

/// The common name where there is one: what people call a certificate.
pub(crate) fn name(name: &DistinguishedName) -> Cow<'_, str> {
    name.common_name().map_or_else(|| name.to_string().into(), Cow::Borrowed)
}

fn check_names(
    trail: &mut Trail,
    profile: &ChainProfile,
    supplied: &[Certificate],
    root: &Certificate,
) -> Result<(), Stop> {
    for pair in supplied.windows(2) {
        let [certificate, issuer] = pair else { continue };
        let what = profile.about("issuer of", certificate);
        let expected = certificate.issuer().to_string();
        let holds = certificate.issuer() == issuer.subject();
        let found = if holds { expected.clone() } else { issuer.subject().to_string() };
        trail.require(profile.incomplete, what, expected, found, holds)?;
    }
    let Some(last) = supplied.last() else { return Ok(()) };
    let what = format!("{}: root", profile.name);
    let expected = format!("{}, as pinned", root.subject());
    if last.is_self_issued() {
        let found = if last.subject() == root.subject() {
            format!("{}, with other bytes", last.subject())
        } else {
            last.subject().to_string()
        };
        let is_pinned = last == root;
        let found = if is_pinned { expected.clone() } else { found };
        return trail.require(profile.untrusted_root, what, expected, found, is_pinned);
    }
    trail.require(profile.incomplete, what, expected, last.issuer(), last.issuer() == root.subject())
}
