//! Second stage: the certificate of the key that signs reports, up to a pinned root.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use attestation_report::ProductLine;
use attestation_signature::P384Point;
use attestation_x509::amd::{self, EndorsementFields, KeyKind};
use attestation_x509::{Certificate, DistinguishedName};

use super::roots::{Root, Roots};
use crate::chain::{Chain, ChainProfile};
use crate::trail::Stop;
use crate::{Code, Rejection, Trail, Verifier, revocation};

/// Most certificates that are looked at besides the VCEK or VLEK.
pub const CHAIN_MAX: usize = 16;
const PROFILE: ChainProfile = ChainProfile {
    name: "VEK chain",
    incomplete: Code::ChainIncomplete,
    untrusted_root: Code::ChainUntrustedRoot,
    signature: Code::CertificateSignatureInvalid,
    profile: Code::CertificateProfile,
    not_yet_valid: Code::CertificateNotYetValid,
    expired: Code::CertificateExpired,
};

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
    pub(super) key: P384Point,
    pub(super) fields: EndorsementFields,
    pub(super) certificate: Certificate,
    trail: Trail,
}

impl Endorsement {
    /// Verifies the chain of a VCEK or VLEK, its revocation, and that AMD issues such certificates.
    ///
    /// # Errors
    /// The first check that fails, with all before it.
    pub fn verify(
        collateral: &Collateral<'_>,
        roots: &Roots<'_>,
        by: Verifier<'_>,
    ) -> Result<Self, Rejection> {
        let mut trail = Trail::default();
        match verify_chain(&mut trail, collateral, roots, by) {
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

fn verify_chain(
    trail: &mut Trail,
    collateral: &Collateral<'_>,
    roots: &Roots<'_>,
    by: Verifier<'_>,
) -> Result<Endorsement, Stop> {
    let Some(vek) = collateral.vek else {
        return Err(trail.stop(Code::VekMissing, "VEK", "a VCEK or VLEK", "none"));
    };
    let (line, chain) = verify_signatures(trail, vek, collateral.chain, roots, by)?;
    let kind = check_names(trail, line, &chain)?;
    let fields = trail.unwrap(
        Code::CertificateProfile,
        "VEK extensions",
        "those of a VCEK or VLEK",
        EndorsementFields::read(chain.leaf(), kind),
    )?;
    check_product(trail, line, &fields)?;
    chain.check_validity(trail, &PROFILE, by.at)?;
    // AMD's ARKs list ASKs and ASVKs. An ASK or ASVK lists nothing so far: it is no authority of which a list is missing.
    let others: Vec<Certificate> = parsed(roots).map(|(_, root)| root).collect();
    let required: Vec<&Certificate> = chain.authorities().last().into_iter().collect();
    revocation::check(trail, &chain, collateral.crls, &others, &required, by)?;
    let key = chain.leaf().key();
    let key = *trail.unwrap(Code::CertificateProfile, "VEK key", "P-384", key.p384().ok_or(key))?;
    let certificate = chain.leaf().clone();
    Ok(Endorsement { kind, line, key, fields, certificate, trail: Trail::default() })
}

/// The chain may come in any order, with authorities of other lines among it.
fn verify_signatures(
    trail: &mut Trail,
    vek: &[u8],
    supplied: &[&[u8]],
    roots: &Roots<'_>,
    by: Verifier<'_>,
) -> Result<(ProductLine, Chain), Stop> {
    let count = supplied.len();
    let limit = format!("at most {CHAIN_MAX} certificates");
    trail.require(Code::CertificateEncoding, "chain length", limit, count, count <= CHAIN_MAX)?;
    let vek = parse(trail, "VEK encoding", vek)?;
    let mut issuers = Vec::new();
    for bytes in supplied {
        let certificate = parse(trail, "chain encoding", bytes)?;
        if certificate.is_self_issued() {
            let is_pinned = roots.iter().any(|root| root.certificate == *bytes);
            let found = format!("{} with other bytes", certificate.subject());
            let found = if is_pinned { certificate.subject().to_string() } else { found };
            trail.require(Code::ChainUntrustedRoot, "root", pinned(roots), found, is_pinned)?;
        } else if certificate.subject() == vek.issuer() {
            issuers.push(certificate);
        }
    }
    let found = if issuers.is_empty() { format!("{count} others") } else { vek.issuer().to_string() };
    trail.require(Code::ChainIncomplete, "issuer of the VEK", vek.issuer(), found, !issuers.is_empty())?;
    // AMD has issued two ASKs of one name and revoked the first: the one that signed counts.
    let index =
        issuers.iter().position(|issuer| vek.is_signed_by(issuer.key(), by.signatures)).unwrap_or_default();
    let intermediate = issuers.swap_remove(index);
    let (line, root) = find_root(trail, &intermediate, roots)?;
    Ok((line, Chain::verify(trail, &PROFILE, vec![vek, intermediate], &root, by)?))
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

fn parsed<'a>(roots: &'a Roots<'_>) -> impl Iterator<Item = (ProductLine, Certificate)> + 'a {
    roots.iter().filter_map(|Root { line, certificate }| Some((*line, Certificate::parse(certificate).ok()?)))
}

fn pinned(roots: &Roots<'_>) -> String {
    let names: Vec<String> = roots.iter().map(|root| format!("ARK-{}", root.line)).collect();
    format!("one that is pinned: {}", names.join(", "))
}

/// `SEV-VCEK` under `SEV-Milan`, `SEV-VLEK` under `SEV-VLEK-Milan`, both under `ARK-Milan`.
fn check_names(trail: &mut Trail, line: ProductLine, chain: &Chain) -> Result<KeyKind, Stop> {
    let code = Code::CertificateProfile;
    let subject = common_name(trail, "VEK subject", chain.leaf().subject())?;
    let kind = [KeyKind::Vcek, KeyKind::Vlek].into_iter().find(|kind| kind.common_name() == subject);
    let kind = trail.unwrap(code, "VEK subject", "SEV-VCEK or SEV-VLEK", kind.ok_or(subject))?;
    let issuer = match kind {
        KeyKind::Vcek => format!("SEV-{line}"),
        KeyKind::Vlek => format!("SEV-VLEK-{line}"),
    };
    let names = [("ASK or ASVK subject", issuer), ("ARK subject", format!("ARK-{line}"))];
    for ((what, expected), certificate) in names.into_iter().zip(chain.authorities()) {
        let found = common_name(trail, what, certificate.subject())?;
        let is_expected = found == expected;
        trail.require(code, what, expected, found, is_expected)?;
    }
    Ok(kind)
}

fn common_name<'a>(
    trail: &mut Trail,
    what: &'static str,
    name: &'a DistinguishedName,
) -> Result<&'a str, Stop> {
    trail.unwrap(Code::CertificateProfile, what, "a name as AMD writes it", amd::common_name(name))
}

fn check_product(trail: &mut Trail, line: ProductLine, fields: &EndorsementFields) -> Result<(), Stop> {
    let name = &fields.product_name;
    trail.require(Code::ProductMismatch, "product name", line, name.as_str(), name.line() == line.name())?;
    let expected = u8::from(line == ProductLine::Turin);
    let found = fields.struct_version;
    trail.require(Code::ProductMismatch, "struct version", expected, found, found == expected)
}
