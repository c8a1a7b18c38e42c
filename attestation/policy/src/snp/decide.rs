//! Rules against evidence. The order is that of the file.

use alloc::format;
use alloc::string::ToString;

use attestation_report::{CpuId, GuestPolicy, PlatformInfo, SnpReport, TcbVersion};
use attestation_verify::snp::SnpEvidence;
use attestation_verify::{Code, Verified};
use attestation_x509::amd::{Endorses, KeyKind};

use super::floor::show_cpu;
use super::{
    ChipRules, Floors, FreshnessRules, GuestPolicyRules, LaunchRules, PlatformRules, SnpPolicy, TcbRules,
};
use crate::decision::{Rulings, finding, one_of, presence};
use crate::rules::Term;
use crate::terms::{Hex, Text, Version};
use crate::{Decision, Rule};

impl SnpPolicy {
    pub(crate) fn decide(&self, verified: &Verified<SnpEvidence>) -> Decision {
        let mut rulings = Rulings::default();
        let evidence = verified.evidence();
        self.chip.apply(&mut rulings, evidence);
        self.launch.apply(&mut rulings, evidence.report());
        self.guest_policy.apply(&mut rulings, evidence.report().guest_policy());
        self.platform.apply(&mut rulings, evidence.report().platform());
        self.tcb.apply(&mut rulings, evidence);
        self.freshness.apply(&mut rulings, verified);
        rulings.finish(verified.trail())
    }
}

impl ChipRules {
    fn apply(&self, rulings: &mut Rulings, evidence: &SnpEvidence) {
        let (report, endorsement) = (evidence.report(), evidence.endorsement());
        let line = endorsement.line().to_string();
        rulings.apply("snp.chip.products", &self.products, &line, |lines| lines.allows(&Text(line.clone())));
        let signer = match endorsement.kind() {
            KeyKind::Vcek => "vcek",
            KeyKind::Vlek => "vlek",
        };
        rulings
            .apply("snp.chip.signers", &self.signers, signer, |signers| signers.allows(&Text(signer.into())));
        let version = report.version.get();
        rulings.apply("snp.chip.report_version_at_least", &self.report_version_at_least, version, |least| {
            version >= least.0
        });
        let chip = Hex(report.chip_id);
        rulings.apply("snp.chip.chip_ids", &self.chip_ids, chip.show(), |ids| ids.allows(&chip));
        presence(rulings, "snp.chip.masked_chip_id", &self.masked_chip_id, report.chip_id == [0; 64]);
        let provider = match &endorsement.fields().endorses {
            Endorses::Chip(_) => None,
            Endorses::Provider(name) => Some(Text(name.clone())),
        };
        let found = provider.as_ref().map_or("none: signed by the chip's own key", |text| text.0.as_str());
        // The rule is about VLEKs; whether there may be one is for `signers` to say.
        rulings.apply("snp.chip.csp_ids", &self.csp_ids, found, |ids| {
            provider.as_ref().is_none_or(|provider| ids.allows(provider))
        });
        rulings.answer(&[Code::ProductMilan, Code::SignerVlek, Code::ChipIdMasked]);
    }
}

impl LaunchRules {
    fn apply(&self, rulings: &mut Rulings, report: &SnpReport) {
        one_of(rulings, "snp.launch.measurements", &self.measurements, report.measurement);
        one_of(rulings, "snp.launch.host_data", &self.host_data, report.host_data);
        let vmpl = report.vmpl.get();
        rulings.apply("snp.launch.vmpl_at_most", &self.vmpl_at_most, vmpl, |most| vmpl <= most.0);
        one_of(rulings, "snp.launch.id_keys", &self.id_keys, report.id_key_digest);
        one_of(rulings, "snp.launch.author_keys", &self.author_keys, report.author_key_digest);
        one_of(rulings, "snp.launch.family_ids", &self.family_ids, report.family_id);
        one_of(rulings, "snp.launch.image_ids", &self.image_ids, report.image_id);
        let svn = report.guest_svn.get();
        rulings.apply("snp.launch.guest_svn_at_least", &self.guest_svn_at_least, svn, |least| svn >= least.0);
        let has_agent = report.report_id_ma != [0xFF; 32];
        presence(rulings, "snp.launch.migration_agent", &self.migration_agent, has_agent);
        rulings.answer(&[Code::VmplNonzero]);
    }
}

