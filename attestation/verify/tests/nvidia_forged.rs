//! Generated NVIDIA evidence with one thing wrong at a time, all of it signed anew: each has its code, and the message
//! says what was expected and what was found.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

#[path = "support/nvidia_der.rs"]
mod der;
#[path = "support/each.rs"]
mod each;
#[path = "support/nvidia_expect.rs"]
mod expect;
#[path = "support/nvidia_pki.rs"]
#[expect(dead_code, reason = "shared with the tests of machines")]
mod pki;

use core::mem;

use attestation_verify::nvidia::{self, Challenge, GpuEvidence};
use attestation_verify::{Code, Kind, Rejection, Trail, Verified};
use each::by_each;
use expect::{check, codes};
use pki::{AT, Built, NONCE, Plan, with_roots};

/// Done to a file once it is signed.
type Edit = fn(String) -> String;

/// Under the roots of an unchanged plan.
fn verify(built: &Built) -> Result<Verified<GpuEvidence<'_>>, Rejection> {
    let (at, challenge) = (AT.parse().unwrap(), Challenge::Nonce(NONCE));
    with_roots(|roots| by_each(at, |by| nvidia::verify(&built.evidence(), challenge, roots, by)))
}

/// That `change` is refused with `code`, in a check named like `what` whose two sides are like `expected` and `found`.
#[track_caller]
fn refused(change: impl FnOnce(&mut Plan), code: Code, what: &str, expected: &str, found: &str) {
    let mut plan = Plan::gpu();
    change(&mut plan);
    let built = plan.build();
    let rejection = verify(&built).unwrap_err();
    assert_eq!(code.kind(), Kind::Fatal);
    check(&rejection, code, what, expected, found);
}

/// That `change` is accepted with findings `expected` besides the usual one.
#[track_caller]
fn accepted(change: impl FnOnce(&mut Plan), expected: &[Code]) -> Trail {
    let mut plan = Plan::gpu();
    change(&mut plan);
    let built = plan.build();
    let verified = verify(&built).unwrap_or_else(|rejection| panic!("{rejection}"));
    let usual = [Code::RevocationUnchecked];
    assert_eq!(codes(verified.trail()), expected.iter().chain(&usual).copied().collect());
    verified.trail().clone()
}

#[test]
fn honest_evidence_is_accepted() {
    accepted(|_| (), &[Code::RimMeasurementMatch]);
}

#[test]
fn device_chains() {
    let forge_root = |plan: &mut Plan| {
        plan.device[4].key = 66;
        plan.device[4].signer = 66;
        plan.device[3].signer = 66;
    };
    refused(forge_root, Code::ChainUntrustedRoot, "root", "Device Root, as pinned", "with other bytes");
    let code = Code::CertificateSignatureInvalid;
    refused(|plan| plan.device[1].signer = 66, code, "BROM", "by ICA 1", "not valid");
    let code = Code::ChainIncomplete;
    refused(|plan| drop(plan.device.remove(2)), code, "certificates", "5", "4");
    refused(|plan| plan.device.swap(1, 2), code, "issuer of GH100 A01 GSP FMC LF", "BROM", "ICA 1");
    let one_more_authority = |plan: &mut Plan| {
        let mut more = plan.device[2].clone();
        (more.name, more.issuer) = ("ICA 2".into(), "ICA 1".into());
        (more.key, more.signer) = (66, 3);
        (plan.device[1].issuer, plan.device[1].signer) = ("ICA 2".into(), 66);
        plan.device.insert(2, more);
        plan.device.truncate(5);
    };
    refused(one_more_authority, code, "device chain: root", "a root", "none");
    refused(|plan| plan.device[3].issuer = "Other".into(), code, "issuer of", "CN=Other", "CN=Device Root");
    let code = Code::CertificateProfile;
    refused(|plan| plan.device[2].is_authority = false, code, "rights of ICA 1", "an authority", "none");
    refused(|plan| plan.device[3].path_length = Some(1), code, "rights of", "with 2", "at most 1 below it");
    refused(
        |plan| plan.device[0].is_authority = true,
        code,
        "leaf",
        "a device",
        "expected one that is known",
    );
    let critical = der::extension(b"\x55\x1D\x24", true, &[0x05, 0x00]);
    refused(|plan| plan.device[0].extensions.push(critical), code, "leaf", "a device", "2.5.29.36");
    refused(|plan| plan.device_key = 66, code, "deviceID", "key of CN=GH100 A01 GSP BROM", "another key");
    let other_info = |plan: &mut Plan| plan.device_info = "Other:GH100:1".into();
    refused(other_info, code, "manufacturer", "NVIDIA", "Other");
    let other_product = |plan: &mut Plan| plan.device_info = "NVIDIA:GB100:1".into();
    refused(other_product, code, "name of the leaf", "GB100", "GH100 A01 GSP FMC LF");
    let other_chip = |plan: &mut Plan| {
        plan.device[1].name = "GH100 A02 GSP BROM".into();
        plan.device[0].issuer = plan.device[1].name.clone();
    };
    refused(other_chip, code, "leaf's issuer", "GH100 A01 GSP BROM", "GH100 A02 GSP BROM");
    refused(|plan| plan.rename_device("XX100"), code, "product", "G… or LS…", "XX100");
}

