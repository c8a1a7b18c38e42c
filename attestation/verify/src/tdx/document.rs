//! Signed documents of Intel's provisioning certification service: TCB info and QE identity.
//!
//! Spec: "Intel SGX and Intel TDX Provisioning Certification Service", API version 4. The signature is over the exact
//! bytes of the inner value, so they are never written anew. JSON is read in steps: the frame, whose inner value is only
//! delimited; after the signature holds, the whole value, strictly; where that fails, kind and version alone, because a
//! document of another kind has other fields. A field that is not known is refused: Intel has added fields without a new
//! version that change what the others mean, and a verifier that overlooks one decides on half a document. A field that
//! stands twice is refused by the reader.

use alloc::format;
use alloc::vec::Vec;

use attestation_signature::P256Point;
use attestation_x509::Instant;
use attestation_x509::intel::Role;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::pck::{check_end_entity, check_length, key, parse_all};
use super::signature::validity;
use super::{Document, Pck};
use crate::chain::{Chain, ChainProfile};
use crate::trail::Stop;
use crate::{Code, Trail, Verifier, revocation};

/// The longest document that is read; Intel's have less than 10 kB.
pub const DOCUMENT_MAX_BYTES: usize = 64 * 1024;

/// What a document is called and must say it is.
pub(super) struct DocumentKind {
    pub(super) name: &'static str,
    pub(super) id: &'static str,
    pub(super) version: u32,
}

/// From when until when a document speaks, and which evaluation of Intel's it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issue {
    /// When it was issued.
    pub issue_date: Instant,
    /// When the next one is due.
    pub next_update: Instant,
    /// `tcbEvaluationDataNumber`: grows with every round of TCB recovery.
    pub evaluation_number: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frame<'a> {
    #[serde(borrow, rename = "tcbInfo", alias = "enclaveIdentity")]
    pub(super) body: &'a RawValue,
    #[serde(deserialize_with = "hex_field")]
    signature: [u8; 64],
}

/// Read without looking at anything else: documents of other kinds have other fields.
#[derive(Deserialize)]
pub(super) struct Kind<'a> {
    pub(super) id: &'a str,
    pub(super) version: u32,
}

/// The bytes that were signed, and who signed them.
pub(super) struct Signed<'a> {
    pub(super) body: &'a str,
    pub(super) issuer: Issuer<'a>,
}

/// An issuer chain that was verified: as it was supplied, and the key that it ends in.
#[derive(Clone, Copy)]
pub(super) struct Issuer<'a> {
    supplied: &'a [&'a [u8]],
    key: P256Point,
    name: &'static str,
}

/// Verifies who signed `document`. `other` is the issuer of the other document: mostly the same, and not verified twice then.
pub(super) fn verify<'a>(
    trail: &mut Trail,
    kind: &DocumentKind,
    document: &Document<'a>,
    pck: &Pck,
    other: Option<Issuer<'a>>,
    by: Verifier<'_>,
) -> Result<Signed<'a>, Stop> {
    let name = kind.name;
    let found = document.body.len();
    let limit = format!("at most {DOCUMENT_MAX_BYTES} bytes");
    let what = format!("{name}: size");
    trail.require(Code::CollateralEncoding, what, limit, found, found <= DOCUMENT_MAX_BYTES)?;
    let issuer = match other.filter(|other| other.supplied == document.issuer_chain) {
        Some(other) => {
            let (what, same) = (format!("{name}: issuer chain"), format!("that of the {}", other.name));
            trail.require(Code::CollateralChainInvalid, what, &same, &same, true)?;
            other
        }
        None => verify_chain(trail, kind, document, pck, by)?,
    };
    let what = format!("{name}: encoding");
    let expected = "a JSON object of one document and its signature";
    let frame = serde_json::from_slice::<Frame<'_>>(document.body);
    let frame = trail.unwrap(Code::CollateralEncoding, what, expected, frame)?;
    let body = frame.body.get();
    let is_signed = by.signatures.ecdsa_p256_sha256(&issuer.key, body.as_bytes(), &frame.signature);
    let (what, expected) = (format!("{name}: signature"), format!("by {}", Role::TcbSigning));
    trail.require(Code::CollateralSignatureInvalid, what, expected, validity(is_signed), is_signed)?;
    Ok(Signed { body, issuer })
}

/// What a document says.
pub(super) trait Contents<'a>: Deserialize<'a> {
    /// What it must be.
    const KIND: DocumentKind;

    /// What it says it is.
    fn kind(&self) -> Kind<'a>;
}

