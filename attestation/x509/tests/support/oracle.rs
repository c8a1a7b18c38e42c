//! `x509-cert` as the oracle.

use attestation_x509::{Certificate, Crl, Instant};
use der::asn1::AnyRef;
use der::{Decode, Encode, Reader, SliceReader};
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::CertificateList;
use x509_cert::time::Time;

/// Panics unless the library reads `bytes` as `ours`, and writes them again. `name` says where they are from.
pub(crate) fn compare_certificate(ours: &Certificate, bytes: &[u8], name: &str) {
    let theirs = x509_cert::Certificate::from_der(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let fields = theirs.tbs_certificate();
    assert_eq!(ours.serial(), fields.serial_number().as_bytes(), "{name}");
    assert_eq!(ours.issuer().der(), fields.issuer().to_der().unwrap(), "{name}");
    assert_eq!(ours.subject().der(), fields.subject().to_der().unwrap(), "{name}");
    let validity = fields.validity();
    assert_eq!(ours.validity().not_before, instant(validity.not_before), "{name}");
    assert_eq!(ours.validity().not_after, instant(validity.not_after), "{name}");
    // Dates may be of another kind than the library writes.
    let encoded = theirs.to_der().unwrap();
    assert!(
        encoded == bytes || without_validity(&encoded) == without_validity(bytes),
        "{name}: another spelling"
    );
}

/// What is signed, and what follows it; the former without its fifth element.
fn without_validity(bytes: &[u8]) -> [Vec<Vec<u8>>; 2] {
    let mut outer = elements(bytes);
    let mut signed = elements(&outer.remove(0));
    signed.remove(4);
    [signed, outer]
}

fn elements(sequence: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = SliceReader::new(AnyRef::from_der(sequence).unwrap().value()).unwrap();
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(reader.tlv_bytes().unwrap().to_vec());
    }
    elements
}

/// As for certificates.
pub(crate) fn compare_list(ours: &Crl, bytes: &[u8], name: &str) {
    let theirs =
        CertificateList::<Rfc5280>::from_der(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(theirs.to_der().unwrap(), bytes, "{name}: another spelling");
    let fields = &theirs.tbs_cert_list;
    let entries = fields.revoked_certificates.iter().flatten();
    assert!(ours.revoked().eq(entries.map(|entry| entry.serial_number.as_bytes())), "{name}");
    assert_eq!(ours.issuer().der(), fields.issuer.to_der().unwrap(), "{name}");
    assert_eq!(ours.this_update(), instant(fields.this_update), "{name}");
    assert_eq!(Some(ours.next_update()), fields.next_update.map(instant), "{name}");
}

fn instant(time: Time) -> Instant {
    Instant::from_unix_seconds(time.to_unix_duration().as_secs())
}
