//! Evidence: who reported, what the report binds, and whether the launch was the one that was wanted.

use attestation_evidence::{Evidence, EvidenceError, Platform, SimulatedReport, report_data, sim};
use attestation_manifest::{HexDigest, HexU64, Manifest, manifest_digest, parse_manifest};
use attestation_recognise::{Item, recognise};
use attestation_report::SnpReport;
use attestation_verify::Verified;
use attestation_verify::snp::SnpEvidence;

use super::verdict::SIMULATED;
use super::{Inputs, SimulatedEvidence, Verdict};
use crate::appraise::{self, Question, admit_only};

pub(super) fn check_evidence(verdict: &mut Verdict, evidence: &Evidence, inputs: &Inputs<'_>) {
    check_platform(verdict, evidence.platform, inputs.simulated);
    let report = authentic_report(verdict, evidence, inputs);
    if let Some(report) = &report {
        check_binding(verdict, report.report(), evidence);
        let measurement = inputs.reference.measurement.snp_qemu;
        verdict.compare("measurement", measurement, HexDigest(report.report().measurement));
    }
    let digest = HexDigest(manifest_digest(&evidence.manifest));
    verdict.compare("manifest", inputs.reference.manifest.sha256, digest);
    match parse_manifest(&evidence.manifest) {
        Err(error) => verdict.fail("manifest syntax", "a valid manifest", error),
        Ok(manifest) => {
            verdict.pass("manifest syntax", "a valid manifest", "yes");
            check_manifest(verdict, &manifest, inputs);
            if let Some(report) = &report {
                check_launch(verdict, report.report(), &manifest);
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

/// A report that may be looked at. Which of the two it is stays in the type up to here, and in the verdict.
enum AuthenticReport {
    Simulated(Box<SimulatedReport>),
    Snp(Box<Verified<SnpEvidence>>),
}

impl AuthenticReport {
    fn report(&self) -> &SnpReport {
        match self {
            Self::Simulated(report) => report.report(),
            Self::Snp(verified) => verified.evidence().report(),
        }
    }
}

/// The report, if its signature holds. What it binds is compared line by line afterwards.
fn authentic_report(
    verdict: &mut Verdict,
    evidence: &Evidence,
    inputs: &Inputs<'_>,
) -> Option<AuthenticReport> {
    let (what, expected) = ("report signature", "signed by an endorsed chip");
    let outcome = match evidence.platform {
        Platform::Simulated => sim::verify_report(&evidence.report, &evidence.endorsement),
        Platform::Snp => {
            return snp_report(verdict, evidence, inputs).map(Box::new).map(AuthenticReport::Snp);
        }
        Platform::Tdx => Err(EvidenceError::HardwareNotSupported { platform: evidence.platform.name() }),
    };
    match outcome {
        Ok(report) => {
            verdict.pass(what, expected, "yes");
            Some(AuthenticReport::Simulated(Box::new(report)))
        }
        Err(error) => {
            verdict.fail(what, expected, error);
            None
        }
    }
}

/// Verified up to AMD's roots and wanted by the policy, with the measurement and the manifest that the reference values
/// name. What the report binds is its challenge: the instance key of this claim.
fn snp_report(
    verdict: &mut Verdict,
    evidence: &Evidence,
    inputs: &Inputs<'_>,
) -> Option<Verified<SnpEvidence>> {
    let hardware = inputs.hardware;
    let mut policy = hardware.policy.clone();
    if let attestation_policy::Platform::Rules(rules) = &mut policy.snp {
        admit_only(&mut rules.launch.measurements, &[inputs.reference.measurement.snp_qemu.0]);
        admit_only(&mut rules.launch.host_data, &[inputs.reference.manifest.sha256.0]);
    }
    let manifest = manifest_digest(&evidence.manifest);
    let bound = report_data(&evidence.instance_key, evidence.hpke_key.as_deref(), &manifest, None);
    let endorsement = recognise(&evidence.endorsement).unwrap_or_default();
    let items: Vec<Item> = hardware.items.iter().cloned().chain(endorsement).collect();
    let question = Question { items: &items, policy: &policy, challenge: Some(&bound), at: hardware.at };
    appraise::snp_report(verdict, &evidence.report, &question)
}

fn check_binding(verdict: &mut Verdict, report: &SnpReport, evidence: &Evidence) {
    let manifest = manifest_digest(&evidence.manifest);
    let bound = report_data(&evidence.instance_key, evidence.hpke_key.as_deref(), &manifest, None);
    verdict.compare("instance key in REPORT_DATA", HexDigest(bound), HexDigest(report.report_data));
    verdict.compare("manifest in HOST_DATA", HexDigest(manifest), HexDigest(report.host_data));
}

fn check_launch(verdict: &mut Verdict, report: &SnpReport, manifest: &Manifest<'_>) {
    let launch = manifest.launch.snp;
    verdict.compare("guest policy", launch.policy, HexU64(report.policy.get()));
    verdict.compare("VMPL", launch.vmpl, report.vmpl.get());
    let debug = if report.guest_policy().is_debug() { "on: the host may read the guest" } else { "off" };
    verdict.compare("debugging", "off", debug);
}

fn check_manifest(verdict: &mut Verdict, manifest: &Manifest<'_>, inputs: &Inputs<'_>) {
    let reference = inputs.reference;
    verdict.compare("name in the manifest", &reference.name, manifest.name);
    verdict.compare("component in the manifest", reference.component.sha256, manifest.component.sha256);
    verdict.compare("artefact in the manifest", reference.artefact.sha256, manifest.artefact.sha256);
    verdict.compare("engine in the manifest", &reference.artefact.engine, manifest.artefact.engine);
}
