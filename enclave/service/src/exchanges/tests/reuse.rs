//! Connections that serve several exchanges of a run, and those that do not.

use core::net::Ipv4Addr;

use super::*;
use crate::sockets::{Broken, ConnectionState};
use crate::time::TimeInterval;

const HTTP: &str = "example.org";
const NS_PER_S: u64 = 1_000_000_000;
/// 2027-01-01, in seconds since 1970.
const EXPIRY_S: u64 = 1_798_761_600;

impl World {
    /// With servers in the clear.
    fn plain(scripts: Vec<Script>) -> Self {
        Self { network: Scripted::new(scripts), ..Self::new() }
    }

    fn get(&mut self) -> Result<Vec<u8>, HttpFailure> {
        self.ask(&get(Scheme::Http, HTTP))
    }

    fn calls(&self) -> usize {
        self.network.called.len()
    }
}

fn answers(count: usize) -> Script {
    Script::Answers(vec![RESPONSE; count])
}

fn post(body: BodyPlan) -> HttpRequest {
    HttpRequest { method: Method::POST, body, ..get(Scheme::Http, HTTP) }
}

#[test]
fn one_connection_serves_one_exchange_after_the_other() {
    let mut world = World::plain(vec![answers(3)]);
    (0..2).for_each(|_| assert_eq!(world.get().unwrap(), b"hello"));
    let with_body = post(BodyPlan::Length(3));
    let id = world.start(&with_body).unwrap();
    world.exchanges.write_body(id, b"abc", Some(&mut world.network));
    world.exchanges.finish_body(id, &Fields::new(), Some(&mut world.network));
    assert_eq!(world.read(id).unwrap(), b"hello");
    world.close(id);
    assert_eq!(world.calls(), 1);
    let sent = String::from_utf8(world.network.line(1).sent.clone()).unwrap();
    assert!(!sent.contains("connection") && sent.matches("host: example.org").count() == 3, "{sent}");
    assert!(!world.exchanges.is_empty(), "it is looked after");
    world.exchanges.close_all(&mut world.network);
    assert!(world.exchanges.is_empty() && world.network.held().is_empty());
}

#[test]
fn a_response_that_was_read_and_is_still_held_keeps_nothing_back() {
    let mut world = World::plain(vec![answers(2)]);
    let first = world.start(&get(Scheme::Http, HTTP)).unwrap();
    assert_eq!(world.read(first).unwrap(), b"hello");
    assert_eq!(world.get().unwrap(), b"hello");
    world.close(first);
    assert_eq!((world.calls(), world.network.held().len()), (1, 1));
}

#[test]
fn exchanges_at_the_same_time_have_connections_of_their_own() {
    let mut world = World::plain(vec![answers(1), answers(1)]);
    let ids = [0, 1].map(|_| world.start(&get(Scheme::Http, HTTP)).unwrap());
    ids.into_iter().for_each(|id| assert_eq!(world.read(id).unwrap(), b"hello"));
    assert_eq!(world.calls(), 2);
}

#[test]
fn some_responses_are_the_last_on_their_connection() {
    for (response, calls) in [
        (RESPONSE, 1),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nt: 1\r\n\r\n", 1),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 1),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\nhello", 1),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello", 2),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: x, Close\r\n\r\nhello", 2),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", 2),
        // More than there should be.
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n", 2),
    ] {
        let script = || Script::Answers(vec![response, response]);
        let mut world = World::plain(vec![script(), script()]);
        (0..2).for_each(|_| assert_eq!(world.get().unwrap(), b"hello"));
        let text = String::from_utf8_lossy(response);
        assert_eq!((world.calls(), world.network.held().len()), (calls, 2 - calls), "{text}");
    }
}

#[test]
fn bodies_that_there_are_none_of_need_not_be_read() {
    let response = b"HTTP/1.1 204 No Content\r\n\r\n";
    let mut world = World::plain(vec![Script::Answers(vec![response, RESPONSE])]);
    let id = world.start(&get(Scheme::Http, HTTP)).unwrap();
    (0..3).for_each(|_| world.exchanges.step(&mut world.network, 1));
    world.close(id);
    assert_eq!(world.get().unwrap(), b"hello");
    assert_eq!(world.calls(), 1);
}

