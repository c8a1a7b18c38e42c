//! Real evidence with one byte changed: what anybody can do on the way. Where there are fixtures.

use core::ops::Range;
use std::collections::BTreeSet;

use attestation_report::tdx::Quote;
use attestation_verify::Kind;
use attestation_verify::tdx::{Challenge, Roots};
use attestation_x509::{Instant, pem};

use crate::bundle::{Bundle, Outcome, SignedDocument, codes};
use crate::fixtures::Fixtures;

/// Where things are in a quote, from its lengths.
struct Layout {
    body: Range<usize>,
    size: Range<usize>,
    signature: Range<usize>,
    attestation_key: Range<usize>,
    outer_header: Range<usize>,
    qe_report: Range<usize>,
    qe_signature: Range<usize>,
    authentication_size: Range<usize>,
    authentication_data: Range<usize>,
    inner_header: Range<usize>,
    pem: Range<usize>,
}

impl Layout {
    fn of(bytes: &[u8]) -> Self {
        let quote = Quote::parse(bytes).unwrap();
        let mut end = 48;
        let mut next = |count: usize| {
            end += count;
            end - count..end
        };
        let data = quote.signature_data;
        let layout = Self {
            body: next(quote.signed_bytes.len() - 48),
            size: next(4),
            signature: next(64),
            attestation_key: next(64),
            outer_header: next(6),
            qe_report: next(384),
            qe_signature: next(64),
            authentication_size: next(2),
            authentication_data: next(data.qe_authentication_data.len()),
            inner_header: next(6),
            pem: next(data.certification_data.bytes.len()),
        };
        assert_eq!(layout.pem.end, bytes.len() - quote.trailing_bytes);
        assert_eq!(bytes[layout.pem.clone()], *data.certification_data.bytes);
        layout
    }
}

struct Real {
    bundle: Bundle,
    at: Instant,
}

impl Real {
    fn open(name: &str) -> Option<Self> {
        let fixtures = Fixtures::open()?;
        let (_, case) = fixtures.cases.iter().find(|(case, _)| case == name).unwrap();
        let bundle = fixtures.bundles(case).swap_remove(0);
        let real = Self { bundle, at: case["now"].as_str().unwrap().parse().unwrap() };
        assert!(real.verify(&real.bundle).is_ok());
        Some(real)
    }

    fn verify(&self, bundle: &Bundle) -> Outcome {
        bundle.verify(&Roots::default(), Challenge::NotPosed, self.at)
    }

    fn quote(&self) -> &[u8] {
        self.bundle.quote.as_deref().unwrap()
    }

    /// Changes a byte at each `step` of what `part` finds in the evidence.
    #[track_caller]
    fn reject(&self, step: usize, expected: &[&str], part: impl Fn(&mut Bundle) -> &mut [u8]) {
        let length = part(&mut self.bundle.clone()).len();
        assert!(length > 0);
        for index in (0..length).step_by(step).chain([length - 1]) {
            let mut bundle = self.bundle.clone();
            part(&mut bundle)[index] ^= 1;
            assert_fatal(&self.verify(&bundle), expected, index);
        }
    }

    #[track_caller]
    fn reject_quote(&self, range: Range<usize>, step: usize, expected: &[&str]) {
        self.reject(step, expected, |bundle| &mut bundle.quote.as_mut().unwrap()[range.clone()]);
    }
}

#[track_caller]
fn assert_fatal(outcome: &Outcome, expected: &[&str], index: usize) {
    assert!(outcome.is_err(), "{index}: accepted");
    let fatal = codes(outcome, Some(Kind::Fatal));
    let expected: BTreeSet<&str> = expected.iter().copied().collect();
    assert!(
        fatal.len() == 1 && fatal.is_subset(&expected),
        "{index}: {fatal:?}, expected one of {expected:?}"
    );
}

const PARSE: [&str; 2] = ["truncated", "malformed"];