/// Reads the whole of a document whose signature holds.
pub(super) fn read<'a, T: Contents<'a>>(trail: &mut Trail, body: &'a str) -> Result<T, Stop> {
    let contents = serde_json::from_str::<T>(body);
    // Documents of other kinds have other fields: which kind it is, is the first to be said.
    let kind = contents.as_ref().map_or_else(|_| serde_json::from_str(body), |contents| Ok(contents.kind()));
    check_kind(trail, &T::KIND, kind)?;
    let what = format!("{}: contents", T::KIND.name);
    let expected = format!("version {} of the format", T::KIND.version);
    trail.unwrap(Code::CollateralEncoding, what, expected, contents)
}

/// Whether the document speaks of the present. Its age is for a policy to judge; its signature is not.
pub(super) fn note_age(trail: &mut Trail, kind: &DocumentKind, issue: &Issue, at: Instant) {
    let (from, to) = (issue.issue_date, issue.next_update);
    let is_early = at < from;
    let code = if is_early { Code::CollateralNotYetValid } else { Code::CollateralExpired };
    trail.note(code, format!("{}: time", kind.name), format!("{from} to {to}"), at, !is_early && at <= to);
}

fn check_kind(
    trail: &mut Trail,
    kind: &DocumentKind,
    found: serde_json::Result<Kind<'_>>,
) -> Result<(), Stop> {
    let what = format!("{}: kind", kind.name);
    let expected = format!("{} of version {}", kind.id, kind.version);
    let found = trail.unwrap(Code::CollateralEncoding, what.clone(), &expected, found)?;
    let holds = found.id == kind.id && found.version == kind.version;
    let found = format!("{} of version {}", found.id.escape_debug(), found.version);
    trail.require(Code::CollateralMismatch, what, expected, found, holds)
}

/// `Intel SGX TCB Signing` under the root of the PCK.
fn verify_chain<'a>(
    trail: &mut Trail,
    kind: &DocumentKind,
    document: &Document<'a>,
    pck: &Pck,
    by: Verifier<'_>,
) -> Result<Issuer<'a>, Stop> {
    let profile = profile(kind);
    if document.issuer_chain.is_empty() {
        let what = format!("{}: issuer chain", kind.name);
        return Err(trail.stop(Code::CollateralChainMissing, what, "supplied", "none"));
    }
    let what = format!("{}: length of the issuer chain", kind.name);
    check_length(trail, Code::CollateralChainInvalid, what, document.issuer_chain)?;
    let supplied = parse_all(document.issuer_chain, Some(&pck.root));
    let what = format!("{}: encoding", profile.name);
    let supplied =
        trail.unwrap(Code::CollateralChainInvalid, what, "certificates as Intel encodes them", supplied)?;
    let chain = Chain::verify(trail, &profile, supplied, &pck.root, by)?;
    let names: Result<Vec<Role>, _> =
        chain.iter().map(|certificate| Role::of(certificate.subject())).collect();
    let what = format!("{}: names", profile.name);
    let names = trail.unwrap(profile.profile, what.clone(), "names as Intel writes them", names)?;
    let expected = [Role::TcbSigning, Role::Root];
    let holds = names == expected;
    trail.require(profile.profile, what, format!("{expected:?}"), format!("{names:?}"), holds)?;
    check_end_entity(trail, &profile, chain.leaf())?;
    for crl in &pck.crls {
        revocation::check_silence(trail, crl, &chain)?;
    }
    chain.check_validity(trail, &profile, by.at)?;
    let key = key(trail, &profile, chain.leaf())?;
    Ok(Issuer { supplied: document.issuer_chain, key, name: kind.name })
}

const fn profile(kind: &DocumentKind) -> ChainProfile {
    ChainProfile {
        name: kind.name,
        incomplete: Code::CollateralChainInvalid,
        untrusted_root: Code::CollateralChainUntrustedRoot,
        signature: Code::CollateralChainInvalid,
        profile: Code::CollateralChainInvalid,
        not_yet_valid: Code::CollateralCertificateNotYetValid,
        expired: Code::CollateralCertificateExpired,
    }
}

pub(super) fn hex_field<'de, D: Deserializer<'de>, const N: usize>(input: D) -> Result<[u8; N], D::Error> {
    let text = <&str>::deserialize(input)?;
    let wrong = || D::Error::custom(format_args!("expected {N} bytes in hexadecimal, found {text:?}"));
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| wrong())?;
    Ok(bytes)
}

/// Names of advisories. Each has a character at least: a list of empty ones would take more memory than it is long.
pub(super) fn advisory_ids<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<&'de str>, D::Error> {
    let ids = Vec::<&str>::deserialize(input)?;
    match ids.iter().find(|id| id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_graphic())) {
        None => Ok(ids),
        Some(id) => Err(D::Error::custom(format_args!("expected the name of an advisory, found {id:?}"))),
    }
}

pub(super) fn instant<'de, D: Deserializer<'de>>(input: D) -> Result<Instant, D::Error> {
    <&str>::deserialize(input)?.parse().map_err(D::Error::custom)
}