impl GuestPolicyRules {
    fn apply(&self, rulings: &mut Rulings, policy: GuestPolicy) {
        let (major, minor) = policy.abi_version();
        let abi = Version([major, minor]);
        let field = "snp.guest_policy.abi_at_least";
        rulings.apply(field, &self.abi_at_least, abi.show(), |least| abi >= *least);
        let bits = [
            ("debug", &self.debug, GuestPolicy::DEBUG),
            ("migrate_ma", &self.migrate_ma, GuestPolicy::MIGRATE_MA),
            ("smt_allowed", &self.smt_allowed, GuestPolicy::SMT_ALLOWED),
            ("single_socket", &self.single_socket, GuestPolicy::SINGLE_SOCKET),
            ("cxl_allow", &self.cxl_allow, GuestPolicy::CXL_ALLOW),
            ("mem_aes_256_xts", &self.mem_aes_256_xts, GuestPolicy::MEM_AES_256_XTS),
            ("rapl_dis", &self.rapl_dis, GuestPolicy::RAPL_DIS),
            ("ciphertext_hiding_dram", &self.ciphertext_hiding_dram, GuestPolicy::CIPHERTEXT_HIDING_DRAM),
            ("page_swap_disable", &self.page_swap_disable, GuestPolicy::PAGE_SWAP_DISABLE),
        ];
        for (key, rule, bit) in bits {
            presence(rulings, format!("snp.guest_policy.{key}"), rule, policy.has(bit));
        }
        rulings.answer(&[Code::PolicyDebugEnabled]);
    }
}

impl PlatformRules {
    fn apply(&self, rulings: &mut Rulings, platform: PlatformInfo) {
        let bits = [
            ("smt", &self.smt, PlatformInfo::SMT),
            ("tsme", &self.tsme, PlatformInfo::TSME),
            ("ecc", &self.ecc, PlatformInfo::ECC),
            ("rapl_disabled", &self.rapl_disabled, PlatformInfo::RAPL_DISABLED),
            ("ciphertext_hiding", &self.ciphertext_hiding, PlatformInfo::CIPHERTEXT_HIDING),
            ("alias_check_complete", &self.alias_check_complete, PlatformInfo::ALIAS_CHECK_COMPLETE),
            ("tio", &self.tio, PlatformInfo::TIO),
        ];
        for (key, rule, bit) in bits {
            presence(rulings, format!("snp.platform.{key}"), rule, platform.0 & bit == bit);
        }
        let unknown = platform.unknown_bits();
        let field = "snp.platform.unknown_bits";
        rulings.apply(field, &self.unknown_bits, format!("{unknown:#x}"), |rule| rule.allows(unknown != 0));
    }
}

impl TcbRules {
    fn apply(&self, rulings: &mut Rulings, evidence: &SnpEvidence) {
        let report = evidence.report();
        let firmware = [
            Version([report.current_major, report.current_minor, report.current_build]),
            Version([report.committed_major, report.committed_minor, report.committed_build]),
        ];
        let found = format!("running {}, committed {}", firmware[0].show(), firmware[1].show());
        rulings.apply("snp.tcb.firmware_at_least", &self.firmware_at_least, found, |least| {
            firmware.iter().all(|version| version >= least)
        });
        let is_provisional = report.current_tcb != report.committed_tcb || firmware[0] != firmware[1];
        presence(rulings, "snp.tcb.provisional_firmware", &self.provisional_firmware, is_provisional);
        let parts = |tcb: u64| {
            let layout = evidence.endorsement().line().tcb_layout()?;
            TcbVersion(tcb).parts(layout)
        };
        let is_below_current = |tcb: u64| match (parts(report.current_tcb.get()), parts(tcb)) {
            (Some(current), Some(tcb)) => current.is_at_least(&tcb),
            _ => false,
        };
        let is_ordered =
            is_below_current(report.reported_tcb.get()) && is_below_current(report.committed_tcb.get());
        presence(rulings, "snp.tcb.disorder", &self.disorder, !is_ordered);
        self.apply_floors(rulings, evidence);
        rulings.answer(&[Code::TcbProvisional, Code::TcbOrder]);
    }

