//! NVIDIA measurement reports: parts that add up, and accessors that agree with the bytes.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_report::spdm::{
    FieldId, MEASUREMENT_REPORT_MAX_BYTES, MeasurementReport, SIGNATURE_BYTES, VbiosVersion,
};
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    let max_bytes = MEASUREMENT_REPORT_MAX_BYTES + 1;
    Target { name: "measurement-report", max_bytes, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    let report = match MeasurementReport::parse(input) {
        Ok(report) => report,
        Err(error) => return drop(error.to_string()),
    };
    assert!(input.starts_with(report.signed_bytes()));
    assert_eq!(report.signed_bytes().len() + SIGNATURE_BYTES + report.trailing_bytes(), input.len());
    assert_eq!(report.measurements().iter().count(), usize::from(report.measurements().count()));
    let fields = report.fields();
    let _shown = (fields.driver_version(), fields.project(), fields.chip_sku(), fields.nvdec0());
    let _pdis = (fields.switch_pdis().count(), fields.gpu_pdis().count());
    match report.check_contents() {
        Ok(()) => {
            // Nothing is `None` but what is absent.
            let is_there = |id| fields.get(id).is_some();
            assert_eq!(fields.vbios_version().is_some(), is_there(FieldId::VBIOS_VERSION));
            assert_eq!(fields.fwid().is_some(), is_there(FieldId::FWID));
            assert_eq!(fields.feature_flag().is_some(), is_there(FieldId::FEATURE_FLAG));
            let shown = fields.vbios_version().as_ref().map(VbiosVersion::to_string);
            assert!(shown.is_none_or(|shown| shown.split('.').count() == 5));
            assert!(
                report
                    .measurements()
                    .iter()
                    .all(|measurement| { report.measurements().get(measurement.index) == Some(measurement) })
            );
        }
        Err(error) => drop(error.to_string()),
    }
}
