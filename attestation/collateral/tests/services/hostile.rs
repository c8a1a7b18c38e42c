//! Servers that do not behave: each has its error, and nothing of it is kept.

use core::time::Duration;
use std::time::Instant;

use attestation_collateral::{FetchError, Get, Https, Mode, PckCa, Request, Transport as _, TransportError};
use attestation_report::ProductLine;

use crate::imitation::{FMSPC, RIM, Reply, Server, Vendors, rim_answer};
use crate::world::{SPRING_2026, SUMMER_2022, World};

fn tcb_info() -> Request {
    Request::TcbInfo { fmspc: FMSPC.parse().unwrap() }
}

fn world_of(reply: Reply) -> World {
    World::new(Server::start(move |_, _| reply.clone()), SPRING_2026)
}

/// The error of one request, after a look that nothing was kept.
fn refused(world: &World, request: &Request) -> FetchError {
    let error = world.get(request, Mode::Online).unwrap_err();
    assert_eq!(world.cache.list().unwrap(), [], "{error}");
    error
}

#[test]
fn bodies_past_the_limit_are_not_read() {
    for claimed in [None, Some(1 << 40)] {
        let reply =
            Reply { body: vec![0x30; 65 * 1024], claimed, ..Reply::ok("application/pkix-crl", Vec::new()) };
        let error = refused(&world_of(reply), &Request::RootCrl);
        assert!(matches!(error, FetchError::TooLong { limit: 65_536, .. }), "{error}");
    }
}

#[test]
fn half_a_body_is_no_answer() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let mut reply = vendors.get("/IntelSGXRootCA.der");
    reply.claimed = Some(reply.body.len());
    reply.body.truncate(100);
    let error = refused(&world_of(reply), &Request::RootCrl);
    assert!(matches!(error, FetchError::Unreachable { tries: 3, .. }), "{error}");
}

