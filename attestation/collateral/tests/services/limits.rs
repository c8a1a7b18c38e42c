//! Services that want to be left alone, and services that are not there.

use std::net::TcpListener;

use attestation_collateral::{FetchError, Mode, Request, Source};

use crate::imitation::{Reply, Server, Vendors};
use crate::world::{SPRING_2026, World};

/// Refuses the first `count` requests.
fn refusing(count: usize, reply: Reply) -> Option<World> {
    let vendors = Vendors::from_fixtures()?;
    let handler = move |path: &str, before| if before < count { reply.clone() } else { vendors.get(path) };
    Some(World::new(Server::start(handler), SPRING_2026))
}

#[test]
fn a_refusal_is_waited_for_and_then_there_is_an_answer() {
    let Some(world) = refusing(2, Reply::status(429).with("Retry-After", "130")) else { return };
    let found = world.get(&Request::RootCrl, Mode::Online).unwrap();
    assert_ne!(found.source, Source::Cache);
    assert_eq!(world.clock.waits(), [130, 130]);
}

#[test]
fn without_a_stated_time_waits_double() {
    let Some(world) = refusing(4, Reply::status(503)) else { return };
    world.get(&Request::RootCrl, Mode::Online).unwrap();
    assert_eq!(world.clock.waits(), [2, 4, 8, 16]);
}

#[test]
fn refusals_for_ever_end_with_the_time_to_wait_and_every_process_knows() {
    let Some(world) = refusing(usize::MAX, Reply::status(429).with("Retry-After", "200")) else { return };
    let error = world.get(&Request::RootCrl, Mode::Online).unwrap_err();
    assert!(error.to_string().contains("ask again in 200 seconds"), "{error}");
    assert_eq!((world.clock.waits(), world.server.asked().len()), (vec![200], 2));

    // Another process: another cache object on the same folder. It asks nobody before the time is over.
    world.clock.advance(20);
    let mut patient = world.get(&Request::QeIdentity, Mode::Online).unwrap_err();
    assert!(matches!(patient, FetchError::RateLimited { status: 429, .. }), "{patient}");
    assert_eq!(world.server.asked().len(), 3, "one request after the wait of 180 seconds");
    assert_eq!(world.clock.waits(), [200, 180]);

    // A wait that is longer than anybody's patience is named at once.
    let Some(world) = refusing(usize::MAX, Reply::status(429).with("Retry-After", "9999999")) else { return };
    patient = world.get(&Request::RootCrl, Mode::Online).unwrap_err();
    assert!(patient.to_string().contains("3600 seconds"), "{patient}");
    patient = world.get(&Request::QeIdentity, Mode::Online).unwrap_err();
    assert!(patient.to_string().contains("3600 seconds"), "{patient}");
    assert_eq!((world.clock.waits().len(), world.server.asked().len()), (0, 1));
}

#[test]
fn what_is_remembered_of_a_host_may_be_nonsense() {
    let Some(world) = refusing(0, Reply::default()) else { return };
    world.get(&Request::RootCrl, Mode::Online).unwrap();
    let hosts = world.folder.path().join("collateral-v1/hosts");
    for entry in std::fs::read_dir(&hosts).unwrap() {
        std::fs::write(entry.unwrap().path(), [0xFF; 1000]).unwrap();
    }
    world.get(&Request::QeIdentity, Mode::Online).unwrap();
    assert!(world.clock.waits().is_empty());
}

#[test]
fn outages_are_tried_three_times() {
    let Some(world) = refusing(2, Reply::status(502)) else { return };
    world.get(&Request::RootCrl, Mode::Online).unwrap();
    let Some(world) = refusing(usize::MAX, Reply::status(500)) else { return };
    let error = world.get(&Request::RootCrl, Mode::Online).unwrap_err().to_string();
    assert!(error.contains("status 500; tried 3 times"), "{error}");
    assert_eq!(world.server.asked().len(), 3);

    // Nobody there: a port that was free a moment ago.
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoints = attestation_collateral::Endpoints {
        intel_certificates: format!("http://{unused}").parse().unwrap(),
        ..world.endpoints()
    };
    let fetcher = attestation_collateral::Fetcher {
        endpoints: &endpoints,
        cache: &world.cache,
        transport: &attestation_collateral::Https::new(world.limits),
        environment: &world.clock,
        mode: Mode::Online,
        patience: core::time::Duration::from_secs(300),
        watcher: &|_| {},
    };
    let now = attestation_collateral::Environment::now(&world.clock);
    let error = fetcher.get(&Request::RootCrl, now).unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { tries: 3, .. }), "{error}");
}
