//! Azure before TDX: a real virtual TPM with its runtime data, and a quote of the tests' own vendor that binds them. Where
//! there are fixtures.

use std::fs;

use attestation_policy::{Policy, Preset};
use attestation_recognise::{Item, Kind, recognise};
use attestation_report::hcl::{HclReport, REPORT_TYPE_TDX};
use sha2::{Digest, Sha256};

use super::intel::endorsement;
use super::intel::pki::{AT, World};
use crate::appraise::{Question, TrustedRoots, appraise};
use crate::check::{State, Verdict};

const NONCE: &[u8] = b"attestation-test-fixture";
const REPORT_TYPE_OFFSET: usize = 0x4C8;
const REPORT_DATA_OFFSET: usize = 520;

/// What the guest hands out: the blob, the parts of the virtual TPM, the quote and what vouches for it.
fn items() -> Option<Vec<Item>> {
    let path = tests_needs::fixture("snp/azure-vtpm-milan-v3/evidence.json")?;
    let mut items = recognise(&fs::read(path).unwrap()).unwrap();
    items.retain(|item| item.kind != Kind::Certificate);
    let blob = items.iter_mut().find(|item| item.kind == Kind::HclReport).unwrap();
    blob.bytes[REPORT_TYPE_OFFSET] = u8::try_from(REPORT_TYPE_TDX).unwrap();
    let mut domain = World::default();
    domain.crls.iter_mut().for_each(|list| list.revoked = (100..120).collect());
    let bound = &mut domain.body[REPORT_DATA_OFFSET..REPORT_DATA_OFFSET + 64];
    bound.fill(0);
    bound[..32].copy_from_slice(&Sha256::digest(HclReport::parse(&blob.bytes).unwrap().runtime_data));
    let bundle = domain.bundle();
    items.extend(recognise(bundle.quote.as_ref().unwrap()).unwrap());
    items.extend(recognise(&endorsement(&bundle)).unwrap());
    Some(items)
}

fn verdict(items: &[Item], challenge: &[u8]) -> Verdict {
    let root = World::default().root.der();
    let policy = Policy::parse(Preset::Development.text()).unwrap();
    let roots = TrustedRoots::of_vendors().with_test_intel(&root);
    let at = AT.parse().unwrap();
    appraise(&Question { items, policy: &policy, challenge: Some(challenge), at, roots })
}

#[test]
fn the_quote_vouches_for_the_virtual_tpm() {
    let Some(items) = items() else { return };
    let good = verdict(&items, NONCE);
    assert!(good.is_accepted(), "{good:#?}");
    let is_bound = |check: &&crate::check::Check| check.code.as_deref() == Some("vtpm-bound");
    assert!(good.checks.iter().filter(|check| check.state == State::Fact).any(|check| is_bound(&check)));
    assert!(good.notes.iter().any(|note| note.contains("paravisor")), "{:?}", good.notes);
    let other = verdict(&items, b"another");
    assert!(other.failures().any(|check| check.code.as_deref() == Some("nonce-mismatch")), "{other:#?}");
}

#[test]
fn every_part_is_needed() {
    let Some(items) = items() else { return };
    for (kind, what) in [(Kind::TdxQuote, "evidence"), (Kind::TpmQuote, "virtual TPM")] {
        let fewer: Vec<Item> = items.iter().filter(|item| item.kind != kind).cloned().collect();
        let refused = verdict(&fewer, NONCE);
        assert_eq!(refused.failures().next().map(|check| check.what.as_ref()), Some(what), "{refused:#?}");
    }
    let quotes = items.iter().filter(|item| item.kind == Kind::TdxQuote).cloned();
    let more: Vec<Item> = items.iter().cloned().chain(quotes).collect();
    assert!(verdict(&more, NONCE).failures().any(|check| check.found.contains("several")));
}
