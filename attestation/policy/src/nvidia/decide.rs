//! Rules against evidence, device by device. The order is that of the file.

use alloc::format;
use alloc::string::{String, ToString};

use attestation_verify::nvidia::{DeviceKind, GpuEvidence, MachineEvidence};
use attestation_verify::{Code, Trail, Verified};

use super::{Binding, DeviceRules, FirmwareRules, FreshnessRules, NvidiaPolicy};
use crate::Decision;
use crate::decision::{Rulings, finding, presence};
use crate::terms::{OneOf, Text};

const SIGNERS: [Code; 2] = [Code::RimCertificateExpired, Code::RimCertificateNotYetValid];

impl NvidiaPolicy {
    pub(crate) fn decide(&self, verified: &Verified<MachineEvidence<'_>>) -> Decision {
        let mut rulings = Rulings::default();
        let (machine, trail) = (verified.evidence(), verified.trail());
        for (position, evidence) in machine.devices().iter().enumerate() {
            let name = |field: &str| format!("nvidia.{field}, device {position}");
            self.device.apply(&mut rulings, evidence, &name);
            self.firmware.apply(&mut rulings, evidence, &name);
            self.freshness.apply(&mut rulings, evidence, &name);
        }
        self.apply_to_all(&mut rulings, machine, trail);
        rulings.finish(trail)
    }

    pub(crate) fn decide_binding(&self, binding: Binding) -> Decision {
        let mut rulings = Rulings::default();
        let found = match binding {
            Binding::Alone => "no evidence of a CPU",
            Binding::Unbound => "unbound-pair: nothing ties the two to each other",
            Binding::Bound => "the CPU's report binds the nonce",
        };
        let field = "nvidia.freshness.cpu_binding";
        let is_bound = binding == Binding::Bound;
        rulings.apply(field, &self.freshness.cpu_binding, found, |rule| rule.allows(is_bound));
        rulings.finish(&Trail::default())
    }

    /// What the record of the verification says without a device, or of one among them.
    fn apply_to_all(&self, rulings: &mut Rulings, machine: &MachineEvidence<'_>, trail: &Trail) {
        let problem = finding(trail, &[Code::TopologyMismatch]);
        let count = machine.devices().len();
        let found = problem.clone().unwrap_or_else(|| format!("{count} devices, nothing missing"));
        let field = "nvidia.device.topology";
        rulings.apply(field, &self.device.topology, found, |rule| rule.allows(problem.is_none()));
        let problem = finding(trail, &[Code::RimMissing]);
        let found = problem.clone().unwrap_or_else(|| "all of them".into());
        let field = "nvidia.firmware.manifests";
        rulings.apply(field, &self.firmware.manifests, found, |rule| rule.allows(problem.is_none()));
        let problem = finding(trail, &SIGNERS);
        let found = problem.clone().unwrap_or_else(|| "none".into());
        let field = "nvidia.firmware.expired_signers";
        rulings.apply(field, &self.firmware.expired_signers, found, |rule| rule.allows(problem.is_some()));
        let problem = finding(trail, &[Code::RevocationUnchecked]);
        let found = problem.clone().unwrap_or_else(|| "answered".into());
        let field = "nvidia.freshness.ocsp";
        rulings.apply(field, &self.freshness.ocsp, found, |rule| rule.allows(problem.is_none()));
        rulings.answer(&SIGNERS);
        rulings.answer(&[
            Code::TopologyMismatch,
            Code::RimMissing,
            Code::RimMeasurementMismatch,
            Code::RevocationUnchecked,
            Code::TrailingUnsigned,
        ]);
    }
}

impl DeviceRules {
    fn apply(&self, rulings: &mut Rulings, evidence: &GpuEvidence<'_>, name: &impl Fn(&str) -> String) {
        let device = evidence.device();
        let product = device.product();
        rulings.apply(name("device.products"), &self.products, &product, |products| {
            products.allows(&Text(product.clone()))
        });
        let serial = device.fields().info.serial_number.clone();
        rulings.apply(name("device.serial_numbers"), &self.serial_numbers, &serial, |numbers| {
            numbers.allows(&Text(serial.clone()))
        });
    }
}

impl FirmwareRules {
    fn apply(&self, rulings: &mut Rulings, evidence: &GpuEvidence<'_>, name: &impl Fn(&str) -> String) {
        let fields = evidence.report().fields();
        let is_gpu = evidence.device().kind() == DeviceKind::Gpu;
        // Switches have no driver of their own.
        if is_gpu {
            let driver = fields.driver_version().map(ToString::to_string);
            version(rulings, name("firmware.drivers"), &self.drivers, driver);
        }
        let vbios = fields.vbios_version().map(|version| version.to_string());
        version(rulings, name("firmware.vbioses"), &self.vbioses, vbios);
        let comparison = evidence.comparison();
        let found = format!("{} golden values, {} differ", comparison.golden, comparison.mismatches.len());
        rulings.apply(name("firmware.golden_values"), &self.golden_values, found, |rule| {
            rule.allows(comparison.is_match())
        });
        presence(rulings, name("firmware.fwid"), &self.fwid, fields.fwid().is_some());
    }
}

impl FreshnessRules {
    fn apply(&self, rulings: &mut Rulings, evidence: &GpuEvidence<'_>, name: &impl Fn(&str) -> String) {
        let is_answer = evidence.answers_a_challenge();
        presence(rulings, name("freshness.challenge"), &self.challenge, is_answer);
        let trailing = evidence.report().trailing_bytes();
        let field = name("freshness.trailing_bytes");
        rulings.apply(field, &self.trailing_bytes, trailing, |rule| rule.allows(trailing != 0));
    }
}

fn version(rulings: &mut Rulings, field: String, rule: &crate::Rule<OneOf<Text>>, found: Option<String>) {
    let found = found.unwrap_or_else(|| "none".into());
    rulings.apply(field, rule, &found, |versions| versions.allows(&Text(found.clone())));
}
