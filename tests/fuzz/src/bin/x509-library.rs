//! What is read as a certificate or a revocation list, `x509-cert` reads as well, to the same fields, and writes to the
//! same bytes.
#![forbid(unsafe_code)]
#![expect(clippy::expect_used, reason = "what the library does not read is the finding")]

use std::process::ExitCode;

use attestation_x509::{CERTIFICATE_MAX_BYTES, Certificate, Crl, Instant};
use der::asn1::AnyRef;
use der::{Decode, Encode, Reader, SliceReader};
use tests_fuzz::{Budget, Target};
use x509_cert::crl::CertificateList;
use x509_cert::time::Time;

/// The library has lists of boxes for what takes a few bytes. Its memory is not ours.
const BUDGET: Budget = Budget { factor: 256, ..Budget::DEFAULT };

fn main() -> ExitCode {
    Target { name: "x509-library", max_bytes: CERTIFICATE_MAX_BYTES, budget: BUDGET, run }.drive()
}

fn run(input: &[u8]) {
    if let Ok(ours) = Certificate::parse(input) {
        compare_certificate(&ours, input);
    }
    if let Ok(ours) = Crl::parse(input) {
        compare_list(&ours, input);
    }
}

fn compare_certificate(ours: &Certificate, input: &[u8]) {
    let theirs = x509_cert::Certificate::from_der(input).expect("a certificate for the library");
    let fields = theirs.tbs_certificate();
    assert_eq!(ours.serial(), fields.serial_number().as_bytes());
    assert_eq!(ours.issuer().der(), fields.issuer().to_der().expect("a name"));
    assert_eq!(ours.subject().der(), fields.subject().to_der().expect("a name"));
    let (our, their) = (ours.validity(), fields.validity());
    assert_eq!((our.not_before, our.not_after), (instant(their.not_before), instant(their.not_after)));
    let written = theirs.to_der().expect("a certificate");
    // Dates may be of another kind than the library writes.
    assert!(written == input || without_validity(&written) == without_validity(input), "another spelling");
}

fn compare_list(ours: &Crl, input: &[u8]) {
    let theirs: CertificateList = CertificateList::from_der(input).expect("a list for the library");
    assert_eq!(theirs.to_der().expect("a list"), input, "another spelling");
    let fields = &theirs.tbs_cert_list;
    let entries = fields.revoked_certificates.iter().flatten();
    assert!(ours.revoked().eq(entries.map(|entry| entry.serial_number.as_bytes())));
    assert_eq!(ours.issuer().der(), fields.issuer.to_der().expect("a name"));
    assert_eq!(ours.this_update(), instant(fields.this_update));
    assert_eq!(Some(ours.next_update()), fields.next_update.map(instant));
}

fn instant(time: Time) -> Instant {
    Instant::from_unix_seconds(time.to_unix_duration().as_secs())
}

/// What is signed, and what follows it; the former without its fifth element.
fn without_validity(bytes: &[u8]) -> [Vec<Vec<u8>>; 2] {
    let mut outer = elements(bytes);
    let mut signed = elements(&outer.remove(0));
    signed.remove(4);
    [signed, outer]
}

fn elements(sequence: &[u8]) -> Vec<Vec<u8>> {
    let content = AnyRef::from_der(sequence).expect("a sequence").value();
    let mut reader = SliceReader::new(content).expect("short");
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(reader.tlv_bytes().expect("an element").to_vec());
    }
    elements
}