/// NVIDIA writes dates in the long form only; that is the one liberty.
#[test]
fn certificates_have_one_spelling() {
    let long_dates = |plan: &mut Plan| {
        plan.rim_chain[1].not_before = "G20200101000000Z";
        plan.rim_chain[1].not_after = "G20490101000000Z";
    };
    accepted(long_dates, &[Code::RimMeasurementMatch]);
    let code = Code::CertificateEncoding;
    let with_fraction = |plan: &mut Plan| plan.device[1].not_before = "G20200101000000.0Z";
    refused(with_fraction, code, "encoding", "a certificate", "DER of RFC 5280");
    let explicit_default = |plan: &mut Plan| {
        let body = [der::tlv(0x06, b"\x55\x1D\x24"), vec![0x01, 0x01, 0x00], der::tlv(0x04, &[0x05, 0x00])];
        plan.device[1].extensions.push(der::tlv(0x30, &body.concat()));
    };
    refused(explicit_default, code, "encoding", "a certificate", "DER");
    let both = |plan: &mut Plan| {
        explicit_default(plan);
        plan.device[1].not_before = "G20200101000000Z";
    };
    refused(both, code, "encoding", "a certificate", "DER");
}

#[test]
fn device_certificates_out_of_date() {
    let expired = |plan: &mut Plan| plan.device[0].not_after = "20260531235959Z";
    let code = Code::CertificateExpired;
    refused(expired, code, "validity of", "to 2026-05-31T23:59:59Z", AT);
    let early = |plan: &mut Plan| plan.device[3].not_before = "20260601000001Z";
    refused(early, Code::CertificateNotYetValid, "validity of", "2026-06-01T00:00:01Z to", AT);
    accepted(|plan| plan.device[0].not_after = "20260601000000Z", &[Code::RimMeasurementMatch]);
}

