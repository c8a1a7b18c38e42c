//! What we call genuine, peers call genuine: changed byte by byte, real evidence is never accepted by us alone.

use std::env;
use std::path::PathBuf;

use attestation_ring::Ring;

use crate::{snp, tdx};

/// Of bytes of collateral, every so many is changed: their JSON is long.
const COLLATERAL_STEP: usize = 3;

fn folder(vendor: &str) -> Option<PathBuf> {
    let folder = env::var_os("REDOUBT_FIXTURES").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: REDOUBT_FIXTURES is not set");
    }
    folder.map(|folder| folder.join(vendor))
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    bytes.iter().enumerate().map(|(index, byte)| if index == at { byte ^ 1 } else { *byte }).collect()
}

#[test]
fn what_we_accept_of_snp_sev_accepts() {
    let Some(folder) = folder("snp") else { return };
    let good = snp::Evidence::read(&folder);
    assert!(good.ours(&Ring) && good.sev());
    for at in 0..good.report.len() {
        let changed = snp::Evidence { report: flipped(&good.report, at), ..good.clone() };
        assert!(!changed.ours(&Ring) || changed.sev(), "report, byte {at}");
    }
    for at in 0..good.vcek.len() {
        let changed = snp::Evidence { vcek: flipped(&good.vcek, at), ..good.clone() };
        assert!(!changed.ours(&Ring) || changed.sev(), "VCEK, byte {at}");
    }
}

#[test]
fn what_we_accept_of_tdx_dcap_qvl_accepts() {
    let Some(folder) = folder("tdx") else { return };
    let good = tdx::Evidence::read(&folder);
    assert!(good.ours(&Ring) && good.rustcrypto() && good.ring());
    let accepted = |changed: &tdx::Evidence| !changed.ours(&Ring) || changed.ring();
    for at in 0..good.quote.len() {
        let changed = tdx::Evidence { quote: flipped(&good.quote, at), ..good.clone() };
        assert!(accepted(&changed), "quote, byte {at}");
    }
    let collateral = tdx::Evidence::collateral(&folder);
    for at in (0..collateral.len()).step_by(COLLATERAL_STEP) {
        let changed = tdx::Evidence::with(good.quote.clone(), &flipped(&collateral, at));
        assert!(changed.as_ref().is_none_or(accepted), "collateral, byte {at}");
    }
}
