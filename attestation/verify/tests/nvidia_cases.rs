//! Every case and variant of the shared NVIDIA evidence, by the comparison rules of its `CODES.md`. Where there are
//! fixtures.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "support/each.rs"]
mod each;

use std::collections::BTreeSet;
use std::path::Path;

use attestation_verify::nvidia::{
    Challenge, Device, Evidence, GpuEvidence, RimEvidence, RimFiles, RimKind, Roots, SdkEvidence, verify,
};
use attestation_verify::{Code, Kind, Rejection, Trail};
use attestation_x509::Instant;
use each::by_each;
use serde_json::Value;

struct Fixtures<'a> {
    folder: &'a Path,
}

#[test]
fn every_case_and_variant_comes_out_as_recorded() {
    let Some(folder) = tests_needs::fixture("nvidia") else { return };
    let cases: Vec<Value> =
        serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let fixtures = Fixtures { folder: &folder };
    let mut checked = 0;
    for case in &cases {
        let name = case["case"].as_str().unwrap();
        fixtures.check(name, case, &case["facts"]);
        checked += 1;
        for variant in case["variants"].as_array().into_iter().flatten() {
            let name = format!("{name}: {}", variant["what"].as_str().unwrap());
            fixtures.check(&name, variant, &case["facts"]);
            checked += 1;
        }
    }
    assert_eq!(checked, 29, "cases and variants: is the set complete?");
}

impl Fixtures<'_> {
    fn file(&self, entry: &Value, kind: &str) -> Option<Vec<u8>> {
        let name = entry["files"][kind].as_str()?;
        Some(std::fs::read(self.folder.join(name)).unwrap())
    }

    fn check(&self, name: &str, entry: &Value, facts: &Value) {
        let outcome = self.run(name, entry, facts);
        let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        let expected: BTreeSet<&str> =
            entry["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        assert!(expected.is_subset(&known), "{name}: {expected:?}");
        let trail = match &outcome {
            Ok(trail) => trail,
            Err(rejection) => rejection.trail(),
        };
        let of_kind = |fatal: bool| {
            let findings = trail.findings().filter(move |(code, _)| (code.kind() == Kind::Fatal) == fatal);
            findings.map(|(code, _)| code.as_str()).collect::<BTreeSet<_>>()
        };
        // Only the missing switches of the Protected PCIe system; the vocabulary has no code for them.
        let (fatal, mut found) = (of_kind(true), of_kind(false));
        let is_topology = found.remove(Code::TopologyMismatch.as_str());
        assert_eq!(is_topology, name.starts_with("sdk-") || name.starts_with("ppcie-"), "{name}");
        match (&outcome, entry["authentic"].as_bool()) {
            (Ok(_), Some(true)) => assert_eq!(found, expected, "{name}"),
            (Err(_), Some(false) | None) => {
                assert!(!fatal.is_empty() && fatal.is_subset(&expected), "{name}: {fatal:?}");
            }
            (outcome, authentic) => panic!("{name}: expected {authentic:?}, found {outcome:?}"),
        }
        assert_eq!(entry["parse"], "ok", "{name}: the set has no other");
        let parse = ["truncated", "unsupported-version", "malformed"];
        assert!(fatal.iter().all(|code| !parse.contains(code)), "{name}: {fatal:?}");
    }

    fn run(&self, name: &str, entry: &Value, facts: &Value) -> Result<Trail, Rejection> {
        let at = entry["at"].as_str().or(entry["now"].as_str()).unwrap().parse().unwrap();
        let roots = Roots::default();
        if let Some(file) = self.file(entry, "evidence") {
            return check_sdk(name, &file, facts, at);
        }
        if let Some(file) = self.file(entry, "rim") {
            let verified = by_each(at, |by| RimEvidence::verify(RimKind::Driver, &file, &roots, by))?;
            check_rim_facts(name, verified.evidence(), facts);
            return Ok(verified.trail().clone());
        }
        let (report, chain) = (self.file(entry, "report"), self.file(entry, "chain"));
        if report.is_none() {
            let device = by_each(at, |by| Device::verify(chain.as_deref(), &roots, by));
            return device.map(|device| device.trail().clone());
        }
        let (driver, vbios) = (self.file(entry, "driver_rim"), self.file(entry, "vbios_rim"));
        let rims = RimFiles { driver: driver.as_deref(), vbios: vbios.as_deref() };
        let evidence = Evidence { report: report.as_deref(), chain: chain.as_deref(), rims };
        let verified = by_each(at, |by| verify(&evidence, challenge(facts), &roots, by))?;
        check_facts(name, verified.evidence(), facts);
        Ok(verified.trail().clone())
    }
}

fn challenge(facts: &Value) -> Challenge {
    facts["request_nonce"].as_str().map_or(Challenge::NotPosed, |nonce| Challenge::Nonce(unhex(nonce)))
}

