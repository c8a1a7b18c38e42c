//! Files as people have them, and the verdict. Where there are fixtures.

use std::fs;

use attestation_policy::{Platform, Policy, Preset};
use attestation_recognise::recognise;

use super::*;
use crate::check::State;
use crate::render::{Colours, table};

fn items(files: &[&str]) -> Option<Vec<Item>> {
    let folder = tests_needs::fixture("snp")?;
    let read = |file: &&str| recognise(&fs::read(folder.join(file)).unwrap()).unwrap();
    Some(files.iter().flat_map(read).collect())
}

fn verdict(files: &[&str], preset: Preset, at: &str) -> Option<Verdict> {
    let items = items(files)?;
    let policy = Policy::parse(preset.text()).unwrap();
    Some(appraise(&Question { items: &items, policy: &policy, challenge: None, at: at.parse().unwrap() }))
}

fn codes(verdict: &Verdict, state: State) -> Vec<String> {
    let with_state = verdict.checks.iter().filter(|check| check.state == state);
    with_state.filter_map(|check| check.code.clone()).collect()
}

/// A report and its VCEK are enough: AMD's authorities are at hand.
#[test]
fn two_files_make_a_verdict() {
    let Some(verdict) = verdict(
        &["genoa-v5-oak/report.bin", "genoa-v5-oak/vcek.der"],
        Preset::Development,
        "2025-10-06T00:00:00Z",
    ) else {
        return;
    };
    assert!(verdict.is_accepted(), "{verdict:#?}");
    assert_eq!(codes(&verdict, State::Finding), ["revocation-unchecked", "nonce-unbound"][..1].to_vec());
    let text = table(&verdict, Colours::Off);
    assert!(text.contains("find  CRL of ARK-Genoa") && text.contains("waived by the policy"), "{text}");
}

#[test]
fn strict_names_every_rule_that_fails() {
    let files = ["milan-v2-debug/report.bin", "milan-v2-debug/vcek.der"];
    let Some(verdict) = verdict(&files, Preset::Strict, "2022-11-23T00:00:00Z") else { return };
    assert!(!verdict.is_accepted());
    let failed = codes(&verdict, State::Fails);
    for field in
        ["snp.chip.products", "snp.guest_policy.debug", "snp.freshness.challenge", "snp.launch.measurements"]
    {
        assert!(failed.iter().any(|code| code == field), "{field}: {failed:?}");
    }
}

#[test]
fn what_is_not_authentic_reaches_no_policy() {
    let files = ["genoa-v3-bare/report.bin", "genoa-v3-bare/vcek-tampered-product.der"];
    let Some(verdict) = verdict(&files, Preset::Development, "2025-09-18T00:00:00Z") else { return };
    assert_eq!(codes(&verdict, State::Fails), ["certificate-signature-invalid"]);
    assert!(verdict.checks.iter().all(|check| !check.what.starts_with("snp.")));
    assert!(verdict.notes.iter().any(|note| note.contains("was not asked")));
}

#[test]
fn azure_is_verified_through_its_virtual_tpm() {
    let files = ["azure-vtpm-milan-v3/evidence.json"];
    let Some(items) = items(&files) else { return };
    let policy = Policy::parse(Preset::Development.text()).unwrap();
    let at = "2025-03-24T00:00:00Z".parse().unwrap();
    let ask = |challenge: &[u8]| {
        appraise(&Question { items: &items, policy: &policy, challenge: Some(challenge), at })
    };
    let good = ask(b"attestation-test-fixture");
    assert!(good.is_accepted(), "{good:#?}");
    assert_eq!(codes(&good, State::Fact), ["vtpm-bound"]);
    assert_eq!(codes(&ask(b"another"), State::Fails), ["nonce-mismatch"]);
}

#[test]
fn which_evidence_is_meant_must_be_clear() {
    let report = "genoa-v5-oak/report.bin";
    let cases: [(&[&str], &str); 5] = [
        (&["genoa-v5-oak/vcek.der"], "expected a report, quote or blob"),
        (&[report, "turin-v5-azure/report.bin"], "SEV-SNP attestation report, SEV-SNP attestation report"),
        (&[report], "vek-missing"),
        (&[report, "genoa-v5-oak/vcek.der", "turin-v5-azure/vcek.der"], "several"),
        (&[report, "genoa-v5-oak/vcek.der", "genoa-v5-oak/vcek.der"], ""),
    ];
    for (files, message) in cases {
        let Some(verdict) = verdict(files, Preset::Development, "2025-10-06T00:00:00Z") else { return };
        let text = table(&verdict, Colours::Off)
            .replace("\n      found     ", " found ")
            .replace("expected  ", "expected ");
        assert_eq!(verdict.is_accepted(), message.is_empty(), "{text}");
        assert!(text.contains(message), "{message}: {text}");
    }
}

#[test]
fn the_command_line_can_narrow_a_policy() {
    let Some(items) = items(&["genoa-v5-oak/report.bin", "genoa-v5-oak/vcek.der"]) else { return };
    let mut policy = Policy::parse(Preset::Development.text()).unwrap();
    let Platform::Rules(rules) = &mut policy.snp else { panic!("development refuses SEV-SNP") };
    admit_only(&mut rules.launch.measurements, &[[7; 48]]);
    let at = "2025-10-06T00:00:00Z".parse().unwrap();
    let verdict = appraise(&Question { items: &items, policy: &policy, challenge: None, at });
    assert_eq!(codes(&verdict, State::Fails), ["snp.launch.measurements"]);
}
