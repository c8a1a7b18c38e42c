//! QE identity: which quoting enclave is Intel's, and which of its versions are in which state.

use alloc::format;
use alloc::vec::Vec;

use attestation_report::tdx::EnclaveReport;
use attestation_x509::Instant;
use serde::Deserialize;

use super::document::{Contents, DocumentKind, Issue, Kind, hex_field, instant};
use super::tcb_info::{IsvLevel, matches_masked};
use crate::trail::Stop;
use crate::{Code, Trail};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct QeIdentity<'a> {
    id: &'a str,
    version: u32,
    #[serde(deserialize_with = "instant")]
    issue_date: Instant,
    #[serde(deserialize_with = "instant")]
    next_update: Instant,
    tcb_evaluation_data_number: u32,
    #[serde(deserialize_with = "hex_field")]
    miscselect: [u8; 4],
    #[serde(deserialize_with = "hex_field", rename = "miscselectMask")]
    miscselect_mask: [u8; 4],
    #[serde(deserialize_with = "hex_field")]
    attributes: [u8; 16],
    #[serde(deserialize_with = "hex_field")]
    attributes_mask: [u8; 16],
    #[serde(deserialize_with = "hex_field")]
    mrsigner: [u8; 32],
    isvprodid: u16,
    #[serde(borrow)]
    pub(super) tcb_levels: Vec<IsvLevel<'a>>,
}

impl<'a> Contents<'a> for QeIdentity<'a> {
    const KIND: DocumentKind = DocumentKind { name: "QE identity", id: "TD_QE", version: 2 };

    fn kind(&self) -> Kind<'a> {
        Kind { id: self.id, version: self.version }
    }
}

impl QeIdentity<'_> {
    pub(super) const fn issue(&self) -> Issue {
        Issue {
            issue_date: self.issue_date,
            next_update: self.next_update,
            evaluation_number: self.tcb_evaluation_data_number,
        }
    }

    /// That `report` is of the enclave that the document describes.
    pub(super) fn check(&self, trail: &mut Trail, report: &EnclaveReport) -> Result<(), Stop> {
        let code = Code::QeIdentityMismatch;
        trail.require_bytes(code, "QE report: MRSIGNER", &self.mrsigner, &report.mr_signer)?;
        let (expected, found) = (self.isvprodid, report.isv_prod_id.get());
        trail.require(code, "QE report: ISVPRODID", expected, found, expected == found)?;
        let expected =
            format!("{} under mask {}", hex::encode(self.miscselect), hex::encode(self.miscselect_mask));
        let holds = matches_masked(&report.misc_select, &self.miscselect, &self.miscselect_mask);
        trail.require(code, "QE report: MISCSELECT", expected, hex::encode(report.misc_select), holds)?;
        let expected =
            format!("{} under mask {}", hex::encode(self.attributes), hex::encode(self.attributes_mask));
        let holds = matches_masked(&report.attributes, &self.attributes, &self.attributes_mask);
        trail.require(code, "QE report: ATTRIBUTES", expected, hex::encode(report.attributes), holds)
    }
}
