//! Files as people have them, and the verdict. Where there are fixtures.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use attestation_policy::{Platform, Policy, Preset};
use attestation_recognise::recognise;

use super::*;
use crate::check::State;
use crate::render::{Colours, table};

fn items(files: &[&str]) -> Option<Vec<Item>> {
    Some(all_items(&tests_needs::fixture("snp")?, files))
}

fn verdict(files: &[&str], preset: Preset, at: &str) -> Option<Verdict> {
    let items = items(files)?;
    let policy = Policy::parse(preset.text()).unwrap();
    Some(appraise(&Question {
        items: &items,
        policy: &policy,
        challenge: None,
        at: at.parse().unwrap(),
        roots: TrustedRoots::of_vendors(),
    }))
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
        appraise(&Question {
            items: &items,
            policy: &policy,
            challenge: Some(challenge),
            at,
            roots: TrustedRoots::of_vendors(),
        })
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
    let verdict = appraise(&Question {
        items: &items,
        policy: &policy,
        challenge: None,
        at,
        roots: TrustedRoots::of_vendors(),
    });
    assert_eq!(codes(&verdict, State::Fails), ["snp.launch.measurements"]);
}

/// Files of one vendor's folder, a policy's name, a time.
fn other_vendor(
    vendor: &str,
    files: &[&str],
    preset: Preset,
    at: &str,
    challenge: Option<&[u8]>,
) -> Option<Verdict> {
    let items = all_items(&tests_needs::fixture(vendor)?, files);
    let policy = Policy::parse(preset.text()).unwrap();
    Some(appraise(&Question {
        items: &items,
        policy: &policy,
        challenge,
        at: at.parse().unwrap(),
        roots: TrustedRoots::of_vendors(),
    }))
}

#[test]
fn quotes_are_verified_with_all_that_lies_beside_them() {
    let files = ["dq-uptodate/quote.bin", "dq-uptodate/collateral.json"];
    let at = "2025-07-01T00:00:00Z";
    let Some(verdict) = other_vendor("tdx", &files, Preset::Development, at, None) else { return };
    assert!(verdict.is_accepted(), "{verdict:#?}");
    assert_eq!(codes(&verdict, State::Fact), ["tcb-status:UpToDate"]);
    assert_eq!(codes(&verdict, State::Finding), ["trailing-unsigned"]);
    let strict = other_vendor("tdx", &files, Preset::Strict, at, Some(&[7; 64])).unwrap();
    assert_eq!(codes(&strict, State::Fails), ["nonce-mismatch"]);
    let files = [
        "collateral-2026-03/pck_crl_platform.der",
        "collateral-2026-03/root_ca_crl.der",
        "collateral-2026-03/tcb_info_50806f000000.json",
        "collateral-2026-03/tcb_info_90c06f000000.json",
        "collateral-2026-03/tcb_signing_chain.pem",
        "collateral-2026-03/td_qe_identity.json",
        "google-v5/quote.bin",
    ];
    let verdict = other_vendor("tdx", &files, Preset::Development, "2026-04-01T00:00:00Z", None).unwrap();
    assert!(verdict.is_accepted(), "{verdict:#?}");
    assert!(codes(&verdict, State::Fact).contains(&"tcb-status:UpToDate".into()), "{verdict:#?}");
    assert!(verdict.notes.iter().any(|note| note.contains("TCB info of another platform")));
}

#[test]
fn devices_are_verified_with_their_manifests() {
    let files = [
        "h100-545-full/report.bin",
        "h100-545-full/chain.pem",
        "h100-545-full/driver_rim.xml",
        "h100-545-full/vbios_rim.xml",
    ];
    let at = "2024-06-01T00:00:00Z";
    let Some(verdict) = other_vendor("nvidia", &files, Preset::Development, at, None) else { return };
    assert!(verdict.is_accepted(), "{verdict:#?}");
    assert_eq!(codes(&verdict, State::Fact), ["fwid-absent", "rim-measurement-match"]);
    let fewer = other_vendor("nvidia", &files[..2], Preset::Production, at, None).unwrap();
    assert!(codes(&fewer, State::Fails).contains(&"nvidia.firmware.manifests".into()), "{fewer:#?}");
    let list = ["sdk-evidence/hopper_evidence.json"];
    let verdict = other_vendor("nvidia", &list, Preset::Development, "2026-01-01T00:00:00Z", None).unwrap();
    assert!(codes(&verdict, State::Fails).is_empty(), "{verdict:#?}");
}

/// What all these files hold.
fn all_items(folder: &Path, files: &[&str]) -> Vec<Item> {
    files.iter().flat_map(|file| recognise(&fs::read(folder.join(file)).unwrap()).unwrap()).collect()
}

/// The one recorded case that is about two vendors comes out whole, with every code and no other.
#[test]
fn the_recorded_pair_comes_out_as_recorded() {
    let Some(root) = tests_needs::fixture("") else { return };
    let files = [
        "tdx/combined-unbound/quote.bin",
        "tdx/collateral-2025-11/collateral_production_fmspc.json",
        "nvidia/combined-unbound/report.bin",
        "nvidia/combined-unbound/chain.pem",
    ];
    let items = all_items(&root, &files);
    let policy = Policy::parse(Preset::Development.text()).unwrap();
    let at = "2025-11-20T00:00:00Z".parse().unwrap();
    let roots = TrustedRoots::of_vendors();
    let verdict = appraise(&Question { items: &items, policy: &policy, challenge: None, at, roots });
    let found: BTreeSet<String> =
        [State::Finding, State::Fact].iter().flat_map(|state| codes(&verdict, *state)).collect();
    let cases: Vec<serde_json::Value> =
        serde_json::from_slice(&fs::read(root.join("tdx/cases.json")).unwrap()).unwrap();
    let case = cases.iter().find(|case| case["case"] == "combined-unbound").unwrap();
    let recorded: BTreeSet<String> = serde_json::from_value(case["codes"].clone()).unwrap();
    assert_eq!(found, recorded, "{verdict:#?}");
}

/// Two genuine pieces that nothing ties together.
#[test]
fn a_pair_has_to_be_tied_together() {
    let Some(root) = tests_needs::fixture("") else { return };
    let files = [
        "tdx/combined-unbound/quote.bin",
        "nvidia/combined-unbound/report.bin",
        "nvidia/combined-unbound/chain.pem",
    ];
    let items = all_items(&root, &files);
    let at = "2025-11-20T00:00:00Z".parse().unwrap();
    for preset in [Preset::Development, Preset::Production] {
        let policy = Policy::parse(preset.text()).unwrap();
        let verdict = appraise(&Question {
            items: &items,
            policy: &policy,
            challenge: None,
            at,
            roots: TrustedRoots::of_vendors(),
        });
        assert!(codes(&verdict, State::Finding).contains(&"unbound-pair".into()), "{verdict:#?}");
        let fails = codes(&verdict, State::Fails).contains(&"nvidia.freshness.cpu_binding".into());
        assert_eq!(fails, preset == Preset::Production, "{verdict:#?}");
        assert_eq!(verdict.is_accepted(), preset == Preset::Development);
    }
}