    /// One ruling for each of the four TCB versions that a report has.
    fn apply_floors(&self, rulings: &mut Rulings, evidence: &SnpEvidence) {
        let report = evidence.report();
        let versions = [
            ("reported", report.reported_tcb.get()),
            ("committed", report.committed_tcb.get()),
            ("launch", report.launch_tcb.get()),
            ("current", report.current_tcb.get()),
        ];
        let known = versions.map(|(name, _)| name);
        if let Rule::Stated(names) = &self.floors_on {
            for name in names.0.iter().filter(|name| !known.contains(&name.0.as_str())) {
                rulings.fail("snp.tcb.floors_on", known.join(", "), &name.0);
            }
        }
        for (name, tcb) in versions {
            let is_wanted = match &self.floors_on {
                Rule::Stated(names) => names.allows(&Text(name.into())),
                Rule::Waived { .. } => false,
            };
            if is_wanted {
                self.apply_floor(rulings, evidence, name, TcbVersion(tcb));
            }
        }
        if let Rule::Waived { .. } = &self.floors_on {
            rulings.apply("snp.tcb.floors_on", &self.floors_on, "not looked at", |_| false);
        }
        self.apply_mitigations(rulings, report);
    }

    fn apply_floor(&self, rulings: &mut Rulings, evidence: &SnpEvidence, name: &str, tcb: TcbVersion) {
        let cpu = evidence.report().cpuid();
        let parts = evidence.endorsement().line().tcb_layout().and_then(|layout| tcb.parts(layout));
        let cpu_name = cpu.map_or_else(|| "no CPU named (report version 2)".into(), show_cpu);
        let field = format!("snp.tcb.floors, {name} TCB");
        let found =
            parts.map_or_else(|| format!("{cpu_name}: {tcb}"), |parts| format!("{cpu_name}: {parts}"));
        let rule = self.floor_of(cpu);
        rulings.apply(field, &rule, found, |floors| {
            let floor = cpu.and_then(|cpu| floors.of(cpu));
            floor.zip(parts).is_some_and(|(floor, parts)| parts.is_at_least(&floor.tcb))
        });
    }

    /// The one floor that is about this CPU, so that the others are not shown.
    fn floor_of(&self, cpu: Option<CpuId>) -> Rule<Floors> {
        match &self.floors {
            Rule::Stated(floors) => {
                let floor = cpu.and_then(|cpu| floors.of(cpu));
                Rule::Stated(Floors(floor.cloned().into_iter().collect()))
            }
            Rule::Waived { reason } => Rule::Waived { reason: reason.clone() },
        }
    }

    fn apply_mitigations(&self, rulings: &mut Rulings, report: &SnpReport) {
        let vectors = report.mitigation_vectors();
        let found = vectors.map_or_else(
            || format!("none (report version {})", report.version),
            |(launch, current)| format!("launch {launch:#x}, current {current:#x}"),
        );
        let rule = self.floor_of(report.cpuid());
        rulings.apply("snp.tcb.floors, mitigations", &rule, found, |floors| {
            let floor = report.cpuid().and_then(|cpu| floors.of(cpu));
            let (launch, current) = vectors.unwrap_or_default();
            floor.is_some_and(|floor| launch & current & floor.mitigations == floor.mitigations)
        });
    }
}

impl FreshnessRules {
    fn apply(&self, rulings: &mut Rulings, verified: &Verified<SnpEvidence>) {
        let is_answer = verified.evidence().answers_a_challenge();
        presence(rulings, "snp.freshness.challenge", &self.challenge, is_answer);
        let open = [Code::RevocationUnchecked, Code::CrlStale, Code::CrlNotYetValid];
        let problem = finding(verified.trail(), &open);
        let found = problem.clone().unwrap_or_else(|| "in date".into());
        rulings.apply("snp.freshness.revocation_list", &self.revocation_list, found, |rule| {
            rule.allows(problem.is_none())
        });
        rulings.answer(&open);
        rulings.answer(&[Code::NonceUnbound]);
    }
}
