//! Event logs: what a domain's registers were extended with, by the account of somebody whom nobody believes.
//!
//! A log is not signed. It is worth something exactly when replaying it leads to the registers of a genuine quote; then
//! its digests are those that the domain was extended with. Texts and data beside a digest are not covered by that: see
//! [`Event::is_digest_of_data`].

mod ccel;
mod digests;

use alloc::format;
use alloc::string::String;

use attestation_report::tdx::TdReport10;
use sha2::{Digest, Sha384};

pub use ccel::{CcelEvents, Event};

use crate::{Code, Trail};

/// The longest log that is read; those of firmware fill a region of 64 or 256 KiB.
pub const EVENT_LOG_MAX_BYTES: usize = 1024 * 1024;

/// A log in one of its formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventLog<'a> {
    /// What the ACPI table CCEL points to: the crypto-agile log of TCG, over the registers of TDX.
    Ccel(&'a [u8]),
    /// A JSON list of events as dstack keeps it: `imr`, `event_type`, `digest`, `event`, `event_payload`.
    Digests(&'a [u8]),
}

/// RTMR0 to RTMR3.
pub type Rtmrs = [[u8; 48]; 4];

/// A log that leads to no register.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventLogError {
    /// Longer than any firmware's.
    #[error("event log: expected at most {EVENT_LOG_MAX_BYTES} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// A size or a count reaches beyond the end.
    #[error("event log: {field} at byte {offset} reaches beyond the end")]
    Truncated {
        /// What should stand there.
        field: &'static str,
        /// Where.
        offset: usize,
    },
    /// A field that the format fills otherwise.
    #[error("event log: {field} at byte {offset}: expected {expected}, found {found}")]
    Field {
        /// Which field.
        field: &'static str,
        /// Where.
        offset: usize,
        /// What the format prescribes.
        expected: &'static str,
        /// What stands there.
        found: u64,
    },
    /// Not the JSON that the format prescribes.
    #[error("event log: expected a list of events, found {found}")]
    Json {
        /// What the reader met.
        found: String,
    },
}

impl EventLog<'_> {
    /// Extends four registers, which begin as zero, with everything in the log.
    ///
    /// # Errors
    /// The log is not in its format, or extends something else than RTMR0 to RTMR3.
    pub fn replay(&self) -> Result<Rtmrs, EventLogError> {
        let (Self::Ccel(bytes) | Self::Digests(bytes)) = self;
        if bytes.len() > EVENT_LOG_MAX_BYTES {
            return Err(EventLogError::TooLong { found: bytes.len() });
        }
        match self {
            Self::Ccel(bytes) => ccel::replay(bytes),
            Self::Digests(bytes) => digests::replay(bytes),
        }
    }
}

/// `register` becomes the digest of itself and `digest`. Nothing when there is no such register.
fn extend(rtmrs: &mut Rtmrs, register: usize, digest: &[u8; 48]) -> Option<()> {
    let rtmr = rtmrs.get_mut(register)?;
    *rtmr = Sha384::new().chain_update(*rtmr).chain_update(digest).finalize().into();
    Some(())
}

/// Compares where `log` leads with the registers of a genuine report.
pub(super) fn note(trail: &mut Trail, log: &EventLog<'_>, report: &TdReport10) {
    const CODES: [Code; 4] = [
        Code::EventLogMismatchRtmr0,
        Code::EventLogMismatchRtmr1,
        Code::EventLogMismatchRtmr2,
        Code::EventLogMismatchRtmr3,
    ];
    let replayed = log.replay();
    for ((index, code), expected) in CODES.into_iter().enumerate().zip(&report.rtmr) {
        let what = format!("event log: RTMR{index}");
        match &replayed {
            Ok(rtmrs) => {
                let found = rtmrs.get(index);
                let shown = found.map(hex::encode).unwrap_or_default();
                trail.note(code, what, hex::encode(expected), shown, found == Some(expected));
            }
            Err(error) => trail.note(code, what, hex::encode(expected), error, false),
        }
    }
    if replayed.as_ref() == Ok(&report.rtmr) {
        trail.fact(Code::EventLogMatch, "event log", "RTMR0 to RTMR3");
    }
}
