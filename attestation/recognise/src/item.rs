//! What there is to recognise.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// One thing, with the bytes that its reader takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it looks like.
    pub kind: Kind,
    /// Its bytes, out of all that it was wrapped in.
    pub bytes: Vec<u8>,
    /// What it was wrapped in, outermost first.
    pub within: Vec<String>,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $title:literal;)*) => {
        /// What a thing can be.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[doc = $doc])* $name,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// All names, for messages.
            pub(crate) const NAMES: &'static str = "evidence or collateral of SEV-SNP, TDX, NVIDIA or Redoubt";

            /// Its name in outputs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What people call it.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

kinds! {
    /// 56860, `ATTESTATION_REPORT`.
    SnpReport = "snp-report", "SEV-SNP attestation report";
    /// Intel TDX quote, version 4 or 5.
    TdxQuote = "tdx-quote", "TDX quote";
    /// SPDM request and response of an NVIDIA device.
    SpdmReport = "nvidia-report", "NVIDIA measurement report (SPDM)";
    /// List of NVIDIA's attestation SDK: device, chain, report, nonce.
    NvidiaEvidence = "nvidia-evidence", "evidence list of NVIDIA's attestation SDK";
    /// Blob of Azure's paravisor.
    HclReport = "hcl-report", "HCL report of Azure's paravisor";
    /// `TPMS_ATTEST` of a virtual TPM.
    TpmQuote = "tpm-quote", "quote of a virtual TPM";
    /// Its signature.
    TpmSignature = "tpm-signature", "signature of a virtual TPM's quote";
    /// Registers of the SHA-256 bank, 32 bytes each.
    TpmRegisters = "tpm-registers", "registers of a virtual TPM";
    /// X.509, DER.
    Certificate = "certificate", "certificate";
    /// X.509, DER.
    RevocationList = "crl", "certificate revocation list";
    /// PCS: TCB info with its signature.
    TcbInfo = "tcb-info", "Intel TCB info";
    /// PCS: QE identity with its signature.
    QeIdentity = "qe-identity", "Intel QE identity";
    /// Reference integrity manifest of NVIDIA.
    Rim = "rim", "reference integrity manifest (RIM)";
    /// CoRIM: what guests of an image measure to.
    ReferenceManifest = "corim", "reference values (CoRIM)";
    /// TCG event log.
    EventLog = "event-log", "TCG event log";
    /// The instant for which a bundle was made, RFC 3339.
    BundleTime = "bundle-time", "time of a bundle";
    /// Redoubt's evidence, deterministic CBOR.
    Evidence = "redoubt-evidence", "evidence of a Redoubt guest";
    /// What a run learnt from outside, see `attestation-transcript`.
    Transcript = "redoubt-transcript", "transcript of a Redoubt job";
    /// What a service was asked, see `attestation_claim::message`.
    Request = "redoubt-request", "request to a Redoubt service";
    /// Redoubt's claim, COSE_Sign1.
    Claim = "redoubt-claim", "claim of a Redoubt guest";
    /// Redoubt's receipt of an HTTPS exchange, COSE_Sign1.
    Receipt = "redoubt-receipt", "receipt of a Redoubt guest";
    /// What servers of Roughtime signed, see `attestation-roughtime`.
    TimeProof = "roughtime-proof", "proof of the time (Roughtime)";
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
