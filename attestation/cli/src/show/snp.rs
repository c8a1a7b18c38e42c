//! SEV-SNP reports.

use attestation_report::{
    GuestPolicy, PlatformInfo, ProductLine, SigningKeyKind, SnpReport, TcbLayout, TcbVersion,
};

use super::{Fields, bits};

pub(super) fn report(fields: &mut Fields, bytes: &[u8]) -> Result<(), String> {
    let report = SnpReport::parse_structure(bytes).map_err(|error| error.to_string())?;
    fields.plain("VERSION", report.version);
    fields.plain("GUEST_SVN", report.guest_svn);
    show_policy(fields, report.guest_policy());
    fields.hex("FAMILY_ID", &report.family_id);
    fields.hex("IMAGE_ID", &report.image_id);
    let vmpl = report.vmpl.get();
    fields.explained("VMPL", vmpl, if vmpl == u32::MAX { "asked for by the host" } else { "" });
    fields.plain("SIGNATURE_ALGO", report.signature_algorithm);
    show_tcb(fields, "CURRENT_TCB", &report, report.current_tcb.get());
    show_platform(fields, report.platform());
    show_key_info(fields, &report);
    fields.hex("REPORT_DATA", &report.report_data);
    fields.hex("MEASUREMENT", &report.measurement);
    fields.hex("HOST_DATA", &report.host_data);
    fields.hex("ID_KEY_DIGEST", &report.id_key_digest);
    fields.hex("AUTHOR_KEY_DIGEST", &report.author_key_digest);
    fields.hex("REPORT_ID", &report.report_id);
    fields.hex("REPORT_ID_MA", &report.report_id_ma);
    show_tcb(fields, "REPORTED_TCB", &report, report.reported_tcb.get());
    show_cpu(fields, &report);
    fields.hex("CHIP_ID", &report.chip_id);
    show_tcb(fields, "COMMITTED_TCB", &report, report.committed_tcb.get());
    let current = (report.current_major, report.current_minor, report.current_build);
    let committed = (report.committed_major, report.committed_minor, report.committed_build);
    fields.plain("CURRENT firmware", format!("{}.{}.{}", current.0, current.1, current.2));
    fields.plain("COMMITTED firmware", format!("{}.{}.{}", committed.0, committed.1, committed.2));
    show_tcb(fields, "LAUNCH_TCB", &report, report.launch_tcb.get());
    if let Some((launch, current)) = report.mitigation_vectors() {
        fields.plain("LAUNCH_MIT_VECTOR", format!("{launch:#x}"));
        fields.plain("CURRENT_MIT_VECTOR", format!("{current:#x}"));
    }
    if let Err(error) = report.check_contents() {
        fields.explained("contents", "not what the version prescribes", error.to_string());
    }
    Ok(())
}

fn show_policy(fields: &mut Fields, policy: GuestPolicy) {
    let (major, minor) = policy.abi_version();
    let names = [
        (GuestPolicy::SMT_ALLOWED, "SMT allowed"),
        (GuestPolicy::RESERVED_MUST_BE_ONE, "reserved one"),
        (GuestPolicy::MIGRATE_MA, "MIGRATION AGENT ALLOWED"),
        (GuestPolicy::DEBUG, "DEBUG"),
        (GuestPolicy::SINGLE_SOCKET, "single socket"),
        (GuestPolicy::CXL_ALLOW, "CXL allowed"),
        (GuestPolicy::MEM_AES_256_XTS, "AES-256-XTS"),
        (GuestPolicy::RAPL_DIS, "RAPL off"),
        (GuestPolicy::CIPHERTEXT_HIDING_DRAM, "ciphertext hiding"),
        (GuestPolicy::PAGE_SWAP_DISABLE, "no page swap"),
    ];
    let meaning = format!("ABI at least {major}.{minor}, {}", bits(policy.0 & !0xFFFF, &names));
    fields.explained("POLICY", policy, meaning);
}

fn show_platform(fields: &mut Fields, platform: PlatformInfo) {
    let names = [
        (PlatformInfo::SMT, "SMT"),
        (PlatformInfo::TSME, "TSME"),
        (PlatformInfo::ECC, "ECC"),
        (PlatformInfo::RAPL_DISABLED, "RAPL off"),
        (PlatformInfo::CIPHERTEXT_HIDING, "ciphertext hiding"),
        (PlatformInfo::ALIAS_CHECK_COMPLETE, "alias check complete"),
        (PlatformInfo::TIO, "TIO"),
    ];
    fields.explained("PLATFORM_INFO", format!("{:#x}", platform.0), bits(platform.0, &names));
}

fn show_key_info(fields: &mut Fields, report: &SnpReport) {
    let info = report.key_info.get();
    let signer = match report.signing_key() {
        SigningKeyKind::VCEK => "signed by a VCEK".to_owned(),
        SigningKeyKind::VLEK => "signed by a VLEK".to_owned(),
        SigningKeyKind::NONE => "signed by nobody".to_owned(),
        SigningKeyKind(other) => format!("unknown signing key {other}"),
    };
    let names = [(1, "author key"), (2, "chip key masked")];
    let more = bits((info & !0x1C).into(), &names);
    let separator = if more.is_empty() { "" } else { ", " };
    fields.explained("KEY_INFO", format!("{info:#x}"), format!("{signer}{separator}{more}"));
}

fn show_cpu(fields: &mut Fields, report: &SnpReport) {
    let Some(cpu) = report.cpuid() else { return };
    let value = format!("family {:02x}h, model {:02x}h, stepping {:x}", cpu.family, cpu.model, cpu.stepping);
    let line = ProductLine::of_cpuid(cpu).map_or("no known line", ProductLine::name);
    fields.explained("CPUID", value, line);
}

/// Version 2 does not say which product it is of, and with it which layout.
fn show_tcb(fields: &mut Fields, name: &str, report: &SnpReport, tcb: u64) {
    let tcb = TcbVersion(tcb);
    let line = report.cpuid().and_then(ProductLine::of_cpuid);
    let layout = if report.cpuid().is_some() {
        line.and_then(ProductLine::tcb_layout)
    } else {
        Some(TcbLayout::Milan)
    };
    let parts = layout.and_then(|layout| tcb.parts(layout));
    fields.explained(name, tcb, parts.map_or_else(|| "layout not known".into(), |parts| parts.to_string()));
}
