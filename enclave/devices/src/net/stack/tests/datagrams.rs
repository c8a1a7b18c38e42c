//! Questions by UDP, with servers that answer, others that do too, and some that do not stop.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use core::cell::RefCell;

use smoltcp::wire::Ipv4Packet;

use super::cable::Fate;
use super::udp::Datagram;
use super::*;
use crate::net::datagrams::PAYLOAD_MAX_BYTES;

/// A server beyond the gateway.
const TIME: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 2002);
const QUESTION_BYTES: usize = 1036;

/// What the client has sent, other than by TCP and ARP.
type Sent = Rc<RefCell<Vec<Datagram>>>;

/// A client whose datagrams are noted and go no further, and whose gateway is the server.
fn world() -> (World, Sent) {
    let mut world = World::new();
    let sent = Sent::default();
    let noted = sent.clone();
    world.client.device.fate = Box::new(move |frame| match Datagram::read(frame) {
        Some(datagram) => {
            noted.borrow_mut().push(datagram);
            Fate::IsLost
        }
        None => Fate::Arrives,
    });
    world.client.stack.apply(Terms { gateway: Some(SERVER), ..terms(CLIENT) });
    world.run_for(1_000);
    // What DHCP says.
    sent.borrow_mut().clear();
    (world, sent)
}

/// Asks, and gives what went out besides the question's name.
fn ask(world: &mut World, sent: &Sent) -> (QuestionId, Datagram) {
    let id = world.client.stack.ask(TIME.0, TIME.1, &pattern(QUESTION_BYTES, 1)).unwrap();
    world.run_for(1_000);
    (id, sent.borrow_mut().pop().unwrap())
}

/// These come to the client.
fn deliver(world: &mut World, datagrams: impl IntoIterator<Item = Datagram>) {
    datagrams.into_iter().for_each(|datagram| world.server.device.put(datagram.frame()));
    world.step();
}

fn answers(world: &mut World, id: QuestionId) -> Vec<Vec<u8>> {
    core::iter::from_fn(|| world.client.stack.answered(id)).collect()
}

#[test]
fn a_question_has_an_answer() {
    let (mut world, sent) = world();
    let (id, question) = ask(&mut world, &sent);
    assert_eq!((question.from.0, question.to), (CLIENT, TIME));
    assert_eq!(question.payload, pattern(QUESTION_BYTES, 1));
    assert_eq!(world.client.stack.answered(id), None);
    deliver(&mut world, [question.answer(&pattern(QUESTION_BYTES, 2))]);
    assert_eq!(answers(&mut world, id), [pattern(QUESTION_BYTES, 2)]);
    world.run_for(5_000_000);
    assert!(sent.borrow().is_empty(), "sent once");
}

#[test]
fn nobody_else_answers() {
    let (mut world, sent) = world();
    let (first, first_sent) = ask(&mut world, &sent);
    let (other, other_sent) = ask(&mut world, &sent);
    let true_one = first_sent.answer(b"true");
    let rejected = world.client.device.sent;
    let lies = [
        Datagram { from: (Ipv4Addr::new(192, 0, 2, 2), TIME.1), ..true_one.clone() },
        Datagram { from: (TIME.0, TIME.1 + 1), ..true_one.clone() },
        Datagram { to: (CLIENT, first_sent.from.1 ^ 1), ..true_one.clone() },
    ];
    deliver(&mut world, lies);
    assert_eq!(world.client.device.sent, rejected + 3, "each is told that nobody listens");
    deliver(
        &mut world,
        [Datagram { to: (Ipv4Addr::new(10, 0, 0, 9), first_sent.from.1), ..true_one.clone() }],
    );
    // Damaged, and a part of something.
    for (at, flip) in [(42, 1), (20, 0x20), (21, 1)] {
        let mut frame = true_one.frame();
        frame[at] ^= flip;
        Ipv4Packet::new_unchecked(&mut frame[14..]).fill_checksum();
        world.server.device.put(frame);
    }
    world.run_for(1_000);
    assert_eq!((answers(&mut world, first), answers(&mut world, other)), (Vec::new(), Vec::new()));
    deliver(&mut world, [other_sent.answer(b"other"), true_one]);
    assert_eq!(answers(&mut world, first), [b"true"]);
    assert_eq!(answers(&mut world, other), [b"other"]);
}

#[test]
fn garbage_may_come_before_the_answer() {
    let (mut world, sent) = world();
    let (id, question) = ask(&mut world, &sent);
    deliver(&mut world, [question.answer(b""), question.answer(b"garbage"), question.answer(b"answer")]);
    assert_eq!(answers(&mut world, id), [&b""[..], b"garbage", b"answer"]);
}

