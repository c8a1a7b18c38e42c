//! Rules for TDX against real evidence: each rule in turn, as it holds and as it fails. Where there are fixtures.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

// Readers of the shared evidence, which the verifier's tests use as well.
#[expect(dead_code, reason = "parts are for the verifier's tests")]
#[path = "../../../verify/tests/tdx/bundle.rs"]
mod bundle;
#[path = "../../../verify/tests/tdx/fixtures.rs"]
mod fixtures;
mod with;

// What the readers above use.
use attestation_ring as _;
use attestation_signature as _;
use pem_rfc7468 as _;
use serde_json as _;

use attestation_policy::{Outcome, Policy, Preset};
use attestation_verify::Verified;
use attestation_verify::tdx::{Challenge, Roots, TdxEvidence};
use fixtures::Fixtures;
use with::{assert_ruling, with};

/// Evidence of one case, with the last of its event logs.
fn evidence(name: &str) -> Option<Verified<TdxEvidence>> {
    let fixtures = Fixtures::open()?;
    let (_, case) = fixtures.cases.iter().find(|(found, _)| found == name).unwrap();
    let at = case["at"].as_str().or(case["now"].as_str()).unwrap().parse().unwrap();
    let bundles = fixtures.bundles(case);
    Some(bundles.last().unwrap().verify(&Roots::default(), Challenge::NotPosed, at).unwrap())
}

/// Case, table, field, what holds, what does not.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

const FORBIDDEN: &str = "\"forbidden\"";
const REQUIRED: &str = "\"required\"";

#[test]
fn every_rule_holds_and_fails() {
    let rows: &[Row] = &[
        ("dq-uptodate", "platform", "fmspcs", "[\"b0c06f000000\"]", "[\"90c06f000000\"]"),
        ("dq-uptodate", "tcb", "collateral", REQUIRED, FORBIDDEN),
        ("dq-expired-collateral", "tcb", "collateral", FORBIDDEN, REQUIRED),
        ("live-ccel", "tcb", "collateral", FORBIDDEN, REQUIRED),
        ("dq-uptodate", "tcb", "statuses", "[\"UpToDate\"]", "[\"OutOfDate\"]"),
        ("platform-outofdate", "tcb", "statuses", "[\"OutOfDate\"]", "[\"UpToDate\", \"SWHardeningNeeded\"]"),
        (
            "platform-outofdate",
            "tcb",
            "advisories",
            "[\"INTEL-SA-00960\", \"INTEL-SA-00982\", \"INTEL-SA-00986\"]",
            "[\"INTEL-SA-00960\", \"INTEL-SA-00982\"]",
        ),
        ("dq-uptodate", "tcb", "evaluation_number_at_least", "17", "18"),
        ("dq-uptodate", "tcb", "module_at_least", "\"1.6\"", "\"1.7\""),
        ("google-v5", "tcb", "module_updated", REQUIRED, FORBIDDEN),
        ("dq-uptodate", "tcb", "module_updated", FORBIDDEN, REQUIRED),
        ("google-ccel", "launch", "event_log", REQUIRED, FORBIDDEN),
        ("dq-uptodate", "launch", "event_log", FORBIDDEN, REQUIRED),
        ("dq-uptodate", "launch", "service_td", FORBIDDEN, REQUIRED),
        ("debug-td-later", "attributes", "debug", REQUIRED, FORBIDDEN),
        ("dq-uptodate", "attributes", "debug", FORBIDDEN, REQUIRED),
        ("dq-uptodate", "attributes", "sept_ve_disable", REQUIRED, FORBIDDEN),
        ("migtd-azure", "attributes", "sept_ve_disable", FORBIDDEN, REQUIRED),
        ("google-spr-e4-later", "attributes", "pks", REQUIRED, FORBIDDEN),
        ("dq-uptodate", "attributes", "migratable", FORBIDDEN, REQUIRED),
        ("dq-uptodate", "attributes", "kl", FORBIDDEN, REQUIRED),
        ("dq-uptodate", "attributes", "lass", FORBIDDEN, REQUIRED),
        ("dq-uptodate", "attributes", "perfmon", FORBIDDEN, REQUIRED),
        ("dq-uptodate", "attributes", "unknown_bits", FORBIDDEN, REQUIRED),
        ("dq-uptodate", "attributes", "xfam_within", "0x602E7", "0x600E7"),
        ("dq-uptodate", "freshness", "challenge", FORBIDDEN, REQUIRED),
        ("dq-uptodate", "freshness", "revocation_lists", REQUIRED, FORBIDDEN),
        ("dq-expired-collateral", "freshness", "revocation_lists", FORBIDDEN, REQUIRED),
        ("dq-uptodate", "freshness", "trailing_bytes", REQUIRED, FORBIDDEN),
        ("debug-td-later", "freshness", "trailing_bytes", FORBIDDEN, REQUIRED),
    ];
    for (case, table, key, holds, fails) in rows {
        let Some(fixtures) = Fixtures::open() else { return };
        drop(fixtures);
        let Some(evidence) = evidence(case) else { return };
        let (table, field) = (format!("tdx.{table}"), format!("tdx.{table}.{key}"));
        let good = with(&table, key, holds).decide_tdx(&evidence);
        assert_ruling(&good, &field, &Outcome::Holds);
        let bad = with(&table, key, fails).decide_tdx(&evidence);
        assert_ruling(&bad, &field, &Outcome::Fails);
    }
}

