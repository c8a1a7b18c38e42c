//! Every file that is not the one it should be is refused, and the refusal says which.

use attestation_cli::check::{FileDigest, Inputs, SimulatedEvidence, check};
use attestation_manifest::{HexDigest, manifest_digest};
use enclave_wire::boot::ExitCode;
use enclave_wire::layout::{ROM_BYTES, ROM_GPA, ROM_PAYLOAD_END_GPA};
use image_builder::{Image, ImageFile};
use loader_vmm::ImageFiles;

use crate::harness::components::{ECHO, NOTHING};
use crate::harness::{PATIENCE, Site, build_image, no_hardware, rom, run_job};

#[test]
fn a_manifest_that_was_not_bound_at_launch() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    let mut site = Site::new(&image);
    // Still a valid manifest, with more fuel.
    site.change(ImageFile::Manifest, |bytes| replace(bytes, "\"fuel\": 1", "\"fuel\": 9"));
    site.overrides.host_data = Some(manifest_digest(image.manifest_json()));
    let bound = image.reference().manifest.sha256.to_string();
    site.failed_launch().assert(ExitCode::Refused, &["manifest: launch bound SHA-256", &bound]);
}

#[test]
fn host_data_of_another_manifest() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    let mut site = Site::new(&image);
    site.overrides.host_data = Some([0x5A; 32]);
    let found = image.reference().manifest.sha256.to_string();
    let words = ["manifest: launch bound SHA-256 5a5a5a5a", &found];
    site.failed_launch().assert(ExitCode::Refused, &words);
}

#[test]
fn a_launch_policy_that_the_manifest_does_not_name() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    let mut site = Site::new(&image);
    // Bit 19 allows debugging.
    site.overrides.policy = Some(0xB_0000);
    site.failed_launch().assert(ExitCode::Refused, &["POLICY", "0x30000", "0xb0000"]);
}

#[test]
fn a_manifest_with_an_unknown_field() {
    let Some(rom) = rom() else { return };
    let site = unparsable(rom, |bytes| replace(bytes, "\"name\"", "\"nome\""));
    site.failed_launch().assert(ExitCode::Refused, &["manifest: ", "has no field `nome`"]);
}

/// The builder makes no such image. With the point of small order anybody could open what is sealed.
#[test]
fn a_reader_for_whom_nothing_can_be_sealed() {
    let Some(rom) = rom() else { return };
    let site = Site::new(&build_image(rom, ECHO));
    let keys = format!("\"readers\": [\"{}\", \"{}\"]", HexDigest([9; 32]), HexDigest([0; 32]));
    site.change(ImageFile::Manifest, |bytes| replace(bytes, "\"readers\": []", &keys));
    site.failed_launch().assert(ExitCode::Refused, &["reader 1: not a public key of X25519"]);
}

#[test]
fn a_manifest_that_ends_early() {
    let Some(rom) = rom() else { return };
    let site = unparsable(rom, |bytes| bytes.truncate(bytes.len() / 2));
    site.failed_launch().assert(ExitCode::Refused, &["manifest: "]);
    let site = unparsable(rom, Vec::clear);
    site.failed_launch().assert(ExitCode::Refused, &["manifest"]);
}

#[test]
fn a_component_with_one_flipped_bit() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    let site = Site::new(&image);
    site.change(ImageFile::Component, |bytes| flip(bytes, 100));
    let expected = image.reference().component.sha256.to_string();
    site.failed_launch().assert(ExitCode::Refused, &["component: manifest says SHA-256", &expected]);
}

#[test]
fn an_artefact_with_one_flipped_bit_or_an_end_that_is_missing() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    let expected = image.reference().artefact.sha256.to_string();
    let middle = image.artefact().len() / 2;
    let damages: [fn(&mut Vec<u8>, usize); 3] = [
        |bytes, at| flip(bytes, at),
        |bytes, middle| bytes.truncate(middle),
        |bytes, _| {
            bytes.pop();
        },
    ];
    for damage in damages {
        let site = Site::new(&image);
        site.change(ImageFile::Artefact, |bytes| damage(bytes, middle));
        site.failed_launch().assert(ExitCode::Refused, &["artefact: manifest says SHA-256", &expected]);
    }
}

