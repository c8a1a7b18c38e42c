//! Second stage: the certificate of the key that signs reports, up to a pinned root.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use attestation_report::ProductLine;
use attestation_x509::{Certificate, EndorsementFields, Instant, KeyKind};
use p384::ecdsa::VerifyingKey;

use super::revocation;
use super::roots::{Root, Roots};
use crate::trail::Stop;
use crate::{Code, Rejection, Trail};

/// Most certificates that are looked at besides the VCEK or VLEK.
pub const CHAIN_MAX: usize = 16;
/// Most revocation lists that are looked at.
pub const CRLS_MAX: usize = 16;

/// Everything that came with a report, as DER, in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collateral<'a> {
    /// VCEK or VLEK.
    pub vek: Option<&'a [u8]>,
    /// ASK or ASVK; those of other lines and roots may be among them.
    pub chain: &'a [&'a [u8]],
    /// Revocation lists.
    pub crls: &'a [&'a [u8]],
}

/// A VCEK or VLEK whose chain holds. It can verify any number of reports at the time that it was verified for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endorsement {
    pub(super) kind: KeyKind,
    pub(super) line: ProductLine,
    pub(super) key: VerifyingKey,
    pub(super) fields: EndorsementFields,
    pub(super) certificate: Certificate,
    trail: Trail,
}

impl Endorsement {
    /// Verifies the chain of a VCEK or VLEK, its revocation, and that AMD issues such certificates.
    ///
    /// # Errors
    /// The first check that fails, with all before it.
    pub fn verify(collateral: &Collateral<'_>, roots: &Roots<'_>, at: Instant) -> Result<Self, Rejection> {
        let mut trail = Trail::default();
        match verify_chain(&mut trail, collateral, roots, at) {
            Ok(endorsement) => Ok(Self { trail, ..endorsement }),
            Err(_) => Err(Rejection::new(trail)),
        }
    }

    /// Chip's own key, or a provider's.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Line of products.
    #[must_use]
    pub const fn line(&self) -> ProductLine {
        self.line
    }

    /// What AMD says of the key.
    #[must_use]
    pub const fn fields(&self) -> &EndorsementFields {
        &self.fields
    }

    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What was checked.
    #[must_use]
    pub const fn trail(&self) -> &Trail {
        &self.trail
    }
}

/// A chain whose signatures hold.
pub(super) struct Chain {
    pub(super) line: ProductLine,
    pub(super) root: Certificate,
    pub(super) intermediate: Certificate,
    pub(super) vek: Certificate,
}

fn verify_chain(
    trail: &mut Trail,
    collateral: &Collateral<'_>,
    roots: &Roots<'_>,
    at: Instant,
) -> Result<Endorsement, Stop> {
    let Some(vek) = collateral.vek else {
        return Err(trail.stop(Code::VekMissing, "VEK", "a VCEK or VLEK", "none"));
    };
    let chain = verify_signatures(trail, vek, collateral.chain, roots)?;
    check_authorities(trail, &chain)?;
    let kind = check_names(trail, &chain)?;
    let fields = trail.unwrap(
        Code::CertificateProfile,
        "VEK extensions",
        "those of a VCEK or VLEK",
        EndorsementFields::read(&chain.vek, kind),
    )?;
    check_product(trail, &chain, &fields)?;
    check_validity(trail, &chain, at)?;
    revocation::check(trail, &chain, collateral.crls, roots, at)?;
    let key = *trail.unwrap(
        Code::CertificateProfile,
        "VEK key",
        "a key of P-384",
        chain.vek.key().endorsement().ok_or("another key"),
    )?;
    Ok(Endorsement { kind, line: chain.line, key, fields, certificate: chain.vek, trail: Trail::default() })
}

fn verify_signatures(
    trail: &mut Trail,
    vek: &[u8],
    supplied: &[&[u8]],
    roots: &Roots<'_>,
) -> Result<Chain, Stop> {
    let count = supplied.len();
    let limit = format!("at most {CHAIN_MAX} certificates");
    trail.require(Code::CertificateEncoding, "chain length", limit, count, count <= CHAIN_MAX)?;
    let vek = parse(trail, "VEK encoding", vek)?;
    let mut issuers = Vec::new();
    for bytes in supplied {
        let certificate = parse(trail, "chain encoding", bytes)?;
        if certificate.issuer() == certificate.subject() {
            let is_pinned = roots.iter().any(|root| root.certificate == *bytes);
            let found = format!("{} with other bytes", certificate.subject());
            let found = if is_pinned { certificate.subject().to_string() } else { found };
            trail.require(Code::ChainUntrustedRoot, "root", pinned(roots), found, is_pinned)?;
        } else if certificate.subject() == vek.issuer() {
            issuers.push(certificate);
        }
    }
    // AMD has issued two ASKs of one name and revoked the first: the one that signed counts.
    let signed = |issuer: &Certificate| issuer.key().authority().is_some_and(|key| vek.is_signed_by(key));
    let index = issuers.iter().position(signed);
    let names = supplied.len();
    let found = if issuers.is_empty() { format!("{names} others") } else { vek.issuer().to_string() };
    trail.require(Code::ChainIncomplete, "issuer of the VEK", vek.issuer(), found, !issuers.is_empty())?;
    let intermediate = issuers.swap_remove(index.unwrap_or_default());
    let (line, root) = find_root(trail, &intermediate, roots)?;
    let by_root = root.key().authority().is_some_and(|key| intermediate.is_signed_by(key));
    let code = Code::CertificateSignatureInvalid;
    trail.require(
        code,
        "ASK or ASVK signature",
        format!("by {}", root.subject()),
        valid(by_root),
        by_root,
    )?;
    let by_issuer = index.is_some();
    let expected = format!("by {} {}", intermediate.subject(), intermediate.serial_hex());
    trail.require(code, "VEK signature", expected, valid(by_issuer), by_issuer)?;
    Ok(Chain { line, root, intermediate, vek })
}

