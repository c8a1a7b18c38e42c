//! All devices of a machine, asked with one nonce.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use attestation_report::spdm::{FeatureFlag, Pdi, Status};

use super::{Challenge, DeviceKind, Evidence, GpuEvidence, Roots, verify_device};
use crate::trail::Stop;
use crate::{Code, Rejection, Trail, Verified, Verifier};

/// Most devices of one machine.
pub const DEVICES_MAX: usize = 32;

/// What [`Verified`] holds for a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineEvidence<'a> {
    devices: Vec<GpuEvidence<'a>>,
}

impl<'a> MachineEvidence<'a> {
    /// Its devices, in the order of the evidence. At least one, and no two the same.
    #[must_use]
    pub fn devices(&self) -> &[GpuEvidence<'a>] {
        &self.devices
    }

    /// Those of one kind.
    pub fn of_kind(&self, kind: DeviceKind) -> impl Iterator<Item = &GpuEvidence<'a>> {
        self.devices.iter().filter(move |evidence| evidence.device().kind() == kind)
    }
}

/// Verifies the evidence of every device, that all answer one nonce, that no device is there twice, and how they name each
/// other. Checks of a device are labelled with its place, from 0.
///
/// # Errors
/// The first check that fails, with all before it.
pub fn verify_machine<'a>(
    devices: &[Evidence<'a>],
    challenge: Challenge,
    roots: &Roots<'_>,
    by: Verifier<'_>,
) -> Result<Verified<MachineEvidence<'a>>, Rejection> {
    Verified::by(|trail| verify_devices(trail, devices, challenge, roots, by))
}

pub(super) fn verify_devices<'a>(
    trail: &mut Trail,
    devices: &[Evidence<'a>],
    challenge: Challenge,
    roots: &Roots<'_>,
    by: Verifier<'_>,
) -> Result<MachineEvidence<'a>, Stop> {
    let count = devices.len();
    trail.require(Code::EvidenceMissing, "devices", "at least one", count, count != 0)?;
    let limit = format!("at most {DEVICES_MAX}");
    trail.require(Code::Malformed, "devices", limit, count, count <= DEVICES_MAX)?;
    let mut verified: Vec<GpuEvidence<'a>> = Vec::new();
    for (position, evidence) in devices.iter().enumerate() {
        let mut own = Trail::default();
        let result = verify_device(&mut own, evidence, challenge, roots, by);
        trail.append(&format!("device {position}"), own);
        let evidence = result?;
        check_against(trail, position, &evidence, &verified)?;
        verified.push(evidence);
    }
    let machine = MachineEvidence { devices: verified };
    note_topology(trail, &machine);
    Ok(machine)
}

/// One nonce for all, and each key once: a single device could otherwise stand for many.
fn check_against(
    trail: &mut Trail,
    position: usize,
    evidence: &GpuEvidence<'_>,
    earlier: &[GpuEvidence<'_>],
) -> Result<(), Stop> {
    let Some(first) = earlier.first() else { return Ok(()) };
    let (expected, found) = (first.report().request().nonce, evidence.report().request().nonce);
    let what = format!("device {position}: request nonce");
    let same = format!("{}, as at device 0", hex::encode(expected));
    trail.require(Code::NonceMismatch, what, same, hex::encode(found), found == expected)?;
    // The certificate above the leaf is the device's own, whatever firmware its leaves are for.
    let own = evidence.device.authorities().first();
    let repeated = earlier.iter().position(|other| other.device.authorities().first() == own);
    let found = repeated.map_or_else(|| "one of its own".into(), |other| format!("that of device {other}"));
    let what = format!("device {position}: certificate of the chip");
    trail.require(Code::DeviceRepeated, what, "one of its own", found, repeated.is_none())
}

/// Protected PCIe trusts the links between devices, so each has to name the others: every GPU the same switches, and every
/// switch as many GPUs as there are. A GPU does not name itself, so which GPU is which cannot be compared.
fn note_topology(trail: &mut Trail, machine: &MachineEvidence<'_>) {
    let gpus: Vec<_> = machine.of_kind(DeviceKind::Gpu).map(|evidence| evidence.report().fields()).collect();
    let switches: Vec<_> =
        machine.of_kind(DeviceKind::Switch).map(|evidence| evidence.report().fields()).collect();
    let is_protected = gpus.iter().any(|fields| {
        fields.protected_pcie() == Some(Status::ENABLED)
            || fields.feature_flag() == Some(FeatureFlag::PROTECTED_PCIE)
    });
    if !is_protected && switches.is_empty() {
        return;
    }
    let own: BTreeSet<Pdi> = switches.iter().flat_map(|fields| fields.switch_pdis()).collect();
    note(trail, "switches by their own account", switches.len(), own.len(), own.len() == switches.len());
    for (position, fields) in gpus.iter().enumerate() {
        let named: BTreeSet<Pdi> = fields.switch_pdis().collect();
        note(trail, format!("switches that GPU {position} names"), shown(&own), shown(&named), named == own);
    }
    let first: BTreeSet<Pdi> = switches.first().map(|fields| fields.gpu_pdis().collect()).unwrap_or_default();
    for (position, fields) in switches.iter().enumerate() {
        let named: BTreeSet<Pdi> = fields.gpu_pdis().collect();
        let what = format!("GPUs that switch {position} names");
        note(trail, what.clone(), gpus.len(), named.len(), named.len() == gpus.len());
        note(trail, format!("{what}, as at switch 0"), shown(&first), shown(&named), named == first);
    }
}

fn note(
    trail: &mut Trail,
    what: impl Into<crate::Label>,
    expected: impl ToString,
    found: impl ToString,
    holds: bool,
) {
    trail.note(Code::TopologyMismatch, what, expected, found, holds);
}

fn shown(pdis: &BTreeSet<Pdi>) -> String {
    let pdis: Vec<String> = pdis.iter().map(|pdi| format!("{pdi}")).collect();
    if pdis.is_empty() { "none".into() } else { pdis.join(" ") }
}
