//! TD reports as they stand in quotes, field by field, in the order and with the names of the specification.

use core::fmt;
use core::mem::offset_of;

use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{TdAttributes, Xfam};

/// `TD Report` of TDX 1.0: body of version 4, body type 2 of version 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct TdReport10 {
    /// Security versions of the TDX module at launch; read them with [`TdReport10::tee_tcb_svn`].
    pub tee_tcb_svn: [u8; 16],
    /// Measurement of the TDX module.
    pub mr_seam: [u8; 48],
    /// Signer of the TDX module; zero is Intel.
    pub mr_signer_seam: [u8; 48],
    /// Attributes of the TDX module; zero in production.
    pub seam_attributes: U64,
    /// Attributes of the domain; read them with [`TdReport10::attributes`].
    pub td_attributes: U64,
    /// Extended features of the domain; read them with [`TdReport10::features`].
    pub xfam: U64,
    /// Measurement of the domain's first contents.
    pub mr_td: [u8; 48],
    /// What the owner configured besides: not measured, chosen by who launched.
    pub mr_config_id: [u8; 48],
    /// Identity of the domain's owner.
    pub mr_owner: [u8; 48],
    /// What the owner configured of this workload.
    pub mr_owner_config: [u8; 48],
    /// Registers that the domain itself extends, RTMR0 to RTMR3.
    pub rtmr: [[u8; 48]; 4],
    /// What the domain put in its request.
    pub report_data: [u8; 64],
}

/// `TD Report` of TDX 1.5: body type 3 of version 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct TdReport15 {
    /// What TDX 1.0 reports.
    pub base: TdReport10,
    /// Security versions of the TDX module that runs now.
    pub tee_tcb_svn_2: [u8; 16],
    /// Measurement of the service domains that are bound to this one; zero when there are none.
    pub mr_service_td: [u8; 48],
}

const _: () = assert!(size_of::<TdReport10>() == 584, "TD Quote Format: a TD report 1.0 has 584 bytes");
const _: () = assert!(size_of::<TdReport15>() == 648, "TD Quote Format: a TD report 1.5 has 648 bytes");
const _: () =
    assert!(offset_of!(TdReport10, seam_attributes) == 112, "TD Quote Format: SEAMATTRIBUTES at 112");
const _: () = assert!(offset_of!(TdReport10, td_attributes) == 120, "TD Quote Format: TDATTRIBUTES at 120");
const _: () = assert!(offset_of!(TdReport10, mr_td) == 136, "TD Quote Format: MRTD at 136");
const _: () = assert!(offset_of!(TdReport10, rtmr) == 328, "TD Quote Format: RTMR0 at 328");
const _: () = assert!(offset_of!(TdReport10, report_data) == 520, "TD Quote Format: REPORTDATA at 520");

/// `TEE_TCB_SVN`: one security version per component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TeeTcbSvn(pub [u8; 16]);

/// The report in a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TdBody {
    /// Of TDX 1.0.
    Report10(TdReport10),
    /// Of TDX 1.5.
    Report15(TdReport15),
}

impl TdBody {
    /// What both layouts have.
    #[must_use]
    pub const fn report(&self) -> &TdReport10 {
        match self {
            Self::Report10(report) | Self::Report15(TdReport15 { base: report, .. }) => report,
        }
    }

    /// The report when it is of TDX 1.5.
    #[must_use]
    pub const fn report_15(&self) -> Option<&TdReport15> {
        match self {
            Self::Report10(_) => None,
            Self::Report15(report) => Some(report),
        }
    }
}

impl TdReport10 {
    /// Security versions of the TDX module at launch.
    #[must_use]
    pub const fn tee_tcb_svn(&self) -> TeeTcbSvn {
        TeeTcbSvn(self.tee_tcb_svn)
    }

    /// Attributes of the domain.
    #[must_use]
    pub const fn attributes(&self) -> TdAttributes {
        TdAttributes(self.td_attributes.get())
    }

    /// Extended features of the domain.
    #[must_use]
    pub const fn features(&self) -> Xfam {
        Xfam(self.xfam.get())
    }
}

impl TdReport15 {
    /// Security versions of the TDX module that runs now.
    #[must_use]
    pub const fn tee_tcb_svn_2(&self) -> TeeTcbSvn {
        TeeTcbSvn(self.tee_tcb_svn_2)
    }
}

impl TeeTcbSvn {
    /// Security version of the TDX module within its major version.
    #[must_use]
    pub const fn module_isv_svn(self) -> u8 {
        let [minor, ..] = self.0;
        minor
    }

    /// Major version of the TDX module. From 1, TCB info describes each major version separately.
    #[must_use]
    pub const fn module_version(self) -> u8 {
        let [_, major, ..] = self.0;
        major
    }
}

impl fmt::Display for TeeTcbSvn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