fn parse(trail: &mut Trail, what: &'static str, bytes: &[u8]) -> Result<Certificate, Stop> {
    trail.unwrap(
        Code::CertificateEncoding,
        what,
        "a certificate as AMD encodes it",
        Certificate::parse(bytes),
    )
}

/// The pinned root that `certificate` names; its bytes are ours, never the caller's.
fn find_root(
    trail: &mut Trail,
    certificate: &Certificate,
    roots: &Roots<'_>,
) -> Result<(ProductLine, Certificate), Stop> {
    let found = parsed(roots).find(|(_, root)| root.subject() == certificate.issuer());
    trail.unwrap(
        Code::ChainUntrustedRoot,
        "issuer of the ASK or ASVK",
        pinned(roots),
        found.ok_or_else(|| certificate.issuer().clone()),
    )
}

pub(super) fn parsed<'a>(roots: &'a Roots<'_>) -> impl Iterator<Item = (ProductLine, Certificate)> + 'a {
    roots.iter().filter_map(|Root { line, certificate }| Some((*line, Certificate::parse(certificate).ok()?)))
}

pub(super) fn pinned(roots: &Roots<'_>) -> String {
    let names: Vec<String> = roots.iter().map(|root| format!("ARK-{}", root.line)).collect();
    format!("one that is pinned: {}", names.join(", "))
}

pub(super) const fn valid(is_valid: bool) -> &'static str {
    if is_valid { "valid" } else { "not valid" }
}

fn check_authorities(trail: &mut Trail, chain: &Chain) -> Result<(), Stop> {
    for (what, certificate) in [("ARK rights", &chain.root), ("ASK or ASVK rights", &chain.intermediate)] {
        let authority = certificate.extensions().authority();
        trail.unwrap(Code::CertificateProfile, what, "an authority that signs certificates", authority)?;
    }
    Ok(())
}

/// `SEV-VCEK` under `SEV-Milan`, `SEV-VLEK` under `SEV-VLEK-Milan`, both under `ARK-Milan`.
fn check_names(trail: &mut Trail, chain: &Chain) -> Result<KeyKind, Stop> {
    let code = Code::CertificateProfile;
    let (line, subject) = (chain.line, chain.vek.subject().common_name());
    let kind = [KeyKind::Vcek, KeyKind::Vlek].into_iter().find(|kind| kind.common_name() == subject);
    let kind =
        trail.unwrap(code, "VEK subject", "SEV-VCEK or SEV-VLEK", kind.ok_or_else(|| subject.to_string()))?;
    let issuer = match kind {
        KeyKind::Vcek => format!("SEV-{line}"),
        KeyKind::Vlek => format!("SEV-VLEK-{line}"),
    };
    let found = chain.intermediate.subject().common_name();
    let is_expected = found == issuer;
    trail.require(code, "ASK or ASVK subject", issuer, found, is_expected)?;
    let (root, found) = (format!("ARK-{line}"), chain.root.subject().common_name());
    let is_expected = found == root;
    trail.require(code, "ARK subject", root, found, is_expected)?;
    Ok(kind)
}

fn check_product(trail: &mut Trail, chain: &Chain, fields: &EndorsementFields) -> Result<(), Stop> {
    let (line, name) = (chain.line, &fields.product_name);
    trail.require(Code::ProductMismatch, "product name", line, name.as_str(), name.line() == line.name())?;
    let expected = u8::from(line == ProductLine::Turin);
    let found = fields.struct_version;
    trail.require(Code::ProductMismatch, "struct version", expected, found, found == expected)
}

fn check_validity(trail: &mut Trail, chain: &Chain, at: Instant) -> Result<(), Stop> {
    let certificates = [
        ("ARK validity", &chain.root),
        ("ASK or ASVK validity", &chain.intermediate),
        ("VEK validity", &chain.vek),
    ];
    for (what, certificate) in certificates {
        let validity = certificate.validity();
        let is_early = at < validity.not_before;
        let code = if is_early { Code::CertificateNotYetValid } else { Code::CertificateExpired };
        let expected = format!("{} to {}", validity.not_before, validity.not_after);
        trail.require(code, what, expected, at, !is_early && at <= validity.not_after)?;
    }
    Ok(())
}
