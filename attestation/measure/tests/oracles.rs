//! Launch digests of generated ROMs, compared with those that other people's code computes.
#![expect(clippy::unwrap_used, reason = "a test")]

use core::num::NonZeroU16;
use std::env;
use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::Command;

use attestation_measure::{CPU_MODELS, SnpProfile, SnpVmm, snp_launch_digest};
use sev::measurement::snp::{SnpMeasurementArgs, snp_calc_launch_digest};
use sev::measurement::vcpu_types::CpuType;
use sev::measurement::vmsa::{GuestFeatures, VMMType};
use sev::parser::ByteParser as _;
use tempfile::NamedTempFile;
use test_rom::TestRom;
use tests_needs::Need;

#[path = "../src/test_rom.rs"]
mod test_rom;

/// Names the program `sev-snp-measure` where it is not in the search path.
const PROGRAM_VARIABLE: &str = "REDOUBT_SEV_SNP_MEASURE";

/// Every type of section, in several orders, and every size of interest.
fn roms() -> Vec<TestRom> {
    let (secrets, cpuid) = ([0x10_0000, 0x1000, 2], [0x10_1000, 0x1000, 3]);
    let (memory, high) = ([0x10_2000, 0x5000, 1], [0xFF00_0000, 0x2000, 1]);
    let (calling_area, hashes) = ([0x8_0000, 0x1000, 4], [0x1_0000, 0x1000, 0x10]);
    let orders = [
        vec![secrets, cpuid, memory],
        vec![memory, cpuid, high, secrets],
        vec![cpuid, hashes, calling_area, memory, secrets, high],
        vec![secrets],
        vec![],
    ];
    let rom = |(bytes, sev)| TestRom { bytes, sev, ap_reset: 0x80_B004, ..TestRom::small() };
    let sizes = [0x1_0000, 0x1_1000, 0x4_0000, 0xA000, 0x1_0000];
    sizes.into_iter().zip(orders).map(rom).collect()
}

fn vcpus(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

fn rom_file(rom: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(rom).unwrap();
    file.flush().unwrap();
    file
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn sev_snp_measure_agrees() {
    let program = env::var_os(PROGRAM_VARIABLE).unwrap_or("sev-snp-measure".into());
    let models = ["EPYC", "EPYC-v4", "EPYC-Rome-v2", "EPYC-Milan", "EPYC-Genoa-v1", "EPYC-Turin"];
    let mut profiles = Vec::new();
    for (index, model) in models.into_iter().enumerate() {
        let cpu_signature = CPU_MODELS.iter().find(|(name, _)| *name == model).unwrap().1;
        let vcpus = vcpus([1, 2, 64, 3, 1, 7][index]);
        let sev_features = [0x1, 0x21, 0x1, 0x8000_0000_0000_0201, 0x5, 0x1][index];
        profiles.push((SnpProfile { vcpus, cpu_signature, sev_features, vmm: SnpVmm::Qemu }, Some(model)));
    }
    for (count, sev_features) in [(1, 0x1), (2, 0x21), (17, 0x1)] {
        for vmm in [SnpProfile::GCE, SnpProfile::EC2] {
            profiles.push((SnpProfile { vcpus: vcpus(count), sev_features, ..vmm }, None));
        }
    }
    let roms: Vec<_> = roms().iter().map(TestRom::build).collect();
    for (rom, (profile, model)) in roms.iter().cycle().zip(profiles) {
        let file = rom_file(rom);
        let Some(theirs) = sev_snp_measure(&program, file.path(), profile, model) else { return };
        assert_eq!(hex(&snp_launch_digest(rom, profile).unwrap()), theirs, "{profile:?}");
    }
}

/// `None` after saying so, where the program is not there.
fn sev_snp_measure(
    program: &OsString,
    rom: &Path,
    profile: SnpProfile,
    model: Option<&str>,
) -> Option<String> {
    let vmm = match profile.vmm {
        SnpVmm::Qemu => "QEMU",
        SnpVmm::Gce => "gce",
        SnpVmm::Ec2 => "ec2",
    };
    let mut command = Command::new(program);
    command.args(["--mode", "snp", "--vmm-type", vmm, "--vcpus", &profile.vcpus.to_string()]);
    command.args(["--guest-features", &format!("{:#x}", profile.sev_features), "--ovmf"]).arg(rom);
    command.args(model.iter().flat_map(|model| ["--vcpu-type", model]));
    match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let why = "no sev-snp-measure in the search path; `pip install sev-snp-measure==0.0.13`";
            Need::SevSnpMeasure.missing(&format!("{why}, or name it in {PROGRAM_VARIABLE}"));
            None
        }
        output => {
            let output = output.unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
        }
    }
}

/// The crate has no profile for GCE, and its EC2 is that of before 2026, with 0 in RDX.
#[test]
fn the_sev_crate_agrees() {
    let before_2026 = SnpProfile { cpu_signature: 0, ..SnpProfile::EC2 };
    for rom in roms() {
        let bytes = rom.build();
        let file = rom_file(&bytes);
        for (name, cpu_signature) in CPU_MODELS {
            // It does not know the newest versions, which have the same signature as the others.
            let Ok(vcpu_type) = CpuType::try_from(name) else { continue };
            for (base, vmm_type) in [(SnpProfile::QEMU, VMMType::QEMU), (before_2026, VMMType::EC2)] {
                let cpu_signature = if vmm_type == VMMType::EC2 { 0 } else { cpu_signature };
                let profile = SnpProfile { vcpus: vcpus(3), cpu_signature, ..base };
                let theirs = snp_calc_launch_digest(SnpMeasurementArgs {
                    vcpus: 3,
                    vcpu_type,
                    ovmf_file: file.path().to_owned(),
                    guest_features: GuestFeatures(profile.sev_features),
                    kernel_file: None,
                    initrd_file: None,
                    append: None,
                    ovmf_hash_str: None,
                    vmm_type: Some(vmm_type),
                });
                let theirs = theirs.unwrap().to_bytes().unwrap();
                assert_eq!(snp_launch_digest(&bytes, profile).unwrap(), theirs, "{profile:?}");
            }
        }
    }
}
