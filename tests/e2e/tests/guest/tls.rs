//! Requests under TLS, to servers that are who they say and to others, at a time that honest servers say.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use attestation_manifest::parse_manifest;
use attestation_receipt::{
    BodyEnd, BodySide, Bound, CommitmentOpening, Piece, ResponseOutcome, SignedReceipt, TLS_1_2, TLS_1_3,
    check_chain, check_time, receipts_root,
};
use attestation_ring::Ring;
use attestation_roughtime::{Proof, ServerKey};
use loader_vmm::session::JobEvent;
use tests_servers::{AppTomlParts, Authority, Behaviour, Clock, HttpsServer, TimeServer, UdpTimeServer};

use crate::harness::{APP, JobResult, PATIENCE, Site, build_image_of, components, rom, run_job};
use crate::replay::assert_replays_of;

/// Where QEMU's user networking shows the host's loopback.
const HOST: &str = "10.0.2.2";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n";

/// Asks for `/path?query` by HTTPS so many times, one after the other; says each time the status, shows the body and says how
/// it ended; a refusal by its number.
fn fetch(authority: &str, times: usize) -> Vec<u8> {
    let fields = format!(
        r#"(import "wasi" "set-scheme" (func $set-scheme (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi" "set-authority" (func $set-authority (param i32 i32 i32 i32) (result i32)))
    (data (i32.const 6000) "{authority}")
    (func $ask (local $request i32) (local $future i32) (local $response i32)
        (local.set $request (call $request (i32.const 4096) (i32.const 11)))
        (if (call $set-scheme (local.get $request) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0))
            (then unreachable))
        (if (call $set-authority (local.get $request) (i32.const 1) (i32.const 6000) (i32.const {length}))
            (then unreachable))
        (local.set $future (call $send (local.get $request)))
        (if (i32.lt_s (local.get $future) (i32.const 0))
            (then (call $say (local.get $future)) (return)))
        (local.set $response (call $await (local.get $future)))
        (if (i32.lt_s (local.get $response) (i32.const 0))
            (then (call $say (local.get $response)) (return)))
        (call $say (call $status (local.get $response)))
        (call $say (call $show (call $stream (call $body (local.get $response))))))
    (func (export "run") (result i32)
        {calls}
        i32.const 0)"#,
        length = authority.len(),
        calls = "(call $ask)".repeat(times),
    );
    components::http_job(&fields)
}

/// An `app.toml` whose guest may ask this server, trusts this authority, and knows these time servers.
fn app(server: &HttpsServer, authority: &Authority, times: &[UdpTimeServer]) -> String {
    let AppTomlParts { keys, tls } = AppTomlParts::new(HOST, server, authority, times);
    APP.replace("egress = []", &keys) + &tls
}