#[test]
fn the_first_answers_are_kept() {
    let (mut world, sent) = world();
    let (id, question) = ask(&mut world, &sent);
    let full = |seed| question.answer(&pattern(PAYLOAD_MAX_BYTES, seed));
    deliver(&mut world, (0..100).map(full));
    let kept = answers(&mut world, id);
    assert_eq!(kept, [0, 1, 2, 3].map(|seed| pattern(PAYLOAD_MAX_BYTES, seed)));
    // However many come and however many are taken, there is room again.
    for round in 0..1_000 {
        deliver(&mut world, (0..round % 7).map(full));
        (0..round % 5).for_each(|_| drop(world.client.stack.answered(id)));
    }
    assert!(answers(&mut world, id).len() <= 4);
    deliver(&mut world, [full(7)]);
    assert_eq!(answers(&mut world, id), [pattern(PAYLOAD_MAX_BYTES, 7)]);
}

#[test]
fn questions_are_bounded() {
    let (mut world, sent) = world();
    let (first, first_sent) = ask(&mut world, &sent);
    (1..QUESTIONS).for_each(|_| _ = ask(&mut world, &sent));
    let more = world.client.stack.ask(TIME.0, TIME.1, b"");
    assert_eq!(more, Err(AskError::TooMany { limit: QUESTIONS }));
    deliver(&mut world, [first_sent.answer(b"late")]);
    world.client.stack.hang_up(first);
    assert_eq!(world.client.stack.answered(first), None);
    let (last, last_sent) = ask(&mut world, &sent);
    // The place is another question's now, and the port is nobody's.
    world.client.stack.hang_up(first);
    deliver(&mut world, [first_sent.answer(b"late"), last_sent.answer(b"answer")]);
    assert_eq!(
        (answers(&mut world, first), answers(&mut world, last)),
        (Vec::new(), [b"answer".to_vec()].into())
    );
    let none = world.server.stack.ask(CLIENT, TIME.1, b"");
    assert_eq!(none, Err(AskError::TooMany { limit: 0 }), "by default");
}

#[test]
fn ports_come_back() {
    let (mut world, _) = world();
    for _ in 0..40_000 {
        let id = world.client.stack.ask(TIME.0, TIME.1, b"?").unwrap();
        world.client.stack.hang_up(id);
    }
}

#[test]
fn ports_are_nobodys_to_guess() {
    let of_seed = |seed| {
        let (mut device, _other) = cable();
        let limits = NetworkLimits { datagrams: 100, ..NetworkLimits::DEFAULT };
        let mut stack = Stack::new(&mut device, [2, 0, 0, 0, 0, 1], seed, &limits);
        let sent = Sent::default();
        let noted = sent.clone();
        device.fate = Box::new(move |frame| {
            noted.borrow_mut().extend(Datagram::read(frame));
            Fate::IsLost
        });
        stack.poll(0, &mut device);
        stack.apply(terms(CLIENT));
        // To all of the network, so that no hardware address is to be found first.
        let everybody = Ipv4Addr::new(10, 0, 0, 255);
        (0..100).for_each(|_| _ = stack.ask(everybody, TIME.1, b"?").unwrap());
        stack.poll(1, &mut device);
        let questions: Vec<Datagram> =
            sent.borrow_mut().drain(..).filter(|sent| sent.to.1 == TIME.1).collect();
        questions.iter().map(|question| question.from.1).collect::<Vec<_>>()
    };
    let (one, other) = (of_seed(1), of_seed(2));
    let different: BTreeSet<u16> = one.iter().copied().collect();
    assert_eq!((one.len(), different.len()), (100, 100), "a port of its own each");
    assert!(one.iter().filter(|port| other.contains(port)).count() < 10);
    assert!(one.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < 16).count() < 5, "{one:?}");
}

#[test]
fn the_neighbour_is_found_first() {
    let mut world = World::new();
    world.client.device.cut();
    world.client.stack.ask(SERVER, TIME.1, b"?").unwrap();
    world.client.stack.ask(SERVER, TIME.1, b"!").unwrap();
    // While nobody answers, it is asked once a second, and nothing is looked at in between.
    world.run_for(10_000);
    let (rounds, asked) = (world.client.device.rounds.get(), world.client.device.sent);
    world.run_for(5_000_000);
    let more = (world.client.device.rounds.get() - rounds, world.client.device.sent - asked);
    assert!(more.0 < 30 && (5..15).contains(&more.1), "{more:?}");
    let sent = Sent::default();
    let noted = sent.clone();
    world.client.device.fate = Box::new(move |frame| {
        noted.borrow_mut().extend(Datagram::read(frame));
        Fate::Arrives
    });
    world.run_for(2_000_000);
    let payloads: Vec<_> = sent.borrow().iter().map(|datagram| datagram.payload.clone()).collect();
    assert_eq!(payloads, [b"?", b"!"], "once the server has said where it is");
    // Now that it is known, they leave at the next look.
    world.client.stack.ask(SERVER, TIME.1, b"again").unwrap();
    world.step();
    assert_eq!(sent.borrow().last().unwrap().payload, b"again");
}

