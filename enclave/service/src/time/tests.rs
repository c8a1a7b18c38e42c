//! Measurements of honest, lying and silent servers, over a network that a host bends.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec;
use core::net::Ipv4Addr;

use attestation_ring::Ring;
use attestation_roughtime::response_digest;
use tests_servers::{Clock, TimeServer as Server};

use super::*;
use crate::sockets::{Broken, Connection, ConnectionState, Query, Question, Sockets, Unresolved};
use crate::surroundings::{HeapFigures, NetworkFigures, ProbeAnswer};

/// 2026-11-30.
const NOW_S: u64 = 1_796_000_000;
const MS_NS: u64 = 1_000_000;

/// A server, and what happens to its answers on their way.
struct Place {
    server: Server,
    /// Of the questions, how many are lost first.
    losses: usize,
    /// Comes before each answer.
    garbage: Vec<Vec<u8>>,
    asked: usize,
}

/// A network with a clock that goes on by a millisecond with each look.
#[derive(Default)]
struct World {
    now_ns: u64,
    places: BTreeMap<u16, Place>,
    open: BTreeMap<u64, VecDeque<Vec<u8>>>,
    asked: u64,
    unknown_names: Vec<&'static str>,
    requests: Vec<Vec<u8>>,
}

impl World {
    fn with(clocks: &[Clock]) -> Self {
        let mut world = Self::default();
        for (number, clock) in (1..).zip(clocks) {
            let server = Server::new(number, *clock);
            let place = Place { server, losses: 0, garbage: Vec::new(), asked: 0 };
            world.places.insert(u16::from(number), place);
        }
        world
    }

    fn honest() -> Self {
        Self::with(&[Clock::Still(NOW_S), Clock::Still(NOW_S + 1), Clock::Still(NOW_S)])
    }

    fn place(&mut self, port: u16) -> &mut Place {
        self.places.get_mut(&port).unwrap()
    }

    /// A timekeeper for all of these servers.
    fn timekeeper(&self) -> Timekeeper {
        let servers = self.places.iter().map(|(port, place)| TimeServer {
            host: alloc::format!("time{port}.example"),
            port: *port,
            key: ServerKey(place.server.public_key()),
        });
        Timekeeper { servers: servers.collect(), ..Timekeeper::idle() }
    }

    /// Steps until the time is known or nobody finds it out any more.
    fn measure(&mut self, time: &mut Timekeeper) -> Result<TimeInterval, TimeUnknown> {
        for _ in 0..120_000 {
            let answer = time.interval(self.now_ns);
            if let Poll::Ready(answer) = answer {
                assert!(self.open.is_empty(), "questions are hung up");
                return answer;
            }
            time.step(self);
            self.now_ns += MS_NS;
        }
        panic!("two minutes are not enough");
    }
}

impl Sockets for World {
    fn resolve(&mut self, name: &str) -> Option<Query> {
        let port = name.strip_prefix("time")?.strip_suffix(".example")?.parse().ok()?;
        if self.unknown_names.contains(&name) { Some(Query(0)) } else { Some(Query(port)) }
    }

    fn resolved(&mut self, query: Query) -> Option<Result<Vec<Ipv4Addr>, Unresolved>> {
        Some(if query.0 == 0 { Err(Unresolved::Unknown) } else { Ok(vec![Ipv4Addr::LOCALHOST]) })
    }

    fn forget(&mut self, _query: Query) {}

    fn ask(&mut self, _address: Ipv4Addr, port: u16, payload: &[u8]) -> Result<Question, Broken> {
        self.requests.push(payload.to_vec());
        self.asked += 1;
        let place = self.places.get_mut(&port).ok_or(Broken::Unreachable)?;
        place.asked += 1;
        let answer = place.server.respond(payload).filter(|_| place.asked > place.losses);
        let answers = place.garbage.iter().cloned().chain(answer).collect();
        self.open.insert(self.asked, answers);
        Ok(Question(self.asked))
    }

    fn answered(&mut self, question: Question) -> Option<Vec<u8>> {
        self.open.get_mut(&question.0)?.pop_front()
    }

    fn hang_up(&mut self, question: Question) {
        assert!(self.open.remove(&question.0).is_some(), "hung up twice");
    }

    fn connect(&mut self, _address: Ipv4Addr, _port: u16) -> Result<Connection, Broken> {
        Err(Broken::Unreachable)
    }

    fn listen(&mut self, _port: u16, _backlog: usize) -> bool {
        false
    }

    fn accept(&mut self) -> Option<Connection> {
        None
    }

    fn waiting(&mut self) -> usize {
        0
    }

    fn state(&mut self, _connection: Connection) -> ConnectionState {
        ConnectionState::Closed
    }

    fn send_room(&mut self, _connection: Connection) -> usize {
        0
    }