/// That the loader has one receipt and the proofs that it is neither older nor younger, which say what happened.
fn assert_receipt(job: &JobResult, only_tls12: bool) {
    let [
        JobEvent::TimeProof(before),
        JobEvent::Receipt(receipt),
        JobEvent::TimeProof(after),
        JobEvent::TimeCommitment(opening),
    ] = &job.records[..]
    else {
        panic!("{:?}", job.records.len());
    };
    let claim = job.claim();
    let signed = SignedReceipt::parse(receipt).expect("it parses");
    let verified = signed.verify_with(claim.evidence().clone()).expect("the guest of the claim signed it");
    let said = verified.receipt();
    assert_eq!((said.number, said.run.sequence, said.run.exchange), (0, 0, 0));
    assert_eq!((said.run.component, said.run.manifest), (claim.claim().component, claim.claim().manifest));
    assert_eq!(claim.claim().receipts_root, Some(receipts_root(&[*verified.digest()])));
    assert_eq!((said.peer.host.as_str(), said.peer.address), (HOST, HOST.parse().expect("an address")));
    assert_eq!(said.tls.version, if only_tls12 { TLS_1_2 } else { TLS_1_3 });
    assert_eq!(said.response, ResponseOutcome::Complete { end: BodyEnd::Length });
    let shown: Vec<String> = verified.contents().iter().map(|content| format!("{content:?}")).collect();
    let shown = shown.join("\n");
    for part in ["\"GET\"", "\"/path?query\"", "Status(200)", "\"content-length\""] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let pieces = verified.pieces(BodySide::Response).expect("the body is shown");
    assert!(matches!(pieces[..], [Piece::Shown { offset: 0, bytes: b"hello\n" }]), "{pieces:?}");

    let manifest = parse_manifest(&claim.evidence().manifest).expect("the guest's manifest parses");
    let servers: Vec<ServerKey> = manifest.time.iter().map(|server| ServerKey(server.public_key.0)).collect();
    let [before, after] = [before, after].map(|proof| {
        let proof = Proof::decode(proof).expect("it parses");
        let proof = proof.verify(&Ring, &servers).expect("servers signed it");
        assert_eq!((proof.exchanges.len(), &proof.inconsistencies[..]), (6, &[][..]));
        proof
    });
    let opening = CommitmentOpening::decode(opening).expect("it parses");
    let time = check_time(&verified, Some(&before), Some((&after, &opening))).expect("it is of this time");
    let (Bound::Proven { second: from_s, .. }, Bound::Proven { second: to_s, .. }) =
        (time.not_before, time.not_after)
    else {
        panic!("{time:?}");
    };
    // One of the clocks goes a second fast, and seconds are whole.
    assert!(from_s <= to_s && to_s - from_s < 60, "{time:?}");
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    assert!(said.time.earliest_s <= now_s && now_s <= said.time.latest_s + 60, "{:?}", said.time);
}

fn time_servers(clocks: [Clock; 3]) -> Vec<UdpTimeServer> {
    (1..).zip(clocks).map(|(number, clock)| TimeServer::new(number, clock).start()).collect()
}

/// What a job makes of a server that behaves so, whose authority `signer` is, where `authority` is trusted.
fn fetched(
    rom: &[u8],
    (authority, signer): (&Authority, &Authority),
    behaviour: Behaviour,
    clocks: [Clock; 3],
) -> (JobResult, Vec<String>, Vec<u8>) {
    let server = HttpsServer::start(signer, behaviour);
    let times = time_servers(clocks);
    let component = fetch(&format!("{HOST}:{}", server.port()), 1);
    let site = Site::new(&build_image_of(rom, &component, &app(&server, authority, &times)));
    let guest = site.launch();
    let job = run_job(&guest, b"");
    assert!(guest.stop(PATIENCE).is_clean());
    (job, server.heads(), component)
}

const HONEST: [Clock; 3] = [Clock::Off(0), Clock::Off(1), Clock::Off(0)];

#[test]
fn a_server_that_the_manifest_trusts_is_asked_under_tls() {
    let Some(rom) = rom() else { return };
    let authority = Authority::new();
    for only_tls12 in [false, true] {
        let behaviour = Behaviour { only_tls12, ..Behaviour::honest(HOST, RESPONSE) };
        let (job, heads, component) = fetched(rom, (&authority, &authority), behaviour, HONEST);
        job.assert_success();
        assert_eq!(String::from_utf8_lossy(&job.output), "200\nhello\n-1\n");
        assert!(heads.len() == 1 && heads[0].starts_with("GET /path?query HTTP/1.1\r\n"), "{heads:?}");
        assert_receipt(&job, only_tls12);
        // The servers are gone by now.
        assert_replays_of(&job, &component, b"");
    }
}

