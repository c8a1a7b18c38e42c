//! Rules for SEV-SNP against real evidence: each rule in turn, as it holds and as it fails. Where there are fixtures.
#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "../../../verify/tests/support/each.rs"]
mod each;
#[path = "../tdx_rules/with.rs"]
mod with;

use std::fs;

use attestation_policy::{Outcome, Policy, Preset};
use attestation_verify::Verified;
use attestation_verify::snp::{Challenge, Collateral, Roots, SnpEvidence, verify};
use each::by_each;
use with::{assert_ruling, with};

/// Evidence of one case.
fn evidence(
    case: &str,
    vek: &str,
    issuer: &str,
    crl: Option<&str>,
    at: &str,
) -> Option<Verified<SnpEvidence>> {
    let folder = tests_needs::fixture("snp")?;
    let file = |name: &str| fs::read(folder.join(name)).unwrap();
    let (report, vek, issuer) = (
        file(&format!("{case}/report.bin")),
        file(&format!("{case}/{vek}")),
        file(&format!("certs/{issuer}")),
    );
    let crl = crl.map(|crl| file(&format!("{case}/{crl}")));
    let crls: Vec<&[u8]> = crl.iter().map(Vec::as_slice).collect();
    let collateral = Collateral { vek: Some(&vek), chain: &[&issuer], crls: &crls };
    let at = at.parse().unwrap();
    let (roots, challenge) = (Roots::default(), Challenge::NotPosed);
    Some(by_each(at, |by| verify(Some(&report), &collateral, challenge, &roots, by)).unwrap())
}

fn milan_debug() -> Option<Verified<SnpEvidence>> {
    evidence("milan-v2-debug", "vcek.der", "milan/ask.der", None, "2022-11-23T00:00:00Z")
}

fn milan_vlek() -> Option<Verified<SnpEvidence>> {
    evidence("milan-v3-vlek", "vlek.der", "milan/asvk.der", None, "2025-02-08T00:00:00Z")
}

fn milan_listed() -> Option<Verified<SnpEvidence>> {
    let crl = Some("milan-2022-05.crl.der");
    evidence("milan-v2-idblock", "vcek.der", "milan/ask.der", crl, "2022-12-01T00:00:00Z")
}

fn genoa() -> Option<Verified<SnpEvidence>> {
    evidence("genoa-v5-oak", "vcek.der", "genoa/ask.der", None, "2025-10-06T00:00:00Z")
}

fn turin() -> Option<Verified<SnpEvidence>> {
    evidence("turin-v5-azure", "vcek.der", "turin/ask.der", None, "2026-04-06T00:00:00Z")
}

type Evidence = fn() -> Option<Verified<SnpEvidence>>;

/// Table, field, what holds, what does not.
type Row = (Evidence, &'static str, &'static str, &'static str, &'static str);

