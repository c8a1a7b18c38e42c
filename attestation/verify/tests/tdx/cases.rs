//! Every case and variant of the shared TDX evidence, by the comparison rules of its `CODES.md`. Where there are
//! fixtures.

use std::collections::BTreeSet;

use attestation_verify::tdx::{
    Challenge, DOCUMENT_MAX_BYTES, DocumentError, DocumentSubject, Roots, TcbEvaluation, TcbStatus,
    TdxEvidence, UnverifiedDocument,
};
use attestation_verify::{Code, Kind};
use serde_json::Value;

use crate::bundle::{Outcome, codes};
use crate::fixtures::Fixtures;

/// Codes of cases that list evidence of a GPU besides: they are about that, or about the pair.
const OF_THE_GPU: [&str; 3] = ["revocation-unchecked", "rim-missing", "unbound-pair"];
const PARSE: [&str; 5] =
    ["truncated", "malformed", "unsupported-version", "unsupported-tee-type", "unsupported-key-type"];

#[test]
fn every_case_and_variant_comes_out_as_recorded() {
    let Some(fixtures) = Fixtures::open() else { return };
    for (name, case) in &fixtures.cases {
        check(&fixtures, name, case);
    }
    assert_eq!(fixtures.cases.len(), 23, "cases and variants: is the set complete?");
}

