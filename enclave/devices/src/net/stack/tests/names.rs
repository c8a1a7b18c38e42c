//! Names, with servers beyond the gateway that know, lie or are silent.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec;
use core::cell::RefCell;

use super::cable::Fate;
use super::udp::Datagram;
use super::*;

const SERVERS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(192, 0, 2, 53), Ipv4Addr::new(192, 0, 2, 54), Ipv4Addr::new(192, 0, 2, 55)];
const ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
const NAME_ERROR: u8 = 3;

/// What a server says: a response code and records, or nothing.
type Answer = Option<(u8, Vec<Vec<u8>>)>;
/// Which servers were asked, each time.
type Asked = Rc<RefCell<Vec<Ipv4Addr>>>;

/// A world whose servers answer in this way.
fn world(servers: usize, mut answer: impl FnMut(Ipv4Addr) -> Answer + 'static) -> (World, Asked) {
    let mut world = World::new();
    let asked = Asked::default();
    let noted = asked.clone();
    world.client.device.fate = Box::new(move |frame| {
        let Some(question) = Datagram::read(frame).filter(|datagram| datagram.to.1 == 53) else {
            return Fate::Arrives;
        };
        let (server, _) = question.to;
        noted.borrow_mut().push(server);
        answer(server)
            .map_or(Fate::IsLost, |(code, records)| Fate::IsAnswered(reply(&question, code, &records)))
    });
    let name_servers = SERVERS[..servers].to_vec();
    world.client.stack.apply(Terms { gateway: Some(SERVER), name_servers, ..terms(CLIENT) });
    world.run_for(1_000);
    (world, asked)
}

/// The question again, with records after it.
fn reply(question: &Datagram, code: u8, records: &[Vec<u8>]) -> Vec<u8> {
    let mut message = question.payload.clone();
    (message[2], message[3], message[7]) = (0x81, 0x80 | code, u8::try_from(records.len()).unwrap());
    message.extend(records.concat());
    question.answer(&message).frame()
}

/// An address of the name in the question, or of another.
fn address(name: &[u8], address: Ipv4Addr) -> Vec<u8> {
    [name, &[0, 1, 0, 1, 0, 0, 0, 60, 0, 4], &address.octets()].concat()
}

/// The name in the question has another.
fn alias(name: &[u8]) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap();
    [ASKED, &[0, 5, 0, 1, 0, 0, 0, 60, 0, length], name].concat()
}

/// Points to the name in the question.
const ASKED: &[u8] = &[0xC0, 12];
const OTHER: &[u8] = b"\x05other\x07example\x00";

fn resolve(world: &mut World, name: &str) -> Result<Vec<Ipv4Addr>, ResolveError> {
    let id = world.client.stack.resolve(name)?;
    for _ in 0..200_000 {
        if let Some(outcome) = world.client.stack.resolved(id) {
            assert_eq!(world.client.stack.resolved(id), None, "once");
            return outcome;
        }
        world.run_fast_for(100_000);
    }
    panic!("neither an answer nor an end");
}

fn knows(_: Ipv4Addr) -> Answer {
    Some((0, vec![address(ASKED, ADDRESS), address(ASKED, SERVER)]))
}

#[test]
fn a_name_has_addresses() {
    let (mut world, asked) = world(2, knows);
    assert_eq!(resolve(&mut world, "www.example.org"), Ok(vec![ADDRESS, SERVER]));
    assert_eq!(*asked.borrow(), [SERVERS[0]], "the second was not bothered");
    assert_eq!(resolve(&mut world, "10.1.2.3"), Ok(vec![Ipv4Addr::new(10, 1, 2, 3)]));
    assert_eq!(asked.borrow().len(), 1);
}

#[test]
fn aliases_are_followed_and_other_names_are_not() {
    let (mut aliased, _) = world(1, |_| Some((0, vec![alias(OTHER), address(OTHER, ADDRESS)])));
    assert_eq!(resolve(&mut aliased, "www.example.org"), Ok(vec![ADDRESS]));
    let (mut foreign, _) = world(1, |_| Some((0, vec![address(OTHER, ADDRESS)])));
    assert_eq!(resolve(&mut foreign, "www.example.org"), Err(ResolveError::NotFound));
}

#[test]
fn the_next_server_is_asked_when_one_does_not_know_or_is_silent() {
    let denies = |server| if server == SERVERS[0] { Some((NAME_ERROR, vec![])) } else { knows(server) };
    let (mut denied, asked) = world(2, denies);
    assert_eq!(resolve(&mut denied, "a.example"), Ok(vec![ADDRESS, SERVER]));
    assert_eq!(*asked.borrow(), SERVERS[..2]);

    let (mut silent, asked) = world(3, |server| if server == SERVERS[2] { knows(server) } else { None });
    let begun_us = silent.now_us;
    assert_eq!(resolve(&mut silent, "a.example"), Ok(vec![ADDRESS, SERVER]));
    let took_us = silent.now_us - begun_us;
    assert!((4_000_000..4_200_000).contains(&took_us), "{took_us} us");
    assert_eq!(asked.borrow().last(), Some(&SERVERS[2]));
}

#[test]
fn a_question_ends_in_any_case() {
    let (mut denied, _) = world(3, |_| Some((NAME_ERROR, vec![])));
    assert_eq!(resolve(&mut denied, "a.example"), Err(ResolveError::NotFound));
    let (mut silent, asked) = world(2, |_| None);
    let begun_us = silent.now_us;
    assert_eq!(resolve(&mut silent, "a.example"), Err(ResolveError::TimedOut));
    let took_us = silent.now_us - begun_us;
    assert!((10_000_000..10_200_000).contains(&took_us), "{took_us} us");
    assert!(asked.borrow().len() > 4, "each was asked again");
    let (mut empty, _) = world(1, |_| Some((0, vec![])));
    assert_eq!(resolve(&mut empty, "a.example"), Err(ResolveError::NotFound));
    let (mut garbage, _) = world(1, |_| Some((0, vec![vec![0xC0]])));
    assert_eq!(resolve(&mut garbage, "a.example"), Err(ResolveError::TimedOut));
}

#[test]
fn questions_are_bounded() {
    let (mut world, _) = world(1, |_| None);
    let limit = NetworkLimits::DEFAULT.queries;
    let ids: Vec<_> = (0..limit).map(|_| world.client.stack.resolve("a.example").unwrap()).collect();
    let more = world.client.stack.resolve("a.example");
    assert_eq!(more, Err(ResolveError::TooMany { limit }));
    world.run_for(1_000);
    world.client.stack.forget(ids[3]);
    assert_eq!(world.client.stack.resolved(ids[3]), None);
    assert!(world.client.stack.resolve("a.example").is_ok());
    // The place is another question's now.
    world.client.stack.forget(ids[3]);
    assert!(world.client.stack.resolve("a.example").is_err());
}

#[test]
fn what_is_no_name_is_not_asked_for() {
    let (mut known, asked) = world(1, knows);
    let long = ["a".repeat(63).as_str(); 4].join(".");
    for name in ["", ".", "a..b", "a b", "a.example.", "é.example", &"a".repeat(64), &long, "a\0b"] {
        assert!(matches!(resolve(&mut known, name), Err(ResolveError::Name { .. })), "{name}");
    }
    assert!(asked.borrow().is_empty());
    let (mut alone, _) = world(0, knows);
    assert_eq!(resolve(&mut alone, "a.example"), Err(ResolveError::NoServer));
    assert!(resolve(&mut alone, "127.0.0.1").is_ok());
}