#[test]
fn every_signed_part_of_a_quote_is_signed() {
    for name in ["dq-uptodate", "google-v5"] {
        let Some(real) = Real::open(name) else { return };
        let layout = Layout::of(real.quote());
        real.reject_quote(0..2, 1, &["unsupported-version", "truncated", "malformed"]);
        real.reject_quote(2..4, 1, &["unsupported-key-type"]);
        real.reject_quote(4..8, 1, &["unsupported-tee-type"]);
        real.reject_quote(8..48, 1, &["signature-invalid"]);
        // In version 5 the body begins with its type and size.
        let (described, report) = match layout.body.len() {
            584 => (48..48, layout.body.clone()),
            _ => (48..54, 54..layout.body.end),
        };
        if !described.is_empty() {
            real.reject_quote(described, 1, &["unsupported-version", "malformed"]);
        }
        real.reject_quote(report, 7, &["signature-invalid"]);
        real.reject_quote(layout.signature, 3, &["signature-invalid"]);
        real.reject_quote(layout.attestation_key, 3, &["ak-unbound"]);
        real.reject_quote(layout.qe_report, 7, &["qe-report-signature-invalid"]);
        real.reject_quote(layout.qe_signature, 3, &["qe-report-signature-invalid"]);
        real.reject_quote(layout.authentication_data, 1, &["ak-unbound"]);
        real.reject_quote(layout.outer_header, 1, &PARSE);
        real.reject_quote(layout.size, 1, &PARSE);
        real.reject_quote(layout.authentication_size, 1, &PARSE);
        let inner = layout.inner_header;
        real.reject_quote(inner.start..inner.start + 2, 1, &["chain-missing"]);
        real.reject_quote(inner.start + 2..inner.end, 1, &PARSE);
    }
}

#[test]
fn lengths_that_lie_are_refused() {
    let Some(real) = Real::open("google-v5") else { return };
    let layout = Layout::of(real.quote());
    let fields = [50..54, layout.size, layout.outer_header.start + 2..layout.outer_header.end];
    let fields = fields
        .into_iter()
        .chain([layout.authentication_size, layout.inner_header.start + 2..layout.inner_header.end]);
    for field in fields {
        let value: u64 =
            real.quote()[field.clone()].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
        for lie in [0, 1, value - 1, value + 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] {
            let mut bundle = real.bundle.clone();
            let bytes = lie.to_le_bytes();
            let quote = bundle.quote.as_mut().unwrap();
            quote[field.clone()].copy_from_slice(&bytes[..field.len()]);
            if quote != real.quote() {
                assert_fatal(&real.verify(&bundle), &PARSE, field.start);
            }
        }
    }
}

#[test]
fn a_quote_cut_short_anywhere_is_truncated() {
    for name in ["dq-uptodate", "google-v5"] {
        let Some(real) = Real::open(name) else { return };
        for length in 0..Layout::of(real.quote()).pem.end {
            let quote = Some(real.quote()[..length].to_vec());
            assert_fatal(&real.verify(&Bundle { quote, ..Bundle::default() }), &["truncated"], length);
        }
    }
}

#[test]
fn what_follows_a_quote_changes_nothing_but_is_told() {
    let Some(real) = Real::open("google-v5") else { return };
    let mut bundle = real.bundle.clone();
    bundle.quote.as_mut().unwrap().extend([0xA5; 100]);
    let outcome = real.verify(&bundle);
    assert!(codes(&outcome, None).contains("trailing-unsigned"));
    let (longer, exact) = (outcome.unwrap(), real.verify(&real.bundle).unwrap());
    assert_eq!((longer.evidence().trailing_bytes(), exact.evidence().trailing_bytes()), (100, 0));
    assert_eq!(longer.evidence().report(), exact.evidence().report());
}

