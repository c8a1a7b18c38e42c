//! What TCB info and QE identity make of a platform, by the rules of Intel's quote verification library.
//!
//! Spec: "Intel SGX and Intel TDX Quote Verification", section "TCB status evaluation"; `EvaluateTcb.cpp` and
//! `TDRelaunchCheck.cpp` of `intel/confidential-computing.tee.dcap.qvl`, commit d12717e3f1f2, where the text leaves a
//! choice.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use attestation_report::tdx::{EnclaveReport, TdBody, TdReport15, TeeTcbSvn};
use attestation_x509::Instant;
use attestation_x509::intel::PckFields;

use super::document::Issue;
use super::qe_identity::QeIdentity;
use super::status::TcbStatus;
use super::tcb_info::{Component, IsvLevel, TcbInfo, TcbLevel};
use crate::{Code, Trail};

/// What Intel says of everything below the domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcbAssessment {
    /// All together, the advice to relaunch included.
    pub status: TcbStatus,
    /// With the TDX module of the launch.
    pub launch: TcbEvaluation,
    /// With the TDX module that runs now; TD report 1.5 only.
    pub current: Option<TcbEvaluation>,
    /// Where the newest levels ask for more than the platform has.
    pub shortfalls: Vec<Shortfall>,
    /// Dates and number of the TCB info.
    pub tcb_info: Issue,
    /// Dates and number of the QE identity.
    pub qe_identity: Issue,
}

/// Platform, TDX module and quoting enclave, each by the level that it reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcbEvaluation {
    /// Processor, microcode and firmware.
    pub platform: TcbStatus,
    /// TDX module; `None` for those without a major version, which are part of the platform.
    pub module: Option<TcbStatus>,
    /// Quoting enclave.
    pub quoting_enclave: TcbStatus,
    /// All of these.
    pub merged: TcbStatus,
    /// The oldest of the dates up to which fixes are in; `None` when something reaches no level.
    pub tcb_date: Option<Instant>,
    /// Advisories that apply, in order, each once.
    pub advisory_ids: Vec<String>,
}

/// A component that is behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// Which.
    pub part: TcbPart,
    /// What it is, in Intel's words, where they say.
    pub description: String,
    /// Security version of the newest level.
    pub newest: u16,
    /// Security version of the platform.
    pub found: u16,
}

/// Something with a security version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TcbPart {
    /// Component of the platform, 1 to 16.
    Sgx(u8),
    /// Provisioning certification enclave.
    Pce,
    /// Component of TDX, 1 to 16.
    Tdx(u8),
    /// TDX module.
    TdxModule,
    /// Quoting enclave.
    QuotingEnclave,
}

impl fmt::Display for TcbPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sgx(number) => write!(f, "SGX component {number}"),
            Self::Pce => f.write_str("PCE"),
            Self::Tdx(number) => write!(f, "TDX component {number}"),
            Self::TdxModule => f.write_str("TDX module"),
            Self::QuotingEnclave => f.write_str("quoting enclave"),
        }
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.part)?;
        if !self.description.is_empty() {
            write!(f, " ({})", self.description)?;
        }
        write!(f, ": {} of {}", self.found, self.newest)
    }
}

impl TcbAssessment {
    /// The evaluation that all of it belongs to at least: the older of the two documents'.
    #[must_use]
    pub fn evaluation_number(&self) -> u32 {
        self.tcb_info.evaluation_number.min(self.qe_identity.evaluation_number)
    }

    /// Records the status, and documents of different rounds, of which the older one may not know what the newer one
    /// does.
    pub(super) fn note(&self, trail: &mut Trail) {
        let (tcb_info, qe_identity) = (self.tcb_info.evaluation_number, self.qe_identity.evaluation_number);
        let what = "QE identity: tcbEvaluationDataNumber";
        trail.note(Code::CollateralEvalMismatch, what, tcb_info, qe_identity, tcb_info == qe_identity);
        let behind: Vec<String> = self.shortfalls.iter().map(ToString::to_string).collect();
        let found = match behind.as_slice() {
            [] => self.status.to_string(),
            behind => format!("{}; behind the newest: {}", self.status, behind.join(", ")),
        };
        match self.status {
            TcbStatus::UpToDate => trail.fact(Code::TcbUpToDate, "TCB status", found),
            status => trail.note(status.code(), "TCB status", TcbStatus::UpToDate, found, false),
        }
    }
}

/// What is assessed, and by which documents.
pub(super) struct Subject<'a> {
    pub(super) pck: &'a PckFields,
    pub(super) qe_report: &'a EnclaveReport,
    pub(super) body: &'a TdBody,
    pub(super) tcb_info: &'a TcbInfo<'a>,
    pub(super) qe_identity: &'a QeIdentity<'a>,
}

