//! Evidence and claims of Redoubt's guests, and what images measure to.

use attestation_claim::SignedClaim;
use attestation_corim::{self as corim, ReferenceManifest};
use attestation_evidence::{Evidence, Platform};
use attestation_manifest::{HexDigest, manifest_digest};
use attestation_recognise::Kind;
use sha2::{Digest, Sha384};

use super::{Fields, hex};

pub(super) fn evidence(fields: &mut Fields, file: &str, bytes: &[u8]) -> Result<(), String> {
    let evidence = Evidence::decode(bytes).map_err(|error| error.to_string())?;
    show_evidence(fields, file, &evidence);
    Ok(())
}

fn show_evidence(fields: &mut Fields, file: &str, evidence: &Evidence) {
    let is_simulated = evidence.platform == Platform::Simulated;
    let meaning = if is_simulated { "protects nothing" } else { "" };
    fields.explained("platform", evidence.platform.name(), meaning);
    fields.hex("instance key", &evidence.instance_key);
    if let Some(key) = &evidence.hpke_key {
        fields.hex("HPKE key", key);
    }
    fields.plain("manifest, SHA-256", HexDigest(manifest_digest(&evidence.manifest)));
    if evidence.platform == Platform::Tdx {
        let digest = HexDigest::<48>(Sha384::digest(&evidence.manifest).into());
        fields.explained("manifest, SHA-384", digest, "what MRCONFIGID has to be");
    }
    fields.plain("manifest", String::from_utf8_lossy(&evidence.manifest));
    fields.plain("endorsement", format!("{} bytes", evidence.endorsement.len()));
    match evidence.platform {
        Platform::Simulated | Platform::Snp => fields.part(file, Kind::SnpReport, &evidence.report),
        Platform::Tdx => fields.part(file, Kind::TdxQuote, &evidence.report),
    }
}

pub(super) fn claim(fields: &mut Fields, file: &str, bytes: &[u8]) -> Result<(), String> {
    let signed = SignedClaim::parse(bytes).map_err(|error| error.to_string())?;
    let (claim, evidence) = (signed.unverified_claim(), signed.unverified_evidence());
    fields.plain("sequence", claim.sequence);
    fields.hex("component, SHA-256", &claim.component);
    fields.hex("artefact, SHA-256", &claim.artefact);
    fields.hex("manifest, SHA-256", &claim.manifest);
    for (name, digested) in [("input", claim.input), ("output", claim.output)] {
        fields.plain(format!("{name}, SHA-256"), hex(&digested.sha256));
        fields.plain(format!("{name}, bytes"), digested.bytes);
    }
    fields.plain("outcome", &claim.outcome);
    fields.plain("fuel", claim.usage.fuel);
    fields.plain("component memory, peak bytes", claim.usage.component_memory_bytes);
    fields.plain("error output, bytes", claim.usage.error_output_bytes);
    let by_whom = "measured by the guest; no replay confirms it";
    fields.explained("time in the component, microseconds", claim.measured.run_us, by_whom);
    fields.explained("guest heap, peak bytes", claim.measured.heap_peak_bytes, by_whom);
    fields.hex("previous claim, SHA-256", &claim.previous);
    fields.hex("transcript root", &claim.transcript.root);
    fields.plain("transcript, entries", claim.transcript.entries);
    fields.plain("transcript, bytes", claim.transcript.bytes);
    fields.plain("receipts root", claim.receipts_root.map_or_else(|| "none".into(), |root| hex(&root)));
    show_evidence(fields, file, evidence);
    Ok(())
}

pub(super) fn reference_values(fields: &mut Fields, bytes: &[u8]) -> Result<(), String> {
    let manifest = ReferenceManifest::decode(bytes).map_err(|error| error.to_string())?;
    fields.plain("id", &manifest.id);
    for value in &manifest.values {
        let name = match value.platform {
            corim::Platform::Snp => "SNP launch digest",
            corim::Platform::Tdx => "MRTD",
        };
        fields.explained(name, hex(&value.digest), launch(&manifest.id, &value.id));
    }
    Ok(())
}

/// A tag without the name of its manifest: the way of the launch.
fn launch<'a>(manifest: &str, tag: &'a str) -> &'a str {
    tag.strip_prefix(manifest).and_then(|rest| rest.strip_prefix(':')).unwrap_or(tag)
}
