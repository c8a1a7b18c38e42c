//! Listeners: bursts, backlogs, limits; and that what comes and goes leaves nothing.

use super::*;

/// Polls until that many were accepted.
fn accept(world: &mut World, count: usize) -> Vec<ConnectionId> {
    let mut accepted = Vec::new();
    while accepted.len() < count {
        let next = world.run_until("accepted", |world| world.server.stack.accept());
        accepted.push(next);
        accepted.extend(core::iter::from_fn(|| world.server.stack.accept()));
    }
    assert_eq!(accepted.len(), count);
    accepted
}

#[test]
fn a_burst_of_256_is_taken_at_once_and_all_of_them_talk() {
    let mut world = World::new();
    let clients: Vec<_> = (0..256).map(|_| world.connect()).collect();
    let begun_us = world.now_us;
    let servers = accept(&mut world, 256);
    assert!(world.now_us - begun_us < 10_000, "{} us", world.now_us - begun_us);

    let mut received = alloc::vec![Vec::new(); 256];
    for (at, id) in clients.iter().enumerate() {
        world.client.stack.send(*id, &pattern(3_000, at));
    }
    for _ in 0..200 {
        world.step();
        for id in &servers {
            // Echo.
            let bytes = world.server.take(*id);
            assert_eq!(world.server.stack.send(*id, &bytes), bytes.len());
        }
        for (id, received) in clients.iter().zip(&mut received) {
            received.extend(world.client.take(*id));
        }
    }
    for (at, received) in received.iter().enumerate() {
        assert!(*received == pattern(3_000, at), "connection {at}");
    }
    let counts = world.server.stack.table.counts();
    assert_eq!(
        (counts.live, counts.made),
        (257, 257),
        "as many sockets as connections, and one that listens"
    );
    // Closed from both sides, in no order.
    for at in 0..256 {
        world.client.stack.release(clients[at * 7 % 256]);
        world.server.stack.release(servers[at * 11 % 256]);
        if at % 3 == 0 {
            world.step();
        }
    }
    world.run_fast_for(1_000_000);
    world.assert_nothing_left();
}

#[test]
fn callers_beyond_the_backlog_hear_nothing_and_try_again() {
    let mut world = World::new();
    world.server.stack.stop_listening(PORT);
    world.server.stack.listen(PORT, 4, Timeouts::DEFAULT).unwrap();
    let clients: Vec<_> = (0..10).map(|_| world.connect()).collect();
    world.run_for(100_000);
    let states: Vec<_> = clients.iter().map(|id| world.client.stack.state(*id)).collect();
    let open = states.iter().filter(|state| **state == ConnectionState::Open).count();
    let connecting = states.iter().filter(|state| **state == ConnectionState::Connecting).count();
    assert_eq!((open, connecting), (4, 6));
    accept(&mut world, 10);
    assert!(clients.iter().all(|id| world.client.stack.state(*id) == ConnectionState::Open));
}

#[test]
fn limits_hold_and_connections_that_close_make_room() {
    let incoming = SocketLimits { connections: 8, ..NetworkLimits::DEFAULT.incoming };
    let mut world = World::with_limits(&NetworkLimits { incoming, ..NetworkLimits::DEFAULT });
    let clients: Vec<_> = (0..10).map(|_| world.connect()).collect();
    let servers = accept(&mut world, 8);
    world.run_for(100_000);
    assert!(world.server.stack.accept().is_none());
    let counts = world.server.stack.table.counts();
    assert_eq!((counts.live, counts.made), (8, 8));
    // Released, but the client does not close: the place is taken from it.
    world.server.stack.release(servers[0]);
    accept(&mut world, 1);
    assert_eq!(world.server.stack.table.counts().made, 8);
    let open = clients.iter().filter(|id| world.client.stack.state(**id) == ConnectionState::Open).count();
    assert_eq!(open, 8);
}

