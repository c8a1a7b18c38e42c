//! Evidence: who reported, what the report binds, and whether the launch was the one that was wanted.

use attestation_evidence::{Evidence, EvidenceError, Platform, SimulatedReport, report_data, sim};
use attestation_manifest::{HexDigest, HexU64, Manifest, manifest_digest, parse_manifest};
use attestation_report::SnpReport;

use super::verdict::SIMULATED;
use super::{Inputs, SimulatedEvidence, Verdict};

pub(super) fn check_evidence(verdict: &mut Verdict, evidence: &Evidence, inputs: &Inputs<'_>) {
    check_platform(verdict, evidence.platform, inputs.simulated);
    let report = authentic_report(evidence);
    let what = "report signature";
    match &report {
        Err(error) => verdict.fail(what, "signed by an endorsed chip", error),
        Ok(report) => {
            verdict.pass(what, "signed by an endorsed chip", "yes");
            check_binding(verdict, report.report(), evidence);
            let measurement = inputs.reference.measurement.snp_qemu;
            verdict.compare("measurement", measurement, HexDigest(report.report().measurement));
        }
    }
    let digest = HexDigest(manifest_digest(&evidence.manifest));
    verdict.compare("manifest", inputs.reference.manifest.sha256, digest);
    match parse_manifest(&evidence.manifest) {
        Err(error) => verdict.fail("manifest syntax", "a valid manifest", error),
        Ok(manifest) => {
            verdict.pass("manifest syntax", "a valid manifest", "yes");
            check_manifest(verdict, &manifest, inputs);
            if let Ok(report) = &report {
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

/// The report, if its signature holds: only simulated ones can be verified yet, and their type says so. What it binds is
/// compared line by line afterwards.
fn authentic_report(evidence: &Evidence) -> Result<SimulatedReport, EvidenceError> {
    match evidence.platform {
        Platform::Simulated => sim::verify_report(&evidence.report, &evidence.endorsement),
        Platform::Snp | Platform::Tdx => {
            Err(EvidenceError::HardwareNotSupported { platform: evidence.platform.name() })
        }
    }
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