#[test]
fn what_ends_with_its_connection_leaves_none() {
    let until_close = Script::Answers(vec![b"HTTP/1.1 200 OK\r\n\r\nhello"]);
    let mut world = World::plain(vec![until_close, answers(1)]);
    let id = world.start(&get(Scheme::Http, HTTP)).unwrap();
    (0..3).for_each(|_| world.exchanges.step(&mut world.network, 1));
    world.network.line(1).state = ConnectionState::PeerClosed;
    assert_eq!(world.read(id).unwrap(), b"hello");
    world.close(id);
    assert!(world.network.held().is_empty());
    assert_eq!(world.get().unwrap(), b"hello");
    assert_eq!(world.calls(), 2);
}

#[test]
fn an_exchange_that_is_given_up_leaves_no_connection() {
    // The body is not read.
    let mut world = World::plain(vec![answers(1), answers(1)]);
    let id = world.start(&get(Scheme::Http, HTTP)).unwrap();
    (0..3).for_each(|_| world.exchanges.step(&mut world.network, 1));
    assert!(world.exchanges.response(id).is_ready());
    world.close(id);
    assert!(world.network.held().is_empty());
    assert_eq!(world.get().unwrap(), b"hello");

    // The request is not complete, though the response is.
    let mut world = World::plain(vec![answers(1)]);
    let id = world.start(&post(BodyPlan::Length(3))).unwrap();
    assert_eq!(world.read(id).unwrap(), b"hello");
    world.close(id);
    assert!(world.network.held().is_empty());
}

#[test]
fn runs_have_no_connections_in_common() {
    let mut world = World::plain(vec![answers(2), answers(2)]);
    assert_eq!(world.get().unwrap(), b"hello");
    let security = world.exchanges.security.clone();
    let first = core::mem::replace(&mut world.exchanges, Exchanges::new(RUN, security));
    assert_eq!(world.get().unwrap(), b"hello");
    assert_eq!((world.calls(), world.network.held().len()), (2, 2));
    for mut exchanges in [first, world.exchanges] {
        exchanges.close_all(&mut world.network);
    }
    assert!(world.network.held().is_empty());
}

/// A server that hangs up when it gets the second request.
fn hanging_up(then: Script) -> World {
    let mut world = World::plain(vec![answers(1), then]);
    assert_eq!(world.get().unwrap(), b"hello");
    world
}

#[test]
fn a_request_that_may_come_twice_is_sent_again_when_its_connection_is_gone() {
    let put = HttpRequest { method: Method::PUT, ..post(BodyPlan::Length(3)) };
    let mut world = hanging_up(answers(2));
    assert_eq!(world.get().unwrap(), b"hello");
    assert_eq!((world.calls(), world.network.held()), (2, vec![2]));

    // Nothing of the body was taken when it was noticed.
    let mut world = hanging_up(answers(2));
    let id = world.start(&put).unwrap();
    let mut space = world.exchanges.body_space(id);
    (0..3).for_each(|_| {
        world.exchanges.step(&mut world.network, 1);
        let before = core::mem::replace(&mut space, world.exchanges.body_space(id));
        assert!(before <= space, "it becomes less by writing only");
    });
    world.exchanges.write_body(id, b"abc", Some(&mut world.network));
    world.exchanges.finish_body(id, &Fields::new(), Some(&mut world.network));
    assert_eq!(world.read(id).unwrap(), b"hello");
    assert_eq!(world.calls(), 2);
    assert!(world.network.line(2).sent.ends_with(b"content-length: 3\r\n\r\nabc"));

    // A reset is as good as an end.
    let mut world = World::plain(vec![Script::Answers(vec![RESPONSE, b""]), answers(1)]);
    assert_eq!(world.get().unwrap(), b"hello");
    let id = world.start(&get(Scheme::Http, HTTP)).unwrap();
    world.exchanges.step(&mut world.network, 1);
    assert_eq!(world.network.line(1).sent.windows(5).filter(|window| window == b"GET /").count(), 2);
    world.network.line(1).state = ConnectionState::Failed(Broken::Reset);
    assert!(world.read(id).is_ok());
}

