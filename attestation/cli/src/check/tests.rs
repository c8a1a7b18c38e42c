//! Each check bites: one part is bent at a time, and the verdict must refuse and name it.

#[path = "../../tests/world/mod.rs"]
pub(crate) mod world;

pub(crate) mod hardware;

use std::sync::LazyLock;

use attestation_artefact::compile;
use attestation_claim::{ChainPlace, Claim, Outcome};
use attestation_evidence::Platform;
use attestation_manifest::HexDigest;
use attestation_policy::{Policy, Preset};
use attestation_report::SnpReport;
use attestation_x509::Instant;

use self::world::{Bend, CALL_STACK_BYTES, COMPONENT, INPUT, OUTPUT, World};
use super::{FileDigest, Hardware, Inputs, SimulatedEvidence, Verdict, check, files};
use crate::appraise::TrustedRoots;

impl World {
    /// With every file at hand and simulated evidence allowed.
    fn inputs(&self) -> Inputs<'_> {
        Inputs {
            claim: &self.claim,
            input: FileDigest::of(INPUT),
            output: FileDigest::of(OUTPUT),
            reference: &self.reference,
            manifest: Some(&self.manifest),
            rom: Some(&self.rom),
            component: Some(&COMPONENT),
            simulated: SimulatedEvidence::Allowed,
            hardware: Hardware {
                items: &[],
                policy: &POLICY,
                at: Instant::from_unix_seconds(1_790_000_000),
                roots: TrustedRoots::of_vendors(),
            },
        }
    }
}

pub(crate) static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::parse(Preset::Strict.text()).unwrap());

/// Names of the checks that failed.
fn failures(inputs: &Inputs<'_>) -> Vec<String> {
    check(inputs).failures().map(|check| check.what.to_string()).collect()
}

fn with_claim(world: &World, bend: &Bend<'_>) -> Vec<String> {
    failures(&Inputs { claim: &world.claim_with(bend), ..world.inputs() })
}

fn flipped(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len()).map(|index| {
        let mut forged = bytes.to_vec();
        forged[index] ^= 1;
        (index, forged)
    })
}

#[test]
fn a_good_run_is_accepted() {
    let world = World::good();
    let verdict = check(&world.inputs());
    assert!(verdict.is_accepted(), "{verdict:#?}");
    assert!(verdict.simulated);
    assert!(verdict.notes.is_empty(), "{:?}", verdict.notes);
}

#[test]
fn fewer_files_establish_less_and_say_so() {
    let world = World::good();
    let verdict = check(&Inputs { manifest: None, rom: None, component: None, ..world.inputs() });
    assert!(verdict.is_accepted());
    assert!(verdict.notes.iter().any(|note| note.starts_with("artefact ↔ component: not established")));
    assert!(verdict.notes.iter().any(|note| note.starts_with("ROM ↔ measurement: not established")));
}

#[test]
fn simulated_evidence_has_to_be_asked_for() {
    let world = World::good();
    let inputs = Inputs { simulated: SimulatedEvidence::Refused, ..world.inputs() };
    assert_eq!(failures(&inputs), ["platform"]);
}

/// Reports of the simulated platform that are handed over as a machine's.
#[test]
fn simulated_reports_are_nobodys_else() {
    let world = World::good();
    for (platform, what, code) in
        [(Platform::Snp, "VEK", "vek-missing"), (Platform::Tdx, "quote structure", "unsupported-key-type")]
    {
        let claim = world.claim_with(&Bend { platform, ..Bend::default() });
        let verdict = check(&Inputs { claim: &claim, ..world.inputs() });
        let failure = verdict.failures().next().unwrap();
        assert_eq!((failure.what.as_ref(), failure.code.as_deref()), (what, Some(code)));
        assert!(!verdict.simulated);
    }
}

#[test]
fn every_byte_of_a_claim_matters() {
    let world = World::good();
    for (index, forged) in flipped(&world.claim) {
        let inputs = Inputs { claim: &forged, rom: None, component: None, ..world.inputs() };
        assert_eq!(failures(&inputs), ["claim signature"], "byte {index}");
    }
}

#[test]
fn every_byte_of_input_and_output_matters() {
    let world = World::good();
    for (_, forged) in flipped(INPUT) {
        assert_eq!(failures(&Inputs { input: FileDigest::of(&forged), ..world.inputs() }), ["input"]);
    }
    for (_, forged) in flipped(OUTPUT) {
        assert_eq!(failures(&Inputs { output: FileDigest::of(&forged), ..world.inputs() }), ["output"]);
    }
    let longer = FileDigest { bytes: INPUT.len() as u64 + 1, ..FileDigest::of(INPUT) };
    assert_eq!(failures(&Inputs { input: longer, ..world.inputs() }), ["input"]);
}