#[test]
fn an_artefact_of_another_component() {
    let Some(rom) = rom() else { return };
    let other = build_image(rom, NOTHING);
    let site = Site::new(&build_image(rom, ECHO));
    site.change(ImageFile::Artefact, |bytes| *bytes = other.artefact().to_vec());
    site.failed_launch().assert(ExitCode::Refused, &["artefact: manifest says SHA-256"]);
}

#[test]
fn an_artefact_of_another_engine() {
    let Some(rom) = rom() else { return };
    let site = Site::new(&build_image(rom, ECHO));
    site.change(ImageFile::Manifest, |bytes| replace(bytes, "wasmtime 48.0.8", "wasmtime 47.0.0"));
    site.failed_launch().assert(ExitCode::Refused, &["wasmtime 47.0.0", "wasmtime 48.0.8"]);
}

/// The engine gets an artefact that it cannot read only when its hash is in the manifest: a fault of the builder.
#[test]
fn an_artefact_that_is_none() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    for artefact in [Vec::new(), b"no such thing".to_vec(), image.artefact()[..8192].to_vec()] {
        let site = Site::new(&image);
        site.replace_artefact(&artefact);
        site.failed_launch().assert(ExitCode::Refused, &["artefact"]);
    }
}

#[test]
fn the_loader_launches_nothing_from_a_damaged_folder() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    let files =
        [ImageFile::Rom, ImageFile::Component, ImageFile::Artefact, ImageFile::Manifest, ImageFile::Corim];
    for file in files {
        for damage in
            [|bytes: &mut Vec<u8>| flip(bytes, 300), |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1)]
        {
            let site = Site::new(&image);
            site.change(file, damage);
            let error = ImageFiles::check(site.path()).expect_err("the file is damaged").to_string();
            assert!(error.contains(file.name()), "{error}");
        }
    }
}

/// A host that skips the loader's check gets a guest whose claims nobody accepts.
#[test]
fn a_flipped_rom_has_another_measurement() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    let site = Site::new(&image);
    // Behind the guest's constants, where nothing reads: the guest runs as before.
    let unused = usize::try_from(ROM_PAYLOAD_END_GPA - ROM_GPA - 64).expect("the ROM is small");
    assert!(rom.len() as u64 == ROM_BYTES && rom[unused] == rom[unused - 1], "the byte is padding");
    site.change(ImageFile::Rom, |bytes| flip(bytes, unused));
    let guest = site.launch();
    let job = run_job(&guest, b"input");
    let verdict = check(&Inputs {
        claim: job.claim_bytes(),
        input: FileDigest::of(b"input"),
        output: FileDigest::of(&job.output),
        reference: image.reference(),
        manifest: None,
        rom: None,
        component: None,
        simulated: SimulatedEvidence::Allowed,
        hardware: no_hardware(),
    });
    let failures: Vec<_> = verdict.failures().map(|check| check.what.to_string()).collect();
    assert_eq!(failures, ["measurement"]);
    assert!(guest.stop(PATIENCE).is_clean());
}

/// A site with a manifest that does not parse, launched with what it should have said.
fn unparsable(rom: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Site {
    let image: Image = build_image(rom, ECHO);
    let mut site = Site::new(&image);
    site.change(ImageFile::Manifest, change);
    let manifest = image.manifest().expect("the builder's manifest parses");
    site.overrides.policy = Some(manifest.launch.snp.policy.0);
    site.overrides.vmpl = Some(manifest.launch.snp.vmpl);
    site.overrides.memory_mib = Some(manifest.memory_mib);
    site
}

fn flip(bytes: &mut [u8], at: usize) {
    bytes[at] ^= 0x10;
}

fn replace(bytes: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(core::mem::take(bytes)).expect("the file is text");
    assert!(text.contains(from), "{text}");
    *bytes = text.replacen(from, to, 1).into_bytes();
}
