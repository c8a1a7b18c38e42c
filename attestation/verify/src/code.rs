//! Stable names of what verification can find.

use core::fmt;

/// What a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The evidence must not be taken as authentic, whatever the policy.
    Fatal,
    /// The evidence stands; a policy decides.
    Policy,
    /// To be known; decides nothing by default.
    Info,
}

impl Kind {
    /// Its name in outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Policy => "policy",
            Self::Info => "info",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $kind:ident, $text:literal;)*) => {
        /// What was found. Names and kinds do not change; new ones may come.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name in outputs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it means.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)* }
            }
        }
    };
}

codes! {
    /// Fewer bytes than the format has.
    Truncated = Fatal, "truncated";
    /// More bytes than the format has.
    TrailingBytes = Fatal, "trailing-bytes";
    /// A version whose layout is not known.
    UnsupportedVersion = Fatal, "unsupported-version";
    /// A byte of the signature field behind R and S is not zero.
    SignaturePaddingNonzero = Fatal, "signature-padding-nonzero";
    /// A byte that the report's version reserves is not zero, under a signature that holds. Not in the shared vocabulary.
    ReservedNonzero = Fatal, "reserved-nonzero";
    /// The signature on the report does not verify.
    SignatureInvalid = Fatal, "signature-invalid";
    /// A certificate does not verify under its issuer.
    CertificateSignatureInvalid = Fatal, "certificate-signature-invalid";
    /// A certificate is not the DER that the format prescribes.
    CertificateEncoding = Fatal, "certificate-encoding";
    /// A certificate is not what its authority issues: names, rights, extensions. Not in the shared vocabulary.
    CertificateProfile = Fatal, "certificate-profile";
    /// A certificate is past its time.
    CertificateExpired = Fatal, "certificate-expired";
    /// A certificate is before its time.
    CertificateNotYetValid = Fatal, "certificate-not-yet-valid";
    /// An issuer between the leaf and the root is missing.
    ChainIncomplete = Fatal, "chain-incomplete";
    /// The chain ends in a root that is not pinned.
    ChainUntrustedRoot = Fatal, "chain-untrusted-root";
    /// The certificate is for other firmware than `REPORTED_TCB`.
    TcbMismatch = Fatal, "tcb-mismatch";
    /// The certificate is for another chip.
    ChipIdMismatch = Fatal, "chip-id-mismatch";
    /// Product name, authority and CPUID do not agree.
    ProductMismatch = Fatal, "product-mismatch";
    /// The report names another kind of key than the certificate is for.
    SigningKeyMismatch = Fatal, "signing-key-mismatch";
    /// The evidence answers another challenge.
    NonceMismatch = Fatal, "nonce-mismatch";
    /// A revocation list does not verify under its issuer in the pinned chain.
    CrlSignatureInvalid = Fatal, "crl-signature-invalid";
    /// A revocation list is not the DER that the format prescribes. Not in the shared vocabulary.
    CrlEncoding = Fatal, "crl-encoding";
    /// A certificate of the chain is revoked.
    CrlRevoked = Fatal, "crl-revoked";
    /// There is no evidence.
    EvidenceMissing = Fatal, "evidence-missing";
    /// There is no certificate for the key that signed.
    VekMissing = Fatal, "vek-missing";
    /// The host may read the guest.
    PolicyDebugEnabled = Policy, "policy-debug-enabled";
    /// The report was not asked for by the most privileged level.
    VmplNonzero = Policy, "vmpl-nonzero";
    /// Third generation hardware.
    ProductMilan = Policy, "product-milan";
    /// Signed by a key of the cloud provider.
    SignerVlek = Policy, "signer-vlek";
    /// The report does not say which chip.
    ChipIdMasked = Policy, "chip-id-masked";
    /// Firmware that can still be rolled back is running.
    TcbProvisional = Policy, "tcb-provisional";
    /// `REPORTED_TCB` or `COMMITTED_TCB` has a component above `CURRENT_TCB`. Not in the shared vocabulary.
    TcbOrder = Policy, "tcb-order";
    /// `REPORT_DATA` is zero: nothing is bound.
    NonceUnbound = Policy, "nonce-unbound";
    /// No revocation list for the chain.
    RevocationUnchecked = Policy, "revocation-unchecked";
    /// The newest revocation list is past its time.
    CrlStale = Policy, "crl-stale";
    /// The newest revocation list is before its time.
    CrlNotYetValid = Policy, "crl-not-yet-valid";
    /// `REPORTED_TCB` has a component below `CURRENT_TCB`.
    TcbReportedBelowCurrent = Info, "tcb-reported-below-current";
    /// `PLATFORM_INFO` has bits without a published meaning.
    PlatformInfoUnknownBits = Info, "platform-info-unknown-bits";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_codes_share_a_name() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert!(Code::ALL.iter().skip(index + 1).all(|other| other.as_str() != code.as_str()), "{code}");
        }
    }
}
