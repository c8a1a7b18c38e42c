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
    /// Evidence of another TEE than the format's.
    UnsupportedTeeType = Fatal, "unsupported-tee-type";
    /// An attestation key of another kind than ECDSA on P-256.
    UnsupportedKeyType = Fatal, "unsupported-key-type";
    /// A structure that its format does not have: a type or a size out of place. Not in the shared vocabulary.
    Malformed = Fatal, "malformed";
    /// A byte of the signature field behind R and S is not zero.
    SignaturePaddingNonzero = Fatal, "signature-padding-nonzero";
    /// A byte that the report's version reserves is not zero, under a signature that holds. Not in the shared vocabulary.
    ReservedNonzero = Fatal, "reserved-nonzero";
    /// The signature on the report does not verify.
    SignatureInvalid = Fatal, "signature-invalid";
    /// The PCK leaf did not sign the report of the quoting enclave.
    QeReportSignatureInvalid = Fatal, "qe-report-signature-invalid";
    /// The quoting enclave did not vouch for the attestation key.
    AkUnbound = Fatal, "ak-unbound";
    /// The quoting enclave is not Intel's.
    QeVendorUnknown = Fatal, "qe-vendor-unknown";
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
    /// The firmware in the report is not the one in the certificate of its key.
    FwidMismatch = Fatal, "fwid-mismatch";
    /// A device is listed twice. Not in the shared vocabulary.
    DeviceRepeated = Fatal, "device-repeated";
    /// The evidence answers another challenge.
    NonceMismatch = Fatal, "nonce-mismatch";
    /// A revocation list does not verify under its issuer in the pinned chain.
    CrlSignatureInvalid = Fatal, "crl-signature-invalid";
    /// A revocation list is not the DER that the format prescribes. Not in the shared vocabulary.
    CrlEncoding = Fatal, "crl-encoding";
    /// A certificate of the chain is revoked.
    CrlRevoked = Fatal, "crl-revoked";
    /// TCB info or QE identity does not verify under its signing certificate.
    CollateralSignatureInvalid = Fatal, "collateral-signature-invalid";
    /// The chain that signs collateral ends in a root that is not pinned.
    CollateralChainUntrustedRoot = Fatal, "collateral-chain-untrusted-root";
    /// The chain that signs collateral lacks a link, or one does not hold. Not in the shared vocabulary.
    CollateralChainInvalid = Fatal, "collateral-chain-invalid";
    /// Collateral is not what its format prescribes. Not in the shared vocabulary.
    CollateralEncoding = Fatal, "collateral-encoding";
    /// Collateral is for another platform, or a document of another kind.
    CollateralMismatch = Fatal, "collateral-mismatch";
    /// The quoting enclave is not the one that QE identity describes.
    QeIdentityMismatch = Fatal, "qe-identity-mismatch";
    /// The TDX module is not the one that TCB info describes.
    TdxModuleMismatch = Fatal, "tdx-module-mismatch";
    /// Signature value or reference digest of a RIM does not verify.
    RimSignatureInvalid = Fatal, "rim-signature-invalid";
    /// An issuer in the chain of a RIM is missing.
    RimChainIncomplete = Fatal, "rim-chain-incomplete";
    /// The chain of a RIM ends in a root that is not pinned.
    RimChainUntrustedRoot = Fatal, "rim-chain-untrusted-root";
    /// A RIM is for another driver or VBIOS than the report names.
    RimVersionMismatch = Fatal, "rim-version-mismatch";
    /// A RIM is not what its format prescribes. Not in the shared vocabulary.
    RimEncoding = Fatal, "rim-encoding";
    /// The virtual TPM is not the one that the hardware report vouches for. Not in the shared vocabulary.
    VtpmUnbound = Fatal, "vtpm-unbound";
    /// There is no evidence.
    EvidenceMissing = Fatal, "evidence-missing";
    /// There is no certificate for the key that signed.
    VekMissing = Fatal, "vek-missing";
    /// There is no certificate chain for the signature.
    ChainMissing = Fatal, "chain-missing";
    /// Collateral came without the chain that signs it.
    CollateralChainMissing = Fatal, "collateral-chain-missing";
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
    /// Evidence of two devices, and nothing ties them together.
    UnboundPair = Policy, "unbound-pair";
    /// Bytes behind the end of the evidence, covered by no signature; not read.
    TrailingUnsigned = Policy, "trailing-unsigned";
    /// No revocation list for the chain.
    RevocationUnchecked = Policy, "revocation-unchecked";
    /// The newest revocation list is past its time.
    CrlStale = Policy, "crl-stale";
    /// The newest revocation list is before its time.
    CrlNotYetValid = Policy, "crl-not-yet-valid";
    /// TCB info or QE identity did not come along.
    CollateralMissing = Policy, "collateral-missing";
    /// Collateral is past its time.
    CollateralExpired = Policy, "collateral-expired";
    /// Collateral is before its time.
    CollateralNotYetValid = Policy, "collateral-not-yet-valid";
    /// A certificate that signs collateral is past its time.
    CollateralCertificateExpired = Policy, "collateral-certificate-expired";
    /// A certificate that signs collateral is before its time.
    CollateralCertificateNotYetValid = Policy, "collateral-certificate-not-yet-valid";
    /// TCB info and QE identity are of different evaluations.
    CollateralEvalMismatch = Policy, "collateral-eval-mismatch";
    /// Intel: software has to be hardened against a known weakness.
    TcbSwHardeningNeeded = Policy, "tcb-status:SWHardeningNeeded";
    /// Intel: the platform has to be configured otherwise.
    TcbConfigurationNeeded = Policy, "tcb-status:ConfigurationNeeded";
    /// Intel: both of these.
    TcbConfigurationAndSwHardeningNeeded = Policy, "tcb-status:ConfigurationAndSWHardeningNeeded";
    /// Intel: a newer TCB is out, with fixes.
    TcbOutOfDate = Policy, "tcb-status:OutOfDate";
    /// Intel: out of date, and to be configured otherwise.
    TcbOutOfDateConfigurationNeeded = Policy, "tcb-status:OutOfDateConfigurationNeeded";
    /// Intel: the TDX module was updated; the domain that still relies on the old one should be launched again.
    TcbTdRelaunchAdvised = Policy, "tcb-status:TDRelaunchAdvised";
    /// Intel: that, and to be configured otherwise.
    TcbTdRelaunchAdvisedConfigurationNeeded = Policy, "tcb-status:TDRelaunchAdvisedConfigurationNeeded";
    /// Intel: not to be trusted any more.
    TcbRevoked = Policy, "tcb-status:Revoked";
    /// No level of the TCB info matches.
    TcbNotSupported = Policy, "tcb-status:NotSupported";
    /// A page that the host takes away does not end the domain.
    TdSeptVeDisableClear = Policy, "td-sept-ve-disable-clear";
    /// Protection keys for supervisor pages are on.
    TdPksEnabled = Policy, "td-pks-enabled";
    /// `TDATTRIBUTES` has bits without a published meaning. Not in the shared vocabulary.
    TdAttributesUnknownBits = Policy, "td-attributes-unknown-bits";
    /// A service domain may act for this one.
    TdServiceTdBound = Policy, "td-service-td-bound";
    /// The event log does not lead to RTMR0.
    EventLogMismatchRtmr0 = Policy, "event-log-mismatch:rtmr0";
    /// The event log does not lead to RTMR1.
    EventLogMismatchRtmr1 = Policy, "event-log-mismatch:rtmr1";
    /// The event log does not lead to RTMR2.
    EventLogMismatchRtmr2 = Policy, "event-log-mismatch:rtmr2";
    /// The event log does not lead to RTMR3.
    EventLogMismatchRtmr3 = Policy, "event-log-mismatch:rtmr3";
    /// A RIM that the device needs did not come along.
    RimMissing = Policy, "rim-missing";
    /// A measurement is not the one that a RIM calls for.
    RimMeasurementMismatch = Policy, "rim-measurement-mismatch";
    /// The devices of a machine do not name each other as their links would have it. Not in the shared vocabulary.
    TopologyMismatch = Policy, "topology-mismatch";
    /// A certificate that signs a RIM is past its time.
    RimCertificateExpired = Policy, "rim-certificate-expired";
    /// A certificate that signs a RIM is before its time.
    RimCertificateNotYetValid = Policy, "rim-certificate-not-yet-valid";
    /// `REPORTED_TCB` has a component below `CURRENT_TCB`.
    TcbReportedBelowCurrent = Info, "tcb-reported-below-current";
    /// `PLATFORM_INFO` has bits without a published meaning.
    PlatformInfoUnknownBits = Info, "platform-info-unknown-bits";
    /// Intel: nothing newer is out.
    TcbUpToDate = Info, "tcb-status:UpToDate";
    /// The TDX module is another one than at launch.
    TdxModuleUpdated = Info, "tdx-module-updated";
    /// The event log leads to all four RTMRs.
    EventLogMatch = Info, "event-log-match";
    /// `REPORT_DATA` holds a digest of the runtime data, whose attestation key signed the quote of a virtual TPM.
    VtpmBound = Info, "vtpm-bound";
    /// Every measurement is the one that the RIMs call for.
    RimMeasurementMatch = Info, "rim-measurement-match";
    /// The report has no identity of its firmware.
    FwidAbsent = Info, "fwid-absent";
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

    /// `CODES.md` of the shared evidence, row by row: name and kind. Where there are fixtures.
    #[test]
    fn the_shared_vocabulary_is_spoken_whole() {
        let Some(path) = tests_needs::fixture("CODES.md") else { return };
        let text = std::fs::read_to_string(path).unwrap();
        let rows = text.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
            let name = cells.next()?.trim_end_matches('`');
            let kind = cells.next().filter(|kind| ["fatal", "policy", "info"].contains(kind))?;
            Some((name, kind))
        });
        let mut count = 0;
        for (name, kind) in rows {
            // One row for several codes ends in a word in capitals, or in the number of a register.
            let prefix = name.strip_suffix("STATUS").or(name.strip_suffix('N')).unwrap_or(name);
            let mut codes = Code::ALL.iter().filter(|code| {
                let rest = code.as_str().strip_prefix(prefix);
                rest == Some("") || prefix != name && rest.is_some_and(|rest| rest != "UpToDate")
            });
            let first = codes.next().map(|code| code.kind().as_str());
            assert_eq!(first, Some(kind), "{name}");
            assert!(codes.all(|code| code.kind().as_str() == kind), "{name}");
            count += 1;
        }
        assert_eq!(count, 72, "rows: is the table complete?");
    }
}