#[test]
fn outgoing_connections_have_a_limit() {
    let outgoing = SocketLimits { connections: 2, ..NetworkLimits::DEFAULT.outgoing };
    let mut world = World::with_limits(&NetworkLimits { outgoing, ..NetworkLimits::DEFAULT });
    let mut connect = || world.server.stack.connect(CLIENT, 1, Timeouts::DEFAULT);
    assert!(connect().is_ok() && connect().is_ok());
    assert_eq!(connect(), Err(ConnectError::TooMany { limit: 2 }));
}

#[test]
fn callers_that_give_up_leave_nothing() {
    let mut world = World::new();
    for round in 0..20 {
        let clients: Vec<_> = (0..20).map(|_| world.connect()).collect();
        (0..round % 4).for_each(|_| world.step());
        clients.iter().for_each(|id| world.client.stack.abort(*id));
        clients.iter().for_each(|id| world.client.stack.release(*id));
        world.run_for(1_000);
    }
    // Those that were there before they were broken off.
    while let Some(id) = world.server.stack.accept() {
        world.server.stack.release(id);
    }
    world.run_fast_for(1_000_000);
    world.assert_nothing_left();
    // And callers that vanish.
    (0..20).for_each(|_| _ = world.connect());
    world.client.stack.poll(world.now_us, &mut world.client.device);
    world.client.device.cut();
    world.run_for(1_000);
    assert_eq!(world.server.stack.table.counts().live, 21);
    world.run_fast_for(15_000_000);
    assert_eq!(world.server.stack.table.counts().live, 1);
}

#[test]
fn a_port_that_is_given_up_refuses() {
    let mut world = World::new();
    let waiting = world.connect();
    world.run_for(1_000);
    assert_eq!(world.client.stack.state(waiting), ConnectionState::Open);
    world.server.stack.stop_listening(PORT);
    assert!(world.server.stack.accept().is_none());
    let late = world.connect();
    world.run_for(1_000);
    let states = [waiting, late].map(|id| world.client.stack.state(id));
    let expected = [Failure::Reset, Failure::Refused].map(ConnectionState::Failed);
    assert_eq!(states, expected);
    world.run_fast_for(2_000_000);
    let counts = world.server.stack.table.counts();
    assert_eq!((counts.live, counts.made), (0, counts.spare));
}

#[test]
fn two_ports_are_served() {
    let mut world = World::new();
    world.server.stack.listen(PORT + 1, 1, Timeouts::DEFAULT).unwrap();
    let again = world.server.stack.listen(PORT, 1, Timeouts::DEFAULT);
    assert_eq!(again, Err(ListenError::InUse { port: PORT }));
    let one = world.connect();
    let other = world.client.stack.connect(SERVER, PORT + 1, Timeouts::DEFAULT).unwrap();
    accept(&mut world, 2);
    assert_eq!(world.client.stack.state(one), ConnectionState::Open);
    assert_eq!(world.client.stack.state(other), ConnectionState::Open);
}

#[test]
fn ten_thousand_connections_leave_nothing() {
    let mut world = World::new();
    for round in 0..100 {
        let clients: Vec<_> = (0..100).map(|_| world.connect()).collect();
        let servers = accept(&mut world, 100);
        for (at, (client, server)) in clients.into_iter().zip(servers).enumerate() {
            world.client.stack.send(client, b"hello");
            match (at + round) % 4 {
                0 => world.client.stack.release(client),
                1 => world.client.stack.abort(client),
                2 => world.server.stack.abort(server),
                _ => world.server.stack.release(server),
            }
            world.client.stack.release(client);
            world.server.stack.release(server);
        }
        world.run_for(2_000);
    }
    world.run_fast_for(12_000_000);
    world.assert_nothing_left();
    let (client, server) = (world.client.stack.table.counts(), world.server.stack.table.counts());
    assert!(client.made <= 200 && server.made <= 201, "{client:?} {server:?}");
}
