//! Servers that behave.

use attestation_collateral::plan::{self, TdxPlatform};
use attestation_collateral::{FetchError, Holds, Mode, PckCa, Request, Source};
use attestation_report::{ProductLine, SnpReport};
use attestation_x509::amd::KeyKind;

use crate::imitation::{FMSPC, RIM, Server, Vendors, read};
use crate::world::{SPRING_2026, SUMMER_2022, World, instant};

fn report(name: &str) -> Option<SnpReport> {
    let path = tests_needs::fixture(&format!("snp/{name}/report.bin"))?;
    Some(SnpReport::parse(&read(&path)).unwrap())
}

fn intel() -> Vec<Request> {
    plan::tdx(TdxPlatform { fmspc: FMSPC.parse().unwrap(), ca: PckCa::Platform }).requests
}

#[test]
fn everything_of_a_report_is_fetched_once() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let world = World::new(Server::start(vendors.handler()), SUMMER_2022);
    let plan = plan::snp(&report("milan-v3-azure").unwrap(), None).unwrap();
    assert_eq!(plan.requests.len(), 3);
    for request in &plan.requests {
        let found = world.get(request, Mode::Online).unwrap();
        assert_eq!(found.source, Source::Service(request.url(&world.endpoints())));
        let again = world.get(request, Mode::Online).unwrap();
        assert_eq!((again.source, again.object), (Source::Cache, found.object));
    }
    assert_eq!(world.server.asked().len(), 3);
    let kept = world.cache.list().unwrap();
    assert!(kept.len() == 3 && kept.iter().all(|kept| kept.fetched_at.is_some()), "{kept:?}");
}

#[test]
fn turin_is_asked_for_with_eight_bytes_and_the_fmc() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let world = World::new(Server::start(vendors.handler()), SPRING_2026);
    let plan = plan::snp(&report("turin-v5-azure").unwrap(), None).unwrap();
    let found = world.get(&plan.requests[0], Mode::Online).unwrap();
    assert_eq!(found.object.holds(), Holds::Always);
    assert!(world.server.asked()[0].contains("?fmcSPL="), "{:?}", world.server.asked());
}

#[test]
fn intel_sends_issuer_chains_and_rims_are_unpacked() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let world = World::new(Server::start(vendors.handler()), SPRING_2026);
    for request in intel() {
        let found = world.get(&request, Mode::Online).unwrap();
        assert_eq!(found.object.issuer_chain().is_some(), request.chain_header().is_some(), "{request}");
        assert_eq!(world.get(&request, Mode::Offline).unwrap().object, found.object);
    }
    let rim = Request::Rim { id: RIM.parse().unwrap(), sha256: None };
    let found = world.get(&rim, Mode::Online).unwrap();
    assert!(found.object.contents().starts_with(b"<SoftwareIdentity"));
}

#[test]
fn what_is_dated_is_fetched_again_when_the_next_is_due() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let world = World::new(Server::start(vendors.handler()), SPRING_2026);
    let identity = Request::QeIdentity;
    let Holds::Between { from, until } = world.get(&identity, Mode::Online).unwrap().object.holds() else {
        panic!("a QE identity has dates")
    };
    assert_eq!((from, until), (instant("2026-03-16T22:16:03Z"), instant("2026-04-15T22:16:03Z")));
    world.get_at(&identity, Mode::Online, until).unwrap();
    assert_eq!(world.server.asked().len(), 1);
    let late = instant("2026-04-15T22:16:04Z");
    let refused = world.get_at(&identity, Mode::Online, late).unwrap_err();
    assert!(matches!(refused, FetchError::NotCurrent { until: found, .. } if found == until), "{refused}");
    assert_eq!(world.server.asked().len(), 2);
    let missing = world.get_at(&identity, Mode::Offline, late).unwrap_err().to_string();
    assert!(missing.contains("2026-04-15T22:16:04Z") && missing.contains("without --offline"), "{missing}");
    // What was current then is still good for then.
    world.get_at(&identity, Mode::Offline, from).unwrap();
}

