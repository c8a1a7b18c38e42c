//! Evidence: who reported, what the report binds, and whether the launch was the one that was wanted.

mod snp;
mod tdx;

use attestation_evidence::{Evidence, Platform, SimulatedReport, report_data, sim};
use attestation_manifest::reference::{MeasurementReference, ReferenceValues};
use attestation_manifest::{HexDigest, LaunchPolicy, Manifest, WallClock, manifest_digest, parse_manifest};
use attestation_policy::Policy;
use attestation_recognise::{Item, RecogniseError, recognise};
use attestation_verify::Verified;
use attestation_verify::snp::SnpEvidence;
use attestation_verify::tdx::TdxEvidence;

use super::verdict::SIMULATED;
use super::{Expected, Hardware, SimulatedEvidence, Verdict};
use crate::appraise::Question;

/// The guest has no clock that shows the time of day.
const TIME_OF_THE_HOST: &str =
    "wall clock: the time of day that the component was told, the host asserted; nobody checked it";

pub(crate) fn check_evidence(verdict: &mut Verdict, evidence: &Evidence, against: &Expected<'_>) {
    check_platform(verdict, evidence.platform, against.simulated);
    let report = authentic_report(verdict, evidence, against);
    if let Some(report) = &report {
        report.check_binding(verdict, evidence, &against.reference.measurement);
    }
    let digest = HexDigest(manifest_digest(&evidence.manifest));
    verdict.compare("manifest", against.reference.manifest.sha256, digest);
    match parse_manifest(&evidence.manifest) {
        Err(error) => verdict.fail("manifest syntax", "a valid manifest", error),
        Ok(manifest) => {
            verdict.pass("manifest syntax", "a valid manifest", "yes");
            check_manifest(verdict, &manifest, against.reference);
            if let Some(report) = &report {
                report.check_launch(verdict, &manifest.launch);
            }
        }
    }
}

fn check_platform(verdict: &mut Verdict, platform: Platform, simulated: SimulatedEvidence) {
    verdict.simulated = platform == Platform::Simulated;
    let what = "platform";
    match (platform, simulated) {
        (Platform::Simulated, SimulatedEvidence::Allowed) => {
            verdict.pass(what, "any, simulated included", SIMULATED)
        }
        (Platform::Simulated, SimulatedEvidence::Refused) => {
            verdict.fail(
                what,
                "SEV-SNP or TDX",
                "simulated, which protects nothing (--allow-simulated accepts it)",
            );
        }
        (Platform::Snp | Platform::Tdx, _) => verdict.compare(what, platform.name(), platform.name()),
    }
}

/// A report that may be looked at. Which of them it is stays in the type up to here, and in the verdict.
enum AuthenticReport {
    Simulated(Box<SimulatedReport>),
    Snp(Box<Verified<SnpEvidence>>),
    Tdx(Box<Verified<TdxEvidence>>),
}

impl AuthenticReport {
    /// That the report is about the keys and the manifest next to it, and about the image that was expected.
    fn check_binding(&self, verdict: &mut Verdict, evidence: &Evidence, measurement: &MeasurementReference) {
        match self {
            Self::Simulated(report) => snp::check_binding(verdict, report.report(), evidence, measurement),
            Self::Snp(verified) => {
                snp::check_binding(verdict, verified.evidence().report(), evidence, measurement);
            }
            Self::Tdx(verified) => {
                tdx::check_binding(verdict, verified.evidence().report(), evidence, measurement);
            }
        }
    }

    /// That the guest was launched as its manifest says.
    fn check_launch(&self, verdict: &mut Verdict, launch: &LaunchPolicy) {
        match self {
            Self::Simulated(report) => snp::check_launch(verdict, report.report(), launch.snp),
            Self::Snp(verified) => snp::check_launch(verdict, verified.evidence().report(), launch.snp),
            Self::Tdx(verified) => tdx::check_launch(verdict, verified.evidence().body(), launch.tdx),
        }
    }
}

/// The report, if its signature holds. What it binds is compared line by line afterwards.
fn authentic_report(
    verdict: &mut Verdict,
    evidence: &Evidence,
    against: &Expected<'_>,
) -> Option<AuthenticReport> {
    match evidence.platform {
        Platform::Simulated => simulated(verdict, evidence).map(Box::new).map(AuthenticReport::Simulated),
        Platform::Snp => snp::verify(verdict, evidence, against).map(Box::new).map(AuthenticReport::Snp),
        Platform::Tdx => tdx::verify(verdict, evidence, against).map(Box::new).map(AuthenticReport::Tdx),
    }
}

fn simulated(verdict: &mut Verdict, evidence: &Evidence) -> Option<SimulatedReport> {
    let (what, expected) = ("report signature", "signed by an endorsed chip");
    match sim::verify_report(&evidence.report, &evidence.endorsement) {
        Ok(report) => {
            verdict.pass(what, expected, "yes");
            Some(report)
        }
        Err(error) => {
            verdict.fail(what, expected, error);
            None
        }
    }
}

/// Asks for what a platform does with `answer`: under `policy`, with the collateral of both sides. What the report binds is
/// its challenge: the instance key that signed.
fn ask<T>(
    verdict: &mut Verdict,
    evidence: &Evidence,
    hardware: &Hardware<'_>,
    policy: &Policy,
    answer: impl FnOnce(&mut Verdict, &[u8], &Question<'_>) -> T,
) -> T {
    let items = collateral(verdict, &evidence.endorsement, hardware.items);
    let challenge = bound(evidence);
    let Hardware { at, roots, .. } = *hardware;
    let question = Question { items: &items, policy, challenge: Some(&challenge), at, roots };
    question.note_in(verdict);
    answer(verdict, &evidence.report, &question)
}

/// What came with the evidence, then what the relying party has. Where only one of a kind can be used it is the last:
/// whoever hands over evidence does not choose an older document than the relying party has.
fn collateral(verdict: &mut Verdict, endorsement: &[u8], own: &[Item]) -> Vec<Item> {
    let mut items = match recognise(endorsement) {
        Ok(items) => items,
        Err(RecogniseError::Empty) => Vec::new(),
        Err(error) => {
            verdict.note(format!("not used: the endorsement that came with the evidence: {error}"));
            Vec::new()
        }
    };
    items.extend_from_slice(own);
    items
}

/// What the report has to bind: keys and manifest next to it.
fn bound(evidence: &Evidence) -> [u8; 64] {
    let manifest = manifest_digest(&evidence.manifest);
    report_data(&evidence.instance_key, evidence.hpke_key.as_deref(), &manifest, None)
}

fn check_manifest(verdict: &mut Verdict, manifest: &Manifest<'_>, reference: &ReferenceValues) {
    verdict.compare("name in the manifest", &reference.name, manifest.name);
    verdict.compare("component in the manifest", reference.component.sha256, manifest.component.sha256);
    verdict.compare("artefact in the manifest", reference.artefact.sha256, manifest.artefact.sha256);
    verdict.compare("engine in the manifest", &reference.artefact.engine, manifest.artefact.engine);
    if manifest.wall_clock == WallClock::Host {
        verdict.note(TIME_OF_THE_HOST);
    }
}
