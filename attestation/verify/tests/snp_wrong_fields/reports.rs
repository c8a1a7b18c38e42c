//! Reports, and what they and the certificate say of one another.

use attestation_verify::Code;
use attestation_verify::snp::Challenge;

use crate::der::{integer, tlv};
use crate::world::{self, CHIP_ID, ProductLine, World, extension};
use crate::{
    BOOT_LOADER, FMC, HARDWARE_ID, LINES, MICROCODE, PRODUCT_NAME, Row, STRUCT_VERSION, assert_all,
    assert_bites, genoa,
};

#[test]
fn honest_worlds_are_verified_without_a_finding() {
    for line in LINES {
        let (vcek, vlek) = (World::vcek(line).verify().unwrap(), World::vlek(line).verify().unwrap());
        let found: Vec<Code> = vcek.trail().findings().map(|(code, _)| code).collect();
        let expected: &[Code] = if line == ProductLine::Milan { &[Code::ProductMilan] } else { &[] };
        assert_eq!(found, expected, "{line}");
        let found: Vec<Code> = vlek.trail().findings().map(|(code, _)| code).collect();
        assert_eq!(found, [expected, &[Code::SignerVlek, Code::ChipIdMasked]].concat(), "{line}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn products() {
    let rows: &[Row] = &[
        (
            "a certificate for another product",
            |world| world.extension(PRODUCT_NAME).value = tlv(0x16, b"Milan-B0"),
            Code::ProductMismatch,
            ["product name", "Genoa", "Milan-B0"],
        ),
        (
            "a stepping that is none",
            |world| world.extension(PRODUCT_NAME).value = tlv(0x16, b"Genoa-Milan"),
            Code::CertificateProfile,
            ["VEK extensions", "VCEK or VLEK", "Genoa-Milan"],
        ),
        (
            "extensions laid out as Turin's",
            |world| {
                world.extension(STRUCT_VERSION).value = integer(&[1]);
                world.extension(HARDWARE_ID).value = vec![0xC4; 8];
                world.vek.extensions.push(extension(FMC, integer(&[0])));
            },
            Code::ProductMismatch,
            ["struct version", "0", "1"],
        ),
        (
            "a struct version that is not known",
            |world| world.extension(STRUCT_VERSION).value = integer(&[2]),
            Code::CertificateProfile,
            ["VEK extensions", "VCEK or VLEK", "expected 0 or 1, found 2"],
        ),
        (
            "a spare SPL in use",
            |world| world.vek.extensions.push(extension("1.3.6.1.4.1.3704.1.3.4", integer(&[1]))),
            Code::CertificateProfile,
            ["VEK extensions", "VCEK or VLEK", "spare SPL"],
        ),
        (
            "an SPL that is missing",
            |world| world.vek.extensions.retain(|extension| extension.id != MICROCODE),
            Code::CertificateProfile,
            ["VEK extensions", "VCEK or VLEK", "microcode SPL"],
        ),
        (
            "an SPL with a byte too many",
            |world| world.extension(BOOT_LOADER).value = vec![2, 2, 0, 3],
            Code::CertificateProfile,
            ["VEK extensions", "VCEK or VLEK", "boot loader SPL"],
        ),
        (
            "a Milan chip under Genoa's authority",
            |world| world.report.cpuid_model = 1,
            Code::ProductMismatch,
            ["CPUID", "Genoa", "Milan (family 0x19, model 0x1)"],
        ),
        (
            "a chip of no known line",
            |world| world.report.cpuid_family = 0x17,
            Code::ProductMismatch,
            ["CPUID", "Genoa", "no known line (family 0x17, model 0x11)"],
        ),
        (
            "another chip",
            |world| world.report.chip_id[63] ^= 1,
            Code::ChipIdMismatch,
            ["CHIP_ID", "c4", "c5"],
        ),
    ];
    assert_all(genoa, rows);
    let rows: &[Row] = &[
        ("another chip", |world| world.report.chip_id[7] ^= 1, Code::ChipIdMismatch, ["CHIP_ID", "c4", "c5"]),
        (
            "a chip id with more than the certified bytes",
            |world| world.report.chip_id = CHIP_ID,
            Code::ChipIdMismatch,
            ["CHIP_ID", "c4", "c4"],
        ),
        (
            "no FMC",
            |world| world.vek.extensions.retain(|extension| extension.id != FMC),
            Code::CertificateProfile,
            ["VEK extensions", "VCEK or VLEK", "FMC SPL"],
        ),
    ];
    assert_all(|| World::vcek(ProductLine::Turin), rows);
}

/// Every byte of `REPORTED_TCB`, on every line.
#[test]
fn security_versions() {
    for line in LINES {
        for byte in 0..8 {
            let mut world = World::vcek(line);
            let mut tcb = world.report.reported_tcb.get().to_le_bytes();
            tcb[byte] ^= 1;
            world.report.reported_tcb = u64::from_le_bytes(tcb).into();
            let part = ["boot loader 3", "no such layout"];
            let found =
                if world.line == ProductLine::Turin { "" } else { part[usize::from((2..6).contains(&byte))] };
            let found = if byte == 0 { "" } else { found };
            assert_bites(
                &format!("{line} {byte}"),
                &world,
                Code::TcbMismatch,
                ["REPORTED_TCB", "SNP 219", found],
            );
        }
    }
}

#[test]
fn contents_of_reports() {
    let rows: &[Row] = &[
        (
            "another report under the same signature",
            |world| {
                world::sign(&mut world.report);
                (world.keeps_signature, world.report.vmpl) = (true, 1.into());
            },
            Code::SignatureInvalid,
            ["report signature", "by the VCEK", "not valid"],
        ),
        (
            "R is zero",
            |world| world.keeps_signature = true,
            Code::SignatureInvalid,
            ["report signature", "by the VCEK", "not valid"],
        ),
        (
            "R has a 49th byte",
            |world| {
                world::sign(&mut world.report);
                (world.keeps_signature, world.report.signature.r[48]) = (true, 1);
            },
            Code::SignatureInvalid,
            ["report signature", "by the VCEK", "not valid"],
        ),
        (
            "another signature algorithm",
            |world| world.report.signature_algorithm = 2.into(),
            Code::ReservedNonzero,
            ["report contents", "its version", "signature algorithm"],
        ),
        (
            "version 3 relabelled as 2",
            |world| world.report.version = 2.into(),
            Code::ReservedNonzero,
            ["report contents", "its version", "byte 0x188 is reserved: expected 0, found 0x19"],
        ),
        (
            "version 5 relabelled as 4",
            |world| {
                world.report.version = 4.into();
                world.report.current_mit_vector = 0x0B.into();
            },
            Code::ReservedNonzero,
            ["report contents", "its version", "byte 0x200 is reserved: expected 0, found 0x0b"],
        ),
        (
            "a version of the past",
            |world| world.report.version = 1.into(),
            Code::UnsupportedVersion,
            ["report structure", "version 2 to 5", "found 1"],
        ),
        (
            "a version of the future",
            |world| world.report.version = 6.into(),
            Code::UnsupportedVersion,
            ["report structure", "version 2 to 5", "found 6"],
        ),
        (
            "another challenge",
            |world| world.challenge = Challenge::ReportData([0xDB; 64]),
            Code::NonceMismatch,
            ["REPORT_DATA", "db", "da"],
        ),
    ];
    assert_all(genoa, rows);
}

/// What is genuine and may be unwanted all the same.
#[test]
fn findings_for_a_policy() {
    let rows: &[Row] = &[
        (
            "debugging",
            |world| world.report.policy = 0xB_0000.into(),
            Code::PolicyDebugEnabled,
            ["POLICY.DEBUG", "0x0", "0x80000"],
        ),
        ("a VMPL", |world| world.report.vmpl = 3.into(), Code::VmplNonzero, ["VMPL", "0", "3"]),
        (
            "asked for by the host",
            |world| world.report.vmpl = u32::MAX.into(),
            Code::VmplNonzero,
            ["VMPL", "0", "4294967295"],
        ),
        (
            "a masked chip",
            |world| world.report.chip_id = [0; 64],
            Code::ChipIdMasked,
            ["CHIP_ID", "not zero", "zero"],
        ),
        (
            "nothing bound",
            |world| {
                world.report.report_data = [0; 64];
                world.challenge = Challenge::NotPosed;
            },
            Code::NonceUnbound,
            ["REPORT_DATA", "not zero", "zero"],
        ),
        (
            "firmware that can be rolled back",
            |world| world.report.current_tcb = u64::from_le_bytes([3, 1, 0, 0, 0, 0, 0xDC, 9]).into(),
            Code::TcbProvisional,
            ["CURRENT_TCB", "0x09db", "0x09dc"],
        ),
        (
            "a build that can be rolled back",
            |world| world.report.current_build = 9,
            Code::TcbProvisional,
            ["CURRENT firmware version", "(0, 0, 0)", "(0, 0, 9)"],
        ),
        (
            "reported as less than it is",
            |world| world.report.current_tcb = u64::from_le_bytes([3, 1, 0, 0, 0, 0, 0xDC, 9]).into(),
            Code::TcbReportedBelowCurrent,
            ["REPORTED_TCB", "not below 0x09dc", "0x09db"],
        ),
        (
            "committed to more than it is",
            |world| world.report.committed_tcb = u64::from_le_bytes([3, 1, 0, 0, 0, 0, 0xDC, 9]).into(),
            Code::TcbOrder,
            ["COMMITTED_TCB", "not above 0x09db", "0x09dc"],
        ),
        (
            "platform bits without a meaning",
            |world| world.report.platform_info = 0x165.into(),
            Code::PlatformInfoUnknownBits,
            ["PLATFORM_INFO", "0x0", "0x140"],
        ),
    ];
    assert_all(genoa, rows);
}
