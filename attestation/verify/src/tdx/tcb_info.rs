//! TCB info: which security versions of a platform Intel considers to be in which state.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use attestation_report::tdx::{TdReport10, TeeTcbSvn};
use attestation_x509::Instant;
use attestation_x509::intel::PckFields;
use serde::Deserialize;

use super::document::{Contents, DocumentKind, Issue, Kind, advisory_ids, hex_field, instant};
use super::status::TcbStatus;
use crate::trail::Stop;
use crate::{Code, Trail};

/// `tcbType` that numbers components as they are compared here.
const TCB_TYPE: u32 = 0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct TcbInfo<'a> {
    id: &'a str,
    version: u32,
    #[serde(deserialize_with = "instant")]
    issue_date: Instant,
    #[serde(deserialize_with = "instant")]
    next_update: Instant,
    #[serde(deserialize_with = "hex_field")]
    pub(super) fmspc: [u8; 6],
    #[serde(deserialize_with = "hex_field")]
    pub(super) pce_id: [u8; 2],
    tcb_type: u32,
    tcb_evaluation_data_number: u32,
    tdx_module: TdxModule,
    #[serde(borrow, default)]
    tdx_module_identities: Vec<TdxModuleIdentity<'a>>,
    #[serde(borrow)]
    pub(super) tcb_levels: Vec<TcbLevel<'a>>,
}

/// The module before it had major versions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TdxModule {
    #[serde(deserialize_with = "hex_field")]
    mrsigner: [u8; 48],
    #[serde(deserialize_with = "hex_field")]
    attributes: [u8; 8],
    #[serde(deserialize_with = "hex_field")]
    attributes_mask: [u8; 8],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct TdxModuleIdentity<'a> {
    id: &'a str,
    #[serde(deserialize_with = "hex_field")]
    mrsigner: [u8; 48],
    #[serde(deserialize_with = "hex_field")]
    attributes: [u8; 8],
    #[serde(deserialize_with = "hex_field")]
    attributes_mask: [u8; 8],
    #[serde(borrow)]
    pub(super) tcb_levels: Vec<IsvLevel<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct TcbLevel<'a> {
    #[serde(borrow)]
    pub(super) tcb: Tcb<'a>,
    #[serde(deserialize_with = "instant")]
    pub(super) tcb_date: Instant,
    pub(super) tcb_status: TcbStatus,
    #[serde(borrow, default, rename = "advisoryIDs", deserialize_with = "advisory_ids")]
    pub(super) advisory_ids: Vec<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tcb<'a> {
    #[serde(borrow, rename = "sgxtcbcomponents")]
    pub(super) sgx: [Component<'a>; 16],
    #[serde(rename = "pcesvn")]
    pub(super) pce_svn: u16,
    #[serde(borrow, rename = "tdxtcbcomponents")]
    pub(super) tdx: [Component<'a>; 16],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Component<'a> {
    pub(super) svn: u8,
    #[serde(borrow, default)]
    pub(super) category: Option<&'a str>,
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Option<&'a str>,
}

/// A level of one piece of software: TDX module or quoting enclave.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct IsvLevel<'a> {
    pub(super) tcb: Isv,
    #[serde(deserialize_with = "instant")]
    pub(super) tcb_date: Instant,
    #[serde(deserialize_with = "isv_status")]
    pub(super) tcb_status: TcbStatus,
    #[serde(borrow, default, rename = "advisoryIDs", deserialize_with = "advisory_ids")]
    pub(super) advisory_ids: Vec<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Isv {
    pub(super) isvsvn: u16,
}

impl<'a> Contents<'a> for TcbInfo<'a> {
    const KIND: DocumentKind = DocumentKind { name: "TCB info", id: "TDX", version: 3 };

    fn kind(&self) -> Kind<'a> {
        Kind { id: self.id, version: self.version }
    }
}

impl<'a> TcbInfo<'a> {
    pub(super) const fn issue(&self) -> Issue {
        Issue {
            issue_date: self.issue_date,
            next_update: self.next_update,
            evaluation_number: self.tcb_evaluation_data_number,
        }
    }

    /// The description of the major version of `svn`'s module, where it has one.
    pub(super) fn module_identity(&self, svn: TeeTcbSvn) -> Option<&TdxModuleIdentity<'a>> {
        let id = module_id(svn);
        self.tdx_module_identities.iter().find(|identity| identity.id == id)
    }

    /// That the document is about the platform of the PCK.
    pub(super) fn check_platform(&self, trail: &mut Trail, pck: &PckFields) -> Result<(), Stop> {
        let code = Code::CollateralMismatch;
        let found = self.tcb_type;
        trail.require(code, "TCB info: tcbType", TCB_TYPE, found, found == TCB_TYPE)?;
        trail.require_bytes(code, "TCB info: FMSPC", &pck.fmspc, &self.fmspc)?;
        trail.require_bytes(code, "TCB info: PCE-ID", &pck.pce_id, &self.pce_id)
    }

    /// That the TDX module is the one that the document describes. Its attributes are all zero besides: others are of
    /// modules under development.
    pub(super) fn check_module(&self, trail: &mut Trail, report: &TdReport10) -> Result<(), Stop> {
        let code = Code::TdxModuleMismatch;
        let svn = report.tee_tcb_svn();
        let TdxModule { mrsigner, attributes, attributes_mask } = &self.tdx_module;
        let (mrsigner, attributes, mask) = if svn.module_version() == 0 {
            (mrsigner, attributes, attributes_mask)
        } else {
            let identity = self.module_identity(svn).ok_or_else(|| self.module_ids());
            let id = module_id(svn);
            let identity = trail.unwrap(code, "TDX module identity", id, identity)?;
            (&identity.mrsigner, &identity.attributes, &identity.attributes_mask)
        };
        trail.require_bytes(code, "MRSIGNERSEAM", mrsigner, &report.mr_signer_seam)?;
        let found = report.seam_attributes.to_bytes();
        let is_same = matches_masked(&found, attributes, mask);
        let expected = format!("{} under mask {}", hex::encode(attributes), hex::encode(mask));
        trail.require(code, "SEAMATTRIBUTES", expected, hex::encode(found), is_same)?;
        trail.require_bytes(code, "SEAMATTRIBUTES", &[0; 8], &found)
    }

    fn module_ids(&self) -> String {
        let ids = self.tdx_module_identities.iter().map(|identity| identity.id.escape_debug().to_string());
        ids.collect::<Vec<_>>().join(", ")
    }
}

/// `TDX_` and the major version in two hexadecimal digits.
fn module_id(svn: TeeTcbSvn) -> String {
    format!("TDX_{:02X}", svn.module_version())
}

/// Whether `found` has the bits of `expected` wherever `mask` looks.
pub(super) fn matches_masked<const N: usize>(found: &[u8; N], expected: &[u8; N], mask: &[u8; N]) -> bool {
    found.iter().zip(mask).map(|(byte, mask)| byte & mask).eq(expected.iter().copied())
}

/// Pieces of software are up to date, out of date or revoked; what else a platform can be makes no sense for them, and
/// would be lost when all are merged.
fn isv_status<'de, D: serde::Deserializer<'de>>(input: D) -> Result<TcbStatus, D::Error> {
    match TcbStatus::deserialize(input)? {
        status @ (TcbStatus::UpToDate | TcbStatus::OutOfDate | TcbStatus::Revoked) => Ok(status),
        other => Err(serde::de::Error::custom(format_args!(
            "expected UpToDate, OutOfDate or Revoked, found {other}"
        ))),
    }
}
