//! Measurements against the golden values of the manifests.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use attestation_report::spdm::{MeasurementReport, Status};
use attestation_rim::{Measurement, Rim};

use super::rim::{RimKind, Rims};
use super::{Device, DeviceKind};
use crate::trail::Stop;
use crate::{Code, Trail};

/// The measurement of NVDEC0, which says nothing while that decoder is off.
const NVDEC0_INDEX: u8 = 35;

/// How the measurements of a report compare with the manifests that came along.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Golden values that are active, in all manifests.
    pub golden: usize,
    /// Indexes that were passed over: that of NVDEC0, where it is off.
    pub skipped: Vec<u8>,
    /// Golden values that differ: index in the manifest, and which manifest.
    pub mismatches: Vec<(u8, RimKind)>,
    /// Indexes that more than one manifest has a value for.
    pub conflicts: Vec<u8>,
}

impl Comparison {
    /// Whether there was something to compare, and all of it is equal.
    #[must_use]
    pub const fn is_match(&self) -> bool {
        self.golden != 0 && self.mismatches.is_empty() && self.conflicts.is_empty()
    }
}

pub(super) fn compare(
    trail: &mut Trail,
    device: &Device,
    report: &MeasurementReport<'_>,
    rims: &Rims,
) -> Result<Comparison, Stop> {
    for kind in [RimKind::Driver, RimKind::Vbios] {
        check_presence(trail, device, report, rims, kind)?;
    }
    let mut comparison = Comparison::default();
    for (kind, rim) in rims.iter() {
        for measurement in rim.rim().active() {
            compare_one(trail, report, kind, measurement, &mut comparison);
        }
    }
    note_conflicts(trail, rims, &mut comparison);
    if comparison.is_match() {
        let (golden, skipped) = (comparison.golden, comparison.skipped.len());
        let found = format!("all of them, {skipped} passed over");
        trail.note(Code::RimMeasurementMatch, "golden values", golden, found, false);
    }
    Ok(comparison)
}

/// That a manifest is there where one is needed, and for what the report names.
fn check_presence(
    trail: &mut Trail,
    device: &Device,
    report: &MeasurementReport<'_>,
    rims: &Rims,
    kind: RimKind,
) -> Result<(), Stop> {
    let fields = report.fields();
    let reported: Option<String> = match (device.kind(), kind) {
        (_, RimKind::Vbios) => fields.vbios_version().map(|version| version.to_string()),
        (DeviceKind::Gpu, RimKind::Driver) => fields.driver_version().map(ToString::to_string),
        (DeviceKind::Switch, RimKind::Driver) => None,
    };
    let is_needed = (device.kind(), kind) != (DeviceKind::Switch, RimKind::Driver);
    match rims.get(kind) {
        Some(rim) => check_subject(trail, device, reported.as_deref(), kind, rim.rim()),
        None if is_needed => {
            let expected = reported.map_or_else(|| "one".into(), |version| format!("one for {version}"));
            trail.note(Code::RimMissing, kind.name(), expected, "none", false);
            Ok(())
        }
        None => Ok(()),
    }
}

fn check_subject(
    trail: &mut Trail,
    device: &Device,
    reported: Option<&str>,
    kind: RimKind,
    rim: &Rim,
) -> Result<(), Stop> {
    let code = Code::RimVersionMismatch;
    let (product, edition) = (device.product(), device.kind().to_string());
    let is_product = rim.product == product;
    trail.require(code, format!("{kind}: product"), product, &rim.product, is_product)?;
    let is_edition = rim.edition == edition;
    trail.require(code, format!("{kind}: edition"), edition, &rim.edition, is_edition)?;
    // Manifests are not of one mind about the case of hexadecimal digits.
    let is_version = reported.is_some_and(|reported| reported.eq_ignore_ascii_case(&rim.version));
    let expected = reported.unwrap_or("no manifest: the report names no version");
    trail.require(code, format!("{kind}: version"), expected, &rim.version, is_version)
}

fn compare_one(
    trail: &mut Trail,
    report: &MeasurementReport<'_>,
    kind: RimKind,
    golden: &Measurement,
    comparison: &mut Comparison,
) {
    let index = golden.index;
    comparison.golden = comparison.golden.saturating_add(1);
    if index == NVDEC0_INDEX && report.fields().nvdec0() == Some(Status::DISABLED) {
        comparison.skipped.push(index);
        return;
    }
    // Blocks count from 1, manifests from 0. A digest as raw bytes is as good: the manifest does not tell them apart.
    let block = index.checked_add(1).and_then(|index| report.measurements().get(index));
    let is_equal = block.is_some_and(|block| golden.alternatives.iter().any(|value| value == block.value));
    if !is_equal {
        comparison.mismatches.push((index, kind));
    }
    let expected: Vec<String> = golden.alternatives.iter().map(hex::encode).collect();
    let found = block.map_or_else(|| "none".into(), |block| hex::encode(block.value));
    let what = format!("{kind}: measurement {index}");
    trail.note(Code::RimMeasurementMismatch, what, expected.join(" or "), found, is_equal);
}

/// Two manifests with a value for one index: one of them could have been chosen for the value that it lacks.
fn note_conflicts(trail: &mut Trail, rims: &Rims, comparison: &mut Comparison) {
    let (Some(driver), Some(vbios)) = (rims.get(RimKind::Driver), rims.get(RimKind::Vbios)) else { return };
    for index in driver.rim().active().map(|measurement| measurement.index) {
        if vbios.rim().active().any(|measurement| measurement.index == index) {
            comparison.conflicts.push(index);
            let what = format!("golden value {index}");
            trail.note(Code::RimMeasurementMismatch, what, "in one manifest", "in both", false);
        }
    }
}