#[test]
fn a_connection_serves_two_exchanges_and_each_has_a_receipt() {
    let Some(rom) = rom() else { return };
    let authority = Authority::new();
    let behaviour = Behaviour { answers: 2, ..Behaviour::honest(HOST, RESPONSE) };
    let server = HttpsServer::start(&authority, behaviour);
    let times = time_servers(HONEST);
    let component = fetch(&format!("{HOST}:{}", server.port()), 2);
    let site = Site::new(&build_image_of(rom, &component, &app(&server, &authority, &times)));
    let guest = site.launch();
    let job = run_job(&guest, b"");
    assert!(guest.stop(PATIENCE).is_clean());
    job.assert_success();
    assert_eq!(String::from_utf8_lossy(&job.output), "200\nhello\n-1\n".repeat(2));
    assert_eq!(server.heads().len(), 2);
    let claim = job.claim();
    let receipts = job.records.iter().filter_map(|record| match record {
        JobEvent::Receipt(receipt) => Some(SignedReceipt::parse(receipt).expect("it parses")),
        _ => None,
    });
    let receipts: Vec<_> = receipts
        .map(|signed| signed.verify_with(claim.evidence().clone()).expect("the guest of the claim signed it"))
        .collect();
    let [first, second] = &receipts[..] else { panic!("{}", receipts.len()) };
    check_chain(&receipts).expect("none is missing");
    assert_eq!(claim.claim().receipts_root, Some(receipts_root(&[*first.digest(), *second.digest()])));
    let (first, second) = (first.receipt(), second.receipt());
    assert_eq!((&first.tls, &first.peer), (&second.tls, &second.peer), "of one handshake");
    assert!(first.time.last_byte_us <= second.time.sent_us);
    // The server is gone by now.
    drop(server);
    assert_replays_of(&job, &component, b"");
}

#[test]
fn whoever_is_not_trusted_gets_no_request() {
    let Some(rom) = rom() else { return };
    let (authority, other) = (Authority::new(), Authority::new());
    let honest = Behaviour::honest(HOST, RESPONSE);
    for (signer, behaviour, clocks, said) in [
        (&other, honest.clone(), HONEST, "-113\n"),
        (&authority, Behaviour::honest("10.0.2.3", RESPONSE), HONEST, "-113\n"),
        (&authority, Behaviour { years: (2020, 2026), ..honest.clone() }, HONEST, "-113\n"),
        (&authority, Behaviour { years: (2090, 2100), ..honest.clone() }, HONEST, "-113\n"),
        // Two of three are not enough to say that it is 2095.
        (
            &authority,
            Behaviour { years: (2090, 2100), ..honest },
            [Clock::Still(3_944_678_400), Clock::Off(0), Clock::Still(3_944_678_400)],
            "-138\n",
        ),
    ] {
        let (job, heads, _) = fetched(rom, (&authority, signer), behaviour.clone(), clocks);
        job.assert_success();
        assert_eq!(String::from_utf8_lossy(&job.output), said, "{behaviour:?}");
        assert!(heads.is_empty(), "{heads:?}");
    }
}

#[test]
fn time_servers_that_fall_silent_leave_a_receipt_open_at_its_end() {
    let Some(rom) = rom() else { return };
    let authority = Authority::new();
    let server = Arc::new(HttpsServer::start(&authority, Behaviour::honest(HOST, RESPONSE)));
    let times = [1, 2, 3].map(|number| {
        let server = Arc::clone(&server);
        TimeServer::new(number, Clock::Off(0)).start_until(move || !server.heads().is_empty())
    });
    let component = fetch(&format!("{HOST}:{}", server.port()), 1);
    let site = Site::new(&build_image_of(rom, &component, &app(&server, &authority, &times)));
    let guest = site.launch();
    let job = run_job(&guest, b"");
    assert!(guest.stop(PATIENCE).is_clean());
    job.assert_success();
    assert_eq!(String::from_utf8_lossy(&job.output), "200\nhello\n-1\n");
    assert!(matches!(&job.records[..], [JobEvent::TimeProof(_), JobEvent::Receipt(_)]), "{:?}", job.records);
    assert!(job.claim().claim().receipts_root.is_some());
}
