//! Intel, as the verifier's tests play it.

#[expect(dead_code, reason = "parts are for the verifier's tests")]
#[path = "../../../../../verify/tests/tdx/bundle.rs"]
pub(super) mod bundle;
#[path = "../../../../../verify/tests/tdx/der.rs"]
mod der;
#[path = "../../../../../verify/tests/tdx/documents.rs"]
mod documents;
#[expect(dead_code, reason = "parts are for the verifier's tests")]
#[path = "../../../../../verify/tests/tdx/pki.rs"]
pub(super) mod pki;

// What the files above use.
use pem_rfc7468 as _;

use attestation_bundle::{Bundle, Item, Kind};
use attestation_x509::pem;

/// The platform's, in its certificate.
pub(super) const PPID: [u8; 16] = [0x11; 16];

/// What vouches for a quote besides the chain inside, in one file.
pub(super) fn endorsement(evidence: &bundle::Bundle) -> Vec<u8> {
    let mut contents: Vec<(Kind, Vec<u8>)> = Vec::new();
    for (document, kind, chain_kind) in [
        (&evidence.tcb_info, Kind::TcbInfo, Kind::TcbInfoChain),
        (&evidence.qe_identity, Kind::QeIdentity, Kind::QeIdentityChain),
    ] {
        let Some(document) = document else { continue };
        let chain: Vec<&[u8]> = document.issuer_chain.iter().map(Vec::as_slice).collect();
        contents.push((kind, document.body.clone()));
        contents.push((chain_kind, pem::encode(&chain).unwrap()));
    }
    if let [pck, root] = evidence.crls.as_slice() {
        let [_, ca, anchor] = pki::World::default().certificates();
        let chain = pem::encode(&[&ca, &anchor]).unwrap();
        contents.push((Kind::PckCrl, pck.clone()));
        contents.push((Kind::PckCrlChain, chain));
        contents.push((Kind::RootCrl, root.clone()));
    }
    let items = contents.iter().map(|(kind, contents)| Item { kind: *kind, contents }).collect();
    Bundle { at: pki::AT.parse().unwrap(), items }.encode().unwrap()
}
