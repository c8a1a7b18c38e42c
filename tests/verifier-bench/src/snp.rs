//! SEV-SNP: report, VCEK, ASK, ARK.

use std::fs;
use std::path::Path;

use attestation_ring::Ring;
use attestation_signature::{RustCrypto, SignatureVerifier};
use attestation_verify::Verifier;
use attestation_verify::snp::{AUTHORITIES, Challenge, Collateral, Endorsement, Roots, read_report, verify};
use sev::certs::snp::{Certificate, Chain, Verifiable, builtin, ca};
use sev::firmware::guest::AttestationReport;
use sev::parser::ByteParser;

use crate::{Contender, RING, RUST_CRYPTO, Role};

const AT: &str = "2025-10-06T00:00:00Z";

/// A report of a Genoa, and the certificate of its key.
#[derive(Clone)]
pub(crate) struct Evidence {
    pub(crate) report: Vec<u8>,
    pub(crate) vcek: Vec<u8>,
}

impl Evidence {
    /// From the folder of shared evidence.
    pub(crate) fn read(folder: &Path) -> Self {
        let read =
            |name: &str| fs::read(folder.join("genoa-v5-oak").join(name)).expect("the shared evidence");
        Self { report: read("report.bin"), vcek: read("vcek.der") }
    }

    fn collateral(&self) -> Collateral<'_> {
        Collateral { vek: Some(&self.vcek), chain: &AUTHORITIES[2..3], crls: &[] }
    }

    /// Whether we call it genuine.
    pub(crate) fn ours(&self, signatures: &dyn SignatureVerifier) -> bool {
        let by = Verifier { signatures, at: AT.parse().expect("a time") };
        let roots = Roots::default();
        verify(Some(&self.report), &self.collateral(), Challenge::NotPosed, &roots, by).is_ok()
    }

    /// Whether `sev` does.
    pub(crate) fn sev(&self) -> bool {
        let Ok(vek) = Certificate::from_der(&self.vcek) else { return false };
        let Ok(report) = AttestationReport::from_bytes(&self.report) else { return false };
        let ark = builtin::genoa::ark().expect("their root");
        let ask = builtin::genoa::ask().expect("their intermediate");
        let chain = Chain { ca: ca::Chain { ark, ask }, vek };
        (&chain, &report).verify().is_ok()
    }
}

pub(crate) fn contenders(folder: &Path) -> Vec<Contender> {
    let evidence = Evidence::read(folder);
    let contender = |who, role, cryptography, verify: fn(&Evidence) -> bool| {
        let evidence = evidence.clone();
        let verify = Box::new(move || assert!(verify(&evidence), "genuine"));
        Contender { what: "SEV-SNP report with its chain (Genoa)", who, role, cryptography, verify }
    };
    let mut contenders = vec![
        contender("Redoubt (RustCrypto)", Role::Ours, RUST_CRYPTO, |evidence| evidence.ours(&RustCrypto)),
        contender("Redoubt (ring)", Role::Ours, RING, |evidence| evidence.ours(&Ring)),
        contender("sev 8.0.0 (RustCrypto)", Role::Peer, RUST_CRYPTO, Evidence::sev),
    ];
    let mut again = contender("Redoubt (ring), chain verified before", Role::Part, RING, |_| true);
    again.verify = again_with_ring(evidence.clone());
    contenders.push(again);
    contenders
}

/// Further reports of one chip.
fn again_with_ring(evidence: Evidence) -> Box<dyn Fn()> {
    let by = Verifier { signatures: &Ring, at: AT.parse().expect("a time") };
    let endorsement = Endorsement::verify(&evidence.collateral(), &Roots::default(), by).expect("genuine");
    Box::new(move || {
        let report = read_report(Some(&evidence.report)).expect("a report");
        assert!(endorsement.verify_report(report, Challenge::NotPosed, &Ring).is_ok(), "genuine");
    })
}
