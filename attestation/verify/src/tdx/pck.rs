//! First stage: the certificate of the platform's provisioning certification key, up to a pinned root.

use alloc::format;
use alloc::vec::Vec;

use attestation_report::tdx::{CertificationDataType, Quote};
use attestation_signature::P256Point;
use attestation_x509::intel::{self, PckFields, Role};
use attestation_x509::{Certificate, Crl, X509Error, pem};

use super::{CHAIN_MAX, Collateral, Roots};
use crate::chain::{Chain, ChainProfile};
use crate::trail::Stop;
use crate::{Code, Label, Trail, Verifier, revocation};

const PROFILE: ChainProfile = ChainProfile {
    name: "PCK chain",
    incomplete: Code::ChainIncomplete,
    untrusted_root: Code::ChainUntrustedRoot,
    signature: Code::CertificateSignatureInvalid,
    profile: Code::CertificateProfile,
    not_yet_valid: Code::CertificateNotYetValid,
    expired: Code::CertificateExpired,
};

/// A PCK whose chain holds, and the revocation lists that hold under that chain.
pub(super) struct Pck {
    pub(super) certificate: Certificate,
    /// The pinned root above it. What Intel says of the platform has to be said under the same one.
    pub(super) root: Certificate,
    pub(super) ca: Role,
    pub(super) fields: PckFields,
    pub(super) key: P256Point,
    pub(super) crls: Vec<Crl>,
}

/// Verifies the chain in the quote, or the one from outside where the quote has none; its revocation; and that Intel
/// issues such certificates.
pub(super) fn verify(
    trail: &mut Trail,
    quote: &Quote<'_>,
    collateral: &Collateral<'_>,
    roots: &Roots<'_>,
    by: Verifier<'_>,
) -> Result<Pck, Stop> {
    let supplied = supplied(trail, quote, collateral)?;
    let root = supplied.last().and_then(|last| roots.of(last, by.signatures)).ok_or("none");
    let root = trail.unwrap(Code::ChainUntrustedRoot, "PCK chain: root", "a pinned certificate", root)?;
    let chain = Chain::verify(trail, &PROFILE, supplied, &root, by)?;
    let ca = check_names(trail, &chain)?;
    check_end_entity(trail, &PROFILE, chain.leaf())?;
    let expected = "the fields of a PCK certificate";
    let fields =
        trail.unwrap(Code::CertificateProfile, "SGX extension", expected, PckFields::read(chain.leaf()))?;
    let (has_instance, expected) = (fields.platform_instance_id.is_some(), ca == Role::PlatformCa);
    let what = "SGX extension: platform instance id";
    trail.require(Code::CertificateProfile, what, expected, has_instance, has_instance == expected)?;
    chain.check_validity(trail, &PROFILE, by.at)?;
    let required: Vec<&Certificate> = chain.authorities().iter().collect();
    let crls = revocation::check(trail, &chain, collateral.crls, &[], &required, by)?;
    let key = key(trail, &PROFILE, chain.leaf())?;
    Ok(Pck { certificate: chain.leaf().clone(), root, ca, fields, key, crls })
}

fn supplied(
    trail: &mut Trail,
    quote: &Quote<'_>,
    collateral: &Collateral<'_>,
) -> Result<Vec<Certificate>, Stop> {
    let data = quote.signature_data.certification_data;
    let certificates = if data.data_type == CertificationDataType::PCK_CHAIN {
        pem::certificates(data.bytes)
            .and_then(|list| list.iter().map(|der| Certificate::parse(der)).collect())
    } else if collateral.pck_chain.is_empty() {
        let found = format!("certification data of type {}, and none besides", data.data_type.0);
        return Err(trail.stop(Code::ChainMissing, "PCK chain", "in the quote or with it", found));
    } else {
        check_length(trail, Code::CertificateEncoding, "PCK chain: length", collateral.pck_chain)?;
        parse_all(collateral.pck_chain, None)
    };
    let expected = "certificates as Intel encodes them, in PEM inside a quote";
    trail.unwrap(Code::CertificateEncoding, "PCK chain: encoding", expected, certificates)
}

/// `Intel SGX PCK Certificate` under the Platform or the Processor CA under the root.
fn check_names(trail: &mut Trail, chain: &Chain) -> Result<Role, Stop> {
    let (code, what) = (Code::CertificateProfile, "PCK chain: names");
    let roles: Result<Vec<Role>, X509Error> =
        chain.iter().map(|certificate| Role::of(certificate.subject())).collect();
    let roles = trail.unwrap(code, what, "names as Intel writes them", roles)?;
    let ca = match roles.as_slice() {
        [Role::Pck, ca @ (Role::PlatformCa | Role::ProcessorCa), Role::Root] => Some(*ca),
        _ => None,
    };
    let expected = "[Pck, PlatformCa or ProcessorCa, Root]";
    trail.require(code, what, expected, format!("{roles:?}"), ca.is_some())?;
    trail.unwrap(code, what, expected, ca.ok_or("others"))
}

/// That `certificate` may sign evidence or collateral, and nothing else.
pub(super) fn check_end_entity(
    trail: &mut Trail,
    profile: &ChainProfile,
    certificate: &Certificate,
) -> Result<(), Stop> {
    let what = profile.about("rights of", certificate);
    trail.unwrap(profile.profile, what, "to sign data", intel::check_end_entity(certificate))
}

/// The key of `certificate`: Intel's are all on P-256.
pub(super) fn key(
    trail: &mut Trail,
    profile: &ChainProfile,
    certificate: &Certificate,
) -> Result<P256Point, Stop> {
    let key = certificate.key();
    let what = profile.about("key of", certificate);
    trail.unwrap(profile.profile, what, "P-256", key.p256().copied().ok_or(key))
}

pub(super) fn check_length(
    trail: &mut Trail,
    code: Code,
    what: impl Into<Label>,
    supplied: &[&[u8]],
) -> Result<(), Stop> {
    let found = supplied.len();
    trail.require(code, what, format!("at most {CHAIN_MAX} certificates"), found, found <= CHAIN_MAX)
}

/// Reads them; what is `known`, byte for byte, was read before.
pub(super) fn parse_all(
    supplied: &[&[u8]],
    known: Option<&Certificate>,
) -> Result<Vec<Certificate>, X509Error> {
    let read = |der: &&[u8]| match known {
        Some(known) if known.der() == *der => Ok(known.clone()),
        _ => Certificate::parse(der),
    };
    supplied.iter().map(read).collect()
}
