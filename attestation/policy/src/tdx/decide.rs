//! Rules against evidence. The order is that of the file.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use attestation_report::tdx::{TdAttributes, TdBody};
use attestation_verify::tdx::TdxEvidence;
use attestation_verify::{Code, Trail, Verified};

use super::{AttributeRules, FreshnessRules, LaunchRules, PlatformRules, TcbRules, TdxPolicy};
use crate::decision::{Rulings, finding, one_of, presence};
use crate::rules::Term;
use crate::terms::{Hex, Text, Version, list};
use crate::{Decision, Rule};

/// Collateral that is not there, or not in date: no status can be built on it.
const COLLATERAL: [Code; 6] = [
    Code::CollateralMissing,
    Code::CollateralExpired,
    Code::CollateralNotYetValid,
    Code::CollateralCertificateExpired,
    Code::CollateralCertificateNotYetValid,
    Code::CollateralEvalMismatch,
];
const STATUSES: [Code; 9] = [
    Code::TcbSwHardeningNeeded,
    Code::TcbConfigurationNeeded,
    Code::TcbConfigurationAndSwHardeningNeeded,
    Code::TcbOutOfDate,
    Code::TcbOutOfDateConfigurationNeeded,
    Code::TcbTdRelaunchAdvised,
    Code::TcbTdRelaunchAdvisedConfigurationNeeded,
    Code::TcbRevoked,
    Code::TcbNotSupported,
];
const EVENT_LOG: [Code; 4] = [
    Code::EventLogMismatchRtmr0,
    Code::EventLogMismatchRtmr1,
    Code::EventLogMismatchRtmr2,
    Code::EventLogMismatchRtmr3,
];
const REVOCATION: [Code; 3] = [Code::RevocationUnchecked, Code::CrlStale, Code::CrlNotYetValid];

impl TdxPolicy {
    pub(crate) fn decide(&self, verified: &Verified<TdxEvidence>) -> Decision {
        let mut rulings = Rulings::default();
        let (evidence, trail) = (verified.evidence(), verified.trail());
        self.platform.apply(&mut rulings, evidence);
        self.tcb.apply(&mut rulings, evidence, trail);
        self.launch.apply(&mut rulings, evidence.body(), trail);
        self.attributes.apply(&mut rulings, evidence.body());
        self.freshness.apply(&mut rulings, evidence, trail);
        rulings.finish(trail)
    }
}

impl PlatformRules {
    fn apply(&self, rulings: &mut Rulings, evidence: &TdxEvidence) {
        let pck = evidence.pck();
        one_of(rulings, "tdx.platform.ppids", &self.ppids, pck.ppid);
        one_of(rulings, "tdx.platform.fmspcs", &self.fmspcs, pck.fmspc);
        let configuration = pck.configuration.unwrap_or_default();
        let flags = [
            ("tdx.platform.dynamic_platform", &self.dynamic_platform, configuration.dynamic_platform),
            ("tdx.platform.cached_keys", &self.cached_keys, configuration.cached_keys),
            ("tdx.platform.smt", &self.smt, configuration.smt_enabled),
        ];
        for (field, rule, flag) in flags {
            let found = flag.map_or("not known to Intel", |flag| if flag { "present" } else { "absent" });
            rulings.apply(field, rule, found, |rule| flag.is_some_and(|flag| rule.allows(flag)));
        }
    }
}

impl TcbRules {
    fn apply(&self, rulings: &mut Rulings, evidence: &TdxEvidence, trail: &Trail) {
        let problem = finding(trail, &COLLATERAL);
        let found = problem.clone().unwrap_or_else(|| "in date".into());
        rulings.apply("tdx.tcb.collateral", &self.collateral, found, |rule| rule.allows(problem.is_none()));
        let tcb = evidence.tcb();
        let status = tcb.map(|tcb| Text(tcb.status.as_str().into()));
        let found =
            status.as_ref().map_or_else(|| "none: no collateral".to_string(), |status| status.0.clone());
        rulings.apply("tdx.tcb.statuses", &self.statuses, found, |statuses| {
            status.as_ref().is_some_and(|status| statuses.allows(status))
        });
        let evaluations = tcb.map(|tcb| core::iter::once(&tcb.launch).chain(&tcb.current));
        let advisories: Vec<String> = evaluations
            .into_iter()
            .flatten()
            .flat_map(|evaluation| evaluation.advisory_ids.clone())
            .collect();
        let found = match (tcb, advisories.as_slice()) {
            (None, _) => "not known: no collateral".into(),
            (Some(_), []) => "none".into(),
            (Some(_), some) => list(some),
        };
        rulings.apply("tdx.tcb.advisories", &self.advisories, found, |accepted| {
            tcb.is_some() && advisories.iter().all(|id| accepted.allows(&Text(id.clone())))
        });
        let number = tcb.map(attestation_verify::tdx::TcbAssessment::evaluation_number);
        let found = number.map_or_else(|| "none: no collateral".to_string(), |number| number.to_string());
        let field = "tdx.tcb.evaluation_number_at_least";
        rulings.apply(field, &self.evaluation_number_at_least, found, |least| {
            number.is_some_and(|number| number >= least.0)
        });
        self.apply_module(rulings, evidence);
        rulings.answer(&COLLATERAL);
        rulings.answer(&STATUSES);
    }

