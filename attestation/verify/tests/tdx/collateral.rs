//! Collateral under a root of ours, with one thing wrong before all is signed.

use attestation_verify::tdx::Roots;
use serde_json::{Value, json};

use crate::bundle::codes;
use crate::forgeries::{forge_root, noted, rejected};
use crate::pki::{self, PCK, ROOT, SIGNS_CERTIFICATES, STRANGER, World};

/// A root and its successor of the same name are both trusted, but what is said of a platform is said under its own.
#[test]
fn two_trusted_roots_do_not_vouch_for_each_other() {
    let mut old = World::default();
    let mut new = World::default();
    forge_root(&mut new.root);
    new.ca.signer = STRANGER;
    new.crls[1].signer = STRANGER;
    for document in [&mut new.tcb_info, &mut new.qe_identity] {
        let chain = &mut document.as_mut().unwrap().chain;
        chain[0].signer = STRANGER;
        forge_root(&mut chain[1]);
    }
    let (first, more) = (old.root.der(), new.root.der());
    let more = [more.as_slice()];
    let roots = Roots::dangerous_other_than_intel(&first, &more);
    let verify = |world: &World| world.bundle().verify(&roots, world.challenge, pki::AT.parse().unwrap());
    assert!(verify(&old).is_ok() && verify(&new).is_ok());
    old.tcb_info = new.tcb_info;
    let rejection = verify(&old).unwrap_err();
    assert_eq!(rejection.reason().unwrap().0.as_str(), "collateral-chain-untrusted-root", "{rejection}");
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
