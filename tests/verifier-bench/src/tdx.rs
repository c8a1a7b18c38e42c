//! TDX: quote with full collateral.

use std::fs;
use std::path::Path;

use attestation_recognise::{Item, Kind, recognise};
use attestation_verify::Code;
use attestation_verify::tdx::{Challenge, Collateral, Document, Roots, verify};
use dcap_qvl::QuoteCollateralV3;
use serde_json::Value;

use crate::Contender;

const AT: &str = "2025-07-01T00:00:00Z";
const AT_UNIX_SECONDS: u64 = 1_751_328_000;

pub(crate) fn contenders(folder: &Path) -> Vec<Contender> {
    let read = |name: &str| fs::read(folder.join(name)).expect("the shared evidence");
    let (quote, collateral) = (read("dq-uptodate/quote.bin"), read("dq-uptodate/collateral.json"));
    let what = "TDX quote with full collateral";
    let items = recognise(&collateral).expect("collateral");
    let our_quote = quote.clone();
    let ours = move || {
        let of = |kind: Kind| -> Vec<&[u8]> {
            items.iter().filter(|item: &&Item| item.kind == kind).map(|item| item.bytes.as_slice()).collect()
        };
        let (chain, crls) = (of(Kind::Certificate), of(Kind::RevocationList));
        let document = |kind| Document { body: of(kind)[0], issuer_chain: &chain };
        let collateral = Collateral {
            pck_chain: &[],
            tcb_info: Some(document(Kind::TcbInfo)),
            qe_identity: Some(document(Kind::QeIdentity)),
            crls: &crls,
            event_log: None,
        };
        let at = AT.parse().expect("a time");
        let verified = verify(Some(&our_quote), &collateral, Challenge::NotPosed, &Roots::default(), at);
        let verified = verified.expect("genuine");
        assert!(verified.evidence().tcb().is_some(), "nothing was left out");
        let mut findings = verified.trail().findings();
        assert!(findings.all(|(code, _)| code != Code::RevocationUnchecked), "nothing was left out");
    };
    let collateral = their_collateral(&collateral);
    let (quote_a, collateral_a) = (quote.clone(), collateral.clone());
    let rust = move || {
        dcap_qvl::verify::rustcrypto::verify(&quote_a, &collateral_a, AT_UNIX_SECONDS).expect("genuine");
    };
    let ring = move || {
        dcap_qvl::verify::ring::verify(&quote, &collateral, AT_UNIX_SECONDS).expect("genuine");
    };
    vec![
        Contender { what, who: "Redoubt", is_peer: false, verify: Box::new(ours) },
        Contender { what, who: "dcap-qvl 0.7.1 (rustcrypto)", is_peer: true, verify: Box::new(rust) },
        Contender { what, who: "dcap-qvl 0.7.1 (ring)", is_peer: true, verify: Box::new(ring) },
    ]
}

fn their_collateral(json: &[u8]) -> QuoteCollateralV3 {
    let json: Value = serde_json::from_slice(json).expect("JSON");
    let text = |name: &str| json[name].as_str().expect("a text").to_owned();
    let bytes = |name: &str| -> Vec<u8> {
        let digits = text(name);
        (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits"))
            .collect()
    };
    QuoteCollateralV3 {
        pck_crl_issuer_chain: text("pck_crl_issuer_chain"),
        root_ca_crl: bytes("root_ca_crl"),
        pck_crl: bytes("pck_crl"),
        tcb_info_issuer_chain: text("tcb_info_issuer_chain"),
        tcb_info: text("tcb_info"),
        tcb_info_signature: bytes("tcb_info_signature"),
        qe_identity_issuer_chain: text("qe_identity_issuer_chain"),
        qe_identity: text("qe_identity"),
        qe_identity_signature: bytes("qe_identity_signature"),
        pck_certificate_chain: None,
    }
}
