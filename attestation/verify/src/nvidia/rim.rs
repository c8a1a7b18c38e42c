//! Reference manifests: signed by NVIDIA, up to a pinned root.

use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use attestation_rim::{Rim, RimError, SignedRim};
use attestation_signature::SignatureVerifier;
use attestation_x509::{Certificate, nvidia};

use super::roots::{RootSet, Roots};
use crate::chain::{Chain, ChainProfile};
use crate::trail::Stop;
use crate::{Code, Rejection, Trail, Verified, Verifier};

/// What a manifest is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RimKind {
    /// Driver of a GPU.
    Driver,
    /// VBIOS of a GPU, BIOS of a switch.
    Vbios,
}

impl RimKind {
    /// Its name in checks.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Driver => "driver RIM",
            Self::Vbios => "VBIOS RIM",
        }
    }

    const fn profile(self) -> ChainProfile {
        ChainProfile {
            name: match self {
                Self::Driver => "driver RIM chain",
                Self::Vbios => "VBIOS RIM chain",
            },
            incomplete: Code::RimChainIncomplete,
            untrusted_root: Code::RimChainUntrustedRoot,
            signature: Code::RimSignatureInvalid,
            profile: Code::CertificateProfile,
            not_yet_valid: Code::RimCertificateNotYetValid,
            expired: Code::RimCertificateExpired,
        }
    }
}

impl fmt::Display for RimKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Manifests as files: SWID tags in XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RimFiles<'a> {
    /// Of the driver. A switch has none.
    pub driver: Option<&'a [u8]>,
    /// Of the VBIOS, of a switch's BIOS.
    pub vbios: Option<&'a [u8]>,
}

/// What [`Verified`] holds for a manifest. Whether its signers were in date is in the trail: a matter of policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RimEvidence {
    rim: Rim,
    chain: Chain,
}

impl RimEvidence {
    /// Verifies a manifest alone.
    ///
    /// # Errors
    /// The first check that fails, with all before it.
    pub fn verify(
        kind: RimKind,
        file: &[u8],
        roots: &Roots<'_>,
        by: Verifier<'_>,
    ) -> Result<Verified<Self>, Rejection> {
        Verified::by(|trail| verify_rim(trail, kind, file, &roots.rim, by))
    }

    /// The manifest.
    #[must_use]
    pub const fn rim(&self) -> &Rim {
        &self.rim
    }

    /// Who signed it.
    #[must_use]
    pub const fn signer(&self) -> &Certificate {
        self.chain.leaf()
    }

    /// Certificates above the signer, up to the root.
    #[must_use]
    pub fn authorities(&self) -> &[Certificate] {
        self.chain.authorities()
    }
}

/// The manifests for one device that came along.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rims {
    pub(super) driver: Option<RimEvidence>,
    pub(super) vbios: Option<RimEvidence>,
}

impl Rims {
    /// The manifest of this kind.
    #[must_use]
    pub const fn get(&self, kind: RimKind) -> Option<&RimEvidence> {
        match kind {
            RimKind::Driver => self.driver.as_ref(),
            RimKind::Vbios => self.vbios.as_ref(),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (RimKind, &RimEvidence)> {
        [RimKind::Driver, RimKind::Vbios].into_iter().filter_map(|kind| Some((kind, self.get(kind)?)))
    }
}

pub(super) fn verify_rims(
    trail: &mut Trail,
    files: &RimFiles<'_>,
    roots: &RootSet<'_>,
    by: Verifier<'_>,
) -> Result<Rims, Stop> {
    let mut verify = |kind, file: Option<&[u8]>| match file {
        Some(file) => verify_rim(trail, kind, file, roots, by).map(Some),
        None => Ok(None),
    };
    Ok(Rims { driver: verify(RimKind::Driver, files.driver)?, vbios: verify(RimKind::Vbios, files.vbios)? })
}

fn verify_rim(
    trail: &mut Trail,
    kind: RimKind,
    file: &[u8],
    roots: &RootSet<'_>,
    by: Verifier<'_>,
) -> Result<RimEvidence, Stop> {
    let what = format!("{kind}: structure");
    let signed = trail.unwrap(Code::RimEncoding, what, "a signed SWID tag", SignedRim::parse(file))?;
    let mut certificates = Vec::new();
    for der in signed.certificates() {
        let what = format!("{kind}: certificates in KeyInfo");
        let parsed = Certificate::parse(der);
        certificates.push(trail.unwrap(Code::RimEncoding, what, "certificates", parsed)?);
    }
    let profile = kind.profile();
    let root = roots.for_chain(certificates.last()).ok_or("none that can be read");
    let what = format!("{}: root", profile.name);
    let root = trail.unwrap(profile.untrusted_root, what, roots.names(), root)?;
    let chain = Chain::verify(trail, &profile, certificates, &root, by)?;
    let rim = verify_signature(trail, kind, &signed, chain.leaf(), by.signatures)?;
    chain.check_validity(trail, &profile, by.at)?;
    let what = format!("{}: OCSP", profile.name);
    let (expected, found) = ("an answer for each certificate", "none: a manifest has no place for them");
    trail.note(Code::RevocationUnchecked, what, expected, found, false);
    Ok(RimEvidence { rim, chain })
}

fn verify_signature(
    trail: &mut Trail,
    kind: RimKind,
    signed: &SignedRim<'_>,
    signer: &Certificate,
    by: &dyn SignatureVerifier,
) -> Result<Rim, Stop> {
    let code = Code::CertificateProfile;
    let what = format!("{kind}: extensions of the signer");
    trail.unwrap(code, what, "those of a signer of manifests", nvidia::check_rim_signer(signer))?;
    let key = signer.key();
    let what = format!("{kind}: key of the signer");
    let key = trail.unwrap(code, what, "P-384", key.p384().ok_or(key))?;
    let verified = signed.verify(key, by);
    let code = match verified {
        Err(RimError::Digest { .. } | RimError::SignatureValue) => Code::RimSignatureInvalid,
        _ => Code::RimEncoding,
    };
    trail.unwrap(code, format!("{kind}: signature"), format!("by {}", signer.subject()), verified)
}
