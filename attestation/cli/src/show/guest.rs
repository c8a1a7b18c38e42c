//! Evidence and claims of Redoubt's guests, and what images measure to.

use attestation_claim::SignedClaim;
use attestation_claim::message::parse_request;
use attestation_corim::{self as corim, ReferenceManifest};
use attestation_evidence::{Evidence, Platform};
use attestation_manifest::{HexDigest, manifest_digest, parse_manifest};
use attestation_recognise::Kind;
use attestation_transcript::{Reader, describe};
use sha2::{Digest, Sha256, Sha384};

use super::manifest::show_manifest;
use super::{Fields, hex};

/// Entries of a transcript that are shown one by one.
const SHOWN_ENTRIES: usize = 64;

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
    if let Ok(manifest) = parse_manifest(&evidence.manifest) {
        show_manifest(fields, &manifest);
    }
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
    let batch = signed.unverified_batch();
    fields.explained("signature", batch.number, "number since boot");
    fields.explained("claims in it", batch.claims, "runs that were signed together");
    fields.hex("previous digest", &batch.previous);
    fields.hex("transcript root", &claim.transcript.root);
    fields.plain("transcript, entries", claim.transcript.entries);
    fields.plain("transcript, bytes", claim.transcript.bytes);
    fields.plain("receipts root", claim.receipts_root.map_or_else(|| "none".into(), |root| hex(&root)));
    show_evidence(fields, file, evidence);
    Ok(())
}

pub(super) fn transcript(fields: &mut Fields, bytes: &[u8]) -> Result<(), String> {
    let mut reader = Reader::new(bytes).map_err(|error| error.to_string())?;
    let run = reader.header().run;
    fields.hex("component, SHA-256", &run.component);
    fields.hex("manifest, SHA-256", &run.manifest);
    fields.plain("sequence", run.sequence);
    let mut entries = 0;
    for entry in reader.by_ref().take(SHOWN_ENTRIES) {
        let entry = entry.map_err(|error| error.to_string())?;
        fields.plain("entry", describe(&entry));
        entries += 1;
    }
    let summary = reader.finish().map_err(|error| error.to_string())?;
    if summary.entries > entries {
        fields.plain("further entries", summary.entries - entries);
    }
    fields.plain("entries", summary.entries);
    fields.plain("segments", summary.segments);
    fields.plain("fuel at the last entry", summary.fuel);
    fields.explained("root", summary.root, "what the claim signs");
    Ok(())
}

pub(super) fn request(fields: &mut Fields, bytes: &[u8]) -> Result<(), String> {
    let message = parse_request(bytes).map_err(|error| error.to_string())?;
    let head = &message.head;
    fields.plain("method", head.method);
    fields.plain("scheme", head.scheme);
    for (name, text) in [("authority", head.authority), ("path and query", head.path_with_query)] {
        fields.plain(name, text.unwrap_or("none"));
    }
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    head.fields.iter().for_each(|(name, value)| fields.plain(format!("field {name}"), text(value)));
    fields.plain("body, bytes", message.body.len());
    fields.hex("body, SHA-256", &Sha256::digest(message.body));
    match &message.trailers {
        Some(trailers) => {
            trailers.iter().for_each(|(name, value)| fields.plain(format!("trailer {name}"), text(value)));
        }
        None => fields.explained("body, end", "missing", "it did not come, or was not read, to its end"),
    }
    fields.explained("SHA-256", hex(&Sha256::digest(bytes)), "the input of its claim");
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

#[cfg(test)]
mod tests {
    use attestation_claim::message::{Request, encode_end};
    use attestation_transcript::{Header, Kind, MAGIC, Run, Writer};
    use sha2::{Digest, Sha256};

    use crate::show::show;

    #[test]
    fn a_transcript_is_shown_with_its_root() {
        let run = Run { component: [0xC0; 32], manifest: [0x3A; 32], sequence: 7 };
        let mut writer = Writer::new(&Header { run, seed: [5; 32] });
        for fuel in 0..100 {
            writer.append(Kind::MONOTONIC_NOW, fuel, &[1]).unwrap();
        }
        writer.append(Kind::END, 100, &[0, 0]).unwrap();
        let finished = writer.finish().unwrap();
        let mut bytes = MAGIC.to_vec();
        finished.segments.iter().for_each(|segment| bytes.extend_from_slice(segment));
        let shown = &show("job.transcript", &bytes).unwrap()[0];
        assert_eq!((shown.kind, &shown.problem), ("redoubt-transcript", &None));
        let value = |name: &str| {
            shown.fields.iter().find(|field| field.name == name).map(|field| field.value.clone())
        };
        assert_eq!(value("root"), Some(finished.root.to_string()));
        assert_eq!((value("entries"), value("further entries")), (Some("101".into()), Some("37".into())));
        assert!(!format!("{shown:?}").contains("0505"), "the seed stays out of sight");

        let last = bytes.len() - 40;
        bytes[last] ^= 1;
        assert!(show("job.transcript", &bytes).unwrap()[0].problem.is_some());
    }

    #[test]
    fn a_request_is_shown_as_it_was_kept() {
        let head = Request {
            method: "POST",
            scheme: "http",
            authority: None,
            path_with_query: Some("/documents?a=1"),
            fields: vec![("host", b"example"), ("x", b"\xff")],
        };
        let whole = [&head.encode()[..], b"body", &encode_end(Some(&[("t", b"u")]), 4)].concat();
        let shown = &show("0.request", &whole).unwrap()[0];
        assert_eq!((shown.kind, &shown.problem), ("redoubt-request", &None));
        let said: Vec<_> =
            shown.fields.iter().map(|field| (field.name.as_str(), field.value.as_str())).collect();
        let (body, input) = (super::hex(&Sha256::digest("body")), super::hex(&Sha256::digest(&whole)));
        let expected = [
            ("method", "POST"),
            ("scheme", "http"),
            ("authority", "none"),
            ("path and query", "/documents?a=1"),
            ("field host", "example"),
            ("field x", "\u{fffd}"),
            ("body, bytes", "4"),
            ("body, SHA-256", &body),
            ("trailer t", "u"),
            ("SHA-256", &input),
        ];
        assert_eq!(said, expected);
        let half = [&head.encode()[..], b"bo", &encode_end(None, 2)].concat();
        assert!(format!("{:?}", show("0.request", &half).unwrap()).contains("missing"));
        // As long as methods may be.
        let long = Request { method: &"M".repeat(32), ..head };
        let long = [&long.encode()[..], &encode_end(Some(&[]), 0)].concat();
        assert_eq!(show("0.request", &long).unwrap()[0].problem, None);
        let cut = &show("0.request", &whole[..whole.len() - 1]).unwrap()[0];
        assert!(cut.problem.is_some() && cut.fields.is_empty(), "{cut:?}");
    }
}
