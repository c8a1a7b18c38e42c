//! SEV-SNP: report, VCEK, ASK, ARK.

use std::fs;
use std::path::Path;

use attestation_verify::snp::{AUTHORITIES, Challenge, Collateral, Endorsement, Roots, read_report, verify};
use sev::certs::snp::{Certificate, Chain, Verifiable, builtin, ca};
use sev::firmware::guest::AttestationReport;
use sev::parser::ByteParser;

use crate::Contender;

const AT: &str = "2025-10-06T00:00:00Z";

pub(crate) fn contenders(folder: &Path) -> Vec<Contender> {
    let read = |name: &str| fs::read(folder.join(name)).expect("the shared evidence");
    let (report, vcek) = (read("genoa-v5-oak/report.bin"), read("genoa-v5-oak/vcek.der"));
    let what = "SEV-SNP report with its chain (Genoa)";
    let (our_report, our_vcek) = (report.clone(), vcek.clone());
    let ours = move || {
        let collateral = Collateral { vek: Some(&our_vcek), chain: &AUTHORITIES[2..3], crls: &[] };
        let at = AT.parse().expect("a time");
        let verified = verify(Some(&our_report), &collateral, Challenge::NotPosed, &Roots::default(), at);
        assert!(verified.is_ok(), "genuine");
    };
    let (their_report, their_vcek) = (report.clone(), vcek.clone());
    let theirs = move || {
        let chain = Chain {
            ca: ca::Chain {
                ark: builtin::genoa::ark().expect("their root"),
                ask: builtin::genoa::ask().expect("their intermediate"),
            },
            vek: Certificate::from_der(&their_vcek).expect("a certificate"),
        };
        let report = AttestationReport::from_bytes(&their_report).expect("a report");
        (&chain, &report).verify().expect("genuine");
    };
    let collateral = Collateral { vek: Some(&vcek), chain: &AUTHORITIES[2..3], crls: &[] };
    let endorsement = Endorsement::verify(&collateral, &Roots::default(), AT.parse().expect("a time"));
    let endorsement = endorsement.expect("genuine");
    let again = move || {
        let report = read_report(Some(&report)).expect("a report");
        assert!(endorsement.verify_report(report, Challenge::NotPosed).is_ok(), "genuine");
    };
    vec![
        Contender { what, who: "Redoubt", is_peer: false, verify: Box::new(ours) },
        Contender { what, who: "sev 8.0.0 (crypto_nossl)", is_peer: true, verify: Box::new(theirs) },
        Contender { what, who: "Redoubt, chain verified before", is_peer: false, verify: Box::new(again) },
    ]
}
