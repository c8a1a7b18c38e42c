//! TDX: quote with full collateral.

use std::fs;
use std::path::Path;

use attestation_recognise::{Item, Kind, recognise};
use attestation_ring::Ring;
use attestation_signature::{RustCrypto, SignatureVerifier};
use attestation_verify::tdx::{Challenge, Collateral, Document, Roots, verify};
use attestation_verify::{Code, Verifier};
use dcap_qvl::QuoteCollateralV3;
use serde_json::Value;

use crate::{Contender, RING, RUST_CRYPTO, Role};

const AT: &str = "2025-07-01T00:00:00Z";
const AT_UNIX_SECONDS: u64 = 1_751_328_000;

/// A quote of a platform that is up to date, and its collateral as both sides read it.
#[derive(Clone)]
pub(crate) struct Evidence {
    pub(crate) quote: Vec<u8>,
    pub(crate) ours: Vec<Item>,
    pub(crate) theirs: QuoteCollateralV3,
}

impl Evidence {
    /// From the folder of shared evidence.
    pub(crate) fn read(folder: &Path) -> Self {
        let quote = fs::read(folder.join("dq-uptodate/quote.bin")).expect("the shared evidence");
        Self::with(quote, &Self::collateral(folder)).expect("collateral")
    }

    /// The collateral of that quote, JSON.
    pub(crate) fn collateral(folder: &Path) -> Vec<u8> {
        fs::read(folder.join("dq-uptodate/collateral.json")).expect("the shared evidence")
    }

    /// `None` when one of the two sides cannot read the collateral.
    pub(crate) fn with(quote: Vec<u8>, collateral: &[u8]) -> Option<Self> {
        Some(Self { quote, ours: recognise(collateral).ok()?, theirs: their_collateral(collateral)? })
    }

    /// Whether we call it genuine, with nothing left out.
    pub(crate) fn ours(&self, signatures: &dyn SignatureVerifier) -> bool {
        let of = |kind: Kind| -> Vec<&[u8]> {
            let items = self.ours.iter().filter(|item| item.kind == kind);
            items.map(|item| item.bytes.as_slice()).collect()
        };
        let (chain, crls) = (of(Kind::Certificate), of(Kind::RevocationList));
        let document = |kind| of(kind).first().map(|body| Document { body, issuer_chain: &chain });
        let collateral = Collateral {
            pck_chain: &[],
            tcb_info: document(Kind::TcbInfo),
            qe_identity: document(Kind::QeIdentity),
            crls: &crls,
            event_log: None,
        };
        let by = Verifier { signatures, at: AT.parse().expect("a time") };
        let verified = verify(Some(&self.quote), &collateral, Challenge::NotPosed, &Roots::default(), by);
        verified.is_ok_and(|verified| {
            let mut findings = verified.trail().findings();
            verified.evidence().tcb().is_some() && findings.all(|(code, _)| code != Code::RevocationUnchecked)
        })
    }

    /// Whether `dcap-qvl` does, with the same cryptography as ours.
    pub(crate) fn rustcrypto(&self) -> bool {
        dcap_qvl::verify::rustcrypto::verify(&self.quote, &self.theirs, AT_UNIX_SECONDS).is_ok()
    }

    /// Whether `dcap-qvl` does, with the cryptography that it takes by itself.
    pub(crate) fn ring(&self) -> bool {
        dcap_qvl::verify::ring::verify(&self.quote, &self.theirs, AT_UNIX_SECONDS).is_ok()
    }
}

pub(crate) fn contenders(folder: &Path) -> Vec<Contender> {
    let evidence = Evidence::read(folder);
    let contender = |who, role, cryptography, verify: fn(&Evidence) -> bool| {
        let evidence = evidence.clone();
        let verify = Box::new(move || assert!(verify(&evidence), "genuine"));
        Contender { what: "TDX quote with full collateral", who, role, cryptography, verify }
    };
    vec![
        contender("Redoubt (RustCrypto)", Role::Ours, RUST_CRYPTO, |evidence| evidence.ours(&RustCrypto)),
        contender("Redoubt (ring)", Role::Ours, RING, |evidence| evidence.ours(&Ring)),
        contender("dcap-qvl 0.7.1 (RustCrypto)", Role::Peer, RUST_CRYPTO, Evidence::rustcrypto),
        contender("dcap-qvl 0.7.1 (ring)", Role::Peer, RING, Evidence::ring),
    ]
}

fn their_collateral(json: &[u8]) -> Option<QuoteCollateralV3> {
    let json: Value = serde_json::from_slice(json).ok()?;
    let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
    let bytes = |name: &str| -> Option<Vec<u8>> {
        let digits = text(name)?;
        let pair = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        (0..digits.len()).step_by(2).map(pair).collect()
    };
    Some(QuoteCollateralV3 {
        pck_crl_issuer_chain: text("pck_crl_issuer_chain")?,
        root_ca_crl: bytes("root_ca_crl")?,
        pck_crl: bytes("pck_crl")?,
        tcb_info_issuer_chain: text("tcb_info_issuer_chain")?,
        tcb_info: text("tcb_info")?,
        tcb_info_signature: bytes("tcb_info_signature")?,
        qe_identity_issuer_chain: text("qe_identity_issuer_chain")?,
        qe_identity: text("qe_identity")?,
        qe_identity_signature: bytes("qe_identity_signature")?,
        pck_certificate_chain: None,
    })
}
