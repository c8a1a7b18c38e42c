//! Every case and variant of the shared SEV-SNP evidence, by the comparison rules of its `CODES.md`.

use std::collections::BTreeSet;
use std::path::Path;

use attestation_verify::snp::{Challenge, Collateral, Roots, SnpEvidence, verify};
use attestation_verify::{Code, Kind, Rejection, Verified, VtpmChallenge};
use serde_json::Value;

use crate::azure;
use crate::azure_evidence::AzureEvidence;
use crate::each::by_each;

struct Fixtures<'a> {
    folder: &'a Path,
    authorities: Vec<Vec<u8>>,
}

type Outcome = Result<Verified<SnpEvidence>, Rejection>;

#[test]
fn every_case_and_variant_comes_out_as_recorded() {
    let Some(folder) = tests_needs::fixture("snp") else { return };
    let cases: Vec<Value> =
        serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let fixtures = Fixtures { folder: &folder, authorities: authorities(&folder) };
    let mut checked = 0;
    for case in &cases {
        let name = case["case"].as_str().unwrap();
        let variants = case["variants"].as_array().into_iter().flatten();
        let named =
            variants.map(|variant| (format!("{name}: {}", variant["what"].as_str().unwrap()), variant));
        for (name, entry) in core::iter::once((name.to_owned(), case)).chain(named) {
            fixtures.check(&name, entry);
            checked += 1;
        }
    }
    assert_eq!(checked, 31, "cases and variants: is the set complete?");
}

/// ASK and ASVK of every line, and the roots besides.
fn authorities(folder: &Path) -> Vec<Vec<u8>> {
    let names = ["ark.der", "ask.der", "asvk.der"];
    let lines = ["milan", "genoa", "turin"];
    let paths = lines.iter().flat_map(|line| names.map(|name| folder.join("certs").join(line).join(name)));
    paths.map(|path| std::fs::read(path).unwrap()).collect()
}

impl Fixtures<'_> {
    fn file(&self, entry: &Value, kind: &str) -> Option<Vec<u8>> {
        let name = entry["files"][kind].as_str()?;
        Some(std::fs::read(self.folder.join(name)).unwrap())
    }

    fn run(&self, entry: &Value) -> Outcome {
        let at = entry["at"].as_str().or(entry["now"].as_str()).unwrap().parse().unwrap();
        let (report, vek, crl) =
            (self.file(entry, "report"), self.file(entry, "vek"), self.file(entry, "crl"));
        let chain: Vec<&[u8]> = self.authorities.iter().map(Vec::as_slice).collect();
        let crls: Vec<&[u8]> = crl.iter().map(Vec::as_slice).collect();
        let collateral = Collateral { vek: vek.as_deref(), chain: &chain, crls: &crls };
        if let Some(evidence) = self.file(entry, "evidence") {
            let evidence = AzureEvidence::read(&evidence);
            assert_eq!(evidence.hcl_report.get(0x20..0x4C0), report.as_deref(), "one report in two files");
            return azure::verify(&evidence, &collateral, VtpmChallenge::NotPosed, at);
        }
        by_each(at, |by| verify(report.as_deref(), &collateral, Challenge::NotPosed, &Roots::default(), by))
    }

    fn check(&self, name: &str, entry: &Value) {
        let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        let expected: BTreeSet<&str> =
            entry["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        assert!(expected.is_subset(&known), "{name}: {expected:?}");
        let outcome = self.run(entry);
        let trail = match &outcome {
            Ok(verified) => verified.trail(),
            Err(rejection) => rejection.trail(),
        };
        let found: BTreeSet<&str> = trail.findings().map(|(code, _)| code.as_str()).collect();
        let fatal: BTreeSet<&str> = trail
            .findings()
            .filter(|(code, _)| code.kind() == Kind::Fatal)
            .map(|(code, _)| code.as_str())
            .collect();
        match (&outcome, entry["authentic"].as_bool()) {
            (Ok(_), Some(true)) => assert_eq!(found, expected, "{name}"),
            (Err(_), Some(false) | None) => {
                assert!(!fatal.is_empty() && fatal.is_subset(&expected), "{name}: {fatal:?}");
            }
            (outcome, authentic) => panic!("{name}: expected {authentic:?}, found {outcome:?}"),
        }
        let parse = ["truncated", "trailing-bytes", "unsupported-version", "signature-padding-nonzero"];
        let refused = fatal.iter().find(|code| parse.contains(code));
        if let Some(expected) = entry["parse"].as_str() {
            assert_eq!(*refused.unwrap_or(&"ok"), expected, "{name}");
        }
        if let (Ok(verified), Some(facts)) = (&outcome, entry.get("facts")) {
            check_facts(name, verified.evidence(), facts);
        }
    }
}

fn check_facts(name: &str, evidence: &SnpEvidence, facts: &Value) {
    let (report, endorsement) = (evidence.report(), evidence.endorsement());
    let fields = endorsement.fields();
    assert_eq!(endorsement.line().name(), facts["generation"], "{name}");
    assert_eq!(endorsement.kind().common_name(), facts["signer"], "{name}");
    assert_eq!(fields.product_name.as_str(), facts["product_name"], "{name}");
    assert_eq!(u64::from(fields.struct_version), facts["struct_version"], "{name}");
    let fms = report.cpuid().map(|id| format!("{:02x}{:02x}{:02x}", id.family, id.model, id.stepping));
    assert_eq!(fms.map_or(Value::Null, Value::String), facts["cpuid_fms"], "{name}");
    assert_eq!(u64::from(report.key_info.get()), facts["key_info"], "{name}");
    let validity = endorsement.certificate().validity();
    for (instant, fact) in [(validity.not_before, "vek_not_before"), (validity.not_after, "vek_not_after")] {
        let text = instant.to_string().replace('T', " ").replace('Z', "+00:00");
        assert_eq!(text, facts[fact], "{name}");
    }
    let tcb = |tcb: u64| tcb.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(tcb(report.launch_tcb.get()), facts["launch_tcb"], "{name}");
    assert_eq!(tcb(report.committed_tcb.get()), facts["committed_tcb"], "{name}");
    assert_eq!(tcb(report.current_tcb.get()), facts["current_tcb"], "{name}");
    assert_eq!(report.chip_id == [0; 64], facts["chip_id_masked"], "{name}");
    assert_eq!(report.report_id_ma == [0xFF; 32], facts["report_id_ma_all_ff"], "{name}");
    let committed = (report.committed_major, report.committed_minor, report.committed_build);
    assert_eq!(format!("{}.{}.{}", committed.0, committed.1, committed.2), facts["fw_committed"], "{name}");
}