#[test]
fn waiting_for_an_answer_takes_no_rounds() {
    let (mut world, sent) = world();
    let (id, question) = ask(&mut world, &sent);
    world.run_for(10_000);
    let rounds = world.client.device.rounds.get();
    world.run_for(1_000_000);
    let more = world.client.device.rounds.get() - rounds;
    assert!(more < 10, "{more} rounds in 10,000 looks");
    let rounds = world.client.device.rounds.get();
    deliver(&mut world, [question.answer(b"late")]);
    assert_eq!(world.client.device.rounds.get(), rounds, "nor do answers: there is nothing to send");
    assert_eq!(answers(&mut world, id), [b"late"]);
}

#[test]
fn a_flood_of_answers_keeps_nobody_waiting() {
    let (mut world, sent) = world();
    let (id, question) = ask(&mut world, &sent);
    let (client, server) = world.open();
    world.run_for(1_000);
    let begun_us = world.now_us;
    for at in 0..100 {
        let flood = (0..100).map(|_| question.answer(&pattern(PAYLOAD_MAX_BYTES, at)));
        deliver(&mut world, flood);
        world.client.stack.send(client, b"question");
        world.run_until("asked", |world| (world.server.stack.received_len(server) == 8).then_some(()));
        world.server.take(server);
        world.server.stack.send(server, b"answer");
        world.run_until("answered", |world| (world.client.stack.received_len(client) == 6).then_some(()));
        world.client.take(client);
    }
    let each_us = (world.now_us - begun_us) / 100;
    assert!(each_us <= 5 * STEP_US, "{each_us} us for each");
    assert_eq!(answers(&mut world, id).len(), 4);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let mut world = World::new();
    let stack = &mut world.client.stack;
    assert_eq!(stack.ask(SERVER, 0, b"?"), Err(AskError::Destination));
    assert_eq!(stack.ask(TIME.0, TIME.1, b"?"), Err(AskError::Unreachable));
    stack.apply(Terms { gateway: Some(SERVER), ..terms(CLIENT) });
    for address in [Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST, Ipv4Addr::new(224, 0, 0, 1)] {
        assert_eq!(stack.ask(address, TIME.1, b"?"), Err(AskError::Destination), "{address}");
    }
    let (most, found) = (pattern(PAYLOAD_MAX_BYTES, 0), PAYLOAD_MAX_BYTES + 1);
    assert_eq!(stack.ask(TIME.0, TIME.1, &pattern(found, 0)), Err(AskError::TooLong { found }));
    assert!(stack.ask(TIME.0, TIME.1, &most).is_ok() && stack.ask(TIME.0, TIME.1, b"").is_ok());
    stack.apply(Terms::default());
    assert_eq!(stack.ask(TIME.0, TIME.1, b"?"), Err(AskError::NoAddress));
}

#[test]
fn the_longest_question_and_the_shortest_go_out_whole() {
    let (mut world, sent) = world();
    for payload in [pattern(PAYLOAD_MAX_BYTES, 0), Vec::new()] {
        world.client.stack.ask(TIME.0, TIME.1, &payload).unwrap();
        world.run_for(1_000);
        assert_eq!(sent.borrow_mut().pop().unwrap().payload, payload);
    }
}

#[test]
fn with_another_address_questions_stay_unanswered() {
    let (mut world, sent) = world();
    let (id, question) = ask(&mut world, &sent);
    let pending = world.client.stack.ask(TIME.0, TIME.1, b"?").unwrap();
    world.client.stack.apply(Terms::default());
    deliver(&mut world, [question.answer(b"late")]);
    world.run_for(3_000_000);
    world.client.stack.apply(Terms { gateway: Some(SERVER), ..terms(Ipv4Addr::new(10, 0, 0, 7)) });
    deliver(&mut world, [question.answer(b"late")]);
    world.run_for(3_000_000);
    assert_eq!((answers(&mut world, id), answers(&mut world, pending)), (Vec::new(), Vec::new()));
    assert!(!sent.borrow().iter().any(|datagram| datagram.to == TIME), "what was not sent is not sent later");
    [id, pending].into_iter().for_each(|id| world.client.stack.hang_up(id));
    let (_, question) = ask(&mut world, &sent);
    assert_eq!(question.from.0, Ipv4Addr::new(10, 0, 0, 7));
}
