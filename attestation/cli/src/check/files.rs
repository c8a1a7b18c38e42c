//! Files at hand: measured, compared and compiled again.

use attestation_artefact::{ENGINE, compile};
use attestation_claim::VerifiedClaim;
use attestation_manifest::reference::FileReference;
use attestation_manifest::{HexDigest, manifest_digest, parse_manifest};
use attestation_measure::{MeasureError, SnpProfile, snp_launch_digest, tdx_mrtd};
use sha2::{Digest, Sha384};

use super::{FileDigest, Inputs, Verdict};

pub(super) fn check_rom(verdict: &mut Verdict, inputs: &Inputs<'_>) {
    let reference = inputs.reference;
    let Some(rom) = inputs.rom else {
        verdict.note("ROM ↔ measurement: not established here; --rom FILE measures the ROM again");
        return;
    };
    verdict.compare("ROM file", digest_of(reference.rom), FileDigest::of(rom));
    let snp = snp_launch_digest(rom, SnpProfile::QEMU);
    compare_measurement(verdict, "ROM measured for SEV-SNP", reference.measurement.snp_qemu, snp);
    compare_measurement(verdict, "ROM measured for TDX", reference.measurement.tdx_qemu, tdx_mrtd(rom));
}

pub(super) fn check_manifest_file(verdict: &mut Verdict, claim: Option<&VerifiedClaim>, inputs: &Inputs<'_>) {
    let Some(manifest) = inputs.manifest else { return };
    let reference = inputs.reference.manifest;
    let expected = FileDigest { sha256: reference.sha256.0, bytes: reference.bytes };
    verdict.compare("manifest file", expected, FileDigest::of(manifest));
    let sha384 = HexDigest::<48>(Sha384::digest(manifest).into());
    verdict.compare("manifest file, SHA-384", reference.sha384, sha384);
    // Without a claim that verifies there is no evidence to speak of, and the verdict refuses anyway.
    if let Some(claim) = claim {
        let evidence = FileDigest::of(&claim.evidence().manifest);
        verdict.compare("manifest file and evidence", evidence, FileDigest::of(manifest));
    }
}

pub(super) fn check_component(verdict: &mut Verdict, claim: Option<&VerifiedClaim>, inputs: &Inputs<'_>) {
    let reference = inputs.reference;
    let Some(component) = inputs.component else {
        verdict.note("artefact ↔ component: not established; --component FILE compiles it again");
        return;
    };
    let expected = digest_of(reference.component);
    let found = FileDigest::of(component);
    verdict.compare("component file", expected, found);
    verdict.compare("engine of this verifier", &reference.artefact.engine, ENGINE);
    // Another component compiles to another artefact, if at all: that would say nothing new.
    if found != expected {
        verdict.note("artefact ↔ component: not established; the component file is another one");
        return;
    }
    let Some(call_stack_bytes) = call_stack_bytes(claim, inputs) else {
        verdict.note(
            "artefact ↔ component: not established; no manifest of this image says for which call stack",
        );
        return;
    };
    let artefact = FileDigest { sha256: reference.artefact.sha256.0, bytes: reference.artefact.bytes };
    match compile(component, call_stack_bytes) {
        Ok(compiled) => verdict.compare("artefact ↔ component", artefact, FileDigest::of(&compiled)),
        Err(error) => verdict.fail("artefact ↔ component", &artefact.to_string(), error),
    }
}

/// What the artefact was compiled for, of the manifest that the reference values name: that in the evidence, or the file.
fn call_stack_bytes(claim: Option<&VerifiedClaim>, inputs: &Inputs<'_>) -> Option<u32> {
    let in_evidence = claim.map(|claim| claim.evidence().manifest.as_slice());
    let is_expected = |manifest: &&[u8]| manifest_digest(manifest) == inputs.reference.manifest.sha256.0;
    let manifest = in_evidence.into_iter().chain(inputs.manifest).find(is_expected)?;
    parse_manifest(manifest).ok().map(|manifest| manifest.limits.call_stack_bytes)
}

fn digest_of(reference: FileReference) -> FileDigest {
    FileDigest { sha256: reference.sha256.0, bytes: reference.bytes }
}

fn compare_measurement(
    verdict: &mut Verdict,
    what: &'static str,
    expected: HexDigest<48>,
    found: Result<[u8; 48], MeasureError>,
) {
    match found {
        Ok(found) => verdict.compare(what, expected, HexDigest(found)),
        Err(error) => verdict.fail(what, &expected.to_string(), error),
    }
}
