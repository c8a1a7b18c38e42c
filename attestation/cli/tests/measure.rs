//! `redoubt-verify measure` and `diff` as people and programs use them.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::process::{Command, Output};

use attestation_measure::{SnpProfile, snp_launch_digest, tdx_mrtd};
use tempfile::TempDir;
use test_rom::{TestRom, put};

// The generator of the crate that measures.
#[path = "../../measure/src/test_rom.rs"]
mod test_rom;

fn verify(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redoubt-verify"));
    command.current_dir(folder).args(arguments.split_whitespace()).output().unwrap()
}

/// Status, standard output, standard error.
fn run(folder: &TempDir, arguments: &str) -> (i32, String, String) {
    let Output { status, stdout, stderr } = verify(folder.path(), arguments);
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// `a.rom`, `same.rom`; `b.rom` with another byte in its SEV metadata, `moved.rom` with more memory.
fn roms() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let rom = TestRom::small();
    write("a.rom", &rom.build());
    write("same.rom", &rom.build());
    let mut changed = rom.build();
    put(&mut changed, TestRom::SEV_OFFSET + 44, &0x6000_u32.to_le_bytes());
    write("b.rom", &changed);
    folder
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn measurements_are_printed_whole() {
    let folder = roms();
    let rom = TestRom::small().build();
    let snp = hex(&snp_launch_digest(&rom, SnpProfile::QEMU).unwrap());
    let (status, text, _) = run(&folder, "measure a.rom");
    assert_eq!(status, 0);
    assert!(text.contains(&format!("\n  {snp}\n")), "{text}");
    assert!(text.contains(&format!("\n  {}\n", hex(&tdx_mrtd(&rom).unwrap()))), "{text}");
    assert!(text.contains("QEMU, 1 vCPU, CPU signature 0x00800f12 (EPYC), guest features 0x1"), "{text}");
    assert!(text.contains("pages: 16 of the ROM, 7 of sections, 1 of register state"), "{text}");
    assert!(text.contains("pages: 20 added, 16 of them measured"), "{text}");

    let (status, text, _) = run(&folder, "measure a.rom --json");
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &document["measurements"][0]["digest"]), (0, &snp.into()));
    assert_eq!(document["measurements"][0]["launch"], "snp:qemu:vcpus=1:cpu=0x00800f12:features=0x1");
    assert_eq!(document["measurements"][1]["launch"], "tdx:interleaved");
    assert!(document["measurements"][0].get("transcript").is_none());
}

#[test]
fn explanations_list_every_page() {
    let folder = roms();
    let (_, text, _) = run(&folder, "measure a.rom --tee snp --explain");
    for line in text.lines() {
        assert!(line.chars().count() <= 120, "{line}");
    }
    let page = |number: &str| text.lines().find(|line| line.trim_start().starts_with(number)).unwrap();
    assert!(page("15 ").contains("NORMAL") && page("15 ").contains("0xfffff000"), "{text}");
    assert!(page("17 ").ends_with("SEV section 1: CPUID"), "{text}");
    assert!(page("23 ").contains("0xfffffffff000") && page("23 ").ends_with("vCPU 0"), "{text}");

    let (_, text, _) = run(&folder, "measure a.rom --explain --json");
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    for measured in document["measurements"].as_array().unwrap() {
        let transcript = measured["transcript"].as_array().unwrap();
        assert_eq!(transcript.last().unwrap()["running"], measured["digest"]);
    }
    let first = &document["measurements"][1]["transcript"][1];
    assert_eq!(first["operation"], "MR.EXTEND");
    assert_eq!((&first["gpa"], &first["file_offset"]), (&"0xffff0000".into(), &"0x0".into()));
}

