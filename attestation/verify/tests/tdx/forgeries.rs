//! Evidence under a root of ours, with one thing wrong before all is signed: what only a holder of a key could forge.

use attestation_verify::Kind;
use attestation_verify::tdx::Challenge;

use crate::bundle::{codes, trail};
use crate::pki::{Certificate, SIGNS_CERTIFICATES, SIGNS_DATA, STRANGER, World};
use crate::{der, pki};

/// What is changed, and the code, the expectation and the finding that must result.
pub(crate) type Change = (fn(&mut World), &'static str, &'static str, &'static str);

#[test]
fn unchanged_evidence_is_genuine() {
    for world in [World::default(), World::relaunch(5, 5)] {
        let outcome = world.verify();
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(codes(&outcome, None).into_iter().collect::<Vec<_>>(), ["tcb-status:UpToDate"]);
    }
}

#[track_caller]
pub(crate) fn rejected(changes: &[Change]) {
    for (index, (change, code, expected, found)) in changes.iter().enumerate() {
        let mut world = World::default();
        change(&mut world);
        let outcome = world.verify();
        let Err(rejection) = outcome else { panic!("change {index}: expected {code}, found it accepted") };
        let (reason, check) = rejection.reason().unwrap();
        assert_eq!(reason.as_str(), *code, "change {index}: {rejection}");
        assert_eq!(rejection.trail().findings().filter(|(code, _)| code.kind() == Kind::Fatal).count(), 1);
        assert!(check.expected.contains(expected), "change {index}, expected {expected}: {rejection}");
        assert!(check.found.contains(found), "change {index}, found {found}: {rejection}");
    }
}

#[track_caller]
pub(crate) fn noted(changes: &[Change]) {
    for (index, (change, code, expected, found)) in changes.iter().enumerate() {
        let mut world = World::default();
        change(&mut world);
        let outcome = world.verify();
        assert!(outcome.is_ok(), "change {index}: {outcome:?}");
        let mut findings = trail(&outcome).findings().filter(|(other, _)| other.as_str() == *code);
        let (_, check) = findings.next().unwrap_or_else(|| panic!("change {index}: expected {code}"));
        assert!(check.expected.contains(expected), "change {index}, expected {expected}: {check}");
        assert!(check.found.contains(found), "change {index}, found {found}: {check}");
        let others = codes(&outcome, None).into_iter().filter(|other| other != code);
        let others: Vec<&str> = others.filter(|other| *other != "tcb-status:UpToDate").collect();
        assert!(others.is_empty(), "change {index}: {others:?} besides {code}");
    }
}

pub(crate) fn forge_root(root: &mut Certificate) {
    (root.key, root.signer) = (STRANGER, STRANGER);
}

#[test]
fn the_pck_chain_must_be_intels() {
    rejected(&[
        (
            |world| {
                forge_root(&mut world.root);
                world.ca.signer = STRANGER;
            },
            "chain-untrusted-root",
            "Intel SGX Root CA, as pinned",
            "with other bytes",
        ),
        (
            |world| {
                (world.root.subject, world.root.issuer) = ("Intel SGX Root CB", "Intel SGX Root CB");
                world.ca.issuer = "Intel SGX Root CB";
            },
            "chain-untrusted-root",
            "Intel SGX Root CA, as pinned",
            "Intel SGX Root CB",
        ),
        (
            |world| (world.ca.signer, world.chain) = (STRANGER, vec![0, 1]),
            "certificate-signature-invalid",
            "by Intel SGX Root CA",
            "not valid",
        ),
        (|world| world.pck.signer = STRANGER, "certificate-signature-invalid", "Platform CA", "not valid"),
        (|world| world.chain = vec![1, 0, 2], "chain-incomplete", "Intel SGX Root CA", "PCK Certificate"),
        (|world| world.chain = vec![0, 2], "chain-incomplete", "Platform CA", "Root CA"),
        (|world| world.chain = vec![0], "chain-incomplete", "as pinned", "Platform CA"),
        (
            |world| world.chain = vec![1, 2],
            "certificate-profile",
            "PlatformCa or ProcessorCa, Root]",
            "[PlatformCa, Root]",
        ),
        (|world| world.chain = Vec::new(), "certificate-encoding", "PEM", "nothing"),
        (|world| world.certification_data_type = 4, "chain-missing", "in the quote or with it", "type 4"),
    ]);
}

#[test]
fn certificates_must_have_the_names_and_rights_that_intel_gives() {
    rejected(&[
        (
            |world| world.ca.constraints = Vec::new(),
            "certificate-profile",
            "an authority",
            "basic constraints",
        ),
        (|world| world.ca.usage = SIGNS_DATA, "certificate-profile", "an authority", "key usage"),
        (|world| world.pck.usage = SIGNS_CERTIFICATES, "certificate-profile", "to sign data", "key usage"),
        (
            |world| world.pck.constraints = der::boolean(true),
            "certificate-profile",
            "to sign data",
            "basic constraints",
        ),
        (
            |world| world.pck.subject = "Intel SGX TCB Signing",
            "certificate-profile",
            "[Pck",
            "[TcbSigning, PlatformCa, Root]",
        ),
        (
            |world| world.pck.subject = "Intel SGX PCK Certificate for all",
            "certificate-profile",
            "as Intel writes them",
            "for all",
        ),
        (|world| world.pck.sgx = Some(Vec::new()), "certificate-profile", "PCK certificate", "SGX extension"),
        (|world| world.sgx.has_instance = false, "certificate-profile", "true", "false"),
        (
            |world| {
                let mut fields = world.sgx.der();
                fields.extend([0x05, 0x00]);
                world.pck.sgx = Some(fields);
            },
            "certificate-profile",
            "PCK certificate",
            "SGX extension",
        ),
    ]);
}

#[test]
fn certificates_and_lists_must_be_in_force() {
    rejected(&[
        (
            |world| world.pck.to = "2026-01-14T23:59:59Z",
            "certificate-expired",
            "2026-01-14T23:59:59Z",
            pki::AT,
        ),
        (
            |world| world.pck.from = "2026-01-15T00:00:01Z",
            "certificate-not-yet-valid",
            "2026-01-15T00:00:01Z",
            pki::AT,
        ),
        (|world| world.ca.to = "2026-01-01T00:00:00Z", "certificate-expired", "2026-01-01", pki::AT),
        (|world| world.crls[0].revoked = vec![7, 3], "crl-revoked", "03 not listed", "03 listed"),
        (|world| world.crls[1].revoked = vec![2], "crl-revoked", "02 not listed", "02 listed"),
        (|world| world.crls[1].revoked = vec![4], "crl-revoked", "04 not listed", "04 listed"),
        (|world| world.crls[1].revoked = vec![1], "crl-revoked", "01 not listed", "01 listed"),
        (|world| world.crls[0].signer = STRANGER, "crl-signature-invalid", "Platform CA", "not valid"),
        (
            |world| world.crls[0].issuer = "Intel SGX PCK Processor CA",
            "crl-signature-invalid",
            "an authority of the pinned chain",
            "Processor CA",
        ),
        (|world| world.crls = vec![world.crls[0].clone(); 17], "crl-encoding", "at most 16 lists", "17"),
        // Past its time, and still a list of what is revoked.
        (
            |world| {
                world.crls[0].to = "2026-01-10T00:00:00Z";
                world.crls[0].revoked = vec![3];
            },
            "crl-revoked",
            "03 not listed",
            "03 listed",
        ),
    ]);
    noted(&[
        (|world| world.crls[0].to = "2026-01-14T00:00:00Z", "crl-stale", "2026-01-14", pki::AT),
        (|world| world.crls[1].from = "2026-01-16T00:00:00Z", "crl-not-yet-valid", "2026-01-16", pki::AT),
        (|world| drop(world.crls.pop()), "revocation-unchecked", "supplied", "none"),
        (|world| drop(world.crls.remove(0)), "revocation-unchecked", "supplied", "none"),
    ]);
}

#[test]
fn the_quote_must_be_bound_link_by_link() {
    rejected(&[
        (|world| world.qe_signer = STRANGER, "qe-report-signature-invalid", "by the PCK", "not valid"),
        (|world| world.vouched = STRANGER, "ak-unbound", "and 32 zero bytes", ""),
        (|world| world.quote_signer = STRANGER, "ak-unbound", "and 32 zero bytes", ""),
        (|world| world.qe_report_tail[31] = 1, "ak-unbound", "and 32 zero bytes", "0000000001"),
        (
            |world| world.attestation_key = Some(STRANGER.public()),
            "signature-invalid",
            "by the attestation key",
            "not valid",
        ),
        // Not on the curve.
        (
            |world| world.attestation_key = Some(vec![1; 64]),
            "signature-invalid",
            "by the attestation key",
            "not valid",
        ),
        (|world| world.header[12] ^= 1, "qe-vendor-unknown", "939a7233", "929a7233"),
        (|world| world.challenge = Challenge::ReportData([0x78; 64]), "nonce-mismatch", "7878", "7777"),
        (|world| world.header[0] = 3, "unsupported-version", "version 4 or 5", "found 3"),
        (|world| world.header[2] = 3, "unsupported-key-type", "TDX quote", "found 3"),
        (|world| world.header[4] = 0, "unsupported-tee-type", "TDX quote", "found 0x0"),
    ]);
    let mut world = World { authentication_data: Vec::new(), ..World::default() };
    assert!(world.verify().is_ok());
    world.authentication_data = vec![7; 1000];
    assert!(world.verify().is_ok());
}

#[test]
fn the_domain_is_described_to_a_policy() {
    noted(&[
        (|world| world.body[120] = 1, "policy-debug-enabled", "0x0", "0x1"),
        (|world| world.body[120] = 2, "policy-debug-enabled", "0x0", "0x2"),
        (|world| world.body[123] = 0, "td-sept-ve-disable-clear", "true", "false"),
        (|world| world.body[123] = 0x50, "td-pks-enabled", "false", "true"),
        (|world| world.body[122] = 0x20, "td-attributes-unknown-bits", "0x0", "0x200000"),
        (
            |world| {
                world.body[520..].fill(0);
                world.challenge = Challenge::NotPosed;
            },
            "nonce-unbound",
            "not zero",
            "zero",
        ),
        (|world| world.trailing = vec![0; 70], "trailing-unsigned", "0", "70"),
        (
            |world| {
                *world = World::relaunch(5, 5);
                world.body[600] = 1;
            },
            "td-service-td-bound",
            "00",
            "01",
        ),
        (|world| *world = World::relaunch(5, 6), "tdx-module-updated", "0503", "0603"),
    ]);
}
