//! Why evidence is not believed.

use attestation_report::ReportError;

/// Evidence that is malformed or does not verify. Whoever handed it out is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Longer than anything that a guest makes.
    #[error("evidence: expected at most {limit} bytes of {field}, found {found}")]
    TooLong {
        /// Which part.
        field: &'static str,
        /// Longest that is accepted.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// Not the CBOR map that the format asks for.
    #[error("evidence: not the expected CBOR at byte {offset}")]
    Malformed {
        /// Where decoding stopped.
        offset: usize,
    },
    /// The same content has one deterministic encoding, and this is another.
    #[error("evidence: not in deterministic encoding")]
    NotDeterministic,
    /// Another version of the format.
    #[error("evidence version: expected {expected}, found {found}")]
    Version {
        /// The only version.
        expected: u32,
        /// Version found.
        found: u32,
    },
    /// A platform that this build does not know.
    #[error("evidence platform: expected 1 (simulated), 2 (SEV-SNP) or 3 (TDX), found {found}")]
    UnknownPlatform {
        /// Number found.
        found: u8,
    },
    /// Evidence of a machine, where that of the simulated platform is expected.
    #[error("evidence platform: expected simulated, found {found}")]
    NotSimulated {
        /// Name of the platform.
        found: &'static str,
    },
    /// The report does not parse.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The endorsement has another length, label or version.
    #[error("endorsement: not a simulated chip's endorsement ({found} bytes)")]
    EndorsementFormat {
        /// Bytes found.
        found: usize,
    },
    /// The development root did not sign the endorsement.
    #[error("endorsement: not signed by the development root")]
    EndorsementSignature,
    /// The endorsed key is not a point of P-384.
    #[error("endorsement: the endorsed key is not a P-384 point")]
    EndorsedKey,
    /// The endorsed key did not sign the report.
    #[error("report: not signed by the endorsed chip key")]
    ReportSignature,
    /// The endorsement is of another chip.
    #[error("report chip id differs from the endorsed chip id at byte {offset}")]
    ChipId {
        /// First byte that differs.
        offset: usize,
    },
    /// The endorsed key belongs to another firmware level.
    #[error("report REPORTED_TCB: expected {expected:#018x} as endorsed, found {found:#018x}")]
    Tcb {
        /// As endorsed.
        expected: u64,
        /// As reported.
        found: u64,
    },
    /// The report was made for another instance key, HPKE key or manifest.
    #[error("report REPORT_DATA does not bind this instance key and manifest")]
    ReportData,
    /// The guest was launched with another manifest.
    #[error("report HOST_DATA is not the SHA-256 of this manifest")]
    HostData,
}
