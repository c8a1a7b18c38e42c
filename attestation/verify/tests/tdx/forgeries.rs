//! Evidence under a root of ours, with one thing wrong before all is signed: what only a holder of a key could forge.

use attestation_verify::Kind;
use attestation_verify::tdx::Challenge;
use serde_json::{Value, json};

use crate::bundle::{codes, trail};
use crate::pki::{Certificate, PCK, ROOT, SIGNS_CERTIFICATES, SIGNS_DATA, STRANGER, World};
use crate::{der, pki};

/// What is changed, and the code, the expectation and the finding that must result.
type Change = (fn(&mut World), &'static str, &'static str, &'static str);

#[test]
fn unchanged_evidence_is_genuine() {
    for world in [World::default(), World::relaunch(5, 5)] {
        let outcome = world.verify();
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(codes(&outcome, None).into_iter().collect::<Vec<_>>(), ["tcb-status:UpToDate"]);
    }
}

#[track_caller]
fn rejected(changes: &[Change]) {
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
fn noted(changes: &[Change]) {
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

fn forge_root(root: &mut Certificate) {
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
            "by Intel SGX",
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

fn document(world: &mut World) -> &mut pki::Document {
    world.tcb_info.as_mut().unwrap()
}

#[test]
fn collateral_must_be_signed_by_intel() {
    rejected(&[
        (
            |world| document(world).signer = STRANGER,
            "collateral-signature-invalid",
            "TCB Signing",
            "not valid",
        ),
        (
            |world| world.qe_identity.as_mut().unwrap().signer = PCK,
            "collateral-signature-invalid",
            "TCB Signing",
            "not valid",
        ),
        (|world| document(world).chain.clear(), "collateral-chain-missing", "supplied", "none"),
        (
            |world| {
                document(world).chain[0].signer = STRANGER;
                forge_root(&mut document(world).chain[1]);
            },
            "collateral-chain-untrusted-root",
            "as pinned",
            "with other bytes",
        ),
        (
            |world| document(world).chain[0].signer = STRANGER,
            "collateral-chain-invalid",
            "Root CA",
            "not valid",
        ),
        (
            |world| document(world).chain[0].subject = "Intel SGX PCK Certificate",
            "collateral-chain-invalid",
            "[TcbSigning, Root]",
            "[Pck, Root]",
        ),
        // A platform's key that is genuine, and signs other things.
        (
            |world| {
                let chain = vec![world.pck.clone(), world.ca.clone(), world.root.clone()];
                (document(world).chain, document(world).signer) = (chain, PCK);
            },
            "collateral-chain-invalid",
            "[TcbSigning, Root]",
            "[Pck, PlatformCa, Root]",
        ),
        (
            |world| {
                document(world).chain.remove(0);
                document(world).signer = ROOT;
            },
            "collateral-chain-invalid",
            "[TcbSigning, Root]",
            "[Root",
        ),
        (
            |world| document(world).chain[0].usage = SIGNS_CERTIFICATES,
            "collateral-chain-invalid",
            "to sign data",
            "key usage",
        ),
    ]);
}

#[test]
fn the_age_of_collateral_is_for_a_policy() {
    noted(&[
        (
            |world| document(world).chain[0].to = "2026-01-14T00:00:00Z",
            "collateral-certificate-expired",
            "2026-01-14",
            pki::AT,
        ),
        (
            |world| document(world).chain[0].from = "2026-01-16T00:00:00Z",
            "collateral-certificate-not-yet-valid",
            "2026-01-16",
            pki::AT,
        ),
        (
            |world| world.tcb_info()["nextUpdate"] = json!("2026-01-14T00:00:00Z"),
            "collateral-expired",
            "2026-01-14",
            pki::AT,
        ),
        (
            |world| world.qe_identity()["issueDate"] = json!("2026-01-16T00:00:00Z"),
            "collateral-not-yet-valid",
            "2026-01-16",
            pki::AT,
        ),
        (
            |world| world.tcb_info()["tcbEvaluationDataNumber"] = json!(20),
            "collateral-eval-mismatch",
            "20",
            "19",
        ),
    ]);
    for drop_one in [|world: &mut World| world.tcb_info = None, |world: &mut World| world.qe_identity = None]
    {
        let mut world = World::default();
        drop_one(&mut world);
        let outcome = world.verify();
        assert_eq!(codes(&outcome, None).into_iter().collect::<Vec<_>>(), ["collateral-missing"]);
        assert_eq!(outcome.unwrap().evidence().tcb(), None);
    }
}

#[test]
fn collateral_must_be_about_this_platform() {
    rejected(&[
        (
            |world| world.tcb_info()["fmspc"] = json!("90C06F000001"),
            "collateral-mismatch",
            "90c06f000000",
            "90c06f000001",
        ),
        (|world| world.sgx.pce_id = [1, 0], "collateral-mismatch", "0100", "0000"),
        (|world| world.tcb_info()["id"] = json!("SGX"), "collateral-mismatch", "TDX of", "SGX of"),
        (|world| world.tcb_info()["version"] = json!(2), "collateral-mismatch", "version 3", "version 2"),
        (|world| world.tcb_info()["tcbType"] = json!(1), "collateral-mismatch", "0", "1"),
        (|world| world.qe_identity()["id"] = json!("QE"), "collateral-mismatch", "TD_QE of", "QE of"),
        (|world| world.qe_identity()["version"] = json!(1), "collateral-mismatch", "version 2", "version 1"),
        (
            |world| world.tcb_info = world.qe_identity.clone(),
            "collateral-mismatch",
            "TDX of version 3",
            "TD_QE of version 2",
        ),
        (|world| world.body[64] = 1, "tdx-module-mismatch", "0000", "0100"),
        (|world| world.body[112] = 1, "tdx-module-mismatch", "under mask ff", "01000000"),
        (
            |world| {
                world.body[112] = 1;
                let identity = &mut world.tcb_info()["tdxModuleIdentities"][0];
                identity["attributes"] = json!("0100000000000000");
            },
            "tdx-module-mismatch",
            "0000000000000000",
            "0100000000000000",
        ),
        (|world| world.body[1] = 9, "tdx-module-mismatch", "TDX_09", "TDX_03"),
        (
            |world| {
                world.body[1] = 0;
                world.tcb_info()["tdxModule"]["mrsigner"] = json!("AA".repeat(48));
            },
            "tdx-module-mismatch",
            "aaaa",
            "0000",
        ),
        (|world| world.qe_report[128] = 1, "qe-identity-mismatch", "dcdc", "01dc"),
        (|world| world.qe_report[256] = 1, "qe-identity-mismatch", "2", "1"),
        (|world| world.qe_report[16] = 1, "qe-identity-mismatch", "00000000 under", "01000000"),
        (|world| world.qe_report[48] |= 2, "qe-identity-mismatch", "11000000", "17000000"),
    ]);
}

fn rewritten(world: &mut World, from: &str, to: &str) {
    let document = document(world);
    let text = document.body.to_string();
    assert!(text.contains(from), "{from}: {text}");
    document.text = Some(text.replacen(from, to, 1));
}

#[test]
fn documents_are_read_strictly_and_bounded() {
    let code = "collateral-encoding";
    let format = "version 3 of the format";
    rejected(&[
        (|world| world.tcb_info()["later"] = json!(1), code, format, "unknown field `later`"),
        (
            |world| rewritten(world, "\"tcbType\":0", "\"tcbType\":0,\"tcbType\":0"),
            code,
            format,
            "duplicate field `tcbType`",
        ),
        (
            |world| rewritten(world, "\"id\":\"TDX\"", "\"id\":\"TDX\",\"id\":\"TDX\""),
            code,
            "TDX of version 3",
            "duplicate field `id`",
        ),
        (
            |world| {
                let deep = format!("\"tcbLevels\":{}", "[".repeat(20_000));
                rewritten(
                    world,
                    "\"tcbLevels\":[{\"advisoryIDs\":[],\"tcb\":{\"isv",
                    &format!("{deep}{{\"isv"),
                );
            },
            code,
            "one document and its signature",
            "",
        ),
        (
            |world| world.tcb_info()["tcbLevels"][0]["tcbStatus"] = json!("Excellent"),
            code,
            format,
            "unknown variant `Excellent`",
        ),
        (
            |world| world.tcb_info()["tcbLevels"][0]["tcbStatus"] = json!("TdRelaunchAdvised"),
            code,
            format,
            "unknown variant",
        ),
        (
            |world| {
                let identity = &mut world.tcb_info()["tdxModuleIdentities"][0];
                identity["tcbLevels"][0]["tcbStatus"] = json!("ConfigurationNeeded");
            },
            code,
            format,
            "found ConfigurationNeeded",
        ),
        (
            |world| {
                let components = &mut world.tcb_info()["tcbLevels"][0]["tcb"]["sgxtcbcomponents"];
                drop(components.as_array_mut().unwrap().pop());
            },
            code,
            format,
            "invalid length 15",
        ),
        (|world| world.tcb_info()["fmspc"] = json!("90C06F0000"), code, format, "6 bytes in hexadecimal"),
        (|world| world.tcb_info()["issueDate"] = json!("2026-01-01"), code, format, "RFC 3339"),
        (
            |world| document(world).text = Some(format!("\"{}\"", "x".repeat(65536))),
            code,
            "at most 65536 bytes",
            "65",
        ),
        (|world| document(world).text = Some("[".repeat(30_000)), code, "one document", ""),
        (|world| document(world).member = "tcbinfo", code, "one document", "unknown field `tcbinfo`"),
    ]);
}

#[test]
fn documents_without_descriptions_of_components_are_read() {
    let mut world = World::default();
    for component in world.tcb_info()["tcbLevels"][0]["tcb"]["sgxtcbcomponents"].as_array_mut().unwrap() {
        *component = json!({ "svn": 5 });
    }
    let level = &mut world.tcb_info()["tcbLevels"][0];
    level.as_object_mut().unwrap().remove("advisoryIDs");
    let outcome = world.verify();
    assert_eq!(codes(&outcome, None).into_iter().collect::<Vec<_>>(), ["tcb-status:UpToDate"]);
    assert_eq!(world.tcb_info()["tcbLevels"][0].get("advisoryIDs"), None::<&Value>);
}
