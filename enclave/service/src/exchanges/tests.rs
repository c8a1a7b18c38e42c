//! Receipts of exchanges with a server in memory.

use alloc::vec;

use attestation_receipt::{SignedReceipt, receipts_root};
use enclave_http::{Authority, BodyPlan, Method};
use enclave_runtime::HttpTimeouts;
use enclave_tls::{Anchors, HostTrust, Trust};
use tests_servers::{Authority as Issuer, Behaviour};

use super::*;
use crate::channel::tests::{Network, now};

const HOST: &str = "10.0.2.2";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const RUN: RunName = RunName { component: [1; 32], manifest: [2; 32], sequence: 3 };
const LONG: usize = 1 << 20;

struct World {
    issuer: Issuer,
    exchanges: Exchanges,
}

impl World {
    fn new() -> Self {
        let issuer = Issuer::new();
        let host = HostTrust { host: HOST.into(), authorities: vec![issuer.der()], spki_sha256: Vec::new() };
        let security = Security::of_parts(Trust::new(Anchors::None, vec![host]).unwrap(), now());
        let mut exchanges = Exchanges::new(RUN, security);
        exchanges.keep_receipts();
        Self { issuer, exchanges }
    }

    /// Fetches what there is, to its end.
    fn fetch(&mut self) {
        let request = HttpRequest {
            method: Method::GET,
            scheme: Scheme::Https,
            authority: Authority::parse(HOST).unwrap(),
            path_with_query: "/".into(),
            fields: Fields::new(),
            body: BodyPlan::None,
            timeouts: HttpTimeouts::default(),
        };
        let mut network = Network::to(&self.issuer, Behaviour::honest(HOST, RESPONSE));
        let exchange = Exchange::start(&request, &self.exchanges.security, [7; 32], &mut network, 0).unwrap();
        self.exchanges.open.insert(1, exchange);
        let id = ExchangeId(1);
        for now_ns in 0..1000 {
            self.exchanges.step(&mut network, now_ns);
            if self.exchanges.response(id).is_ready() {
                while !matches!(self.exchanges.read_body(id, 100), HttpBody::End(_)) {}
                return self.exchanges.close(id, Some(&mut network));
            }
        }
        panic!("no response");
    }

    /// Digests of the receipts that the loader gets.
    fn take(&mut self, max_bytes: usize) -> Vec<[u8; 32]> {
        let unsent = self.exchanges.take_unsent(max_bytes).into_iter();
        let digest = |bytes: &[u8]| SignedReceipt::parse(bytes).unwrap().unverified_receipt().digest();
        unsent.map(|(_, receipt)| digest(&receipt)).collect()
    }
}

#[test]
fn each_receipt_that_the_loader_got_is_opened_under_the_root_of_the_run() {
    let mut world = World::new();
    assert_eq!(world.exchanges.root_to_commit_to(), None, "there is none");
    world.fetch();
    let first = world.take(LONG);
    world.fetch();
    assert_eq!(world.take(10), [[0; 32]; 0], "it is too long");
    world.fetch();
    world.fetch();
    let last = world.take(LONG);
    assert_eq!((first.len(), last.len()), (1, 2));
    let root = world.exchanges.root_to_commit_to().unwrap();
    assert_eq!(Some(root), world.exchanges.receipts_root());
    let openings: Vec<CommitmentOpening> = world.exchanges.commitment_openings([9; 32]).collect();
    let places: Vec<u64> = openings.iter().map(|opening| opening.index).collect();
    assert_eq!(places, [0, 2, 3]);
    for (opening, digest) in openings.iter().zip(first.iter().chain(&last)) {
        assert_eq!(opening.root(digest), Some(root));
    }
}

#[test]
fn a_loader_that_got_nothing_needs_no_proof() {
    let mut world = World::new();
    world.fetch();
    assert_eq!(world.take(10), [[0; 32]; 0]);
    assert!(world.exchanges.receipts_root().is_some());
    assert_eq!(world.exchanges.root_to_commit_to(), None);
}

#[test]
fn more_receipts_than_are_held_are_claimed_all_the_same() {
    let mut world = World::new();
    world.exchanges.kept = Some(Kept::new(2));
    (0..2).for_each(|_| world.fetch());
    assert!(world.take(LONG).len() == 2 && world.exchanges.root_to_commit_to().is_some());
    world.fetch();
    let kept = world.exchanges.kept.as_ref().unwrap();
    assert_eq!(kept.digests.len(), 2, "no more are held");
    let held = receipts_root(&kept.digests);
    assert_eq!(world.exchanges.root_to_commit_to(), None);
    assert!(world.exchanges.receipts_root().is_some_and(|root| root != held), "the claim is of all");
}
