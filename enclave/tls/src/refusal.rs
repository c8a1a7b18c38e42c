//! Words of the libraries below turned into ours.
//!
//! By hand, where an error has words of its own: those would bring the whole of certificates and configurations as text
//! into the ROM.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use crate::{Interval, ServerHost, Signed, TlsError};

/// Names of a certificate that an error tells, and how much of each.
const NAMES_MAX: usize = 4;
const NAME_MAX_CHARS: usize = 100;

/// For an error of rustls that is not about certificates: those are told by whoever judged them.
pub(crate) fn from_rustls(error: Error) -> TlsError {
    match error {
        Error::AlertReceived(description) => {
            let number = u8::from(description);
            TlsError::AlertReceived { number, name: alert_name(description) }
        }
        Error::PeerIncompatible(what) => TlsError::Incompatible(incompatible(&what)),
        Error::NoApplicationProtocol => TlsError::Incompatible("no application protocol in common"),
        Error::NoCertificatesPresented => TlsError::Certificate("expected one at least, found none"),
        Error::InvalidCertificate(_) => TlsError::Certificate("refused"),
        Error::PeerMisbehaved(how) => TlsError::Protocol(format!("misbehaves: {how:?}")),
        Error::InvalidMessage(how) => TlsError::Protocol(format!("a malformed message: {how:?}")),
        Error::InappropriateMessage { got_type, .. } => {
            TlsError::Protocol(format!("a record out of order, of type {}", u8::from(got_type)))
        }
        Error::InappropriateHandshakeMessage { got_type, .. } => {
            TlsError::Protocol(format!("a handshake message out of order, of type {}", u8::from(got_type)))
        }
        Error::DecryptError => {
            TlsError::Protocol("a record that does not decrypt, or a wrong Finished".into())
        }
        Error::PeerSentOversizedRecord => TlsError::Protocol("a record that is too long".into()),
        Error::FailedToGetRandomBytes => TlsError::NoRandomness,
        _ => TlsError::Internal("TLS failed in a way that it should not"),
    }
}

fn incompatible(what: &PeerIncompatible) -> &'static str {
    match what {
        PeerIncompatible::ExtendedMasterSecretExtensionRequired => "TLS 1.2 without extended master secret",
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => "neither TLS 1.3 nor TLS 1.2",
        PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled => "does not offer TLS 1.3",
        // As old clients do, and none of TLS 1.3.
        PeerIncompatible::SignatureAlgorithmsExtensionRequired => "names no signature algorithms",
        PeerIncompatible::NoCipherSuitesInCommon => "no cipher suite in common",
        PeerIncompatible::NoKxGroupsInCommon => "no group for the key exchange in common",
        PeerIncompatible::NoSignatureSchemesInCommon => "takes no signatures of ECDSA on P-256 with SHA-256",
        _ => "lacks something that both sides need",
    }
}

/// For an error of webpki.
pub(crate) fn from_webpki(error: webpki::Error, host: &ServerHost, now: Interval) -> TlsError {
    match error {
        webpki::Error::CertNotValidYet { not_before, .. } => {
            TlsError::NotYetValid { not_before: not_before.as_secs(), earliest: now.earliest() }
        }
        webpki::Error::CertExpired { not_after, .. } => {
            TlsError::Expired { not_after: not_after.as_secs(), latest: now.latest() }
        }
        webpki::Error::CertNotValidForName(names) => {
            let shortened = |name: &String| name.chars().take(NAME_MAX_CHARS).collect();
            let presented: Vec<_> = names.presented.iter().take(NAMES_MAX).map(shortened).collect();
            TlsError::NameMismatch { expected: format!("{host}"), presented }
        }
        webpki::Error::UnknownIssuer => TlsError::UnknownIssuer,
        webpki::Error::InvalidSignatureForPublicKey
        | webpki::Error::UnsupportedSignatureAlgorithmContext(_)
        | webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            TlsError::BadSignature { on: Signed::Certificate }
        }
        other => TlsError::Certificate(other_certificate_problem(&other)),
    }
}

