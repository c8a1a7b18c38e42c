//! Every certificate and revocation list among the shared evidence. Where there are fixtures.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use attestation_x509::{Certificate, Crl, pem};

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}

#[test]
fn all_that_vendors_issued_is_read() {
    let mut paths = Vec::new();
    for vendor in ["snp", "tdx", "nvidia"] {
        let Some(folder) = tests_needs::fixture(vendor) else { return };
        files(&folder, &mut paths);
    }
    let (mut certificates, mut lists) = (0, 0);
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        let name = path.to_string_lossy().to_lowercase();
        // The only other DER is a certificate request.
        if name.ends_with(".csr.der") {
        } else if name.contains("crl") {
            assert!(Crl::parse(&bytes).is_ok(), "{name}: {:?}", Crl::parse(&bytes));
            lists += 1;
        } else if name.ends_with(".der") {
            assert!(Certificate::parse(&bytes).is_ok(), "{name}: {:?}", Certificate::parse(&bytes));
            certificates += 1;
        } else if name.ends_with(".pem") {
            for der in pem::certificates(&bytes).unwrap() {
                assert!(Certificate::parse(&der).is_ok(), "{name}: {:?}", Certificate::parse(&der));
                certificates += 1;
            }
        }
    }
    assert_eq!((certificates, lists), (103, 9), "certificates and lists: is the set complete?");
}

#[test]
fn what_is_cut_short_or_longer_is_refused() {
    let Some(folder) = tests_needs::fixture("snp") else { return };
    let certificate = fs::read(folder.join("certs/genoa/ask.der")).unwrap();
    let list = fs::read(folder.join("milan-v2-idblock/milan-2022-05.crl.der")).unwrap();
    for length in 0..certificate.len() {
        assert!(Certificate::parse(&certificate[..length]).is_err(), "{length}");
    }
    for length in 0..list.len() {
        assert!(Crl::parse(&list[..length]).is_err(), "{length}");
    }
    for (mut bytes, object) in [(certificate, "certificate"), (list, "CRL")] {
        bytes.push(0);
        let errors = [
            Certificate::parse(&bytes).unwrap_err().to_string(),
            Crl::parse(&bytes).unwrap_err().to_string(),
        ];
        assert!(errors.iter().any(|error| error.starts_with(object)), "{errors:?}");
    }
}