fn check(fixtures: &Fixtures, name: &str, case: &Value) {
    let at = case["at"].as_str().or(case["now"].as_str()).unwrap().parse().unwrap();
    let outcomes: Vec<Outcome> = fixtures
        .bundles(case)
        .iter()
        .map(|bundle| bundle.verify(&Roots::default(), Challenge::NotPosed, at))
        .collect();
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let mut expected: BTreeSet<&str> =
        case["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    assert!(expected.is_subset(&known), "{name}: {expected:?}");
    if case["files"].get("gpu").is_some() {
        expected.retain(|code| !OF_THE_GPU.contains(code));
    }
    let found: BTreeSet<&str> = outcomes.iter().flat_map(|outcome| codes(outcome, None)).collect();
    let fatal: BTreeSet<&str> =
        outcomes.iter().flat_map(|outcome| codes(outcome, Some(Kind::Fatal))).collect();
    for outcome in &outcomes {
        match (outcome, case["authentic"].as_bool()) {
            (Ok(_), Some(true)) => assert_eq!(found, expected, "{name}"),
            (Err(_), Some(false) | None) => {
                assert!(!fatal.is_empty() && fatal.is_subset(&expected), "{name}: {fatal:?}");
            }
            (outcome, authentic) => panic!("{name}: expected {authentic:?}, found {outcome:?}"),
        }
        if let (Ok(verified), Some(facts)) = (outcome, case["facts"].as_object()) {
            let facts = Value::Object(facts.clone());
            check_report(name, verified.evidence(), &facts);
            check_platform(name, verified.evidence(), &facts);
            check_tcb(name, verified.evidence(), &facts);
        }
    }
    let refused = fatal.iter().find(|code| PARSE.contains(code));
    if let Some(expected) = case["parse"].as_str() {
        assert_eq!(*refused.unwrap_or(&"ok"), expected, "{name}");
    }
}

#[test]
fn documents_say_what_they_are_about_before_they_are_verified() {
    let Some(fixtures) = Fixtures::open() else { return };
    let mut count = 0;
    for (name, case) in &fixtures.cases {
        let bundle = fixtures.bundles(case).swap_remove(0);
        let (Some(tcb_info), Some(qe_identity)) = (bundle.tcb_info, bundle.qe_identity) else { continue };
        let read = UnverifiedDocument::read(&tcb_info.body).unwrap();
        let DocumentSubject::TcbInfo { fmspc, .. } = read.subject else { panic!("{name}: {read:?}") };
        same(name, &case["facts"], "fmspc", hex(&fmspc));
        let read = UnverifiedDocument::read(&qe_identity.body).unwrap();
        assert_eq!(read.subject, DocumentSubject::QeIdentity, "{name}");
        count += 1;
    }
    assert_eq!(count, 19);
    let too_long = vec![b' '; DOCUMENT_MAX_BYTES + 1];
    assert_eq!(UnverifiedDocument::read(&too_long), Err(DocumentError::TooLong { found: 65537 }));
    let other =
        format!("{{\"tcbInfo\":{{\"id\":\"SGX\",\"version\":3}},\"signature\":\"{}\"}}", "00".repeat(64));
    let error = UnverifiedDocument::read(other.as_bytes()).unwrap_err().to_string();
    assert!(error.ends_with("found \"SGX\" of version 3"), "{error}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares where there is something to compare with.
fn same(name: &str, facts: &Value, fact: &str, found: impl Into<Value>) {
    if let Some(expected) = facts.get(fact) {
        assert_eq!(found.into(), *expected, "{name}: {fact}");
    }
}

fn check_report(name: &str, evidence: &TdxEvidence, facts: &Value) {
    let (header, report) = (evidence.header(), evidence.report());
    same(name, facts, "quote_version", header.version.get());
    same(name, facts, "tee_type", header.tee_type().to_string());
    let later = evidence.body().report_15();
    same(name, facts, "body_type", if later.is_some() { 3 } else { 2 });
    same(name, facts, "tee_tcb_svn", hex(&report.tee_tcb_svn));
    same(name, facts, "tee_tcb_svn2", later.map(|report| hex(&report.tee_tcb_svn_2)));
    same(name, facts, "mr_service_td", later.map(|report| hex(&report.mr_service_td)));
    same(name, facts, "seam_attributes", hex(&report.seam_attributes.to_bytes()));
    same(name, facts, "td_attributes", report.attributes().to_string());
    same(name, facts, "xfam", report.features().to_string());
    same(name, facts, "mr_seam", hex(&report.mr_seam));
    same(name, facts, "mr_td", hex(&report.mr_td));
    same(name, facts, "mr_config_id", hex(&report.mr_config_id));
    same(name, facts, "rtmr", report.rtmr.map(|rtmr| hex(&rtmr)).to_vec());
    same(name, facts, "report_data", hex(&report.report_data));
    same(name, facts, "qe_isv_svn", evidence.qe_report().isv_svn.get());
}

fn check_platform(name: &str, evidence: &TdxEvidence, facts: &Value) {
    let pck = evidence.pck();
    same(name, facts, "pck_ca", evidence.pck_ca().to_string());
    same(name, facts, "fmspc", hex(&pck.fmspc));
    same(name, facts, "pceid", hex(&pck.pce_id));
    same(name, facts, "pce_svn", pck.pce_svn);
    same(name, facts, "sgx_components", pck.sgx_components.to_vec());
    let validity = evidence.pck_certificate().validity();
    for (instant, fact) in [(validity.not_before, "pck_not_before"), (validity.not_after, "pck_not_after")] {
        same(name, facts, fact, instant.to_string().replace('T', " ").replace('Z', "+00:00"));
    }
}

fn check_tcb(name: &str, evidence: &TdxEvidence, facts: &Value) {
    let Some(tcb) = evidence.tcb() else {
        assert!(facts.get("tcb").is_none(), "{name}: a status, but no documents");
        return;
    };
    for (fact, issue) in [("tcb_info", tcb.tcb_info), ("qe_identity", tcb.qe_identity)] {
        let Some(facts) = facts.get(fact) else { continue };
        same(name, facts, "eval", issue.evaluation_number);
        same(name, facts, "window", vec![issue.issue_date.to_string(), issue.next_update.to_string()]);
    }
    let evaluations = [("tcb", Some(&tcb.launch)), ("tcb_current", tcb.current.as_ref())];
    for (fact, evaluation) in evaluations {
        let Some(facts) = facts.get(fact) else { continue };
        check_evaluation(name, evaluation.unwrap(), facts);
    }
}

fn check_evaluation(name: &str, evaluation: &TcbEvaluation, facts: &Value) {
    same(name, facts, "platform", evaluation.platform.as_str());
    same(name, facts, "merged", evaluation.merged.as_str());
    // Without a level of the platform, the facts do not go on.
    if evaluation.merged == TcbStatus::NotSupported {
        return;
    }
    same(name, facts, "module", evaluation.module.map(TcbStatus::as_str));
    same(name, facts, "qe", evaluation.quoting_enclave.as_str());
    same(name, facts, "advisories", evaluation.advisory_ids.clone());
    same(name, facts, "tcb_date", evaluation.tcb_date.map(|date| date.to_string()));
}