#[test]
fn every_certificate_of_the_quote_is_signed() {
    let Some(real) = Real::open("dq-uptodate") else { return };
    let range = Layout::of(real.quote()).pem;
    let certificates = pem::certificates(&real.quote()[range.clone()]).unwrap();
    assert_eq!(certificates.len(), 3);
    let changed = |which: usize, index: usize, bits: u8| {
        let mut certificates = certificates.clone();
        certificates[which][index] ^= bits;
        let blocks = certificates
            .iter()
            .map(|der| pem_rfc7468::encode_string("CERTIFICATE", pem_rfc7468::LineEnding::LF, der).unwrap());
        let mut text = blocks.collect::<String>().into_bytes();
        text.push(0);
        let mut bundle = real.bundle.clone();
        bundle.quote.as_mut().unwrap()[range.clone()].copy_from_slice(&text);
        real.verify(&bundle)
    };
    assert!(changed(0, 0, 0).is_ok());
    let common = ["certificate-encoding", "certificate-signature-invalid", "chain-incomplete"];
    let root = ["certificate-encoding", "chain-untrusted-root", "chain-incomplete"];
    for (which, expected) in [(0, common), (1, common), (2, root)] {
        for index in (0..certificates[which].len()).step_by(5) {
            assert_fatal(&changed(which, index, 1), &expected, index);
        }
    }
    // And as text: what is no base64, or base64 of something else.
    real.reject_quote(range, 31, &[&common[..], &root[..]].concat());
}

fn document(bundle: &mut Bundle, which: usize) -> &mut SignedDocument {
    [&mut bundle.tcb_info, &mut bundle.qe_identity].into_iter().nth(which).unwrap().as_mut().unwrap()
}

#[test]
fn every_document_and_its_chain_are_signed() {
    let Some(real) = Real::open("dq-uptodate") else { return };
    for which in [0, 1] {
        let expected = ["collateral-signature-invalid", "collateral-encoding"];
        real.reject(11, &expected, |bundle| &mut document(bundle, which).body);
        let expected = ["collateral-chain-invalid"];
        real.reject(7, &expected, |bundle| &mut document(bundle, which).issuer_chain[0]);
        let expected = ["collateral-chain-untrusted-root", "collateral-chain-invalid"];
        real.reject(7, &expected, |bundle| &mut document(bundle, which).issuer_chain[1]);
    }
}

#[test]
fn the_exact_bytes_of_a_document_are_signed() {
    let Some(real) = Real::open("dq-uptodate") else { return };
    let mut bundle = real.bundle.clone();
    let text = String::from_utf8(document(&mut bundle, 0).body.clone()).unwrap();
    // The frame is nobody's; what is in it may not even be spaced otherwise.
    document(&mut bundle, 0).body = text.replacen("{\"tcbInfo\":", " {\n\"tcbInfo\" : ", 1).into_bytes();
    assert!(real.verify(&bundle).is_ok());
    document(&mut bundle, 0).body = text.replacen("\"version\":3", "\"version\": 3", 1).into_bytes();
    assert_fatal(&real.verify(&bundle), &["collateral-signature-invalid"], 0);
    document(&mut bundle, 0).body =
        text.replacen("\"signature\":", "\"more\":1,\"signature\":", 1).into_bytes();
    assert_fatal(&real.verify(&bundle), &["collateral-encoding"], 0);
}

#[test]
fn every_revocation_list_is_signed() {
    let Some(real) = Real::open("dq-uptodate") else { return };
    for which in [0, 1] {
        let expected = ["crl-signature-invalid", "crl-encoding"];
        real.reject(11, &expected, |bundle| &mut bundle.crls[which]);
    }
}

#[test]
fn collateral_of_another_platform_is_refused() {
    let Some(fixtures) = Fixtures::open() else { return };
    let bundle = |name: &str| {
        let (_, case) = fixtures.cases.iter().find(|(case, _)| case == name).unwrap();
        (fixtures.bundles(case).swap_remove(0), case["now"].as_str().unwrap().parse().unwrap())
    };
    let (mut mixed, at) = bundle("dq-sierra-forest");
    mixed.tcb_info = bundle("dq-uptodate").0.tcb_info;
    let outcome = mixed.verify(&Roots::default(), Challenge::NotPosed, at);
    assert_fatal(&outcome, &["collateral-mismatch"], 0);
}

#[test]
fn the_challenge_is_answered_or_not() {
    let Some(real) = Real::open("google-v5") else { return };
    let mut answer = real.verify(&real.bundle).unwrap().evidence().report().report_data;
    let verify = |answer| real.bundle.verify(&Roots::default(), Challenge::ReportData(answer), real.at);
    assert!(verify(answer).is_ok());
    answer[63] ^= 1;
    assert_fatal(&verify(answer), &["nonce-mismatch"], 63);
}
