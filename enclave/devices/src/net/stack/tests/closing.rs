//! The ends of connections: by agreement, by force, by silence; and that nothing is left of them.

use super::*;

const OPEN: ConnectionState = ConnectionState::Open;
const PEER_CLOSED: ConnectionState = ConnectionState::PeerClosed;
const CLOSED: ConnectionState = ConnectionState::Closed;
const RESET: ConnectionState = ConnectionState::Failed(Failure::Reset);
const TIMED_OUT: ConnectionState = ConnectionState::Failed(Failure::TimedOut);

#[test]
fn both_sides_close_one_after_the_other() {
    let mut world = World::new();
    let (client, server) = world.open();
    world.client.stack.send(client, b"all I have");
    world.client.stack.shutdown_send(client);
    assert_eq!(world.client.stack.send(client, b"more"), 0);
    world.run_to_states((client, server), (OPEN, PEER_CLOSED));
    assert_eq!(world.server.take(server), b"all I have");
    // The other half goes on for as long as its sender likes.
    let answer = pattern(100_000, 1);
    let (mut sent, mut received) = (0, Vec::new());
    while received.len() < answer.len() {
        sent += world.server.stack.send(server, &answer[sent..]);
        world.step();
        received.extend(world.client.take(client));
    }
    assert_eq!(received, answer);
    world.server.stack.shutdown_send(server);
    world.run_to_states((client, server), (CLOSED, CLOSED));
    world.client.stack.release(client);
    world.server.stack.release(server);
    world.assert_nothing_left();
}

#[test]
fn what_was_sent_arrives_although_its_sender_is_gone() {
    let mut world = World::new();
    let (client, server) = world.open();
    let answer = pattern(20_000, 1);
    assert_eq!(world.server.stack.send(server, &answer), answer.len());
    world.server.stack.release(server);
    assert_eq!(world.server.stack.state(server), CLOSED);
    let mut received = Vec::new();
    world.run_until("closed", |world| {
        received.extend(world.client.take(client));
        (world.client.stack.state(client) == PEER_CLOSED).then_some(())
    });
    received.extend(world.client.take(client));
    assert_eq!(received, answer);
    // What the client still says is read by nobody, and does not disturb.
    world.client.stack.send(client, &pattern(30_000, 2));
    world.run_for(100_000);
    assert_eq!(world.client.stack.unsent_len(client), 0);
    world.client.stack.release(client);
    world.run_for(10_000);
    world.assert_nothing_left();
}

#[test]
fn an_abort_is_a_reset_for_the_other_side() {
    let mut world = World::new();
    let (client, server) = world.open();
    world.server.stack.send(server, b"last words");
    world.step();
    world.step();
    world.server.stack.abort(server);
    world.run_to_states((client, server), (RESET, CLOSED));
    assert_eq!(world.client.take(client), b"last words");
    assert_eq!((world.client.stack.send(client, b"x"), world.client.stack.send_room(client)), (0, 0));
    world.client.stack.release(client);
    world.server.stack.release(server);
    world.run_for(1_000);
    world.assert_nothing_left();
}

#[test]
fn a_closed_port_refuses() {
    let mut world = World::new();
    let id = world.client.stack.connect(SERVER, PORT + 1, Timeouts::DEFAULT).unwrap();
    assert_eq!(world.client.stack.state(id), ConnectionState::Connecting);
    world.run_for(10_000);
    assert_eq!(world.client.stack.state(id), ConnectionState::Failed(Failure::Refused));
    world.client.stack.release(id);
    world.assert_nothing_left();
}

#[test]
fn an_attempt_ends_when_nobody_answers() {
    let timeouts = Timeouts { connect_us: 3_000_000, ..Timeouts::DEFAULT };
    for nobody in [SERVER, Ipv4Addr::new(10, 0, 0, 77)] {
        let mut world = World::new();
        // The client knows the server's hardware address, and that nobody has the other.
        let (client, server) = world.open();
        world.client.stack.release(client);
        world.server.stack.release(server);
        world.run_for(10_000);
        world.server.device.cut();
        let id = world.client.stack.connect(nobody, PORT, timeouts).unwrap();
        world.run_fast_for(2_900_000);
        assert_eq!(world.client.stack.state(id), ConnectionState::Connecting);
        world.run_fast_for(200_000);
        assert_eq!(world.client.stack.state(id), TIMED_OUT);
        world.client.stack.release(id);
        world.run_fast_for(2_000_000);
        assert_eq!(world.client.stack.table.counts().live, 0);
    }
}