#[test]
fn every_rule_holds_and_fails() {
    let rows: &[Row] = &[
        (genoa, "chip", "products", r#"["Genoa"]"#, r#"["Milan", "Turin"]"#),
        (genoa, "chip", "signers", r#"["vcek"]"#, r#"["vlek"]"#),
        (milan_vlek, "chip", "signers", r#"["vlek", "vcek"]"#, r#"["vcek"]"#),
        (genoa, "chip", "report_version_at_least", "5", "6"),
        (milan_vlek, "chip", "report_version_at_least", "3", "4"),
        (genoa, "chip", "masked_chip_id", r#""forbidden""#, r#""required""#),
        (milan_vlek, "chip", "masked_chip_id", r#""required""#, r#""forbidden""#),
        (milan_vlek, "launch", "vmpl_at_most", "1", "0"),
        (genoa, "launch", "guest_svn_at_least", "0", "1"),
        (genoa, "launch", "migration_agent", r#""forbidden""#, r#""required""#),
        (genoa, "guest_policy", "abi_at_least", r#""0.0""#, r#""0.1""#),
        (milan_debug, "guest_policy", "debug", r#""required""#, r#""forbidden""#),
        (genoa, "guest_policy", "debug", r#""forbidden""#, r#""required""#),
        (genoa, "guest_policy", "migrate_ma", r#""forbidden""#, r#""required""#),
        (genoa, "guest_policy", "smt_allowed", r#""required""#, r#""forbidden""#),
        (genoa, "guest_policy", "single_socket", r#""forbidden""#, r#""required""#),
        (genoa, "guest_policy", "cxl_allow", r#""forbidden""#, r#""required""#),
        (genoa, "guest_policy", "mem_aes_256_xts", r#""forbidden""#, r#""required""#),
        (genoa, "guest_policy", "rapl_dis", r#""forbidden""#, r#""required""#),
        (genoa, "guest_policy", "ciphertext_hiding_dram", r#""forbidden""#, r#""required""#),
        (genoa, "guest_policy", "page_swap_disable", r#""forbidden""#, r#""required""#),
        // PLATFORM_INFO of the Turin machine is 0x65 or 0x67.
        (turin, "platform", "smt", r#""required""#, r#""forbidden""#),
        (turin, "platform", "ecc", r#""required""#, r#""forbidden""#),
        (turin, "platform", "rapl_disabled", r#""forbidden""#, r#""required""#),
        (turin, "platform", "ciphertext_hiding", r#""forbidden""#, r#""required""#),
        (turin, "platform", "alias_check_complete", r#""required""#, r#""forbidden""#),
        (turin, "platform", "tio", r#""forbidden""#, r#""required""#),
        (turin, "platform", "unknown_bits", r#""required""#, r#""forbidden""#),
        (turin, "tcb", "firmware_at_least", r#""1.55.60""#, r#""2.0.0""#),
        (milan_vlek, "tcb", "provisional_firmware", r#""required""#, r#""forbidden""#),
        (genoa, "tcb", "disorder", r#""forbidden""#, r#""required""#),
        (genoa, "freshness", "challenge", r#""forbidden""#, r#""required""#),
        (milan_listed, "freshness", "revocation_list", r#""required""#, r#""forbidden""#),
        (genoa, "freshness", "revocation_list", r#""forbidden""#, r#""required""#),
    ];
    for (evidence, table, key, holds, fails) in rows {
        let Some(evidence) = evidence() else { return };
        let (table, field) = (format!("snp.{table}"), format!("snp.{table}.{key}"));
        let good = with(&table, key, holds).decide_snp(&evidence);
        assert_ruling(&good, &field, &Outcome::Holds);
        let bad = with(&table, key, fails).decide_snp(&evidence);
        assert_ruling(&bad, &field, &Outcome::Fails);
        assert_eq!(bad.failures().count(), 1, "{field}");
    }
}

#[test]
fn lists_admit_what_they_name_and_nothing_else() {
    let Some(evidence) = genoa() else { return };
    let report = evidence.evidence().report();
    let lists: &[(&str, &str, &[u8])] = &[
        ("chip", "chip_ids", &report.chip_id),
        ("launch", "measurements", &report.measurement),
        ("launch", "host_data", &report.host_data),
        ("launch", "id_keys", &report.id_key_digest),
        ("launch", "author_keys", &report.author_key_digest),
        ("launch", "family_ids", &report.family_id),
        ("launch", "image_ids", &report.image_id),
    ];
    for (table, key, bytes) in lists {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        let other: String = bytes.iter().map(|byte| format!("{:02x}", byte ^ 0x10)).collect();
        let (table, field) = (format!("snp.{table}"), format!("snp.{table}.{key}"));
        for (value, outcome) in [
            (format!("[\"{other}\", \"{digits}\"]"), Outcome::Holds),
            (format!("[\"{other}\"]"), Outcome::Fails),
            ("[]".to_owned(), Outcome::Fails),
        ] {
            assert_ruling(&with(&table, key, &value).decide_snp(&evidence), &field, &outcome);
        }
    }
}

/// A floor for the CPU of the Genoa machine (family 19h, model 11h, stepping 1; SPLs 10, 0, 0x19, 0x54; mitigations 1).
fn floor(change: &str) -> String {
    let fields = "family = 0x19, model = 0x11, stepping = 1, boot_loader = 10, tee = 0, snp = 0x19, microcode = 0x54, \
        mitigations = 1, bulletins = []";
    let (from, to) = change.split_once("->").unwrap_or_default();
    assert!(fields.contains(from), "{change}");
    format!("[{{ {} }}]", fields.replace(from, to))
}

#[test]
fn floors_are_per_cpu_and_per_version() {
    let Some(evidence) = genoa() else { return };
    let policy = |floors: &str| {
        let text = Preset::Development.text();
        let text = text
            .replace("floors_on = { waived = \"development\" }", "floors_on = [\"launch\", \"committed\"]");
        Policy::parse(&text.replace("floors = { waived = \"development\" }", &format!("floors = {floors}")))
            .unwrap()
    };
    let decision = policy(&floor("")).decide_snp(&evidence);
    assert_ruling(&decision, "snp.tcb.floors", &Outcome::Holds);
    let looked_at = decision.rulings().iter().filter(|ruling| ruling.field.contains("floors,")).count();
    assert_eq!(looked_at, 3, "launch, committed, mitigations");
    for change in [
        "family = 0x19->family = 0x1A",
        "model = 0x11->model = 0x12",
        "stepping = 1->stepping = 2",
        "boot_loader = 10->boot_loader = 11",
        "tee = 0->tee = 1",
        "snp = 0x19->snp = 0x1A",
        "microcode = 0x54->microcode = 0x55",
        "tee = 0->fmc = 0, tee = 0",
    ] {
        let decision = policy(&floor(change)).decide_snp(&evidence);
        assert!(!decision.is_accepted(), "{change}");
        assert!(
            decision.failures().all(|ruling| ruling.found.contains("191")
                || ruling.found.contains("19h")
                || ruling.field.contains("mitigations")),
            "{change}"
        );
    }
    let decision = policy(&floor("mitigations = 1->mitigations = 3")).decide_snp(&evidence);
    let failure = decision.failures().next().unwrap();
    assert_eq!(
        (failure.field.as_str(), failure.found.as_str()),
        ("snp.tcb.floors, mitigations", "launch 0x1, current 0x1")
    );
    let old = milan_debug().unwrap();
    let decision = policy(&floor("")).decide_snp(&old);
    assert!(decision.failures().any(|ruling| ruling.found.contains("report version 2")), "{decision:?}");
}

#[test]
fn a_misspelt_floor_is_checked_for_nothing_less() {
    let Some(evidence) = genoa() else { return };
    let policy = with("snp.tcb", "floors_on", "[\"comitted\"]");
    let decision = policy.decide_snp(&evidence);
    let failure = decision.failures().next().unwrap();
    assert_eq!((failure.field.as_str(), failure.found.as_str()), ("snp.tcb.floors_on", "comitted"));
}

#[test]
fn providers_are_admitted_by_name() {
    let Some(evidence) = milan_vlek() else { return };
    let name = match &evidence.evidence().endorsement().fields().endorses {
        attestation_x509::amd::Endorses::Provider(name) => name.clone(),
        attestation_x509::amd::Endorses::Chip(_) => String::new(),
    };
    let good = with("snp.chip", "csp_ids", &format!("[\"{name}\"]")).decide_snp(&evidence);
    assert_ruling(&good, "snp.chip.csp_ids", &Outcome::Holds);
    let bad = with("snp.chip", "csp_ids", "[\"another\"]").decide_snp(&evidence);
    assert_ruling(&bad, "snp.chip.csp_ids", &Outcome::Fails);
}

#[test]
fn presets_decide_as_their_names_promise() {
    for evidence in [milan_debug, milan_vlek, milan_listed, genoa, turin] {
        let Some(evidence) = evidence() else { return };
        let decide = |preset: Preset| Policy::parse(preset.text()).unwrap().decide_snp(&evidence);
        assert!(decide(Preset::Development).is_accepted());
        let strict = decide(Preset::Strict);
        let is_milan = evidence.evidence().endorsement().line().name() == "Milan";
        assert_eq!(strict.failures().any(|ruling| ruling.field == "snp.chip.products"), is_milan);
        for field in ["snp.launch.measurements", "snp.freshness.challenge"] {
            assert!(strict.failures().any(|ruling| ruling.field == field), "{field}");
        }
    }
    let debug = milan_debug().unwrap();
    let production = Policy::parse(Preset::Production.text()).unwrap().decide_snp(&debug);
    assert!(production.failures().any(|ruling| ruling.field == "snp.guest_policy.debug"));
    let turin = turin().unwrap();
    let production = Policy::parse(Preset::Production.text()).unwrap().decide_snp(&turin);
    assert!(!production.failures().any(|ruling| ruling.field.contains("floors")), "{production:?}");
}

#[test]
fn a_refused_platform_is_refused() {
    let Some(evidence) = genoa() else { return };
    let policy = Policy::parse(
        "version = 1\nname = \"none\"\nsnp = \"refused\"\ntdx = \"refused\"\nnvidia = \"refused\"\n",
    )
    .unwrap();
    let decision = policy.decide_snp(&evidence);
    assert!(!decision.is_accepted() && decision.failures().count() == 1);
}