#[test]
fn what_drips_is_given_up() {
    let reply = Reply {
        body: vec![0x30; 1000],
        drip: Duration::from_millis(200),
        ..Reply::ok("application/pkix-crl", Vec::new())
    };
    let mut world = world_of(reply);
    world.limits.whole = Duration::from_secs(1);
    let started = Instant::now();
    let error = refused(&world, &Request::RootCrl).to_string();
    assert!(error.contains("within 1 seconds"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

#[test]
fn redirections_are_not_followed() {
    let reply = Reply::status(302).with("Location", "http://elsewhere.example/\u{7}");
    let world = world_of(reply);
    let error = refused(&world, &Request::RootCrl);
    assert!(matches!(error, FetchError::Redirected { .. } | FetchError::Unreachable { .. }), "{error}");
    let world = world_of(Reply::status(301).with("Location", "https://elsewhere.example/x"));
    let error = refused(&world, &Request::RootCrl).to_string();
    assert!(error.contains("redirection to \"https://elsewhere.example/x\""), "{error}");
    assert_eq!(world.server.asked().len(), 1);
}

#[test]
fn without_tls_there_is_no_answer_where_tls_is_asked_for() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let world = World::new(Server::start(vendors.handler()), SPRING_2026);
    let get = Get {
        url: &format!("{}/IntelSGXRootCA.der", world.server.url().replace("http", "https")),
        accept: "*/*",
        body_max_bytes: 1 << 16,
    };
    let error = Https::new(world.limits).get(&get).unwrap_err();
    assert!(matches!(error, TransportError::Broken { .. }), "{error}");
}

#[test]
fn pages_for_people_are_no_collateral() {
    let page = b"<!DOCTYPE html><title>Maintenance</title>".to_vec();
    for request in [tcb_info(), Request::RootCrl, Request::AmdCrl { line: ProductLine::Milan }] {
        let error = refused(&world_of(Reply::ok("text/html; charset=utf-8", page.clone())), &request);
        assert!(matches!(error, FetchError::ContentType { .. }), "{error}");
        let kind = if request.is_json() { "application/json" } else { "application/octet-stream" };
        let error = refused(&world_of(Reply::ok(kind, page.clone())), &request);
        assert!(matches!(error, FetchError::WrongObject { .. }), "{error}");
    }
}

#[test]
fn statuses_have_their_errors() {
    let error = refused(&world_of(Reply::status(404)), &tcb_info());
    assert!(matches!(error, FetchError::NotThere { .. }), "{error}");
    for status in [201, 204, 400, 401, 403, 418] {
        let error = refused(&world_of(Reply::status(status)), &Request::RootCrl);
        assert!(matches!(error, FetchError::Status { status: found, .. } if found == status), "{error}");
    }
}

#[test]
fn another_object_than_asked_for_is_refused() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let tcb_path = format!("/tdx/certification/v4/tcb?fmspc={FMSPC}");
    let pck_path = "/sgx/certification/v4/pckcrl?ca=platform&encoding=der";
    let text = |reply: &Reply| String::from_utf8(reply.body.clone()).unwrap();
    let tcb = vendors.get(&tcb_path);
    let other_platform =
        Reply { body: text(&tcb).replace(FMSPC, "00806f050000").into_bytes(), ..tcb.clone() };
    let sgx =
        Reply { body: text(&tcb).replace("\"id\":\"TDX\"", "\"id\":\"SGX\"").into_bytes(), ..tcb.clone() };
    let unsigned = Reply {
        body: text(&tcb).replace("\"signature\":\"", "\"signature\":\"00").into_bytes(),
        ..tcb.clone()
    };
    let deep = Reply { body: [b"{\"tcbInfo\":".to_vec(), vec![b'['; 100_000]].concat(), ..tcb.clone() };
    let chainless = Reply::ok("application/json", tcb.body.clone());
    let wrong_chain = Reply::ok("application/json", tcb.body.clone())
        .with("TCB-Info-Issuer-Chain", vendors.get(pck_path).headers[1].1.clone());
    let garbled = Reply::ok("application/json", tcb.body.clone()).with("TCB-Info-Issuer-Chain", "%zz");
    let rim = Request::Rim { id: RIM.parse().unwrap(), sha256: None };
    let json = |body: Vec<u8>| Reply::ok("application/json", body);
    let digest =
        String::from_utf8(rim_answer(RIM, b"<a/>")).unwrap().replace("\"sha256\":\"", "\"sha256\":\"0");
    for (request, reply, expected) in [
        (tcb_info(), other_platform, "TCB info fmspc: expected 90c06f000000, found \"00806f050000\""),
        (tcb_info(), sgx, "id: expected TDX"),
        (tcb_info(), unsigned, "signature: expected 128"),
        (tcb_info(), vendors.get("/tdx/certification/v4/qe/identity"), "issuer chain"),
        (tcb_info(), deep, "TCB info: expected the JSON"),
        (tcb_info(), chainless, "expected an issuer chain, found \"none\""),
        (tcb_info(), wrong_chain, "issuer chain, leaf: expected Intel SGX TCB Signing"),
        (tcb_info(), garbled, "byte 0"),
        (Request::PckCrl { ca: PckCa::Processor }, vendors.get(pck_path), "Intel SGX PCK Processor CA"),
        (Request::RootCrl, Reply::ok("", vendors.get(pck_path).body), "expected Intel SGX Root CA"),
        (
            Request::AmdCrl { line: ProductLine::Genoa },
            vendors.get("/vcek/v1/Milan/crl"),
            "expected ARK-Genoa",
        ),
        (rim.clone(), json(rim_answer("NV_OTHER", b"<a/>")), "RIM id"),
        (rim.clone(), json(rim_answer(RIM, b"MZ")), "expected XML"),
        (rim.clone(), json(digest.into_bytes()), "SHA-256 of the RIM"),
        (rim, json(b"{\"id\": 3}".to_vec()), "RIM: expected the JSON"),
    ] {
        let error = refused(&world_of(reply), &request).to_string();
        assert!(error.contains(expected), "{request}: {error}");
    }
}

#[test]
fn a_certificate_of_another_chip_or_firmware_is_refused() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let Some(folder) = tests_needs::fixture("snp") else { return };
    let certificate = |name: &str| crate::imitation::read(&folder.join(name));
    let report = crate::imitation::read(&folder.join("milan-v3-azure/report.bin"));
    let report = attestation_report::SnpReport::parse(&report).unwrap();
    let request = attestation_collateral::plan::snp(&report, None).unwrap().requests[0].clone();
    for (name, expected) in [
        ("milan-v3-oak/vcek.der", "VCEK hardware id"),
        ("genoa-v3-bare/vcek.der", "VCEK product"),
        ("certs/milan/ask.der", "VCEK subject"),
        ("milan-v3-vlek/vlek.der", "VCEK subject"),
    ] {
        let error = refused(&world_of(Reply::ok("application/octet-stream", certificate(name))), &request);
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
    // AMD issues a certificate anew for each request, for the same key: both are what was asked for.
    let earlier =
        world_of(Reply::ok("application/octet-stream", certificate("milan-v3-azure/vcek-earlier-issue.der")));
    assert!(earlier.get(&request, Mode::Online).is_ok());
    let mut other_firmware = report;
    other_firmware.reported_tcb = (report.reported_tcb.get() ^ 1).into();
    let other = attestation_collateral::plan::snp(&other_firmware, None).unwrap().requests[0].clone();
    let error = refused(&world_of(Reply::ok("", certificate("milan-v3-azure/vcek.der"))), &other).to_string();
    assert!(error.contains("VCEK firmware"), "{error}");
    drop(vendors);
}

#[test]
fn what_is_no_longer_current_is_not_kept() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let world = World::new(Server::start(vendors.handler()), SPRING_2026);
    let error = refused(&world, &Request::AmdCrl { line: ProductLine::Milan });
    assert!(matches!(error, FetchError::NotCurrent { .. }), "{error}");
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let world = World::new(Server::start(vendors.handler()), SUMMER_2022);
    let error = refused(&world, &Request::QeIdentity);
    assert!(matches!(error, FetchError::NotCurrent { .. }), "{error}");
}
