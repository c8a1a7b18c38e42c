//! The certificate by which a server's key vouches for itself, as others read it.

use std::path::Path;
use std::process::{Command, Output};

use enclave_tls::{SERVER_NAME, ServerIdentity, TlsError};
use pem_rfc7468::{LineEnding, encode_string};
use sha2::Digest as _;
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, SubjectAltName};

use crate::program::is_there;

pub(crate) fn pem(identity: &ServerIdentity) -> String {
    encode_string("CERTIFICATE", LineEnding::LF, identity.certificate()).unwrap()
}

fn issued(name: &str) -> Certificate {
    let identity = ServerIdentity::self_issued(name).unwrap();
    let certificate = Certificate::from_der(identity.certificate()).unwrap();
    // There is one spelling, and this is it.
    assert_eq!(certificate.to_der().unwrap(), identity.certificate());
    let info = certificate.tbs_certificate().subject_public_key_info().to_der().unwrap();
    assert_eq!(identity.spki_sha256(), <[u8; 32]>::from(sha2::Sha256::digest(info)));
    certificate
}

#[test]
fn certificates_say_what_they_should() {
    let certificate = issued("guest 7 (été), \"quoted\"");
    let signed = certificate.tbs_certificate();
    assert_eq!(signed.version(), x509_cert::certificate::Version::V3);
    assert_eq!(signed.issuer(), signed.subject());
    assert_eq!(signed.subject().iter().count(), 1);
    let common_name = signed.subject().iter().next().unwrap();
    assert_eq!(common_name.oid, ObjectIdentifier::new_unwrap("2.5.4.3"));
    assert_eq!(common_name.value.value(), "guest 7 (été), \"quoted\"".as_bytes());
    assert_eq!(signed.serial_number().as_bytes().len(), 16);
    assert_eq!(signed.validity().not_before.to_unix_duration().as_secs(), 0);
    assert_eq!(signed.validity().not_after.to_date_time().to_string(), "9999-12-31T23:59:59Z");
    assert_eq!(certificate.signature_algorithm(), signed.signature());
    let oid = certificate.signature_algorithm().oid;
    assert_eq!(oid, ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"));

    let (is_critical, constraints) = signed.get_extension::<BasicConstraints>().unwrap().unwrap();
    assert_eq!((is_critical, constraints.ca, constraints.path_len_constraint), (true, false, None));
    let (is_critical, usage) = signed.get_extension::<ExtendedKeyUsage>().unwrap().unwrap();
    assert_eq!((is_critical, usage.0), (false, vec![ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1")]));
    let (is_critical, names) = signed.get_extension::<SubjectAltName>().unwrap().unwrap();
    let [GeneralName::DnsName(name)] = names.0.as_slice() else { panic!("{names:?}") };
    assert_eq!((is_critical, name.as_str()), (false, SERVER_NAME));
    assert_eq!(signed.extensions().unwrap().len(), 3);
}

#[test]
fn certificates_differ() {
    let (one, other) = (issued("a"), issued("a"));
    let (one, other) = (one.tbs_certificate(), other.tbs_certificate());
    assert_ne!(one.serial_number(), other.serial_number());
    assert_ne!(one.subject_public_key_info(), other.subject_public_key_info());
    assert_eq!(one.subject(), other.subject());
}

#[test]
fn names_that_are_none_are_refused() {
    issued(&"é".repeat(64));
    for name in ["", &"a".repeat(65), "a\0b", "a\nb"] {
        let error = ServerIdentity::self_issued(name).map(drop);
        assert_eq!(error, Err(TlsError::CommonName { limit: 64 }), "{name:?}");
    }
    let identity = ServerIdentity::self_issued("secret").unwrap();
    assert_eq!(format!("{identity:?}"), "ServerIdentity");
}

fn openssl(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("openssl").current_dir(folder).args(arguments).output().unwrap()
}

#[test]
fn openssl_believes_who_is_its_own_root() {
    if !is_there("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (identity, stranger) = (ServerIdentity::self_issued("a").unwrap(), ServerIdentity::self_issued("a"));
    std::fs::write(folder.path().join("own.pem"), pem(&identity)).unwrap();
    std::fs::write(folder.path().join("other.pem"), pem(&stranger.unwrap())).unwrap();
    let usual = ["verify", "-purpose", "sslserver", "-verify_hostname", SERVER_NAME, "-check_ss_sig"];
    for more in [&[][..], &["-x509_strict"], &["-x509_strict", "-partial_chain"]] {
        let verified = |root: &str| {
            let arguments = [&usual[..], more, &["-CAfile", root, "own.pem"]].concat();
            openssl(folder.path(), &arguments)
        };
        let own = verified("own.pem");
        assert!(own.status.success(), "{more:?} {own:?}");
        assert!(!verified("other.pem").status.success());
    }
    let text = openssl(folder.path(), &["x509", "-in", "own.pem", "-noout", "-text"]);
    let text = String::from_utf8(text.stdout).unwrap();
    for expected in [
        "Signature Algorithm: ecdsa-with-SHA256",
        "Not Before: Jan  1 00:00:00 1970 GMT",
        "Not After : Dec 31 23:59:59 9999 GMT",
        "Subject: CN = a",
        "CA:FALSE",
        "TLS Web Server Authentication",
        "DNS:redoubt.invalid",
        "ASN1 OID: prime256v1",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
}
