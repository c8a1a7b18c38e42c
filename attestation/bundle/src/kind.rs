//! What can be in a bundle.

use core::fmt;

/// What an item is. The numbers are part of the format: they are never given to something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum Kind {
    /// Evidence of a guest of this project, as `attestation-evidence` encodes it.
    Evidence = 1,
    /// SEV-SNP report.
    SnpReport = 2,
    /// What Azure's paravisor leaves at NV index 0x01400001.
    HclReport = 3,
    /// `TPMS_ATTEST` of that virtual TPM.
    VtpmQuote = 4,
    /// Signature of that quote: RSASSA-PKCS1-v1_5, big-endian.
    VtpmSignature = 5,
    /// Registers 0 to 23 of its SHA-256 bank, 32 bytes each, in their order.
    VtpmPcrs = 6,
    /// TDX quote, with the chain of the PCK certificate in it.
    TdxQuote = 7,
    /// Event log: TCG crypto-agile, as ACPI's CCEL table points to.
    EventLog = 8,
    /// NVIDIA report: request and response of SPDM `GET_MEASUREMENTS`.
    NvidiaReport = 9,
    /// The device's chain of certificates: PEM, leaf first.
    NvidiaChain = 10,
    /// VCEK or VLEK: DER.
    Vek = 32,
    /// ASK or ASVK, then ARK: PEM, as KDS serves it.
    AmdChain = 33,
    /// Revocation list of an ARK: DER.
    AmdCrl = 34,
    /// TCB info of TDX: JSON, as PCS serves it.
    TcbInfo = 48,
    /// Who signed it: PEM, leaf first.
    TcbInfoChain = 49,
    /// Identity of the TD quoting enclave: JSON, as PCS serves it.
    QeIdentity = 50,
    /// Who signed it: PEM, leaf first.
    QeIdentityChain = 51,
    /// Chain of a PCK certificate where the quote has none: PEM, leaf first.
    PckChain = 52,
    /// Revocation list of the PCK Processor or Platform CA: DER.
    PckCrl = 53,
    /// Who signed it: PEM, leaf first.
    PckCrlChain = 54,
    /// Revocation list of the Intel SGX Root CA: DER.
    RootCrl = 55,
    /// Reference integrity manifest of a driver, VBIOS or switch: XML, as its maker signed it.
    Rim = 64,
}

impl Kind {
    /// All, by rising number.
    pub const ALL: [Self; 22] = [
        Self::Evidence,
        Self::SnpReport,
        Self::HclReport,
        Self::VtpmQuote,
        Self::VtpmSignature,
        Self::VtpmPcrs,
        Self::TdxQuote,
        Self::EventLog,
        Self::NvidiaReport,
        Self::NvidiaChain,
        Self::Vek,
        Self::AmdChain,
        Self::AmdCrl,
        Self::TcbInfo,
        Self::TcbInfoChain,
        Self::QeIdentity,
        Self::QeIdentityChain,
        Self::PckChain,
        Self::PckCrl,
        Self::PckCrlChain,
        Self::RootCrl,
        Self::Rim,
    ];

    /// Kinds of which there are as many of one as of the other, the first belonging to the first.
    pub(crate) const PAIRS: [(Self, Self); 7] = [
        (Self::HclReport, Self::VtpmQuote),
        (Self::HclReport, Self::VtpmSignature),
        (Self::HclReport, Self::VtpmPcrs),
        (Self::NvidiaReport, Self::NvidiaChain),
        (Self::TcbInfo, Self::TcbInfoChain),
        (Self::QeIdentity, Self::QeIdentityChain),
        (Self::PckCrl, Self::PckCrlChain),
    ];

    /// Its number in a bundle.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::SnpReport => "SEV-SNP report",
            Self::HclReport => "HCL report",
            Self::VtpmQuote => "virtual TPM's quote",
            Self::VtpmSignature => "virtual TPM's signature",
            Self::VtpmPcrs => "virtual TPM's registers",
            Self::TdxQuote => "TDX quote",
            Self::EventLog => "event log",
            Self::NvidiaReport => "NVIDIA report",
            Self::NvidiaChain => "NVIDIA device chain",
            Self::Vek => "VCEK or VLEK",
            Self::AmdChain => "ASK or ASVK with ARK",
            Self::AmdCrl => "CRL of an ARK",
            Self::TcbInfo => "TCB info",
            Self::TcbInfoChain => "TCB info issuer chain",
            Self::QeIdentity => "QE identity",
            Self::QeIdentityChain => "QE identity issuer chain",
            Self::PckChain => "PCK chain",
            Self::PckCrl => "CRL of a PCK CA",
            Self::PckCrlChain => "PCK CRL issuer chain",
            Self::RootCrl => "CRL of the Intel SGX Root CA",
            Self::Rim => "RIM",
        }
    }

    /// Whether it is shown by a machine; everything else is published by a vendor.
    #[must_use]
    pub const fn is_evidence(self) -> bool {
        self.number() < Self::Vek.number()
    }

    /// The longest that is read.
    #[must_use]
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::EventLog => 1024 * 1024,
            Self::Evidence | Self::Rim | Self::TcbInfo => 128 * 1024,
            Self::AmdCrl | Self::PckCrl | Self::RootCrl | Self::NvidiaChain => 64 * 1024,
            Self::SnpReport => 1184,
            Self::VtpmPcrs => 24 * 32,
            Self::Vek => 8 * 1024,
            _ => 32 * 1024,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_lead_back() {
        assert!(Kind::ALL.is_sorted());
        for number in 0..=u8::MAX {
            let kind = Kind::from_number(number);
            assert!(kind.is_none_or(|kind| kind.number() == number && Kind::ALL.contains(&kind)));
        }
        // The format is written down here a second time, so that a renumbering does not pass unseen.
        let numbers = Kind::ALL.map(Kind::number);
        let expected = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 32, 33, 34, 48, 49, 50, 51, 52, 53, 54, 55, 64];
        assert_eq!(
            numbers, expected,
            "numbers of kinds are part of the format: give new ones only to new kinds"
        );
        assert!(Kind::NvidiaChain.is_evidence() && !Kind::Vek.is_evidence());
    }
}