#[test]
fn reports() {
    refused(|plan| plan.report.signer = 66, Code::SignatureInvalid, "report", "by CN=GH100", "not valid");
    let other_nonce = |plan: &mut Plan| plan.report.nonce = [0x4F; 32];
    refused(other_nonce, Code::NonceMismatch, "nonce", &"4e".repeat(32), &"4f".repeat(32));
    let other_fwid = |plan: &mut Plan| plan.certified_fwid = [0xF2; 48];
    refused(other_fwid, Code::FwidMismatch, "FWID", &"f2".repeat(48), &"f1".repeat(48));
    let code = Code::Malformed;
    let contents = "report contents";
    refused(|plan| plan.report.request_param2 = 1, code, contents, "a device", "expected 0xff, found 0x01");
    refused(|plan| plan.report.response_slot = 3, code, contents, "a device", "expected 0x00, found 0x03");
    refused(|plan| plan.report.blocks.swap(3, 4), code, contents, "a device", "more than 5, found 4");
    refused(|plan| plan.report.blocks[0].0 = 0, code, contents, "a device", "more than 0, found 0");
    let twice = |plan: &mut Plan| plan.report.fields.push((999, Vec::new()));
    refused(twice, code, contents, "a device", "opaque field 999: expected at most once");
    let wrong: [(u16, &[u8], &str); 6] = [
        (3, b"550 01\0", "text"),
        (3, b"550.01\0x", "text"),
        (6, &[0; 9], "8 bytes, or text"),
        (11, &[], "1 byte"),
        (20, &[0xF1; 47], "48 bytes"),
        (22, &[0; 15], "8 bytes"),
    ];
    for (id, value, expected) in wrong {
        refused(|plan| plan.report.set(id, value), code, contents, "a device", expected);
    }
}

#[test]
fn what_a_report_leaves_to_policy() {
    let found = [Code::RimMeasurementMatch, Code::FwidAbsent];
    accepted(|plan| plan.report.fields.retain(|field| field.0 != 20), &found);
    let trail =
        accepted(|plan| plan.report.trailing = 3, &[Code::RimMeasurementMatch, Code::TrailingUnsigned]);
    assert!(trail.findings().any(|(_, check)| check.expected == "0" && check.found == "3"));
}

#[test]
fn manifests_for_something_else() {
    let code = Code::RimVersionMismatch;
    refused(|plan| plan.driver.version = "550.02".into(), code, "driver RIM: version", "550.01", "550.02");
    let other_vbios = |plan: &mut Plan| plan.vbios.version = "96.00.5E.00.0B".into();
    refused(other_vbios, code, "VBIOS RIM: version", "96.00.5E.00.0A", "96.00.5E.00.0B");
    accepted(|plan| plan.vbios.version = "96.00.5e.00.0a".into(), &[Code::RimMeasurementMatch]);
    refused(|plan| mem::swap(&mut plan.driver, &mut plan.vbios), code, "driver RIM", "550.01", "96.00");
    refused(|plan| plan.driver.product = "GB100".into(), code, "driver RIM: product", "GH100", "GB100");
    refused(|plan| plan.vbios.edition = "SWITCH".into(), code, "VBIOS RIM: edition", "GPU", "SWITCH");
    let unnamed = |plan: &mut Plan| plan.report.fields.retain(|field| field.0 != 3);
    refused(unnamed, code, "driver RIM: version", "names no version", "550.01");
    let built = Plan::switch().build();
    check(&verify(&built).unwrap_err(), code, "driver RIM: product", "LS10", "GH100");
}

#[test]
fn signatures_of_manifests() {
    let code = Code::RimSignatureInvalid;
    refused(
        |plan| plan.driver.signer = 66,
        code,
        "driver RIM: signature",
        "by CN=RIM Signer",
        "SignatureValue",
    );
    let edited = |plan: &mut Plan| plan.driver.edit = |file| file.replacen("name=\"M\"", "name=\"N\"", 1);
    refused(edited, code, "driver RIM: signature", "by CN=RIM Signer", "digest of the RIM: expected");
    let code = Code::RimEncoding;
    let wrapped = |plan: &mut Plan| {
        plan.driver.edit = |file| {
            let inner = file.replace("550.01", "550.02");
            inner.replace("</SoftwareIdentity>", &format!("<x>{file}</x></SoftwareIdentity>"))
        };
    };
    refused(wrapped, code, "structure", "a signed SWID tag", "Signature: expected one, the last child");
    let moved = |plan: &mut Plan| {
        plan.driver.edit = |file| {
            let (start, end) = file.split_once("<Entity").unwrap();
            format!("{start}<x>{file}</x><Entity{end}")
        };
    };
    refused(moved, code, "structure", "a signed SWID tag", "found 2 of them");
    let hidden = |plan: &mut Plan| plan.driver.edit = |file| format!("<x>{file}</x>");
    refused(hidden, code, "structure", "a signed SWID tag", "found one in SoftwareIdentity, elsewhere");
    let twice = |plan: &mut Plan| {
        plan.driver.edit = |file| {
            let start = file.find("<ds:Signature ").unwrap();
            let end = file.find("</SoftwareIdentity>").unwrap();
            format!("{}{}", &file[..end], &file[start..])
        };
    };
    refused(twice, code, "structure", "a signed SWID tag", "found 2 of them");
    let not_last = |plan: &mut Plan| {
        plan.driver.edit = |file| file.replace("</SoftwareIdentity>", "<x></x></SoftwareIdentity>");
    };
    refused(not_last, code, "structure", "a signed SWID tag", "found one in SoftwareIdentity, elsewhere");
}