#[test]
fn what_is_not_dated_is_asked_for_again_after_some_time_and_kept_when_nobody_can_be_asked() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let world = World::new(Server::start(vendors.handler()), SPRING_2026);
    let chain = Request::VekChain { line: ProductLine::Genoa, kind: KeyKind::Vlek };
    world.get(&chain, Mode::Online).unwrap();
    world.clock.advance(30 * 24 * 3600 - 1);
    assert_eq!(world.get(&chain, Mode::Online).unwrap().source, Source::Cache);
    world.clock.advance(1);
    assert_eq!(world.get(&chain, Mode::Offline).unwrap().source, Source::Cache);
    assert_ne!(world.get(&chain, Mode::Online).unwrap().source, Source::Cache);
    assert_ne!(world.get(&chain, Mode::Refresh).unwrap().source, Source::Cache);
}

#[test]
fn a_rim_that_is_issued_anew_does_not_displace_the_old_one() {
    let Some(mut vendors) = Vendors::from_fixtures() else { return };
    let id = "NV_GPU_DRIVER_GH100_1".parse::<attestation_collateral::RimId>().unwrap();
    let path = format!("/v1/rim/{id}");
    let second = vendors.clone();
    vendors.add(
        &path,
        crate::imitation::Reply::ok("application/json", crate::imitation::rim_answer(id.as_str(), b"<one/>")),
    );
    let world = World::new(
        Server::start(move |path, before| {
            if before == 0 {
                return vendors.get(path);
            }
            let mut second = second.clone();
            second.add(
                path,
                crate::imitation::Reply::ok(
                    "application/json",
                    crate::imitation::rim_answer("NV_GPU_DRIVER_GH100_1", b"<two/>"),
                ),
            );
            second.get(path)
        }),
        SPRING_2026,
    );
    let by_name = Request::Rim { id: id.clone(), sha256: None };
    assert_eq!(world.get(&by_name, Mode::Online).unwrap().object.contents(), b"<one/>");
    assert_eq!(world.get(&by_name, Mode::Refresh).unwrap().object.contents(), b"<two/>");
    let digest = |text: &[u8]| {
        use sha2::Digest as _;
        Some(<[u8; 32]>::from(sha2::Sha256::digest(text)))
    };
    for contents in [b"<one/>", b"<two/>"] {
        let exact = Request::Rim { id: id.clone(), sha256: digest(contents) };
        let found = world.get(&exact, Mode::Online).unwrap();
        assert_eq!((found.object.contents(), found.object.holds()), (&contents[..], Holds::Always));
    }
    let other = Request::Rim { id, sha256: digest(b"<three/>") };
    let refused = world.get(&other, Mode::Online).unwrap_err().to_string();
    assert!(refused.contains("SHA-256 of the RIM"), "{refused}");
}

#[test]
fn quotes_and_gpus_say_what_they_need() {
    use attestation_report::spdm::MeasurementReport;
    use attestation_report::tdx::Quote;
    use attestation_x509::{Certificate, pem};

    for (name, fmspc) in [("google-v5", FMSPC), ("live-ccel", "b0c06f000000"), ("debug-td", "50806f000000")] {
        let Some(path) = tests_needs::fixture(&format!("tdx/{name}/quote.bin")) else { return };
        let bytes = read(&path);
        let platform = TdxPlatform::of_quote(&Quote::parse(&bytes).unwrap(), None).unwrap();
        assert_eq!(platform, TdxPlatform { fmspc: fmspc.parse().unwrap(), ca: PckCa::Platform }, "{name}");
    }
    let named = |folder: &str| {
        let file = |name: &str| Some(read(&tests_needs::fixture(&format!("nvidia/{folder}/{name}"))?));
        let (report, chain) = (file("report.bin")?, file("chain.pem")?);
        let leaf = Certificate::parse(&pem::certificates(&chain).unwrap()[0]).unwrap();
        Some(plan::rims_of(&MeasurementReport::parse(&report).unwrap(), &leaf))
    };
    let Some(hopper) = named("h100-580") else { return };
    let hopper = hopper.unwrap().map(|id| id.to_string());
    assert_eq!(hopper[0], "NV_GPU_DRIVER_GH100_580.159.03");
    assert!(hopper[1].starts_with("NV_GPU_VBIOS_") && hopper[1].ends_with("_9600740020"), "{hopper:?}");
    for other in ["blackwell-575", "ls10-switch"] {
        let error = named(other).unwrap().unwrap_err().to_string();
        assert!(error.contains("expected GH100") && error.contains("--rim"), "{error}");
    }
}