fn check_sdk(name: &str, file: &[u8], facts: &Value, at: Instant) -> Result<Trail, Rejection> {
    let evidence = SdkEvidence::parse(file).unwrap_or_else(|error| panic!("{name}: {error}"));
    let nonce = serde_json::from_slice::<Value>(file).unwrap()[0]["nonce"].as_str().map(unhex).unwrap();
    let verified = by_each(at, |by| {
        evidence.verify(|_| RimFiles::default(), Challenge::Nonce(nonce), &Roots::default(), by)
    })?;
    let facts = facts.as_array().unwrap();
    let devices = verified.evidence().devices();
    assert_eq!(devices.len(), facts.len(), "{name}");
    devices.iter().zip(facts).for_each(|(device, facts)| check_facts(name, device, facts));
    Ok(verified.trail().clone())
}

fn check_facts(name: &str, evidence: &GpuEvidence<'_>, facts: &Value) {
    if facts["cmp"].is_object() || facts["golden"].is_u64() {
        return check_comparison(name, evidence, facts.get("cmp").unwrap_or(facts));
    }
    let report = evidence.report();
    let fields = report.fields();
    assert_eq!(format!("{:#04x}", report.request().spdm_version), facts["spdm_version"], "{name}");
    assert_eq!(u64::from(report.measurements().count()), facts["blocks"], "{name}");
    assert_eq!(u64::from(report.request().slot_id), facts["slot"], "{name}");
    assert_eq!(report.trailing_bytes() as u64, facts["trailing_bytes"], "{name}");
    let ids: Vec<u16> =
        { fields.iter().map(|field| field.id.0).collect::<BTreeSet<_>>() }.into_iter().collect();
    assert_eq!(Value::from(ids), facts["opaque_ids"], "{name}");
    for (found, fact) in [
        (fields.driver_version(), "driver"),
        (fields.project(), "project"),
        (fields.project_sku(), "project_sku"),
        (fields.chip_sku(), "chip_sku"),
    ] {
        assert_eq!(found.unwrap_or_default(), facts[fact], "{name}: {fact}");
    }
    let vbios = fields.vbios_version().unwrap().to_string();
    let is_text = facts["vbios"].as_str().is_some_and(|fact| fact == hex(vbios.as_bytes()));
    assert!(is_text || vbios == facts["vbios"], "{name}: {vbios}");
    let optional = |value: Option<Vec<u8>>| value.map_or(Value::Null, |value| hex(&value).into());
    assert_eq!(optional(fields.nvdec0().map(|status| vec![status.0])), facts["nvdec0"], "{name}");
    let protected = fields.protected_pcie().map(|status| vec![status.0]);
    assert_eq!(optional(protected), facts["protected_pcie"], "{name}");
    let flag = fields.feature_flag().map(|flag| flag.0.to_le_bytes().to_vec());
    assert_eq!(optional(flag), facts["feature_flag"], "{name}");
    assert_eq!(optional(fields.fwid().map(|fwid| fwid.to_vec())), facts["fwid"], "{name}");
    let leaf = evidence.device().leaf().subject().common_name().unwrap();
    assert_eq!(format!("CN={leaf}"), facts["leaf"], "{name}");
    assert_eq!(evidence.device().authorities().len() as u64 + 1, facts["n_certs"], "{name}");
    if facts["measurement_comparison"].is_object() {
        check_comparison(name, evidence, &facts["measurement_comparison"]);
    }
    for (kind, fact) in [(RimKind::Driver, "driver"), (RimKind::Vbios, "vbios")] {
        if let Some(rim) = evidence.rims().get(kind) {
            check_rim_facts(name, rim, &facts["rims"][fact]);
        }
    }
}

fn check_comparison(name: &str, evidence: &GpuEvidence<'_>, facts: &Value) {
    let comparison = evidence.comparison();
    let kind = |kind: RimKind| if kind == RimKind::Driver { "driver" } else { "vbios" };
    let mismatches: Vec<Value> = comparison
        .mismatches
        .iter()
        .map(|(index, rim)| Value::from(vec![Value::from(*index), kind(*rim).into()]))
        .collect();
    assert_eq!(comparison.golden as u64, facts["golden"], "{name}");
    assert_eq!(Value::from(mismatches), facts["mismatches"], "{name}");
    assert_eq!(Value::from(comparison.conflicts.clone()), facts["conflicts"], "{name}");
}

fn check_rim_facts(name: &str, verified: &RimEvidence, facts: &Value) {
    let (rim, validity) = (verified.rim(), verified.signer().validity());
    assert_eq!(rim.version, facts["version"].as_str().unwrap(), "{name}");
    assert_eq!(rim.product, facts["product"].as_str().unwrap(), "{name}");
    assert_eq!(rim.measurements.len() as u64, facts["measurements"], "{name}");
    assert_eq!(rim.active().count() as u64, facts["active"], "{name}");
    assert_eq!(validity.not_before.to_string()[..10], facts["signer_not_before"], "{name}");
    assert_eq!(validity.not_after.to_string()[..10], facts["signer_not_after"], "{name}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> [u8; 32] {
    let byte = |index: usize| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap();
    core::array::from_fn(byte)
}
