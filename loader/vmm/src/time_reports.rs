//! Keeps what a guest reports of time servers that contradict each other.
//!
//! A report is proof against a server for whoever judges servers (RFC 10049, section 8.4). It is written as it came: it
//! proves itself, or nothing. Panics: never on what the guest sends.

use std::fs;
use std::path::{Path, PathBuf};

use enclave_wire::frame::{Frame, FrameKind};

use crate::session::Violation;

/// Reports that are kept of one boot. A guest makes one for each measurement that goes wrong, for as long as it does.
const REPORTS_MAX: usize = 8;

/// A folder for reports.
#[derive(Debug)]
pub struct TimeReports {
    folder: PathBuf,
    kept: usize,
}

impl TimeReports {
    /// Reports go into this folder, which is there.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), kept: 0 }
    }

    /// Whether frames of this kind are for it.
    pub(crate) const fn takes(kind: FrameKind) -> bool {
        kind.0 == FrameKind::TIME_REPORT.0
    }

    /// Takes a report.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn on_frame(&mut self, frame: &Frame) -> Result<(), Violation> {
        if self.kept >= REPORTS_MAX {
            return Ok(());
        }
        self.kept += 1;
        let path = self.folder.join(format!("time-report-{}.json", self.kept));
        fs::write(&path, &frame.body)
            .map_err(|error| Violation::Unkept { reason: format!("{}: {error}", path.display()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reports_are_kept_as_they_came() {
        let folder = tempfile::tempdir().unwrap();
        let mut reports = TimeReports::new(folder.path());
        for number in 0..20 {
            let body = format!("report {number}").into_bytes();
            reports.on_frame(&Frame { kind: FrameKind::TIME_REPORT, job: 0, body }).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), REPORTS_MAX);
        assert_eq!(fs::read(folder.path().join("time-report-8.json")).unwrap(), b"report 7");
    }

    #[test]
    fn a_folder_that_is_gone_is_said() {
        let mut reports = TimeReports::new(Path::new("/nowhere at all"));
        let frame = Frame { kind: FrameKind::TIME_REPORT, job: 0, body: Vec::new() };
        let refused = reports.on_frame(&frame).unwrap_err().to_string();
        assert!(refused.contains("time-report-1.json"), "{refused}");
    }
}