fn other_certificate_problem(error: &webpki::Error) -> &'static str {
    use webpki::Error as E;
    match error {
        E::CaUsedAsEndEntity => "an authority's, in place of the server's own",
        E::CertDistrusted => "its key is known to be bad",
        E::EndEntityUsedAsCa => "issued by somebody who is no authority",
        E::EmptyEkuExtension | E::RequiredEkuNotFoundContext(_) => "not for TLS servers",
        E::InvalidCertValidity => "ends before it begins",
        E::MaximumPathDepthExceeded | E::PathLenConstraintViolated => "too far from the root",
        E::MaximumNameConstraintComparisonsExceeded
        | E::MaximumPathBuildCallsExceeded
        | E::MaximumSignatureChecksExceeded => "too laborious to check",
        E::NameConstraintViolation => "its issuer may not vouch for such names",
        E::UnsupportedCriticalExtension => "a critical extension that is not known",
        _ => "malformed",
    }
}

/// What rustls makes the alert of that the peer is told.
pub(crate) fn alert_for(error: &TlsError) -> Error {
    let certificate = match error {
        TlsError::NotYetValid { .. } => CertificateError::NotValidYet,
        TlsError::Expired { .. } => CertificateError::Expired,
        TlsError::NameMismatch { .. } => CertificateError::NotValidForName,
        TlsError::UnknownIssuer => CertificateError::UnknownIssuer,
        TlsError::BadSignature { .. } => CertificateError::BadSignature,
        TlsError::Pinned { .. } => CertificateError::ApplicationVerificationFailure,
        _ => CertificateError::BadEncoding,
    };
    Error::InvalidCertificate(certificate)
}

/// As RFC 8446, section 6, and those before it name alerts.
const fn alert_name(description: AlertDescription) -> &'static str {
    use AlertDescription as A;
    match description {
        A::CloseNotify => "close_notify",
        A::UnexpectedMessage => "unexpected_message",
        A::BadRecordMac => "bad_record_mac",
        A::RecordOverflow => "record_overflow",
        A::HandshakeFailure => "handshake_failure",
        A::BadCertificate => "bad_certificate",
        A::UnsupportedCertificate => "unsupported_certificate",
        A::CertificateRevoked => "certificate_revoked",
        A::CertificateExpired => "certificate_expired",
        A::CertificateUnknown => "certificate_unknown",
        A::IllegalParameter => "illegal_parameter",
        A::UnknownCA => "unknown_ca",
        A::AccessDenied => "access_denied",
        A::DecodeError => "decode_error",
        A::DecryptError => "decrypt_error",
        A::ProtocolVersion => "protocol_version",
        A::InsufficientSecurity => "insufficient_security",
        A::InternalError => "internal_error",
        A::InappropriateFallback => "inappropriate_fallback",
        A::UserCanceled => "user_canceled",
        A::NoRenegotiation => "no_renegotiation",
        A::MissingExtension => "missing_extension",
        A::UnsupportedExtension => "unsupported_extension",
        A::UnrecognisedName => "unrecognized_name",
        A::BadCertificateStatusResponse => "bad_certificate_status_response",
        A::UnknownPSKIdentity => "unknown_psk_identity",
        A::CertificateRequired => "certificate_required",
        A::NoApplicationProtocol => "no_application_protocol",
        _ => "another",
    }
}

#[cfg(test)]
mod tests {
    use rustls::{InvalidMessage, PeerMisbehaved};

    use super::*;

    #[test]
    fn messages_name_the_guilty() {
        let alert = from_rustls(Error::AlertReceived(AlertDescription::HandshakeFailure));
        assert_eq!(alert.to_string(), "peer: alert 40 (handshake_failure)");
        let unknown = from_rustls(Error::AlertReceived(AlertDescription::Unknown(200)));
        assert_eq!(unknown.to_string(), "peer: alert 200 (another)");
        let misbehaved = from_rustls(PeerMisbehaved::TooManyWarningAlertsReceived.into());
        assert_eq!(misbehaved.to_string(), "peer: misbehaves: TooManyWarningAlertsReceived");
        let malformed = from_rustls(InvalidMessage::MessageTooLarge.into());
        assert_eq!(malformed.to_string(), "peer: a malformed message: MessageTooLarge");
        let pinned = TlsError::Pinned { found: [0xab; 32] };
        assert!(pinned.to_string().ends_with(&format!("({})", "ab".repeat(32))));
    }

    /// An error that a library gains later has words too.
    #[test]
    fn whatever_else_happens_has_words() {
        assert!(matches!(from_rustls(Error::EncryptError), TlsError::Internal(_)));
        let now = Interval::new(0, 0).unwrap();
        let other = from_webpki(webpki::Error::BadDer, &ServerHost::parse("a.com").unwrap(), now);
        assert_eq!(other, TlsError::Certificate("malformed"));
    }
}
