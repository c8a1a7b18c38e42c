//! The shared TDX evidence: its cases, and the formats that collateral comes in there.

use std::fs;
use std::path::{Path, PathBuf};

use attestation_x509::pem;
use serde_json::Value;

use crate::bundle::{Bundle, Log, SignedDocument};

/// Folder and cases, with variants as cases of their own.
pub(crate) struct Fixtures {
    folder: PathBuf,
    pub(crate) cases: Vec<(String, Value)>,
}

impl Fixtures {
    pub(crate) fn open() -> Option<Self> {
        let folder = tests_needs::fixture("tdx")?;
        let list: Vec<Value> = serde_json::from_slice(&fs::read(folder.join("cases.json")).unwrap()).unwrap();
        let mut cases = Vec::new();
        for case in list {
            let name = case["case"].as_str().unwrap().to_owned();
            let variants = case["variants"].as_array().cloned().unwrap_or_default();
            // A variant is about the same platform: which collateral of many, its facts say.
            let fmspc = case["facts"].get("fmspc").cloned();
            cases.push((name.clone(), case));
            for mut variant in variants {
                variant["facts"] = serde_json::json!({ "fmspc": fmspc });
                cases.push((format!("{name}: {}", variant["what"].as_str().unwrap()), variant));
            }
        }
        Some(Self { folder, cases })
    }

    /// Everything that a case lists; of several event logs one bundle each.
    pub(crate) fn bundles(&self, case: &Value) -> Vec<Bundle> {
        let file = |kind: &str| self.file(case, kind);
        let mut bundle = Bundle { quote: file("quote"), ..Bundle::default() };
        if let Some(collateral) = file("collateral") {
            let collateral: Value = serde_json::from_slice(&collateral).unwrap();
            let fmspc = case["facts"]["fmspc"].as_str().unwrap();
            if collateral.get("platforms").is_some() {
                azure_collateral(&mut bundle, &collateral, fmspc);
            } else {
                phala_collateral(&mut bundle, &collateral);
            }
        }
        let chain = file("tcb_chain").map(|chain| pem::certificates(&chain).unwrap());
        let issuer_chain = chain.or(file("tcb_signing").map(|leaf| vec![leaf])).unwrap_or_default();
        let document = |body| SignedDocument { body, issuer_chain: issuer_chain.clone() };
        bundle.tcb_info = bundle.tcb_info.or(file("tcb_info").map(document));
        bundle.qe_identity = bundle.qe_identity.or(file("qe_identity").map(document));
        bundle.crls.extend([file("pck_crl"), file("root_crl")].into_iter().flatten());
        let logs = ["ccel", "ccel_good", "ccel_bad"].map(|kind| file(kind).map(Log::Ccel));
        let logs: Vec<Log> = logs.into_iter().flatten().chain(file("report").map(dstack_log)).collect();
        if logs.is_empty() {
            return vec![bundle];
        }
        logs.into_iter().map(|log| Bundle { event_log: Some(log), ..bundle.clone() }).collect()
    }

    fn file(&self, case: &Value, kind: &str) -> Option<Vec<u8>> {
        Some(read(&self.folder.join(case["files"].get(kind)?.as_str().unwrap())))
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn chain(value: &Value) -> Vec<Vec<u8>> {
    pem::certificates(text(value).as_bytes()).unwrap()
}

/// Documents without their frame, lists in hexadecimal.
fn phala_collateral(bundle: &mut Bundle, collateral: &Value) {
    let document = |name: &str, member: &str| {
        let (body, signature) = (text(&collateral[name]), text(&collateral[format!("{name}_signature")]));
        let body = format!("{{\"{member}\":{body},\"signature\":\"{signature}\"}}").into_bytes();
        SignedDocument { body, issuer_chain: chain(&collateral[format!("{name}_issuer_chain")]) }
    };
    bundle.tcb_info = Some(document("tcb_info", "tcbInfo"));
    bundle.qe_identity = Some(document("qe_identity", "enclaveIdentity"));
    bundle.crls = ["pck_crl", "root_ca_crl"].map(|name| hex(text(&collateral[name]))).to_vec();
}

/// Documents of many platforms, lists in PEM.
fn azure_collateral(bundle: &mut Bundle, collateral: &Value, fmspc: &str) {
    let platforms = collateral["platforms"].as_array().unwrap();
    let platform =
        platforms.iter().find(|platform| text(&platform["fmspc"]).eq_ignore_ascii_case(fmspc)).unwrap();
    let document = |name: &str| {
        let holder = if platform.get(name).is_some() { platform } else { collateral };
        let body = text(&holder[name]).trim().as_bytes().to_vec();
        SignedDocument { body, issuer_chain: chain(&holder[format!("{name}IssuerChain")]) }
    };
    bundle.tcb_info = Some(document("tcbInfo"));
    bundle.qe_identity = Some(document("qeIdentity"));
    let list = |name: &str| pem_rfc7468::decode_vec(text(&collateral[name]).trim().as_bytes()).unwrap().1;
    bundle.crls = ["pckCrl", "rootCaCrl"].map(list).to_vec();
}

/// JSON in JSON.
fn dstack_log(report: Vec<u8>) -> Log {
    let report: Value = serde_json::from_slice(&report).unwrap();
    Log::Digests(text(&report["event_log"]).as_bytes().to_vec())
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}
