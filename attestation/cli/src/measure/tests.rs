//! Options, and files of reference values.

use attestation_corim::{Platform, ReferenceManifest};
use attestation_measure::{CPU_MODELS, PageOrder, SnpProfile, SnpVmm, snp_launch_digest};
use clap::Parser;
use test_rom::TestRom;

use super::{Detail, LaunchWay, measure, plan, write_corim};
use crate::arguments::{Arguments, Command};

// The generator of the crate that measures.
#[path = "../../../measure/src/test_rom.rs"]
mod test_rom;

/// The launches that these options mean, or what is wrong with them.
fn planned(options: &str) -> Result<Vec<LaunchWay>, String> {
    let words = ["redoubt-verify", "measure", "a.rom"].into_iter().chain(options.split_whitespace());
    match Arguments::try_parse_from(words).map_err(|error| error.to_string())?.command {
        Command::Measure(arguments) => plan(&arguments.launch).map_err(|error| error.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn options_choose_the_launch() {
    let (qemu, gce, ec2) = (SnpProfile::QEMU, SnpProfile::GCE, SnpProfile::EC2);
    let (snp, tdx) = (LaunchWay::Snp, LaunchWay::Tdx);
    let milan = CPU_MODELS.iter().find(|(name, _)| *name == "EPYC-Milan").unwrap().1;
    for (options, expected) in [
        ("", vec![snp(qemu), tdx(PageOrder::Interleaved)]),
        ("--tee snp", vec![snp(qemu)]),
        ("--tee tdx", vec![tdx(PageOrder::Interleaved)]),
        ("--tee tdx --page-order two-pass", vec![tdx(PageOrder::TwoPass)]),
        ("--vmm gce", vec![snp(gce), tdx(PageOrder::TwoPass)]),
        ("--vmm gce --page-order interleaved", vec![snp(gce), tdx(PageOrder::Interleaved)]),
        ("--vmm ec2", vec![snp(ec2)]),
        ("--vmm ec2 --cpu-signature 0", vec![snp(SnpProfile { cpu_signature: 0, ..ec2 })]),
        ("--tee snp --cpu EPYC-Milan-v2", vec![snp(SnpProfile { cpu_signature: milan, ..qemu })]),
        ("--tee snp --cpu-signature 0xA00f11", vec![snp(SnpProfile { cpu_signature: milan, ..qemu })]),
        ("--tee snp --guest-features 21", vec![snp(SnpProfile { sev_features: 0x21, ..qemu })]),
        ("--tee snp --vcpus 4", vec![snp(SnpProfile { vcpus: 4_u16.try_into().unwrap(), ..qemu })]),
    ] {
        assert_eq!(planned(options), Ok(expected), "{options}");
    }
}

#[test]
fn options_that_would_change_nothing_are_refused() {
    for (options, words) in [
        ("--tee tdx --vcpus 2", "--tee tdx: expected options of TDX only"),
        ("--tee tdx --cpu EPYC", "--tee tdx: expected options of TDX only"),
        ("--tee tdx --guest-features 1", "--tee tdx: expected options of TDX only"),
        ("--tee snp --page-order two-pass", "--tee snp: expected options of SEV-SNP only"),
        ("--vmm ec2 --tee tdx", "Amazon EC2 launches no TDX guests"),
        ("--vmm ec2 --page-order two-pass", "Amazon EC2 launches no TDX guests"),
        ("--vmm gce --cpu EPYC", "--cpu: expected --vmm qemu"),
        ("--cpu EPYC --cpu-signature 1", "cannot be used with"),
        ("--cpu EPYC-v99", "invalid value 'EPYC-v99'"),
        ("--vcpus 0", "0 is not in 1..="),
        ("--cpu-signature 123456789", "expected up to 8 hexadecimal digits"),
        ("--guest-features +1", "expected up to 16 hexadecimal digits"),
        ("--guest-features 0x", "expected up to 16 hexadecimal digits"),
        ("--guest-features 11112222333344445", "expected up to 16 hexadecimal digits"),
    ] {
        let error = planned(options).unwrap_err();
        assert!(error.contains(words), "{options}: {error}");
    }
}

#[test]
fn reference_values_that_are_written_are_read() {
    let rom = TestRom::small().build();
    let ways = [LaunchWay::Snp(SnpProfile::EC2), LaunchWay::Tdx(PageOrder::TwoPass)];
    let report = measure("a.rom", &rom, &ways, Detail::Summary).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.corim");
    write_corim(&path, &report).unwrap();
    // Over an earlier one as well.
    write_corim(&path, &report).unwrap();
    let read = ReferenceManifest::decode(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(read.id, format!("redoubt:rom:{}", report.rom.sha256));
    let [snp, tdx] = read.values.as_slice() else { panic!("{read:?}") };
    let id = format!("{}:snp:ec2:vcpus=1:cpu=0x00000600:features=0x1", read.id);
    assert_eq!((snp.platform, &snp.id), (Platform::Snp, &id));
    assert_eq!(
        snp.digest,
        snp_launch_digest(&rom, SnpProfile { vmm: SnpVmm::Ec2, ..SnpProfile::EC2 }).unwrap()
    );
    assert_eq!((tdx.platform, &tdx.id), (Platform::Tdx, &format!("{}:tdx:two-pass", read.id)));
    assert_eq!(tdx.digest, report.measurements[1].digest.0);

    let error = write_corim(&folder.path().join("no/a.corim"), &report).unwrap_err().to_string();
    assert!(error.starts_with("reference values ") && error.contains("name a file in a folder"), "{error}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "a temporary file was left");
}