#[test]
fn a_request_that_may_not_come_twice_fails_with_its_connection() {
    let mut world = hanging_up(answers(1));
    assert_eq!(world.ask(&post(BodyPlan::None)), Err(HttpFailure::ConnectionTerminated));
    assert_eq!(world.calls(), 1);

    // Some of the body was taken.
    let mut world = hanging_up(answers(1));
    let put = HttpRequest { method: Method::PUT, ..post(BodyPlan::Length(3)) };
    let id = world.start(&put).unwrap();
    world.exchanges.write_body(id, b"a", Some(&mut world.network));
    assert_eq!(world.read(id), Err(HttpFailure::ConnectionTerminated));
    assert_eq!(world.calls(), 1);

    // It is sent twice, not thrice.
    let mut world = hanging_up(Script::Answers(Vec::new()));
    assert_eq!(world.get(), Err(HttpFailure::ConnectionTerminated));
    assert_eq!(world.calls(), 2);

    // Something came back.
    let half = Script::Answers(vec![RESPONSE, b"HTTP/1.1 2"]);
    let mut world = World::plain(vec![half]);
    assert_eq!(world.get().unwrap(), b"hello");
    let id = world.start(&get(Scheme::Http, HTTP)).unwrap();
    (0..3).for_each(|_| world.exchanges.step(&mut world.network, 1));
    world.network.line(1).state = ConnectionState::PeerClosed;
    assert_eq!(world.read(id), Err(HttpFailure::ConnectionTerminated));
}

#[test]
fn a_request_of_which_nothing_was_sent_takes_another_connection_whatever_it_is() {
    let hang_up = |network: &mut Scripted| network.line(1).state = ConnectionState::PeerClosed;
    let speak = |network: &mut Scripted| network.line(1).arrived.extend_from_slice(RESPONSE);
    let changes: [fn(&mut Scripted); 2] = [hang_up, speak];
    for change in changes {
        // Before it is begun, and just after.
        let mut world = World::plain(vec![answers(2), answers(1)]);
        assert_eq!(world.get().unwrap(), b"hello");
        change(&mut world.network);
        assert_eq!(world.ask(&post(BodyPlan::None)).unwrap(), b"hello");
        assert_eq!((world.calls(), world.network.held()), (2, vec![2]));

        let mut world = World::plain(vec![answers(2), answers(1)]);
        assert_eq!(world.get().unwrap(), b"hello");
        let id = world.start(&post(BodyPlan::Length(3))).unwrap();
        world.exchanges.write_body(id, b"abc", Some(&mut world.network));
        world.exchanges.finish_body(id, &Fields::new(), Some(&mut world.network));
        change(&mut world.network);
        assert_eq!(world.read(id).unwrap(), b"hello");
        assert_eq!(world.calls(), 2);
        assert!(world.network.line(2).sent.ends_with(b"abc"));
    }
}

#[test]
fn idle_connections_make_room_for_exchanges() {
    let mut world = World::plain((0..20).map(|_| answers(1)).collect());
    let ids: Vec<_> = (0..4).map(|_| world.start(&get(Scheme::Http, HTTP)).unwrap()).collect();
    for id in ids {
        assert_eq!(world.read(id).unwrap(), b"hello");
        world.close(id);
    }
    assert_eq!(world.network.held().len(), 4);
    let other = get(Scheme::Http, HOST);
    (0..EXCHANGES_MAX).for_each(|_| {
        world.start(&other).unwrap();
        assert!(world.network.held().len() <= EXCHANGES_MAX);
    });
    assert_eq!(
        (world.start(&other), world.network.held().len()),
        (Err(HttpFailure::ConnectionLimitReached), 16)
    );
}

#[test]
fn receipts_of_exchanges_on_one_connection_name_one_session() {
    let behaviour = Behaviour { answers: 3, ..Behaviour::honest(HOST, RESPONSE) };
    let mut world = World::of(vec![behaviour], now());
    (0..3).for_each(|_| world.fetch());
    assert_eq!(world.calls(), 1);
    let receipts: Vec<_> =
        world.exchanges.take_unsent(LONG).into_iter().map(|(_, receipt)| receipt).collect();
    let receipts: Vec<_> = receipts.iter().map(|receipt| SignedReceipt::parse(receipt).unwrap()).collect();
    let receipts: Vec<_> = receipts.iter().map(SignedReceipt::unverified_receipt).collect();
    for (number, pair) in (0..).zip(receipts.windows(2)) {
        let [before, after] = pair else { unreachable!() };
        assert_eq!((before.run.exchange, after.run.exchange), (number, number + 1));
        assert_eq!((&before.tls, &before.peer), (&after.tls, &after.peer));
        assert!(before.time.last_byte_us <= after.time.sent_us);
        assert_ne!(before.leaves.root, [0; 32]);
    }
    assert_eq!(receipts[2].peer.address, Ipv4Addr::new(10, 0, 2, 2));
}

