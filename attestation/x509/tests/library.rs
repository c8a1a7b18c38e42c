//! What is read here, `x509-cert` reads too, to the same fields, and writes to the same bytes: every certificate and list
//! among the shared evidence, and each of them with one bit changed at a time. Where there are fixtures.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "support/oracle.rs"]
mod oracle;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use attestation_x509::{Certificate, Crl, pem};
use der::{Decode, Encode};
use oracle::{compare_certificate, compare_list};

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

#[test]
fn lists_are_the_librarys() {
    let Some((_, lists)) = objects() else { return };
    let mut accepted = 0_usize;
    for (honest, name) in &lists {
        for bytes in variants(honest) {
            let Ok(ours) = Crl::parse(&bytes) else { continue };
            accepted += 1;
            compare_list(&ours, &bytes, name);
        }
    }
    assert!(accepted > 50 * lists.len(), "{accepted}: hardly anything was compared");
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
