//! Data: all of it, in order, in both directions, over a cable that loses some, and without waiting for nothing.

use alloc::boxed::Box;

use super::cable::Fate;
use super::*;

#[test]
fn a_connection_carries_bytes_both_ways() {
    let mut world = World::new();
    let (client, server) = world.open();
    assert_eq!(world.client.stack.peer(client), Some((SERVER, PORT)));
    let (address, port) = world.server.stack.peer(server).unwrap();
    assert_eq!((address, port >= 49_152), (CLIENT, true));

    assert_eq!(world.client.stack.send(client, b"ping"), 4);
    assert_eq!(world.client.stack.unsent_len(client), 4);
    world.run_for(1_000);
    assert_eq!(world.client.stack.unsent_len(client), 0);
    assert_eq!(world.server.stack.received_len(server), 4);
    assert_eq!(world.server.stack.receive(server, 3, |bytes| assert_eq!(bytes, b"pin")), 3);
    assert_eq!(world.server.take(server), b"g");
    assert_eq!(world.server.stack.send(server, b"pong"), 4);
    world.run_for(1_000);
    assert_eq!(world.client.take(client), b"pong");
}

#[test]
fn no_more_is_taken_than_there_is_room_for() {
    let mut world = World::new();
    let (client, server) = world.open();
    let (all, room) = (pattern(100_000, 1), world.client.stack.send_room(client));
    assert_eq!(world.client.stack.send(client, &all), room);
    assert_eq!((world.client.stack.send_room(client), world.client.stack.send(client, b"x")), (0, 0));
    // The other side does not read: its buffer fills, and then ours.
    world.run_for(100_000);
    let limits = NetworkLimits::DEFAULT.incoming;
    assert_eq!(world.server.stack.received_len(server), limits.receive_bytes);
    assert_eq!(world.client.stack.unsent_len(client), limits.send_bytes - limits.receive_bytes);
    // In pieces, across the end of the buffer.
    let mut received = Vec::new();
    while received.len() < limits.send_bytes {
        world.server.stack.receive(server, 1_000, |bytes| received.extend_from_slice(bytes));
        world.step();
    }
    assert_eq!(received, all[..received.len()]);
}

/// Sends `all` both ways at once, and checks that it comes.
fn exchange(world: &mut World, all: &[u8]) {
    let (client, server) = world.open();
    let (mut sent, mut received) = ([0; 2], [Vec::new(), Vec::new()]);
    for _ in 0..2_000_000 {
        sent[0] += world.client.stack.send(client, &all[sent[0]..]);
        sent[1] += world.server.stack.send(server, &all[sent[1]..]);
        received[0].extend(world.client.take(client));
        received[1].extend(world.server.take(server));
        if received.iter().all(|received| received.len() == all.len()) {
            break;
        }
        world.step();
    }
    assert!(received[0] == all && received[1] == all);
}

#[test]
fn long_streams_arrive_in_order() {
    exchange(&mut World::new(), &pattern(1_000_000, 2));
}

#[test]
fn what_the_network_loses_is_sent_again() {
    let mut world = World::new();
    let mut count = 0;
    world.client.device.fate = Box::new(move |_| {
        count += 1;
        if count % 13 == 0 { Fate::IsLost } else { Fate::Arrives }
    });
    let mut count = 0;
    world.server.device.fate = Box::new(move |_| {
        count += 1;
        if count % 17 == 0 { Fate::IsLost } else { Fate::Arrives }
    });
    exchange(&mut world, &pattern(100_000, 3));
}

/// Nothing waits for more to come: neither small messages in a row, nor an acknowledgement for a reason to be sent.
#[test]
fn questions_and_answers_have_no_pauses() {
    let mut world = World::new();
    let (client, server) = world.open();
    let begun_us = world.now_us;
    for _ in 0..100 {
        // A head, and a body that comes after it.
        world.client.stack.send(client, b"head");
        world.step();
        world.client.stack.send(client, b"body");
        world.run_until("asked", |world| (world.server.stack.received_len(server) == 8).then_some(()));
        world.server.take(server);
        world.server.stack.send(server, b"answer");
        world.run_until("answered", |world| (world.client.stack.received_len(client) == 6).then_some(()));
        world.client.take(client);
    }
    let each_us = (world.now_us - begun_us) / 100;
    assert!(each_us <= 4 * STEP_US, "{each_us} us for each");
}

#[test]
fn looks_without_news_do_not_go_through_the_sockets() {
    let mut world = World::new();
    let names: Vec<_> = (0..100).map(|_| world.open()).collect();
    world.run_for(10_000);
    let rounds = world.server.device.rounds.get();
    world.run_for(1_000_000);
    let more = world.server.device.rounds.get() - rounds;
    assert!(more < 10, "{more} rounds in 10,000 looks");
    for (client, server) in names {
        assert_eq!(world.states(client, server), (ConnectionState::Open, ConnectionState::Open));
    }
}