    fn send(&mut self, _connection: Connection, _bytes: &[u8]) -> usize {
        0
    }

    fn unsent(&mut self, _connection: Connection) -> usize {
        0
    }

    fn receive(&mut self, _connection: Connection, _max_bytes: usize, _into: &mut Vec<u8>) -> usize {
        0
    }

    fn shutdown(&mut self, _connection: Connection) {}

    fn release(&mut self, _connection: Connection) {}
}

impl Surroundings for World {
    fn now_ns(&mut self) -> u64 {
        self.now_ns
    }

    /// Never the same twice.
    fn fill_random(&mut self, bytes: &mut [u8]) {
        bytes.fill(u8::try_from(self.asked % 251).unwrap());
    }

    fn poll(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn heap(&mut self) -> HeapFigures {
        HeapFigures::default()
    }

    fn begin_job(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn network(&mut self) -> Option<NetworkFigures> {
        None
    }

    fn sockets(&mut self) -> Option<&mut dyn Sockets> {
        Some(self)
    }

    fn start_probe(&mut self, _destination: &str, _payload: &[u8], _timeout_us: u64) -> Result<(), String> {
        Err("there are no probes".into())
    }

    fn take_probe(&mut self) -> Option<ProbeAnswer> {
        None
    }
}

/// A server of which nobody knows anything.
pub(crate) fn somebody() -> TimeServer {
    TimeServer { host: "time.example".into(), port: 1, key: ServerKey([1; 32]) }
}

#[test]
fn what_servers_have_in_common_is_the_time() {
    let mut world = World::honest();
    let mut time = world.timekeeper();
    // Each says plus and minus two seconds; the third is a second later.
    let interval = world.measure(&mut time).unwrap();
    assert_eq!(interval, TimeInterval { earliest_s: NOW_S - 1, latest_s: NOW_S + 3 });
    assert_eq!(world.requests.len(), 6, "every server twice");
    assert!(time.take_report().is_none());
    let asked = world.asked;
    world.now_ns += 200 * NS_PER_S;
    let later = world.measure(&mut time).unwrap();
    assert_eq!(world.asked, asked, "nobody is asked while it is fresh");
    // The host may have held the clock back, so that the beginning stays where it was proven.
    assert_eq!(later.earliest_s, interval.earliest_s);
    assert_eq!(later.latest_s, NOW_S + 3 + 202, "with a hundredth for drift");
}

#[test]
fn the_estimate_is_in_the_middle_and_goes_on() {
    let mut world = World::honest();
    let mut time = world.timekeeper();
    assert_eq!(time.estimate_ns(0), Poll::Pending);
    world.measure(&mut time).unwrap();
    let at_ns = world.now_ns;
    let Poll::Ready(first) = time.estimate_ns(at_ns) else { panic!("it is known") };
    assert!(first.abs_diff(NOW_S * NS_PER_S + NS_PER_S / 2) < NS_PER_S, "{first}");
    assert_eq!(time.estimate_ns(at_ns + 7), Poll::Ready(first + 7));
    assert_eq!(time.estimate_ns(at_ns + 301 * NS_PER_S), Poll::Pending, "it asks again");
}

#[test]
fn old_readings_are_made_anew_in_one_chain() {
    let mut world = World::honest();
    let mut time = world.timekeeper();
    world.measure(&mut time).unwrap();
    world.now_ns += 400 * NS_PER_S;
    for port in [1, 2, 3] {
        world.place(port).server = Server::new(u8::try_from(port).unwrap(), Clock::Still(NOW_S + 400));
    }
    let last = time.last_reply().unwrap().to_vec();
    let interval = world.measure(&mut time).unwrap();
    assert_eq!(interval, TimeInterval { earliest_s: NOW_S + 398, latest_s: NOW_S + 403 });
    assert_eq!(time.proof.as_ref().unwrap().previous(), Some(last.as_slice()));
}

#[test]
fn a_liar_among_enough_others_is_reported_and_left_out() {
    let clocks = [NOW_S, NOW_S + 86_400, NOW_S, NOW_S].map(Clock::Still);
    let mut world = World::with(&clocks);
    let mut time = world.timekeeper();
    let interval = world.measure(&mut time).unwrap();
    assert_eq!((interval.earliest_s, interval.latest_s), (NOW_S - 2, NOW_S + 3));
    let report = time.take_report().unwrap();
    assert!(report.starts_with("{\"responses\":[{") && report.matches("\"rand\"").count() == 7, "{report}");
    assert!(time.take_report().is_none());
}

#[test]
fn a_liar_among_three_leaves_nobody_to_believe() {
    for lie in [NOW_S + 86_400, NOW_S - 86_400, 0] {
        let mut world = World::with(&[NOW_S, lie, NOW_S].map(Clock::Still));
        let mut time = world.timekeeper();
        assert_eq!(world.measure(&mut time), Err(TimeUnknown), "{lie}");
        assert!(time.take_report().is_some());
        assert_eq!(time.estimate_ns(world.now_ns), Poll::Pending);
    }
}

#[test]
fn servers_that_agree_on_the_past_are_not_believed() {
    let mut world = World::with(&[Clock::Still(1_700_000_000); 3]);
    let mut time = world.timekeeper();
    assert_eq!(world.measure(&mut time), Err(TimeUnknown));

    let mut world = World::honest();
    let mut time = world.timekeeper();
    world.measure(&mut time).unwrap();
    world.now_ns += 400 * NS_PER_S;
    for port in [1, 2, 3] {
        world.place(port).server = Server::new(u8::try_from(port).unwrap(), Clock::Still(NOW_S - 100));
    }
    assert_eq!(world.measure(&mut time), Err(TimeUnknown), "time does not go back");
}

#[test]
fn lost_questions_are_asked_again_and_lengthen_the_interval() {
    let mut world = World::honest();
    for port in [1, 2, 3] {
        world.place(port).losses = 1;
    }
    let mut time = world.timekeeper();
    let interval = world.measure(&mut time).unwrap();
    assert_eq!(world.requests.len(), 9);
    assert_eq!(world.requests[0], world.requests[1], "the same question, or its answer would be another's");
    assert_ne!(world.requests[1], world.requests[2]);
    // What came late was stamped at any time since the question left.
    assert!(interval.latest_s >= NOW_S + 3 && interval.latest_s <= NOW_S + 6, "{interval:?}");
}

#[test]
fn silence_is_given_up_and_not_waited_for_again() {
    let mut world = World::with(&[Clock::Still(NOW_S); 4]);
    world.place(2).losses = usize::MAX;
    let mut time = world.timekeeper();
    world.measure(&mut time).unwrap();
    assert_eq!(world.place(2).asked, 3, "three attempts in the first round, none in the second");
    assert!((4_750..5_000).contains(&(world.now_ns / MS_NS)), "{}", world.now_ns);

    let mut world = World::honest();
    world.place(3).losses = usize::MAX;
    let mut time = world.timekeeper();
    assert_eq!(world.measure(&mut time), Err(TimeUnknown), "two are not enough");
    let asked = world.asked;
    assert_eq!(time.interval(world.now_ns), Poll::Ready(Err(TimeUnknown)));
    time.step(&mut world);
    assert_eq!(world.asked, asked, "nobody is asked at once again");
    world.place(3).losses = 0;
    world.now_ns += 2 * NS_PER_S;
    assert!(world.measure(&mut time).is_ok());
}

#[test]
fn names_without_addresses_are_silent_servers() {
    let mut world = World::with(&[Clock::Still(NOW_S); 4]);
    world.unknown_names = vec!["time4.example"];
    let mut time = world.timekeeper();
    world.measure(&mut time).unwrap();
    world.unknown_names.push("time3.example");
    let mut time = world.timekeeper();
    assert_eq!(world.measure(&mut time), Err(TimeUnknown));
}

#[test]
fn garbage_before_the_answer_changes_nothing() {
    let mut world = World::honest();
    let other = Server::new(9, Clock::Still(0));
    let question = attestation_roughtime::request(&ServerKey(other.public_key()), &[0; 32]);
    let foreign = other.respond(&question).unwrap();
    world.place(2).garbage = vec![Vec::new(), b"garbage".to_vec(), vec![0; 1500], foreign];
    let mut time = world.timekeeper();
    let interval = world.measure(&mut time).unwrap();
    assert_eq!(interval.earliest_s, NOW_S - 1);
}

/// The answer to another question proves nothing about now.
#[test]
fn recorded_answers_are_not_taken() {
    let mut world = World::honest();
    let mut time = world.timekeeper();
    world.measure(&mut time).unwrap();
    let recorded: Vec<_> = time.proof.as_ref().unwrap().exchanges().to_vec();
    for exchange in recorded {
        let port = (1..=3).find(|port| world.place(*port).server.public_key() == exchange.server.0).unwrap();
        let place = world.place(port);
        (place.losses, place.garbage) = (usize::MAX, vec![exchange.response]);
    }
    world.now_ns += 400 * NS_PER_S;
    assert_eq!(world.measure(&mut time), Err(TimeUnknown));
}

#[test]
fn attempts_become_rare() {
    let mut world = World::default();
    let mut time = World::honest().timekeeper();
    let mut attempts = Vec::new();
    for _ in 0..600 {
        let failures = time.failures;
        let _ = time.interval(world.now_ns);
        time.step(&mut world);
        if time.failures > failures {
            attempts.push(world.now_ns / NS_PER_S);
        }
        world.now_ns += NS_PER_S;
    }
    let pauses: Vec<_> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses[..6], [1, 2, 4, 8, 16, 32], "{pauses:?}");
    assert!(pauses[6..].iter().all(|pause| *pause == 60), "{pauses:?}");
}

#[test]
fn without_servers_there_is_no_time() {
    let mut time = Timekeeper::idle();
    assert_eq!(time.interval(0), Poll::Ready(Err(TimeUnknown)));
}

/// Steps until it is known what came of a commitment.
fn committed(world: &mut World, time: &mut Timekeeper) -> Option<Committed> {
    for _ in 0..120_000 {
        if let Poll::Ready(committed) = time.take_committed() {
            return committed;
        }
        time.step(world);
        world.now_ns += MS_NS;
    }
    panic!("two minutes are not enough");
}

/// Whether the first exchange that is in the proof commits to this root, and no other does.
fn is_to(committed: &Committed, time: &Timekeeper, root: &[u8; 32]) -> bool {
    let servers: Vec<ServerKey> = time.servers.iter().map(|server| server.key).collect();
    let proof = committed.proof.verify(&Ring, &servers).unwrap();
    let commits: Vec<bool> =
        proof.exchanges.iter().map(|exchange| exchange.commits_to(&committed.salt, root)).collect();
    assert!(!commits.iter().skip(1).any(|commits| *commits));
    commits[0]
}

#[test]
fn a_commitment_is_in_a_question_of_its_own_measurement() {
    let mut world = World::honest();
    let mut time = world.timekeeper();
    world.measure(&mut time).unwrap();
    let last = time.last_reply().unwrap().to_vec();
    time.commit([5; 32]);
    let closed = committed(&mut world, &mut time).unwrap();
    assert_eq!(closed.proof.previous(), Some(last.as_slice()));
    assert!(is_to(&closed, &time, &[5; 32]) && !is_to(&closed, &time, &[6; 32]));
    assert!(committed(&mut world, &mut time).is_none(), "it is given away once");
    assert_eq!(world.asked, 12);
}

#[test]
fn a_commitment_waits_for_the_measurement_under_way_and_for_the_next() {
    let mut world = World::honest();
    let mut time = world.timekeeper();
    assert!(time.interval(world.now_ns).is_pending());
    time.step(&mut world);
    time.commit([5; 32]);
    let closed = committed(&mut world, &mut time).unwrap();
    assert!(is_to(&closed, &time, &[5; 32]));
    assert_eq!(world.asked, 12, "both were made");
    time.commit([6; 32]);
    time.forget_commitment();
    time.step(&mut world);
    assert_eq!(world.asked, 12, "nobody wants it any more");
}

#[test]
fn whoever_answers_first_is_committed_to() {
    let mut world = World::honest();
    world.place(1).losses = usize::MAX;
    world.unknown_names.push("time2.example");
    let mut time = world.timekeeper();
    time.commit([5; 32]);
    let closed = committed(&mut world, &mut time).unwrap();
    assert!(is_to(&closed, &time, &[5; 32]), "one server is enough for that");
    assert!(time.last_known(world.now_ns).is_none(), "and not for the time");
}

#[test]
fn without_answers_nothing_is_committed_to_and_nobody_waits_twice() {
    let mut world = World::honest();
    for port in [1, 2, 3] {
        world.place(port).losses = usize::MAX;
    }
    let mut time = world.timekeeper();
    time.commit([5; 32]);
    assert!(committed(&mut world, &mut time).is_none());
    let asked = world.asked;
    time.commit([5; 32]);
    assert!(committed(&mut world, &mut time).is_none());
    assert_eq!(world.asked, asked, "the last failure is too recent");
}

#[test]
fn what_is_known_names_a_reply_that_is_in_its_proof() {
    let mut world = World::with(&[Clock::Still(NOW_S), Clock::Still(NOW_S), Clock::Still(NOW_S)]);
    world.places.insert(4, World::with(&[Clock::Still(NOW_S + 1); 4]).places.remove(&4).unwrap());
    let mut time = world.timekeeper();
    world.measure(&mut time).unwrap();
    let first = time.last_known(world.now_ns).unwrap();
    // Whose reply it was says nothing any more: the later measurement knows less of the beginning.
    world.place(4).losses = usize::MAX;
    time.commit([5; 32]);
    let closed = committed(&mut world, &mut time).unwrap();
    let known = time.last_known(world.now_ns).unwrap();
    assert_eq!(known.interval.earliest_s, first.interval.earliest_s);
    assert_eq!(known.beginning, first.beginning);
    let Beginning { reply_digest, proof } = known.beginning.unwrap();
    let digests = |proof: &Proof| -> Vec<[u8; 32]> {
        proof.exchanges().iter().map(|exchange| response_digest(&exchange.response)).collect()
    };
    assert!(digests(&proof).contains(&reply_digest) && !digests(&closed.proof).contains(&reply_digest));
}
