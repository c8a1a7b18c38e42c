//! What makes a claim acceptable: every check, by name, with both sides.
//!
//! The chain of reasons runs claim → instance key → report → measurement, manifest → component, artefact. A link that
//! does not hold never hides the checks that do not depend on it.

mod claim;
pub(crate) mod evidence;
mod files;
#[cfg(test)]
pub(crate) mod tests;
mod verdict;

use attestation_claim::{SignedClaim, VerifiedClaim};
use attestation_manifest::reference::ReferenceValues;
use attestation_policy::Policy;
use attestation_recognise::Item;
use attestation_x509::Instant;

use crate::appraise::TrustedRoots;

pub use verdict::{Check, SIMULATED, State, Verdict};

/// What a relying party has at hand.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The claim, as the loader stored it.
    pub claim: &'a [u8],
    /// What the relying party gave to the job.
    pub input: FileDigest,
    /// What the relying party got from it.
    pub output: FileDigest,
    /// What the image is supposed to be.
    pub reference: &'a ReferenceValues,
    /// The manifest's file, where it should be the one that the guest had.
    pub manifest: Option<&'a [u8]>,
    /// The ROM's file, to be measured again.
    pub rom: Option<&'a [u8]>,
    /// The component's file, to be compiled again.
    pub component: Option<&'a [u8]>,
    /// Whether evidence that protects nothing is good enough.
    pub simulated: SimulatedEvidence,
    /// What is needed to verify evidence of hardware.
    pub hardware: Hardware<'a>,
}

/// What evidence is held against, whether a claim or a receipt came with it.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// What the image is supposed to be.
    pub reference: &'a ReferenceValues,
    /// Whether evidence that protects nothing is good enough.
    pub simulated: SimulatedEvidence,
    /// What is needed to verify evidence of hardware.
    pub hardware: Hardware<'a>,
}

impl<'a> Inputs<'a> {
    const fn expected(&self) -> Expected<'a> {
        Expected { reference: self.reference, simulated: self.simulated, hardware: self.hardware }
    }
}

/// What evidence of hardware is verified with.
#[derive(Debug, Clone, Copy)]
pub struct Hardware<'a> {
    /// Certificates, revocation lists and other collateral, in any order.
    pub items: &'a [Item],
    /// Which genuine hardware is wanted.
    pub policy: &'a Policy,
    /// For when.
    pub at: Instant,
    /// Whom to believe in the end.
    pub roots: TrustedRoots<'a>,
}

/// A file by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDigest {
    /// SHA-256.
    pub sha256: [u8; 32],
    /// Size.
    pub bytes: u64,
}

/// Whether evidence of the simulated platform, which protects nothing, is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimulatedEvidence {
    /// Always right in production.
    Refused,
    /// Somebody asked for it in so many words.
    Allowed,
}

/// Makes every check that the inputs allow.
#[must_use]
pub fn check(inputs: &Inputs<'_>) -> Verdict {
    let (mut verdict, signed) = check_signed(inputs);
    files::check_rom(&mut verdict, inputs);
    files::check_manifest_file(&mut verdict, signed.as_ref(), inputs);
    files::check_component(&mut verdict, signed.as_ref(), inputs);
    verdict
}

/// What the ROM and the component say that are at hand.
pub(crate) fn check_image(inputs: &Inputs<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    files::check_rom(&mut verdict, inputs);
    files::check_component(&mut verdict, None, inputs);
    verdict
}

/// What the claim says, and the evidence in it; and the claim, if its signature holds.
pub(crate) fn check_signed(inputs: &Inputs<'_>) -> (Verdict, Option<VerifiedClaim>) {
    let mut verdict = Verdict::default();
    let signed = SignedClaim::parse(inputs.claim).and_then(SignedClaim::verify);
    let what = "claim signature";
    match &signed {
        Err(error) => verdict.fail(what, "signed by its instance key", error),
        Ok(verified) => {
            verdict.pass(what, "signed by its instance key", "yes");
            evidence::check_evidence(&mut verdict, verified.evidence(), &inputs.expected());
            claim::check_claim(&mut verdict, verified, inputs);
        }
    }
    (verdict, signed.ok())
}
