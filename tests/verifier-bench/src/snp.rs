//! SEV-SNP: report, VCEK, ASK, ARK.

use std::fs;
use std::path::Path;

use attestation_verify::snp::{AUTHORITIES, Challenge, Collateral, Endorsement, Roots, read_report, verify};
use sev::certs::snp::{Certificate, Chain, Verifiable, builtin, ca};
use sev::firmware::guest::AttestationReport;
use sev::parser::ByteParser;

use crate::Contender;

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
    pub(crate) fn ours(&self) -> bool {
        let at = AT.parse().expect("a time");
        let roots = Roots::default();
        verify(Some(&self.report), &self.collateral(), Challenge::NotPosed, &roots, at).is_ok()
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
    let what = "SEV-SNP report with its chain (Genoa)";
    let at = AT.parse().expect("a time");
    let endorsement = Endorsement::verify(&evidence.collateral(), &Roots::default(), at).expect("genuine");
    let (ours, theirs, again) = (evidence.clone(), evidence.clone(), evidence);
    let again = move || {
        let report = read_report(Some(&again.report)).expect("a report");
        assert!(endorsement.verify_report(report, Challenge::NotPosed).is_ok(), "genuine");
    };
    let ours = move || assert!(ours.ours(), "genuine");
    let theirs = move || assert!(theirs.sev(), "genuine");
    vec![
        Contender { what, who: "Redoubt", is_peer: false, verify: Box::new(ours) },
        Contender { what, who: "sev 8.0.0 (crypto_nossl)", is_peer: true, verify: Box::new(theirs) },
        Contender { what, who: "Redoubt, chain verified before", is_peer: false, verify: Box::new(again) },
    ]
}
