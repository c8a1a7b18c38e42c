//! What is read here, `x509-cert` reads too, to the same fields, and writes to the same bytes: every certificate and list
//! among the shared evidence, and each of them with one bit changed at a time. Where there are fixtures.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use attestation_x509::{Certificate, Crl, Instant, pem};
use der::asn1::AnyRef;
use der::{Decode, Encode, Reader, SliceReader};
use x509_cert::crl::CertificateList;
use x509_cert::time::Time;

/// Each content once.
type Objects = BTreeMap<Vec<u8>, String>;

fn gather(folder: &Path, certificates: &mut Objects, lists: &mut Objects) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, certificates, lists);
            continue;
        }
        let name = path.to_string_lossy().to_lowercase();
        let bytes = fs::read(&path).unwrap();
        if name.contains("crl") {
            lists.insert(bytes, name);
        } else if name.ends_with(".der") && !name.ends_with(".csr.der") {
            certificates.insert(bytes, name);
        } else if name.ends_with(".pem") {
            certificates
                .extend(pem::certificates(&bytes).unwrap().into_iter().map(|der| (der, name.clone())));
        }
    }
}

fn objects() -> Option<(Objects, Objects)> {
    let (mut certificates, mut lists) = (Objects::new(), Objects::new());
    for vendor in ["snp", "tdx", "nvidia"] {
        gather(&tests_needs::fixture(vendor)?, &mut certificates, &mut lists);
    }
    Some((certificates, lists))
}

/// `bytes`, and `bytes` with every third of its bits changed in turn.
fn variants(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let changed = (0..8 * bytes.len()).step_by(3).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    });
    core::iter::once(bytes.to_vec()).chain(changed)
}

#[test]
fn certificates_are_the_librarys() {
    let Some((certificates, _)) = objects() else { return };
    let mut accepted = 0_usize;
    for (honest, name) in &certificates {
        for bytes in variants(honest) {
            if let Ok(ours) = Certificate::parse(&bytes) {
                accepted += 1;
                compare_certificate(&ours, &bytes, name);
            }
        }
    }
    assert!(accepted > 50 * certificates.len(), "{accepted}: hardly anything was compared");
}

fn compare_certificate(ours: &Certificate, bytes: &[u8], name: &str) {
    let theirs = x509_cert::Certificate::from_der(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let fields = theirs.tbs_certificate();
    assert_eq!(ours.serial(), fields.serial_number().as_bytes(), "{name}");
    assert_eq!(ours.issuer().der(), fields.issuer().to_der().unwrap(), "{name}");
    assert_eq!(ours.subject().der(), fields.subject().to_der().unwrap(), "{name}");
    let validity = fields.validity();
    assert_eq!(ours.validity().not_before, instant(validity.not_before), "{name}");
    assert_eq!(ours.validity().not_after, instant(validity.not_after), "{name}");
    // NVIDIA's reference values have dates of another kind than the library writes.
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

#[test]
fn lists_are_the_librarys() {
    let Some((_, lists)) = objects() else { return };
    let mut accepted = 0_usize;
    for (honest, name) in &lists {
        for bytes in variants(honest) {
            let Ok(ours) = Crl::parse(&bytes) else { continue };
            accepted += 1;
            let theirs: CertificateList = CertificateList::from_der(&bytes).unwrap();
            assert_eq!(theirs.to_der().unwrap(), bytes, "{name}: another spelling");
            let fields = &theirs.tbs_cert_list;
            let entries = fields.revoked_certificates.iter().flatten();
            let serials = entries.map(|entry| entry.serial_number.as_bytes());
            assert!(ours.revoked().eq(serials), "{name}");
            assert_eq!(ours.issuer().der(), fields.issuer.to_der().unwrap(), "{name}");
            assert_eq!(ours.this_update(), instant(fields.this_update), "{name}");
            assert_eq!(ours.next_update(), instant(fields.next_update.unwrap()), "{name}");
        }
    }
    assert!(accepted > 50 * lists.len(), "{accepted}: hardly anything was compared");
}

fn instant(time: Time) -> Instant {
    Instant::from_unix_seconds(time.to_unix_duration().as_secs())
}

const REASONS: [&str; 15] = [
    "extensions: expected each at most once",
    "issuer: expected text in UTF-8 or ASCII",
    "serial number: expected at most 20 bytes",
    "signature algorithm, signed copy:",
    "signature algorithm: expected ECDSA with SHA-256 or SHA-384, or RSASSA-PSS with SHA-384 and 48 bytes of salt",
    "signature value: expected whole bytes",
    "subject key: expected DER of RFC 5280",
    "subject key: expected RSA with 4096 bits, exponent 010001",
    "subject key: expected RSA, P-256 or P-384",
    "subject key: expected a point of its curve, uncompressed",
    "subject key: expected an element of tag 30",
    "subject key: expected another element of DER",
    "subject key: expected nothing more",
    "subject key: expected whole bytes",
    "subject: expected text in UTF-8 or ASCII",
];

/// The other way round: what the library reads and we refuse, these vendors do not issue.
#[test]
fn what_is_refused_is_refused_for_a_reason() {
    let Some((certificates, _)) = objects() else { return };
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for honest in certificates.keys() {
        for bytes in variants(honest) {
            let theirs = x509_cert::Certificate::from_der(&bytes);
            let is_theirs = theirs.is_ok_and(|theirs| theirs.to_der().is_ok_and(|der| der == bytes));
            if let (true, Err(error)) = (is_theirs, Certificate::parse(&bytes)) {
                let text = error.to_string();
                let reason = text.split_once(", found ").map_or(text.as_str(), |(reason, _)| reason);
                // Another algorithm inside than outside: the message has the bytes that were expected.
                let reason = reason.split_once(" expected 30").map_or(reason, |(reason, _)| reason);
                *reasons.entry(reason.to_owned()).or_default() += 1;
            }
        }
    }
    let reasons: Vec<&str> = reasons.keys().map(String::as_str).collect();
    assert_eq!(reasons, REASONS);
}