/// Each of these is signed by the right key: it is refused for what it says.
#[test]
fn algorithms_of_manifests() {
    let code = Code::RimEncoding;
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    for transform in [exclusive, "http://www.w3.org/TR/1999/REC-xpath-19991116", ""] {
        let change = |plan: &mut Plan| plan.driver.transform = transform.into();
        refused(change, code, "structure", "a signed SWID tag", &format!("xml-c14n11, found {transform}"));
    }
    let sha1 = "http://www.w3.org/2000/09/xmldsig#ecdsa-sha1";
    let change = |plan: &mut Plan| plan.driver.method = sha1.into();
    refused(change, code, "structure", "a signed SWID tag", "SignatureMethod: expected http");
    let change = |plan: &mut Plan| plan.driver.uri = "#part".into();
    refused(change, code, "structure", "a signed SWID tag", "Reference URI: expected , found #part");
    let edits: [(Edit, &str); 6] = [
        (|file| format!("<!DOCTYPE x>{file}"), "found a comment, CDATA section or document type"),
        (|file| format!("<?xml version=\"1.0\"?>{file}"), "found a XML declaration or processing"),
        (|file| file.replace("NVIDIA", "&#78;VIDIA"), "found a reference"),
        (|file| file.replace("<ds:KeyInfo>", "<ds:KeyInfo Id=\"k\">"), "KeyInfo: expected no attributes"),
        (|file| file.replace("</ds:X509Data>", "<ds:X509CRL/></ds:X509Data>"), "found X509CRL"),
        (|file| file.replace("</ds:Transforms>", "<ds:Transform/></ds:Transforms>"), "Transforms: expected"),
    ];
    for (edit, found) in edits {
        refused(|plan| plan.driver.edit = edit, code, "structure", "a signed SWID tag", found);
    }
}

#[test]
fn contents_of_manifests() {
    let code = Code::RimEncoding;
    let what = "driver RIM: signature";
    let again = |plan: &mut Plan| plan.driver.measurements[1].0 = "0".into();
    refused(again, code, what, "by", "index: expected more than 0, found 0");
    refused(|plan| plan.driver.measurements[1].0 = "01".into(), code, what, "by", "found 01");
    refused(|plan| plan.driver.measurements[1].0 = "256".into(), code, what, "by", "found 256");
    refused(|plan| plan.driver.measurements[1].2[0] = "AB".repeat(48), code, what, "by", "Hash: expected 96");
    refused(|plan| plan.driver.measurements[1].2[0] = "ab".repeat(47), code, what, "by", "Hash: expected 96");
    refused(|plan| plan.driver.measurements[1].2.clear(), code, what, "by", "0 and 0");
}