impl Subject<'_> {
    pub(super) fn assess(&self) -> TcbAssessment {
        let svn = self.body.report().tee_tcb_svn();
        let launch = self.evaluate(svn);
        let current = self.body.report_15().map(TdReport15::tee_tcb_svn_2).map(|svn| self.evaluate(svn));
        let merged = launch.merged;
        let status = current.as_ref().map_or(merged, |current| merged.relaunched_as(current.merged));
        TcbAssessment {
            status,
            launch,
            current,
            shortfalls: self.shortfalls(svn),
            tcb_info: self.tcb_info.issue(),
            qe_identity: self.qe_identity.issue(),
        }
    }

    fn evaluate(&self, svn: TeeTcbSvn) -> TcbEvaluation {
        let platform = self.tcb_info.tcb_levels.iter().find(|level| self.reaches(level, svn));
        let enclave = reached(&self.qe_identity.tcb_levels, self.qe_report.isv_svn.get());
        let module = (svn.module_version() > 0).then(|| {
            let identity = self.tcb_info.module_identity(svn)?;
            reached(&identity.tcb_levels, svn.module_isv_svn().into())
        });
        let status =
            |level: Option<&IsvLevel<'_>>| level.map_or(TcbStatus::NotSupported, |level| level.tcb_status);
        let platform_status = platform.map_or(TcbStatus::NotSupported, |level| level.tcb_status);
        let parts = [module, Some(enclave)].into_iter().flatten();
        let merged = parts.clone().fold(platform_status, |merged, part| merged.merged_with(status(part)));
        let dates = platform.map(|level| level.tcb_date).into_iter();
        let dates = dates.chain(parts.clone().flatten().map(|level| level.tcb_date));
        let ids = platform.into_iter().flat_map(|level| &level.advisory_ids);
        let ids = ids.chain(parts.flatten().flat_map(|level| &level.advisory_ids));
        let mut advisory_ids: Vec<String> = ids.map(|id| String::from(*id)).collect();
        advisory_ids.sort_unstable();
        advisory_ids.dedup();
        TcbEvaluation {
            platform: platform_status,
            module: module.map(status),
            quoting_enclave: status(enclave),
            merged,
            tcb_date: dates.min().filter(|_| merged != TcbStatus::NotSupported),
            advisory_ids,
        }
    }

    /// Every component counts by itself: one that is older makes the whole older.
    fn reaches(&self, level: &TcbLevel<'_>, svn: TeeTcbSvn) -> bool {
        self.pck.sgx_components.iter().zip(&level.tcb.sgx).all(|(found, needed)| *found >= needed.svn)
            && self.pck.pce_svn >= level.tcb.pce_svn
            && tdx_components(&level.tcb.tdx, svn).all(|(_, found, needed)| found >= needed.svn)
    }

    /// How far the platform is behind the first level: levels are sorted, the newest first.
    fn shortfalls(&self, svn: TeeTcbSvn) -> Vec<Shortfall> {
        let newest = self.tcb_info.tcb_levels.first().map(|level| &level.tcb);
        let platform = newest.into_iter().flat_map(|tcb| {
            let sgx = (1..).zip(self.pck.sgx_components).zip(&tcb.sgx).map(|((number, found), newest)| {
                shortfall(TcbPart::Sgx(number), describe(newest), newest.svn.into(), found.into())
            });
            let pce = shortfall(TcbPart::Pce, String::new(), tcb.pce_svn, self.pck.pce_svn);
            let tdx = tdx_components(&tcb.tdx, svn).map(|(number, found, newest)| {
                shortfall(TcbPart::Tdx(number), describe(newest), newest.svn.into(), found.into())
            });
            sgx.chain([pce]).chain(tdx)
        });
        let module = self.tcb_info.module_identity(svn).filter(|_| svn.module_version() > 0);
        let module = module.and_then(|identity| identity.tcb_levels.first()).map(|level| {
            shortfall(TcbPart::TdxModule, String::new(), level.tcb.isvsvn, svn.module_isv_svn().into())
        });
        let enclave = self.qe_identity.tcb_levels.first().map(|level| {
            let found = self.qe_report.isv_svn.get();
            shortfall(TcbPart::QuotingEnclave, String::new(), level.tcb.isvsvn, found)
        });
        let all = platform.chain(module).chain(enclave);
        all.filter(|shortfall| shortfall.found < shortfall.newest).collect()
    }
}

fn reached<'a, 'b>(levels: &'a [IsvLevel<'b>], isv_svn: u16) -> Option<&'a IsvLevel<'b>> {
    levels.iter().find(|level| isv_svn >= level.tcb.isvsvn)
}

/// Number, version and needed version of each component that is compared. The first two are the module's, and from
/// major version 1 its identity speaks of them.
fn tdx_components<'a, 'b>(
    needed: &'a [Component<'b>; 16],
    svn: TeeTcbSvn,
) -> impl Iterator<Item = (u8, u8, &'a Component<'b>)> {
    let own = if svn.module_version() > 0 { 2 } else { 0 };
    (1..).zip(svn.0).zip(needed).map(|((number, found), needed)| (number, found, needed)).skip(own)
}

fn describe(component: &Component<'_>) -> String {
    let words = [component.category, component.kind].into_iter().flatten().filter(|word| !word.is_empty());
    words.map(|word| format!("{}", word.escape_debug())).collect::<Vec<_>>().join(", ")
}

const fn shortfall(part: TcbPart, description: String, newest: u16, found: u16) -> Shortfall {
    Shortfall { part, description, newest, found }
}