#[test]
fn silence_is_noticed_and_quiet_is_not_silence() {
    let mut world = World::new();
    let (client, server) = world.open();
    world.run_fast_for(10 * Timeouts::DEFAULT.silence_us);
    assert_eq!(world.states(client, server), (OPEN, OPEN));
    world.client.device.cut();
    world.server.device.cut();
    world.run_fast_for(Timeouts::DEFAULT.silence_us / 2);
    assert_eq!(world.states(client, server), (OPEN, OPEN));
    world.run_fast_for(Timeouts::DEFAULT.silence_us);
    assert_eq!(world.states(client, server), (TIMED_OUT, TIMED_OUT));
    world.client.stack.release(client);
    world.server.stack.release(server);
    world.run_fast_for(2_000_000);
    world.assert_nothing_left();
}

#[test]
fn a_peer_that_never_closes_is_left_behind() {
    let mut world = World::new();
    let (client, server) = world.open();
    world.server.stack.release(server);
    world.run_fast_for(9_000_000);
    assert_eq!(world.client.stack.state(client), PEER_CLOSED);
    assert_eq!(world.server.stack.table.counts().live, 2);
    world.run_fast_for(2_000_000);
    assert_eq!(world.client.stack.state(client), RESET);
    world.client.stack.release(client);
    world.assert_nothing_left();
}

#[test]
fn a_lost_address_ends_everything() {
    let mut world = World::new();
    let (client, server) = world.open();
    world.client.stack.apply(Terms::default());
    assert_eq!(world.client.stack.state(client), ConnectionState::Failed(Failure::Unreachable));
    assert_eq!(world.server.stack.state(server), OPEN);
    let connect = |world: &mut World, address| {
        world.client.stack.connect(address, PORT, Timeouts::DEFAULT).unwrap_err()
    };
    assert_eq!(connect(&mut world, SERVER), ConnectError::NoAddress);
    world.client.stack.release(client);
    world.run_for(10_000);
    assert_eq!(world.client.stack.table.counts().live, 0);

    world.client.stack.apply(terms(CLIENT));
    assert_eq!(connect(&mut world, Ipv4Addr::new(192, 0, 2, 1)), ConnectError::Unreachable);
    let nobody = [Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST, Ipv4Addr::new(224, 0, 0, 1)];
    let gateway = Terms { gateway: Some(SERVER), ..terms(CLIENT) };
    world.client.stack.apply(gateway);
    for address in nobody {
        assert_eq!(connect(&mut world, address), ConnectError::Destination);
    }
    assert!(world.client.stack.connect(Ipv4Addr::new(192, 0, 2, 1), PORT, Timeouts::DEFAULT).is_ok());
    // The server's connection is one that nobody answers for any more.
    world.server.stack.send(server, b"hello?");
    world.run_fast_for(3_000_000);
    assert_eq!(world.server.stack.state(server), RESET);
}

#[test]
fn names_of_released_connections_mean_nothing() {
    let mut world = World::new();
    let (client, server) = world.open();
    world.client.stack.release(client);
    world.server.stack.release(server);
    world.run_for(10_000);
    let (again, _) = world.open();
    assert_eq!(client.index, again.index, "the place is used again");
    let stack = &mut world.client.stack;
    assert_eq!((stack.state(client), stack.state(again)), (CLOSED, OPEN));
    assert_eq!((stack.send(client, b"x"), stack.received_len(client), stack.peer(client)), (0, 0, None));
    stack.abort(client);
    stack.shutdown_send(client);
    stack.release(client);
    assert_eq!(stack.state(again), OPEN);
}

/// What one side can do to end a connection.
#[derive(Debug, Clone, Copy)]
enum Move {
    Shut,
    Abort,
    Release,
    Send,
}

#[test]
fn connections_close_in_any_order() {
    let moves = [Move::Shut, Move::Abort, Move::Release, Move::Send];
    let mut world = World::new();
    for first in moves {
        for second in moves {
            for third in moves {
                for pauses in 0..8_u32 {
                    close(&mut world, [first, second, third], pauses);
                }
            }
        }
    }
    world.run_fast_for(12_000_000);
    world.assert_nothing_left();
}

/// The client does the first and the third, the server the second; bits of `pauses` say when the network has time. In
/// the end both release.
fn close(world: &mut World, moves: [Move; 3], pauses: u32) {
    let (client, server) = world.open();
    for (at, step) in moves.into_iter().enumerate() {
        let (stack, id) = match at {
            1 => (&mut world.server.stack, server),
            _ => (&mut world.client.stack, client),
        };
        match step {
            Move::Shut => stack.shutdown_send(id),
            Move::Abort => stack.abort(id),
            Move::Release => stack.release(id),
            Move::Send => _ = stack.send(id, b"hello"),
        }
        if pauses >> at & 1 == 1 {
            world.run_for(500);
        }
    }
    let (client_state, server_state) = world.states(client, server);
    for state in [client_state, server_state] {
        assert!(matches!(state, OPEN | PEER_CLOSED | CLOSED | RESET), "{moves:?} {pauses}: {state:?}");
    }
    world.client.stack.release(client);
    world.server.stack.release(server);
    world.run_for(500);
}
