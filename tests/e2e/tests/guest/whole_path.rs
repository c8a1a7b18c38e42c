//! From a component to an accepted claim.

use attestation_cli::check::{FileDigest, Inputs, SimulatedEvidence, Verdict, check};
use image_builder::Image;
use loader_vmm::ImageFiles;

use crate::harness::components::ECHO;
use crate::harness::{JobResult, PATIENCE, Random, Site, build_image, no_hardware, rom, run_job};

#[test]
fn a_job_with_megabytes_of_input_is_claimed_and_the_claim_is_accepted() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    let site = Site::new(&image);
    ImageFiles::check(site.path()).expect("what the builder wrote is in order");
    let guest = site.launch();

    let input = Random(1).bytes(6_000_000);
    let first = run_job(&guest, &input);
    first.assert_success();
    assert!(first.output == input, "the echo differs from its input");
    assert_eq!(first.sent_bytes, 6_000_000);
    let verdict = judge(&image, &first, &input, SimulatedEvidence::Allowed);
    assert!(verdict.is_accepted() && verdict.simulated, "{verdict:#?}");
    assert_eq!(failures(&judge(&image, &first, &input, SimulatedEvidence::Refused)), ["platform"]);
    assert_eq!(failures(&judge(&image, &first, &input[1..], SimulatedEvidence::Allowed)), ["input"]);

    let second = run_job(&guest, b"short");
    assert!(judge(&image, &second, b"short", SimulatedEvidence::Allowed).is_accepted());
    let (one, two) = (first.claim(), second.claim());
    assert_eq!((one.claim().sequence, two.claim().sequence), (0, 1));
    assert_eq!(one.batch().previous, [0; 32]);
    assert_eq!(two.batch().previous, *one.digest());
    assert!(guest.stop(PATIENCE).is_clean());
}

#[test]
fn the_seal_key_stays_with_manifest_and_chip_and_the_instance_key_with_the_boot() {
    let Some(rom) = rom() else { return };
    let site = Site::new(&build_image(rom, ECHO));
    let [one, two] = [(); 2].map(|()| site.launch().info().clone());
    assert_eq!(one.seal_key_id, two.seal_key_id);
    assert_ne!(one.evidence, two.evidence);

    let other = Site::new(&build_image(rom, &ECHO.replace("4096", "4095")));
    std::fs::copy(site.path().join("chip"), other.path().join("chip")).expect("the chip is copied");
    assert_ne!(one.seal_key_id, other.launch().info().seal_key_id, "another manifest has another key");
}

/// What a relying party says who has the ROM and the component too.
fn judge(image: &Image, job: &JobResult, input: &[u8], simulated: SimulatedEvidence) -> Verdict {
    check(&Inputs {
        claim: job.claim_bytes(),
        input: FileDigest::of(input),
        output: FileDigest::of(&job.output),
        reference: image.reference(),
        manifest: Some(image.manifest_json()),
        rom: Some(image.rom()),
        component: Some(image.component()),
        simulated,
        hardware: no_hardware(),
    })
}

fn failures(verdict: &Verdict) -> Vec<&str> {
    verdict.failures().map(|check| check.what.as_ref()).collect()
}