#[test]
fn chains_of_manifests() {
    let forge_root = |plan: &mut Plan| {
        plan.rim_chain[3].key = 66;
        plan.rim_chain[3].signer = 66;
        plan.rim_chain[2].signer = 66;
    };
    refused(forge_root, Code::RimChainUntrustedRoot, "driver RIM chain: root", "RIM Root", "other bytes");
    let code = Code::RimChainIncomplete;
    refused(|plan| drop(plan.rim_chain.remove(1)), code, "issuer of RIM Signer", "RIM L3", "RIM CA");
    refused(|plan| plan.rim_chain.clear(), code, "driver RIM chain", "a certificate", "nothing");
    let code = Code::RimSignatureInvalid;
    refused(|plan| plan.rim_chain[0].signer = 66, code, "on RIM Signer", "by RIM L3", "not valid");
    let code = Code::CertificateProfile;
    refused(|plan| plan.rim_chain[1].is_authority = false, code, "rights of RIM L3", "an authority", "none");
    refused(
        |plan| plan.rim_chain[0].is_authority = true,
        code,
        "signer",
        "of manifests",
        "basic constraints",
    );
    // A device's key is no signer of manifests, however genuine.
    let device_signs = |plan: &mut Plan| {
        plan.rim_chain.clone_from(&plan.device);
        plan.driver.signer = 1;
    };
    refused(device_signs, Code::RimChainUntrustedRoot, "driver RIM chain: root", "RIM Root", "Device Root");
    let found = [Code::RimMeasurementMatch, Code::RimCertificateExpired];
    let trail = accepted(|plan| plan.rim_chain[0].not_after = "20260531235959Z", &found);
    assert!(
        trail
            .findings()
            .any(|(_, check)| check.expected.ends_with("2026-05-31T23:59:59Z") && check.found == AT)
    );
    let found = [Code::RimMeasurementMatch, Code::RimCertificateNotYetValid];
    accepted(|plan| plan.rim_chain[1].not_before = "20260601000001Z", &found);
}

#[test]
fn golden_values() {
    let mismatch = [Code::RimMeasurementMismatch];
    let trail = accepted(|plan| plan.driver.measurements[4].2[0] = "ee".repeat(48), &mismatch);
    let (_, check) = trail.findings().find(|(code, _)| *code == Code::RimMeasurementMismatch).unwrap();
    assert_eq!(
        (&*check.what, &check.expected, &check.found),
        ("driver RIM: measurement 4", &"ee".repeat(48), &"05".repeat(48))
    );
    accepted(|plan| plan.driver.measurements[3].2[0] = "ee".repeat(48), &[Code::RimMeasurementMatch]);
    let one_of_two = |plan: &mut Plan| plan.driver.measurements[4].2.insert(0, "ee".repeat(48));
    accepted(one_of_two, &[Code::RimMeasurementMatch]);
    let trail = accepted(|plan| plan.driver.measurements[9].1 = true, &mismatch);
    assert!(trail.findings().any(|(_, check)| check.what == "golden value 9" && check.found == "in both"));
    let trail = accepted(|plan| plan.report.blocks.retain(|block| block.0 != 10), &mismatch);
    assert!(
        trail.findings().any(|(_, check)| check.what.ends_with("measurement 9") && check.found == "none")
    );
    // Nothing to compare is no match.
    let no_values = |plan: &mut Plan| {
        for rim in [&mut plan.driver, &mut plan.vbios] {
            rim.measurements.iter_mut().for_each(|measurement| measurement.1 = false);
        }
    };
    accepted(no_values, &[]);
}

#[test]
fn the_decoder_counts_only_while_it_is_on() {
    let differs = |plan: &mut Plan| plan.driver.measurements[35].2[0] = "ee".repeat(48);
    accepted(differs, &[Code::RimMeasurementMatch]);
    for status in [&[0xAA_u8][..], &[0x54]] {
        let is_on = |plan: &mut Plan| {
            differs(plan);
            plan.report.set(11, status);
        };
        accepted(is_on, &[Code::RimMeasurementMismatch]);
    }
    let is_unknown = |plan: &mut Plan| {
        differs(plan);
        plan.report.fields.retain(|field| field.0 != 11);
    };
    accepted(is_unknown, &[Code::RimMeasurementMismatch]);
}
