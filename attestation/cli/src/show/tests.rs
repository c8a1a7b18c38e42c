//! Shown as people see it. Real evidence where there are fixtures.

use std::fs;

use attestation_corim::{Platform, ReferenceManifest};

use super::*;
use crate::render::Colours;

fn shown(path: &str) -> Option<Vec<Shown>> {
    let path = tests_needs::fixture("snp")?.join(path);
    Some(show("a-file", &fs::read(path).unwrap()).unwrap())
}

fn value<'a>(shown: &'a Shown, name: &str) -> &'a Field {
    shown.fields.iter().find(|field| field.name == name).unwrap()
}

#[test]
fn a_report_is_shown_field_by_field() {
    let Some(items) = shown("turin-v5-azure/report.bin") else { return };
    let [report] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!((report.kind, report.bytes, &report.problem), ("snp-report", 1184, &None));
    let meaning = |name: &str| value(report, name).meaning.clone().unwrap();
    assert_eq!(value(report, "VERSION").value, "5");
    assert_eq!(meaning("CPUID"), "Turin");
    assert_eq!(meaning("REPORTED_TCB"), "FMC 1, boot loader 1, TEE 1, SNP 4, microcode 81");
    assert_eq!(meaning("PLATFORM_INFO"), "SMT, ECC, alias check complete, unknown bits 0x40");
    assert_eq!(meaning("POLICY"), "ABI at least 0.31, SMT allowed, reserved one");
    assert_eq!(value(report, "MEASUREMENT").value.len(), 96);
}

#[test]
fn certificates_say_what_they_are_for() {
    let Some(items) = shown("milan-v3-vlek/vlek.der") else { return };
    let meaning = value(&items[0], "subject").meaning.clone();
    assert_eq!(meaning.as_deref(), Some("VLEK: signs reports"));
    assert!(!value(&items[0], "CSP id").value.is_empty());
    let items = shown("certs/genoa/asvk.der").unwrap();
    assert!(value(&items[0], "subject").meaning.clone().unwrap().contains("ASVK"));
}

#[test]
fn what_is_inside_is_shown_too() {
    let Some(items) = shown("azure-vtpm-milan-v3/evidence.json") else { return };
    let kinds: Vec<&str> = items.iter().map(|item| item.kind).collect();
    assert_eq!(kinds, ["hcl-report", "tpm-quote", "tpm-signature", "tpm-registers", "certificate"]);
    assert_eq!(items[0].parts[0].kind, "snp-report");
    assert_eq!(items[3].fields.len(), 24);
    let text = table(&items, Colours::Off);
    assert!(text.contains("a-file: HCL report of Azure's paravisor (2600 bytes, in evidence of Azure's virtual TPM, in JSON)"), "{text}");
}

#[test]
fn tables_fit_and_json_says_that_nothing_was_verified() {
    for file in [
        "genoa-v5-oak/report.bin",
        "azure-vtpm-milan-v3/evidence.json",
        "milan-v2-idblock/milan-2022-05.crl.der",
    ] {
        let Some(items) = shown(file) else { return };
        let text = table(&items, Colours::Off);
        assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
        assert!(text.ends_with("Nothing was verified: this is what the files say.\n"));
        let document: serde_json::Value = serde_json::from_str(&json(&items)).unwrap();
        assert_eq!(document["verified"], false);
        assert_eq!(document["items"].as_array().unwrap().len(), items.len());
    }
}

#[test]
fn reference_values_are_shown_by_the_way_of_the_launch() {
    let values = [(Platform::Snp, "snp-qemu".into(), [1; 48]), (Platform::Tdx, "tdx-qemu".into(), [2; 48])];
    let items = show("a.corim", &ReferenceManifest::of_rom(&[7; 32], values).encode()).unwrap();
    let [shown] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!((shown.kind, &shown.problem), ("corim", &None));
    assert_eq!(value(shown, "id").value, format!("redoubt:rom:{}", "07".repeat(32)));
    assert_eq!(value(shown, "SNP launch digest").meaning.as_deref(), Some("snp-qemu"));
    assert_eq!(value(shown, "MRTD").value, "02".repeat(48));
}

/// A report that is cut short is still one, and says so.
#[test]
fn what_does_not_parse_says_why() {
    let Some(folder) = tests_needs::fixture("snp") else { return };
    let report = fs::read(folder.join("genoa-v5-oak/report.bin")).unwrap();
    let items = show("a-file", &report[..793]).unwrap();
    assert_eq!(items[0].problem.as_deref(), Some("report: expected 1184 bytes, found only 793"));
    assert!(items[0].fields.is_empty());
    assert!(table(&items, Colours::Off).contains("does not parse"));
}

#[test]
fn nothing_from_a_file_reaches_the_terminal_as_it_is() {
    let hostile = Shown {
        file: "a\u{1b}[2J".into(),
        kind: "certificate",
        title: "certificate",
        within: vec!["JSON".into()],
        bytes: 1,
        fields: vec![Field { name: "subject".into(), value: "x\nverified".into(), meaning: None }],
        problem: Some("\u{202e}".into()),
        parts: Vec::new(),
    };
    let text = table(&[hostile], Colours::Off);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains("\nverified"), "{text}");
}
