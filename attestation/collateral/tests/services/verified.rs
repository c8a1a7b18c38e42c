//! The whole way: evidence, what it needs, a bundle, and a verifier that has nothing but the bundle.

use attestation_bundle::{Bundle, Item, Kind};
use attestation_collateral::plan::{self, Plan, TdxPlatform};
use attestation_collateral::{Found, Mode};
use attestation_report::tdx::Quote;
use attestation_report::{ProductLine, SnpReport};
use attestation_signature::RustCrypto;
use attestation_verify::{Code, Verifier, snp, tdx};
use attestation_x509::pem;

use crate::imitation::{Server, Vendors, read};
use crate::world::{SPRING_2026, World, instant};

/// When AMD's list and the certificate of that chip hold.
const WINTER_2022: &str = "2022-12-01T00:00:00Z";

/// Fetched, bundled, and read again.
fn bundle(kind: Kind, evidence: &[u8], plan: &Plan, at: &str) -> Vec<u8> {
    let vendors = Vendors::from_fixtures().unwrap();
    let world = World::new(Server::start(vendors.handler()), at);
    let found: Vec<Found> =
        plan.requests.iter().map(|request| world.get(request, Mode::Online).unwrap()).collect();
    let mut items = vec![Item { kind, contents: evidence }];
    for (request, found) in plan.requests.iter().zip(&found) {
        let (kind, chain_kind) = request.kinds();
        items.push(Item { kind, contents: found.object.contents() });
        let chain = chain_kind.zip(found.object.issuer_chain());
        items.extend(chain.map(|(kind, contents)| Item { kind, contents }));
    }
    Bundle { at: instant(at), items }.encode().unwrap()
}

fn certificates(bundle: &Bundle<'_>, kind: Kind) -> Vec<Vec<u8>> {
    pem::certificates(bundle.of(kind).next().unwrap()).unwrap()
}

fn slices(list: &[Vec<u8>]) -> Vec<&[u8]> {
    list.iter().map(Vec::as_slice).collect()
}

#[test]
fn a_report_verifies_with_its_bundle_alone() {
    let Some(path) = tests_needs::fixture("snp/milan-v2-idblock/report.bin") else { return };
    let evidence = read(&path);
    let report = SnpReport::parse(&evidence).unwrap();
    let plan = plan::snp(&report, Some(ProductLine::Milan)).unwrap();
    let bytes = bundle(Kind::SnpReport, &evidence, &plan, WINTER_2022);

    let bundle = Bundle::decode(&bytes).unwrap();
    let chain = certificates(&bundle, Kind::AmdChain);
    let crls: Vec<&[u8]> = bundle.of(Kind::AmdCrl).collect();
    let collateral =
        snp::Collateral { vek: bundle.of(Kind::Vek).next(), chain: &slices(&chain), crls: &crls };
    let report = bundle.of(Kind::SnpReport).next();
    let challenge = snp::Challenge::NotPosed;
    let by = Verifier { signatures: &RustCrypto, at: bundle.at };
    let verified = snp::verify(report, &collateral, challenge, &snp::Roots::default(), by).unwrap();
    assert!(!codes(verified.trail()).contains(&Code::RevocationUnchecked), "the list of the bundle was read");
}

#[test]
fn a_quote_verifies_with_its_bundle_alone() {
    let Some(path) = tests_needs::fixture("tdx/google-v5/quote.bin") else { return };
    let evidence = read(&path);
    let platform = TdxPlatform::of_quote(&Quote::parse(&evidence).unwrap(), None).unwrap();
    let bytes = bundle(Kind::TdxQuote, &evidence, &plan::tdx(platform), SPRING_2026);

    let bundle = Bundle::decode(&bytes).unwrap();
    let [tcb_chain, qe_chain] =
        [Kind::TcbInfoChain, Kind::QeIdentityChain].map(|kind| certificates(&bundle, kind));
    let (tcb_chain, qe_chain) = (slices(&tcb_chain), slices(&qe_chain));
    let document =
        |kind, issuer_chain| bundle.of(kind).next().map(|body| tdx::Document { body, issuer_chain });
    let crls: Vec<&[u8]> = bundle.of(Kind::PckCrl).chain(bundle.of(Kind::RootCrl)).collect();
    let collateral = tdx::Collateral {
        tcb_info: document(Kind::TcbInfo, &tcb_chain),
        qe_identity: document(Kind::QeIdentity, &qe_chain),
        crls: &crls,
        ..tdx::Collateral::default()
    };
    let quote = bundle.of(Kind::TdxQuote).next();
    let challenge = tdx::Challenge::NotPosed;
    let by = Verifier { signatures: &RustCrypto, at: bundle.at };
    let verified = tdx::verify(quote, &collateral, challenge, &tdx::Roots::default(), by).unwrap();
    assert_eq!(verified.evidence().tcb().unwrap().status, tdx::TcbStatus::UpToDate);
}

fn codes(trail: &attestation_verify::Trail) -> Vec<Code> {
    trail.findings().map(|(code, _)| code).collect()
}
