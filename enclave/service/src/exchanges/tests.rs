//! Receipts of exchanges with a server in memory.

mod reuse;

use alloc::boxed::Box;
use alloc::vec;

use attestation_manifest::parse_manifest;
use attestation_receipt::{SignedReceipt, receipts_root};
use enclave_http::{Authority, BodyPlan, Method, Scheme};
use enclave_runtime::HttpTimeouts;
use enclave_tls::{Anchors, HostTrust, Trust};
use tests_servers::{Authority as Issuer, Behaviour, MemoryServer};

use super::*;
use crate::channel::tests::now;
use crate::scripted::{Script, Scripted};
use crate::time::SharedTime;

const HOST: &str = "10.0.2.2";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const RUN: RunName = RunName { component: [1; 32], manifest: [2; 32], sequence: 3 };
const LONG: usize = 1 << 20;

struct World {
    exchanges: Exchanges,
    policy: EgressPolicy,
    network: Scripted,
    now_ns: u64,
}

impl World {
    /// With servers of HTTPS that behave so, one for each connection; it is that time.
    fn of(behaviours: Vec<Behaviour>, time: SharedTime) -> Self {
        let issuer = Issuer::new();
        let script = |behaviour| Script::Tls(Box::new(MemoryServer::new(&issuer, behaviour)));
        let network = Scripted::new(behaviours.into_iter().map(script).collect());
        let trusted = |host: &str| HostTrust {
            host: host.into(),
            authorities: vec![issuer.der()],
            spki_sha256: Vec::new(),
        };
        let trust = Trust::new(Anchors::None, vec![trusted(HOST), trusted("example.org")]).unwrap();
        let mut exchanges = Exchanges::new(RUN, Security::of_parts(trust, time));
        exchanges.keep_receipts();
        Self { exchanges, policy: policy(), network, now_ns: 0 }
    }

    /// With servers that answer one request each.
    fn new() -> Self {
        Self::of(vec![Behaviour::honest(HOST, RESPONSE); 4], now())
    }

    fn start(&mut self, request: &HttpRequest) -> Result<ExchangeId, HttpFailure> {
        self.exchanges.start(request, &self.policy, [7; 32], Some(&mut self.network), self.now_ns)
    }

    /// Reads what there is, to its end.
    fn read(&mut self, id: ExchangeId) -> Result<Vec<u8>, HttpFailure> {
        let (mut head, mut body) = (Poll::Pending, Vec::new());
        for _ in 0..1000 {
            self.now_ns += 1;
            self.exchanges.step(&mut self.network, self.now_ns);
            if head.is_pending() {
                head = self.exchanges.response(id);
            }
            match &head {
                Poll::Pending => continue,
                Poll::Ready(Err(failure)) => return Err(*failure),
                Poll::Ready(Ok(_)) => {}
            }
            match self.exchanges.read_body(id, 100) {
                HttpBody::Bytes(bytes) => body.extend_from_slice(&bytes),
                HttpBody::End(_) => return Ok(body),
                HttpBody::Failed(failure) => return Err(failure),
                HttpBody::Pending => {}
            }
        }
        panic!("no response");
    }

    fn close(&mut self, id: ExchangeId) {
        self.exchanges.close(id, Some(&mut self.network));
    }

    fn ask(&mut self, request: &HttpRequest) -> Result<Vec<u8>, HttpFailure> {
        let id = self.start(request)?;
        let answer = self.read(id);
        self.close(id);
        answer
    }

    /// Fetches what there is, to its end.
    fn fetch(&mut self) {
        assert_eq!(self.ask(&get(Scheme::Https, HOST)).unwrap(), b"hello");
    }

    /// Digests of the receipts that the loader gets.
    fn take(&mut self, max_bytes: usize) -> Vec<[u8; 32]> {
        let unsent = self.exchanges.take_unsent(max_bytes).into_iter();
        let digest = |bytes: &[u8]| SignedReceipt::parse(bytes).unwrap().unverified_receipt().digest();
        unsent.map(|(_, receipt)| digest(&receipt)).collect()
    }
}

/// Everything is allowed that the tests ask for.
fn policy() -> EgressPolicy {
    let rule = |host, port, scheme| {
        format!(r#"{{"host":"{host}","port":{port},"scheme":"{scheme}","methods":["*"]}}"#)
    };
    let egress = [
        rule(HOST, 443, "https"),
        rule(HOST, 80, "http"),
        rule("example.org", 443, "https"),
        rule("example.org", 80, "http"),
    ]
    .join(",");
    let digest = "00".repeat(32);
    let text = format!(
        r#"{{"version":1,"name":"n","role":"workload","trust":"tee","component":{{"sha256":"{digest}"}},
"artefact":{{"sha256":"{digest}","engine":"e"}},
"launch":{{"snp":{{"policy":"0x30000","vmpl":0}},"tdx":{{"attributes":"0x0","xfam":"0x0"}}}},
"memory_mib":64,"limits":{{"component_memory_bytes":65536,"fuel":1,"input_bytes":1,"output_bytes":1,"wall_ms":1,
"transcript_bytes":1,"call_stack_bytes":16384}},"wall_clock":"none","args":[],"env":[],"egress":[{egress}],
"tls":{{"roots":"mozilla","hosts":[]}},"time":[{time}],"service":null,
"storage":{{"key_value_bytes":0,"files_bytes":0,"persist":false}},"logs":"none","readers":[]}}"#,
        time = [1, 2, 3]
            .map(|number| {
                format!(r#"{{"host":"a","port":1,"public_key":"0{number}{}"}}"#, "11".repeat(31))
            })
            .join(","),
    );
    EgressPolicy::of(&parse_manifest(text.as_bytes()).unwrap())
}

fn get(scheme: Scheme, authority: &str) -> HttpRequest {
    HttpRequest {
        method: Method::GET,
        scheme,
        authority: Authority::parse(authority).unwrap(),
        path_with_query: "/".into(),
        fields: Fields::new(),
        body: BodyPlan::None,
        timeouts: HttpTimeouts::default(),
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