    fn apply_module(&self, rulings: &mut Rulings, evidence: &TdxEvidence) {
        let report = evidence.report();
        let launched = report.tee_tcb_svn();
        // What runs now is what holds the domain's secrets; what launched it is what measured it.
        let running = evidence.body().report_15().map_or(launched, |report| report.tee_tcb_svn_2());
        let versions = [launched, running].map(|svn| Version([svn.module_version(), svn.module_isv_svn()]));
        let [at_launch, now] = versions.map(|version| version.show());
        let found = format!("launched by {at_launch}, running {now}");
        rulings.apply("tdx.tcb.module_at_least", &self.module_at_least, found, |least| {
            versions.iter().all(|version| version >= least)
        });
        one_of(rulings, "tdx.tcb.mr_seams", &self.mr_seams, report.mr_seam);
        presence(rulings, "tdx.tcb.module_updated", &self.module_updated, launched != running);
    }
}

impl LaunchRules {
    fn apply(&self, rulings: &mut Rulings, body: &TdBody, trail: &Trail) {
        let report = body.report();
        let [rtmr0, rtmr1, rtmr2, rtmr3] = report.rtmr;
        let registers = [
            ("tdx.launch.mr_tds", &self.mr_tds, report.mr_td),
            ("tdx.launch.mr_config_ids", &self.mr_config_ids, report.mr_config_id),
            ("tdx.launch.mr_owners", &self.mr_owners, report.mr_owner),
            ("tdx.launch.mr_owner_configs", &self.mr_owner_configs, report.mr_owner_config),
            ("tdx.launch.rtmr0", &self.rtmr0, rtmr0),
            ("tdx.launch.rtmr1", &self.rtmr1, rtmr1),
            ("tdx.launch.rtmr2", &self.rtmr2, rtmr2),
            ("tdx.launch.rtmr3", &self.rtmr3, rtmr3),
        ];
        for (field, rule, found) in registers {
            one_of(rulings, field, rule, found);
        }
        let is_match = trail.findings().any(|(code, _)| code == Code::EventLogMatch);
        let problem = finding(trail, &EVENT_LOG);
        let found = problem.unwrap_or_else(|| if is_match { "leads to all four" } else { "none" }.into());
        rulings.apply("tdx.launch.event_log", &self.event_log, found, |rule| rule.allows(is_match));
        // Version 1.0 of the report has no such field, and its modules no such domains.
        let service = body.report_15().map_or([0; 48], |report| report.mr_service_td);
        let found = Hex(service).show();
        let field = "tdx.launch.service_td";
        rulings.apply(field, &self.service_td, found, |rule| rule.allows(service != [0; 48]));
        // A rule that forbids a log does not excuse one that leads elsewhere.
        if !matches!(self.event_log, Rule::Stated(crate::terms::Presence::Forbidden)) {
            rulings.answer(&EVENT_LOG);
        }
        rulings.answer(&[Code::TdServiceTdBound]);
    }
}

impl AttributeRules {
    fn apply(&self, rulings: &mut Rulings, body: &TdBody) {
        let attributes = body.report().attributes();
        let is_any = |bits: u64| attributes.0 & bits != 0;
        let flags = [
            ("debug", &self.debug, is_any(TdAttributes::TUD)),
            ("sept_ve_disable", &self.sept_ve_disable, is_any(TdAttributes::SEPT_VE_DISABLE)),
            ("migratable", &self.migratable, is_any(TdAttributes::MIGRATABLE)),
            ("pks", &self.pks, is_any(TdAttributes::PKS)),
            ("kl", &self.kl, is_any(TdAttributes::KL)),
            ("lass", &self.lass, is_any(TdAttributes::LASS)),
            ("perfmon", &self.perfmon, is_any(TdAttributes::PERFMON)),
            ("unknown_bits", &self.unknown_bits, attributes.unknown_bits() & !TdAttributes::TUD != 0),
        ];
        for (key, rule, is_present) in flags {
            presence(rulings, format!("tdx.attributes.{key}"), rule, is_present);
        }
        let features = body.report().features();
        let found = format!("{:#x}", features.0);
        let field = "tdx.attributes.xfam_within";
        rulings.apply(field, &self.xfam_within, found, |allowed| features.0 & !allowed.0 == 0);
        rulings.answer(&[
            Code::PolicyDebugEnabled,
            Code::TdSeptVeDisableClear,
            Code::TdPksEnabled,
            Code::TdAttributesUnknownBits,
        ]);
    }
}

impl FreshnessRules {
    fn apply(&self, rulings: &mut Rulings, evidence: &TdxEvidence, trail: &Trail) {
        let is_answer = evidence.answers_a_challenge();
        presence(rulings, "tdx.freshness.challenge", &self.challenge, is_answer);
        let problem = finding(trail, &REVOCATION);
        let found = problem.clone().unwrap_or_else(|| "in date".into());
        let field = "tdx.freshness.revocation_lists";
        rulings.apply(field, &self.revocation_lists, found, |rule| rule.allows(problem.is_none()));
        let trailing = evidence.trailing_bytes();
        let field = "tdx.freshness.trailing_bytes";
        rulings.apply(field, &self.trailing_bytes, trailing, |rule| rule.allows(trailing != 0));
        rulings.answer(&REVOCATION);
        rulings.answer(&[Code::TrailingUnsigned, Code::NonceUnbound]);
    }
}
