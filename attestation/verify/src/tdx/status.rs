//! What Intel says of a TCB.

use core::fmt;

use serde::Deserialize;

use crate::Code;

/// State of a platform, of one of its parts, or of all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TcbStatus {
    /// Nothing newer is out.
    UpToDate,
    /// Software has to be hardened against a known weakness.
    #[serde(rename = "SWHardeningNeeded")]
    SwHardeningNeeded,
    /// The platform has to be configured otherwise.
    ConfigurationNeeded,
    /// Both of these.
    #[serde(rename = "ConfigurationAndSWHardeningNeeded")]
    ConfigurationAndSwHardeningNeeded,
    /// A newer TCB is out, with fixes.
    OutOfDate,
    /// Out of date, and to be configured otherwise.
    OutOfDateConfigurationNeeded,
    /// The TDX module was updated; a domain that was launched before should be launched again.
    #[serde(skip)]
    TdRelaunchAdvised,
    /// That, and to be configured otherwise.
    #[serde(skip)]
    TdRelaunchAdvisedConfigurationNeeded,
    /// Not to be trusted any more.
    Revoked,
    /// No level matches.
    #[serde(skip)]
    NotSupported,
}

impl TcbStatus {
    /// The code that reports it.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::UpToDate => Code::TcbUpToDate,
            Self::SwHardeningNeeded => Code::TcbSwHardeningNeeded,
            Self::ConfigurationNeeded => Code::TcbConfigurationNeeded,
            Self::ConfigurationAndSwHardeningNeeded => Code::TcbConfigurationAndSwHardeningNeeded,
            Self::OutOfDate => Code::TcbOutOfDate,
            Self::OutOfDateConfigurationNeeded => Code::TcbOutOfDateConfigurationNeeded,
            Self::TdRelaunchAdvised => Code::TcbTdRelaunchAdvised,
            Self::TdRelaunchAdvisedConfigurationNeeded => Code::TcbTdRelaunchAdvisedConfigurationNeeded,
            Self::Revoked => Code::TcbRevoked,
            Self::NotSupported => Code::TcbNotSupported,
        }
    }

    /// Its name as Intel spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let code = self.code().as_str();
        code.strip_prefix("tcb-status:").unwrap_or(code)
    }

    /// A platform of this status with a part of status `part`.
    #[must_use]
    pub(super) const fn merged_with(self, part: Self) -> Self {
        match (self, part) {
            (Self::NotSupported, _) | (_, Self::NotSupported) => Self::NotSupported,
            (Self::Revoked, _) | (_, Self::Revoked) => Self::Revoked,
            (Self::UpToDate | Self::SwHardeningNeeded, Self::OutOfDate) => Self::OutOfDate,
            (Self::ConfigurationNeeded | Self::ConfigurationAndSwHardeningNeeded, Self::OutOfDate) => {
                Self::OutOfDateConfigurationNeeded
            }
            (status, _) => status,
        }
    }

    /// A domain that was launched under a module that makes this status and runs under one that makes `current`.
    /// Intel's library looks at `current` for the advice only; here a module that makes things worse counts too.
    #[must_use]
    pub(super) const fn relaunched_as(self, current: Self) -> Self {
        match (self, current) {
            (Self::NotSupported, _) | (_, Self::NotSupported) => Self::NotSupported,
            (Self::Revoked, _) | (_, Self::Revoked) => Self::Revoked,
            (launch, Self::OutOfDate) => launch.merged_with(Self::OutOfDate),
            (_, Self::OutOfDateConfigurationNeeded) => Self::OutOfDateConfigurationNeeded,
            (Self::OutOfDate, Self::UpToDate | Self::SwHardeningNeeded) => Self::TdRelaunchAdvised,
            (Self::OutOfDate | Self::OutOfDateConfigurationNeeded, _) => {
                Self::TdRelaunchAdvisedConfigurationNeeded
            }
            (launch, _) => launch,
        }
    }
}

impl fmt::Display for TcbStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
