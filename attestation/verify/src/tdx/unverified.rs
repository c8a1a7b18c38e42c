//! Documents before anybody has verified them: enough to choose one of many.

use alloc::string::{String, ToString};

use serde::Deserialize;

use super::document::{Contents, DOCUMENT_MAX_BYTES, DocumentKind, Frame, Issue, Kind};
use super::qe_identity::QeIdentity;
use super::tcb_info::TcbInfo;

/// What a document claims to be. Nothing to rely on: its signature has not been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnverifiedDocument {
    /// What it is about.
    pub subject: DocumentSubject,
    /// Its dates and its evaluation.
    pub issue: Issue,
}

/// What a document is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentSubject {
    /// Platforms of one kind.
    TcbInfo {
        /// Family, model, stepping, platform type.
        fmspc: [u8; 6],
        /// Provisioning certification enclave.
        pce_id: [u8; 2],
    },
    /// The quoting enclave of TDX.
    QeIdentity,
}

/// Bytes that are no document of Intel's for TDX.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// Longer than any that is issued.
    #[error("document: expected at most {DOCUMENT_MAX_BYTES} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// Of another kind or version.
    #[error("document: expected TDX of version 3 or TD_QE of version 2, found {id:?} of version {version}")]
    Kind {
        /// Kind found.
        id: String,
        /// Version found.
        version: u32,
    },
    /// Not the JSON that the format prescribes.
    #[error("document: expected the JSON of its kind, found {found}")]
    Encoding {
        /// What the reader met.
        found: String,
    },
}

impl UnverifiedDocument {
    /// Reads the answer of Intel's service: the whole of it, as verification will.
    ///
    /// # Errors
    /// It is too long, of another kind, or not in its format.
    pub fn read(body: &[u8]) -> Result<Self, DocumentError> {
        if body.len() > DOCUMENT_MAX_BYTES {
            return Err(DocumentError::TooLong { found: body.len() });
        }
        let frame: Frame<'_> = serde_json::from_slice(body).map_err(encoding)?;
        let body = frame.body.get();
        let Kind { id, version } = read(body)?;
        let is = |kind: &DocumentKind| id == kind.id && version == kind.version;
        if is(&TcbInfo::KIND) {
            let info: TcbInfo<'_> = read(body)?;
            let subject = DocumentSubject::TcbInfo { fmspc: info.fmspc, pce_id: info.pce_id };
            Ok(Self { subject, issue: info.issue() })
        } else if is(&QeIdentity::KIND) {
            let identity: QeIdentity<'_> = read(body)?;
            Ok(Self { subject: DocumentSubject::QeIdentity, issue: identity.issue() })
        } else {
            Err(DocumentError::Kind { id: id.into(), version })
        }
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, DocumentError> {
    serde_json::from_str(body).map_err(encoding)
}

fn encoding(error: serde_json::Error) -> DocumentError {
    DocumentError::Encoding { found: error.to_string() }
}