#[test]
fn a_session_whose_certificates_expire_is_not_gone_on_with() {
    let behaviour = Behaviour { years: (2020, 2027), answers: 9, ..Behaviour::honest(HOST, RESPONSE) };
    let before = TimeInterval { earliest_s: EXPIRY_S - 20, latest_s: EXPIRY_S - 10 };
    let mut world = World::of(vec![behaviour.clone(), behaviour], SharedTime::fixed(before));
    world.fetch();
    world.now_ns += 5 * NS_PER_S;
    world.fetch();
    assert_eq!(world.calls(), 1);
    // By now it may be too late.
    world.now_ns += 6 * NS_PER_S;
    let failed = world.ask(&get(Scheme::Https, HOST));
    assert_eq!((failed, world.calls()), (Err(HttpFailure::TlsCertificateError), 2));
    assert!(world.network.held().is_empty());
    for (_, receipt) in world.exchanges.take_unsent(LONG) {
        let said = SignedReceipt::parse(&receipt).unwrap();
        let said = said.unverified_receipt();
        assert!(said.time.latest_s <= said.tls.validity.not_after_s, "as whoever checks it asks");
    }
}

#[test]
fn a_server_of_tls_that_hangs_up_is_called_again() {
    let behaviour = Behaviour { answers: 1, ..Behaviour::honest(HOST, RESPONSE) };
    let mut world = World::of(vec![behaviour.clone(), behaviour], now());
    world.fetch();
    assert!(world.network.held().is_empty(), "it said that it would send nothing more");
    world.fetch();
    let receipts = world.exchanges.take_unsent(LONG);
    let exporters = receipts
        .iter()
        .map(|(_, receipt)| SignedReceipt::parse(receipt).unwrap().unverified_receipt().tls.exporter);
    let exporters: Vec<_> = exporters.collect();
    assert_ne!(exporters[0], exporters[1]);
}

/// In the middle of a request on a session that was kept.
#[test]
fn a_receipt_names_the_session_that_its_response_came_over() {
    let behaviour = Behaviour { answers: 2, ..Behaviour::honest(HOST, RESPONSE) };
    let mut world = World::of(vec![behaviour.clone(), behaviour], now());
    world.fetch();
    let id = world.start(&get(Scheme::Https, HOST)).unwrap();
    world.exchanges.open.values_mut().for_each(|exchange| exchange.step(&mut world.network, 1));
    world.network.line(1).arrived.clear();
    world.network.line(1).state = ConnectionState::Failed(Broken::Reset);
    world.now_ns += 7000;
    let begun_us = world.now_ns / 1000;
    assert_eq!(world.read(id).unwrap(), b"hello");
    world.close(id);
    let receipts: Vec<_> =
        world.exchanges.take_unsent(LONG).into_iter().map(|(_, receipt)| receipt).collect();
    let [first, second] = &receipts[..] else { panic!("{}", receipts.len()) };
    let [first, second] = [first, second].map(|receipt| SignedReceipt::parse(receipt).unwrap());
    let (first, second) = (first.unverified_receipt(), second.unverified_receipt());
    assert_ne!(first.tls.exporter, second.tls.exporter);
    assert!(second.time.sent_us >= begun_us, "as it was sent the second time");
}

#[test]
fn an_impostor_at_one_address_is_reported_and_no_other_is_called() {
    let behaviours = ["other.example", HTTP].map(|name| Behaviour::honest(name, RESPONSE));
    let mut world = World::of(behaviours.to_vec(), now());
    world.network.addresses = [7, 8].map(|number| Ipv4Addr::new(192, 0, 2, number)).to_vec();
    let failed = world.ask(&get(Scheme::Https, HTTP));
    assert_eq!((failed, world.calls()), (Err(HttpFailure::TlsCertificateError), 1));
}