#[test]
fn differences_are_status_1_and_named() {
    let folder = roms();
    let (status, text, _) = run(&folder, "diff a.rom b.rom");
    assert_eq!(status, 1, "{text}");
    for expected in [
        "first     page 8: NORMAL at 0xffff8000, ROM",
        "byte      0xffff802d, offset 0x802d in the file: 0x50 in A, 0x60 in B",
        "place     SEV metadata, record 2, length",
        "differs   contents of the file that are measured; memory that the tables ask for\n",
        "DIFFERENT: SEV-SNP launch digest and TDX MRTD\n",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }

    let (status, text, _) = run(&folder, "diff a.rom b.rom --tee tdx --json");
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &document["equal"]), (1, &false.into()));
    assert_eq!(document["comparisons"][0]["first"]["index"], 17);
    assert_eq!(document["comparisons"][0]["first"]["byte"]["place"], "SEV metadata, record 2, length");
    assert_eq!(document["comparisons"][0]["differs"], serde_json::json!(["contents"]));
}

#[test]
fn equal_measurements_are_status_0() {
    let folder = roms();
    let (status, text, _) = run(&folder, "diff a.rom same.rom");
    assert_eq!(status, 0);
    assert!(text.ends_with("EQUAL: the files are the same\n"), "{text}");

    // TDX measures no more of these than the first page.
    let tdvf = vec![(0, 0x1000, 0xFFFF_F000, 0x1000, 0, 1), (0, 0, 0, 0x1000, 2, 0)];
    let rom = TestRom { tdvf, ..TestRom::small() }.build();
    let mut changed = rom.clone();
    put(&mut changed, 0x2000, &[1, 2, 3]);
    for (name, bytes) in [("c.rom", rom), ("d.rom", changed)] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let (status, text, _) = run(&folder, "diff c.rom d.rom --tee tdx");
    assert_eq!(status, 0);
    assert!(text.ends_with("EQUAL: the files differ in bytes that are not measured\n"), "{text}");
}

#[test]
fn what_cannot_be_measured_is_status_2_with_what_to_do() {
    let folder = roms();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("short.rom", &[0; 100]);
    write("zero.rom", &[0; 4096]);
    let mut without_tdx = TestRom::small().build();
    put(&mut without_tdx, TestRom::TDVF_OFFSET, &[0; 4]);
    write("snp.rom", &without_tdx);
    for (arguments, expected) in [
        ("measure no.rom", "ROM no.rom: "),
        ("measure no.rom", "name a ROM, such as"),
        ("measure short.rom", "short.rom: SEV-SNP launch digest: rom: expected a multiple of 4096 bytes"),
        ("measure zero.rom", "no GUID table at its end\n  name firmware"),
        (
            "measure a.rom --vcpus 2",
            "expected one for the processors after the first, found 0\n  ask for --vcpus 1",
        ),
        ("measure snp.rom", "snp.rom: TDX MRTD: rom TDVF metadata"),
        ("measure snp.rom", "leave TDX out with --tee snp"),
        ("diff a.rom zero.rom", "zero.rom: SEV-SNP launch digest"),
        ("measure a.rom --vmm ec2 --tee tdx", "--vmm ec2: expected --tee snp"),
        ("measure a.rom --corim no/such/file", "reference values no/such/file"),
        ("measure a.rom --cpu 486", "invalid value '486' for '--cpu <MODEL>'"),
    ] {
        let (status, output, error) = run(&folder, arguments);
        assert_eq!((status, output.as_str()), (2, ""), "{arguments}");
        assert!(error.contains(expected), "{arguments}: {error}");
    }
    assert_eq!(run(&folder, "measure snp.rom --tee snp").0, 0);
}

#[test]
fn help_has_examples() {
    let folder = roms();
    for command in ["measure", "diff"] {
        let (status, text, _) = run(&folder, &format!("{command} --help"));
        assert_eq!(status, 0);
        assert!(text.contains(&format!("    redoubt-verify {command} dist/redoubt.rom")), "{text}");
        assert!(text.contains("Exit status: 0"), "{text}");
    }
}