#[test]
fn every_byte_of_the_rom_matters() {
    let world = World::good();
    for (index, forged) in flipped(&world.rom) {
        let mut verdict = Verdict::default();
        files::check_rom(&mut verdict, &Inputs { rom: Some(&forged), ..world.inputs() });
        let failed: Vec<_> = verdict.failures().map(|check| check.what.to_string()).collect();
        let all = ["ROM file", "ROM measured for SEV-SNP", "ROM measured for TDX"];
        assert_eq!(failed, all, "byte {index}");
    }
}

#[test]
fn every_byte_of_the_manifest_file_matters() {
    let world = World::good();
    for (index, forged) in flipped(&world.manifest) {
        let mut verdict = Verdict::default();
        files::check_manifest_file(&mut verdict, None, &Inputs { manifest: Some(&forged), ..world.inputs() });
        let failed: Vec<_> = verdict.failures().map(|check| check.what.to_string()).collect();
        assert_eq!(failed, ["manifest file", "manifest file, SHA-384"], "byte {index}");
    }
    let other = [world.manifest.as_slice(), b" "].concat();
    assert_eq!(
        failures(&Inputs { manifest: Some(&other), ..world.inputs() }),
        ["manifest file", "manifest file, SHA-384", "manifest file and evidence"]
    );
}

#[test]
fn every_byte_of_the_component_matters() {
    let world = World::good();
    for (_, forged) in flipped(&COMPONENT) {
        let verdict = check(&Inputs { component: Some(&forged), ..world.inputs() });
        assert_eq!(verdict.failures().map(|check| &*check.what).collect::<Vec<_>>(), ["component file"]);
        assert!(verdict.notes.iter().any(|note| note.contains("not established")), "{:?}", verdict.notes);
    }
}

#[test]
fn artefacts_are_those_of_the_call_stack_in_the_manifest() {
    let world = World::good();
    let other = compile(&COMPONENT, CALL_STACK_BYTES + 1024).unwrap();
    let mut reference = world.reference.clone();
    let FileDigest { sha256, bytes } = FileDigest::of(&other);
    (reference.artefact.sha256, reference.artefact.bytes) = (HexDigest(sha256), bytes);
    let failed = failures(&Inputs { reference: &reference, ..world.inputs() });
    assert!(failed.contains(&"artefact ↔ component".into()), "{failed:?}");
}

#[test]
fn artefacts_are_compiled_again_for_the_expected_manifest_only() {
    let world = World::good();
    let established = |inputs: &Inputs<'_>| {
        let verdict = check(inputs);
        let is_missing =
            |note: &String| note.starts_with("artefact ↔ component: not established; no manifest");
        assert!(!verdict.failures().any(|check| check.what == "artefact ↔ component"));
        !verdict.notes.iter().any(is_missing)
    };
    // Once from the evidence, once from the file, and never from what is another image's.
    assert!(established(&Inputs { manifest: None, ..world.inputs() }));
    assert!(established(&Inputs { claim: b"", ..world.inputs() }));
    assert!(!established(&Inputs { claim: b"", manifest: None, ..world.inputs() }));
    assert!(!established(&Inputs { claim: b"", manifest: Some(b"{}"), ..world.inputs() }));
    let mut reference = world.reference.clone();
    reference.manifest.sha256.0[0] ^= 1;
    assert!(!established(&Inputs { reference: &reference, ..world.inputs() }));
}

#[test]
fn every_byte_of_the_reference_values_matters() {
    let world = World::good();
    let json = serde_json::to_vec(&world.reference).unwrap();
    let mut parsed = 0;
    for (index, forged) in flipped(&json) {
        // What does not parse is refused before any check, with its file's name.
        let Ok(reference) = serde_json::from_slice(&forged) else { continue };
        parsed += 1;
        let failed = failures(&Inputs { reference: &reference, ..world.inputs() });
        assert!(!failed.is_empty(), "byte {index} of {}", String::from_utf8_lossy(&forged));
    }
    assert!(parsed > 300, "only {parsed} flips left readable reference values");
}

#[test]
fn reference_values_are_named_by_what_they_describe() {
    let world = World::good();
    let mut reference = world.reference.clone();
    reference.measurement.snp_qemu.0[0] ^= 1;
    let names = ["measurement", "ROM measured for SEV-SNP"];
    assert_eq!(failures(&Inputs { reference: &reference, ..world.inputs() }), names);

    let mut reference = world.reference.clone();
    reference.artefact.bytes += 1;
    assert_eq!(failures(&Inputs { reference: &reference, ..world.inputs() }), ["artefact ↔ component"]);

    let mut reference = world.reference.clone();
    reference.artefact.engine.push('1');
    let names = ["engine in the manifest", "engine of this verifier"];
    assert_eq!(failures(&Inputs { reference: &reference, ..world.inputs() }), names);

    let mut reference = world.reference.clone();
    reference.name.push('x');
    assert_eq!(failures(&Inputs { reference: &reference, ..world.inputs() }), ["name in the manifest"]);
}