/// What Intel does not know of a platform is neither there nor not.
#[test]
fn flags_of_the_platform() {
    let Some(evidence) = evidence("dq-uptodate") else { return };
    let configuration = evidence.evidence().pck().configuration.unwrap_or_default();
    for (key, flag) in [
        ("dynamic_platform", configuration.dynamic_platform),
        ("cached_keys", configuration.cached_keys),
        ("smt", configuration.smt_enabled),
    ] {
        for (value, wanted) in [(REQUIRED, true), (FORBIDDEN, false)] {
            let decision = with("tdx.platform", key, value).decide_tdx(&evidence);
            assert_eq!(decision.is_accepted(), flag == Some(wanted), "{key} {value}");
        }
    }
}

#[test]
fn lists_admit_what_they_name_and_nothing_else() {
    let Some(evidence) = evidence("dq-uptodate") else { return };
    let (report, pck) = (evidence.evidence().report(), evidence.evidence().pck());
    let lists: &[(&str, &str, &[u8])] = &[
        ("platform", "ppids", &pck.ppid),
        ("tcb", "mr_seams", &report.mr_seam),
        ("launch", "mr_tds", &report.mr_td),
        ("launch", "mr_config_ids", &report.mr_config_id),
        ("launch", "mr_owners", &report.mr_owner),
        ("launch", "mr_owner_configs", &report.mr_owner_config),
        ("launch", "rtmr0", &report.rtmr[0]),
        ("launch", "rtmr1", &report.rtmr[1]),
        ("launch", "rtmr2", &report.rtmr[2]),
        ("launch", "rtmr3", &report.rtmr[3]),
    ];
    for (table, key, bytes) in lists {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let other: String = bytes.iter().map(|byte| format!("{:02x}", byte ^ 0x10)).collect();
        let (table, field) = (format!("tdx.{table}"), format!("tdx.{table}.{key}"));
        for (value, outcome) in [
            (format!("[\"{other}\", \"{digits}\"]"), Outcome::Holds),
            (format!("[\"{other}\"]"), Outcome::Fails),
        ] {
            assert_ruling(&with(&table, key, &value).decide_tdx(&evidence), &field, &outcome);
        }
    }
}

/// A log that leads elsewhere is refused by a policy that wants none, too.
#[test]
fn a_log_that_leads_elsewhere_is_never_overlooked() {
    let Some(evidence) = evidence("live-ccel-mismatch") else { return };
    for value in [REQUIRED, FORBIDDEN] {
        let decision = with("tdx.launch", "event_log", value).decide_tdx(&evidence);
        assert!(!decision.is_accepted(), "{value}");
        assert!(
            decision
                .failures()
                .any(|ruling| ruling.found.contains("rtmr2") || ruling.field.contains("rtmr2"))
        );
    }
}

#[test]
fn strict_refuses_and_development_accepts() {
    for case in ["dq-uptodate", "debug-td-later", "google-spr-e4-later", "migtd-azure-thim-stale"] {
        let Some(evidence) = evidence(case) else { return };
        let decide = |preset: Preset| Policy::parse(preset.text()).unwrap().decide_tdx(&evidence);
        assert!(decide(Preset::Development).is_accepted(), "{case}");
        let strict = decide(Preset::Strict);
        for field in ["tdx.launch.mr_tds", "tdx.freshness.challenge"] {
            assert!(strict.failures().any(|ruling| ruling.field == field), "{case}: {field}");
        }
    }
}
