//! The operator's probe, against a server that echoes, refuses, closes early, or is silent.

use super::*;
use crate::net::probe::{ProbeError, ProbeOutcome, TcpProbe};

/// Probes the server, which does with its connection what `serve` says.
fn probe(
    destination: &str,
    payload: &[u8],
    mut serve: impl FnMut(&mut Host, ConnectionId),
) -> Result<ProbeOutcome, ProbeError> {
    let mut world = World::new();
    let mut probe = TcpProbe::start(destination, payload, 0, 1_000_000, &mut world.client.stack)?;
    let mut connection = None;
    let outcome = loop {
        world.step();
        connection = connection.or_else(|| world.server.stack.accept());
        connection.into_iter().for_each(|id| serve(&mut world.server, id));
        probe.advance(world.now_us, &mut world.client.stack);
        if let Some(outcome) = probe.outcome(world.now_us) {
            break outcome;
        }
    };
    probe.end(&mut world.client.stack);
    connection.into_iter().for_each(|id| world.server.stack.release(id));
    world.run_for(1_000);
    world.assert_nothing_left();
    Ok(outcome)
}

fn echo(server: &mut Host, id: ConnectionId) {
    let bytes = server.take(id);
    server.stack.send(id, &bytes);
}

#[test]
fn an_echo_is_the_answer() {
    let payload = pattern(4096, 1);
    let outcome = probe("10.0.0.2:80", &payload, echo).unwrap();
    assert_eq!(outcome.answer, Ok(payload));
    assert!(outcome.elapsed_us < 10_000, "{} us", outcome.elapsed_us);
}

#[test]
fn anything_else_is_told_apart() {
    let answer = |destination, serve: fn(&mut Host, ConnectionId)| {
        probe(destination, b"hello", serve).map(|outcome| outcome.answer)
    };
    assert_eq!(answer("10.0.0.2:81", echo), Ok(Err("the connection was refused")));
    let closed = Ok(Err("the connection was closed before the answer was complete"));
    assert_eq!(answer("10.0.0.2:80", |server, id| server.stack.shutdown_send(id)), closed);
    assert_eq!(answer("10.0.0.2:80", |server, id| server.stack.abort(id)), closed);
    assert_eq!(answer("10.0.0.2:80", |_, _| {}), Ok(Err("no complete answer in time")));
    assert_eq!(answer("nowhere", echo), Err(ProbeError::Destination));
    let unreachable = Err(ProbeError::Connect(ConnectError::Unreachable));
    assert_eq!(answer("192.0.2.1:80", echo), unreachable);
}
