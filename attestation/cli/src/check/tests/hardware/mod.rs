//! Claims of guests on hardware, under vendors of the tests' own: accepted when all is right, and refused, with both sides
//! of what is wrong, when one thing is. What signs here is the generators of the verifier's tests; no machine was asked.

mod amd;
mod azure;
mod intel;
pub(crate) mod snp;
mod tdx;

use attestation_policy::{Platform, Policy, Preset, Rule, terms::Hex, terms::OneOf};

use super::world::{INPUT, OUTPUT, World};
use crate::check::{FileDigest, Hardware, Inputs, SimulatedEvidence, Verdict, check};

/// The strict preset, with its places filled in where it names no image: the platforms that somebody knows.
fn strict() -> Policy {
    let mut policy = Policy::parse(Preset::Strict.text()).unwrap();
    if let Platform::Rules(rules) = &mut policy.snp {
        rules.chip.chip_ids = only(amd::world::CHIP_ID);
    }
    if let Platform::Rules(rules) = &mut policy.tdx {
        rules.platform.ppids = only(intel::PPID);
    }
    policy
}

fn only<const N: usize>(value: [u8; N]) -> Rule<OneOf<Hex<N>>> {
    Rule::Stated(OneOf(vec![Hex(value)]))
}

/// What a relying party says of a claim that is in order but for its evidence.
fn verdict(image: &World, claim: &[u8], hardware: Hardware<'_>) -> Verdict {
    check(&Inputs {
        claim,
        input: FileDigest::of(INPUT),
        output: FileDigest::of(OUTPUT),
        reference: &image.reference,
        manifest: Some(&image.manifest),
        rom: Some(&image.rom),
        component: None,
        simulated: SimulatedEvidence::Refused,
        hardware,
    })
}

/// Fails unless these checks failed, all of them and no others, and the last of them with both sides as given.
fn assert_refused(name: &str, verdict: &Verdict, fields: &[&str], [expected, found]: [&str; 2]) {
    let failed: Vec<&str> = verdict.failures().map(|check| check.what.as_ref()).collect();
    assert_eq!(failed, fields, "{name}: {verdict:#?}");
    let check = verdict.failures().last().unwrap();
    assert!(check.expected.contains(expected), "{name}: {check:?}");
    assert!(check.found.contains(found), "{name}: {check:?}");
}
