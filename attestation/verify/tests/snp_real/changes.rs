//! Real evidence, changed in one bit at a time: no bit of a report, of a certificate or of a list is without guard, and the
//! error is about the object that was changed. Where there are fixtures.

use std::fs;
use std::path::Path;

use attestation_report::REPORT_BYTES;
use attestation_verify::snp::{Challenge, Collateral, Endorsement, Roots, SnpEvidence, read_report, verify};
use attestation_verify::{Code, Rejection, Verified};
use attestation_x509::Instant;

use crate::each::by_each;

/// Evidence of one case, as its files hold it.
struct Case {
    report: Vec<u8>,
    vek: Vec<u8>,
    issuer: Vec<u8>,
    list: Option<Vec<u8>>,
    at: Instant,
}

impl Case {
    fn read(folder: &Path, name: &str, issuer: &str, list: Option<&str>, at: &str) -> Self {
        let file = |name: &str| fs::read(folder.join(name)).unwrap();
        Self {
            report: file(&format!("{name}/report.bin")),
            vek: file(&format!("{name}/vcek.der")),
            issuer: file(&format!("certs/{issuer}")),
            list: list.map(|list| file(&format!("{name}/{list}"))),
            at: at.parse().unwrap(),
        }
    }

    fn verify(&self) -> Result<Verified<SnpEvidence>, Rejection> {
        let lists: Vec<&[u8]> = self.list.iter().map(Vec::as_slice).collect();
        let collateral = Collateral { vek: Some(&self.vek), chain: &[&self.issuer], crls: &lists };
        by_each(self.at, |by| {
            verify(Some(&self.report), &collateral, Challenge::NotPosed, &Roots::default(), by)
        })
    }

    fn endorsement(&self) -> Endorsement {
        let collateral = Collateral { vek: Some(&self.vek), chain: &[&self.issuer], crls: &[] };
        by_each(self.at, |by| Endorsement::verify(&collateral, &Roots::default(), by)).unwrap()
    }
}

/// Every version and line: Milan 2, Genoa 5, Turin 5.
fn cases() -> Option<Vec<Case>> {
    let folder = tests_needs::fixture("snp")?;
    let list = Some("milan-2022-05.crl.der");
    Some(vec![
        Case::read(&folder, "milan-v2-idblock", "milan/ask.der", list, "2022-12-01T00:00:00Z"),
        Case::read(&folder, "genoa-v5-model-a0", "genoa/ask.der", None, "2026-04-18T00:00:00Z"),
        Case::read(&folder, "turin-v5-azure", "turin/ask.der", None, "2026-04-06T00:00:00Z"),
    ])
}

/// One bit of each byte, another one from byte to byte.
fn flipped(bytes: &[u8], index: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[index] ^= 1 << (index % 8);
    changed
}

fn code(outcome: Result<Verified<SnpEvidence>, Rejection>, index: usize) -> Code {
    let (code, check) =
        outcome.map(|_| index).unwrap_err().reason().map(|(code, check)| (code, check.clone())).unwrap();
    assert!(!check.expected.is_empty() && !check.found.is_empty(), "{index}: {check}");
    code
}

#[test]
fn no_byte_of_a_report_can_change() {
    for case in cases().into_iter().flatten() {
        assert!(case.verify().is_ok());
        let endorsement = case.endorsement();
        for index in 0..REPORT_BYTES {
            let outcome = read_report(Some(&flipped(&case.report, index))).and_then(|report| {
                by_each(case.at, |by| endorsement.verify_report(report, Challenge::NotPosed, by.signatures))
            });
            let expected = match index {
                // The lowest bits of VERSION make another version that has the same layout, or none.
                0..4 => &[Code::SignatureInvalid, Code::UnsupportedVersion][..],
                0x330.. => &[Code::SignaturePaddingNonzero],
                _ => &[Code::SignatureInvalid],
            };
            let found = code(outcome, index);
            assert!(expected.contains(&found), "{index:#x}: {found}");
        }
    }
}

#[test]
fn no_report_is_shorter_or_longer() {
    let Some(cases) = cases() else { return };
    for length in 0..REPORT_BYTES {
        let cut = read_report(cases[0].report.get(..length)).unwrap_err();
        assert_eq!(cut.reason().unwrap().0, Code::Truncated, "{length}");
    }
    let longer = [cases[0].report.as_slice(), &[0]].concat();
    assert_eq!(read_report(Some(&longer)).unwrap_err().reason().unwrap().0, Code::TrailingBytes);
}

#[test]
fn no_byte_of_a_vcek_can_change() {
    let expected = [Code::CertificateSignatureInvalid, Code::CertificateEncoding, Code::ChainIncomplete];
    for mut case in cases().into_iter().flatten() {
        let honest = case.vek.clone();
        for index in 0..honest.len() {
            case.vek = flipped(&honest, index);
            let found = code(case.verify(), index);
            assert!(expected.contains(&found), "{index:#x}: {found}");
        }
    }
}

#[test]
fn no_byte_of_an_ask_can_change() {
    let expected = [
        Code::CertificateSignatureInvalid,
        Code::CertificateEncoding,
        // Its subject is not the VCEK's issuer any more, or its issuer no root.
        Code::ChainIncomplete,
        Code::ChainUntrustedRoot,
    ];
    for mut case in cases().into_iter().flatten() {
        let honest = case.issuer.clone();
        for index in 0..honest.len() {
            case.issuer = flipped(&honest, index);
            let found = code(case.verify(), index);
            assert!(expected.contains(&found), "{index:#x}: {found}");
        }
    }
}

#[test]
fn no_byte_of_a_list_can_change() {
    for mut case in cases().into_iter().flatten().filter(|case| case.list.is_some()) {
        let honest = case.list.clone().unwrap();
        for index in 0..honest.len() {
            case.list = Some(flipped(&honest, index));
            let found = code(case.verify(), index);
            assert!([Code::CrlSignatureInvalid, Code::CrlEncoding].contains(&found), "{index:#x}: {found}");
        }
    }
}