#[test]
fn reports_that_say_something_else_are_refused() {
    type BendReport = fn(&mut SnpReport);
    let bends: [(BendReport, &[&str]); 6] = [
        (|report| report.report_data[63] ^= 1, &["instance key in REPORT_DATA"]),
        (|report| report.host_data[0] ^= 1, &["manifest in HOST_DATA"]),
        (|report| report.measurement[47] ^= 1, &["measurement"]),
        (|report| report.vmpl = 1.into(), &["VMPL"]),
        (|report| report.policy = 0x3_0001.into(), &["guest policy"]),
        (|report| report.policy = 0xB_0000.into(), &["guest policy", "debugging"]),
    ];
    let world = World::good();
    for (bend, names) in bends {
        assert_eq!(with_claim(&world, &Bend { report: Some(&bend), ..Bend::default() }), names);
    }
}

#[test]
fn a_manifest_that_allows_debugging_does_not_help() {
    let world = World::good();
    let text = String::from_utf8(world.manifest.clone()).unwrap();
    let debug = text.replace("\"0x30000\"", "\"0xb0000\"");
    let bend_report = |report: &mut SnpReport| report.policy = 0xB_0000.into();
    let bend = Bend { manifest: Some(debug.as_bytes()), report: Some(&bend_report), ..Bend::default() };
    let failed = with_claim(&world, &bend);
    // The format does not have such manifests: there is nothing in it to compare the report with.
    assert!(failed.iter().any(|what| what == "manifest syntax"), "{failed:?}");
}

#[test]
fn another_manifest_is_another_guest() {
    let world = World::good();
    let spaced = [world.manifest.as_slice(), b"\n"].concat();
    let failed = with_claim(&world, &Bend { manifest: Some(&spaced), ..Bend::default() });
    assert_eq!(failed, ["manifest", "manifest in the claim", "manifest file and evidence"]);
    let broken = [world.manifest.as_slice(), b"}"].concat();
    let failed = with_claim(&world, &Bend { manifest: Some(&broken), ..Bend::default() });
    assert!(failed.iter().any(|what| what == "manifest syntax"), "{failed:?}");
}

#[test]
fn claims_that_say_something_else_are_refused() {
    type BendClaim = fn(&mut Claim);
    let bends: [(BendClaim, &str); 7] = [
        (|claim| claim.component[0] ^= 1, "component in the claim"),
        (|claim| claim.artefact[0] ^= 1, "artefact in the claim"),
        (|claim| claim.input.sha256[0] ^= 1, "input"),
        (|claim| claim.output.bytes += 1, "output"),
        (|claim| claim.outcome = Outcome::Exited { code: 3 }, "outcome"),
        (|claim| claim.outcome = Outcome::Trapped, "outcome"),
        (|claim| claim.outcome = Outcome::LimitExceeded { limit: "fuel".into() }, "outcome"),
    ];
    let world = World::good();
    for (bend, name) in bends {
        assert_eq!(with_claim(&world, &Bend { claim: Some(&bend), ..Bend::default() }), [name]);
    }
    let bend = |claim: &mut Claim| claim.manifest[0] ^= 1;
    let failed = with_claim(&world, &Bend { claim: Some(&bend), ..Bend::default() });
    assert_eq!(failed, ["claim signature"]);
}

#[test]
fn who_said_what_time_it_was_is_noted() {
    let world = World::good();
    let text = String::from_utf8(world.manifest.clone()).unwrap();
    let manifest = text.replace("\"wall_clock\":\"none\"", "\"wall_clock\":\"host\"");
    let claim = world.claim_with(&Bend { manifest: Some(manifest.as_bytes()), ..Bend::default() });
    let verdict = check(&Inputs { claim: &claim, ..world.inputs() });
    let [note] = &verdict.notes[..] else { panic!("{:?}", verdict.notes) };
    assert!(note.starts_with("wall clock: ") && note.contains("the host asserted"), "{note}");
    for shown in [crate::render::table(&verdict, crate::render::Colours::Off), crate::render::json(&verdict)]
    {
        assert!(shown.contains(note.as_str()), "{shown}");
    }

    let fields = |claim: &[u8]| crate::show::show("claim.cbor", claim).unwrap().remove(0).fields;
    let field = fields(&claim).into_iter().find(|field| field.name == "wall clock").unwrap();
    assert_eq!(
        (field.value.as_str(), field.meaning.as_deref()),
        ("host", Some("the time of day was asserted by the host"))
    );
    let field = fields(&world.claim).into_iter().find(|field| field.name == "wall clock").unwrap();
    assert_eq!(field.value, "none");
}

#[test]
fn later_claims_say_that_earlier_ones_are_missing() {
    let world = World::good();
    let place = ChainPlace { number: 4, previous: [9; 32] };
    let claim = world.claim_with(&Bend { place, ..Bend::default() });
    let verdict = check(&Inputs { claim: &claim, ..world.inputs() });
    assert!(verdict.is_accepted());
    assert!(
        verdict.notes.iter().any(|note| note.starts_with("signature 4 of its boot")),
        "{:?}",
        verdict.notes
    );
}
