//! What a look costs. Prints figures: `cargo test --release -p enclave-devices figures -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

#[test]
#[ignore = "prints figures and checks nothing"]
fn figures() {
    for count in [1, 16, 64, 256] {
        let mut world = World::new();
        let names: Vec<_> = (0..count).map(|_| world.open()).collect();
        world.run_for(10_000);
        let idle_ns = time(100_000, || {
            world.server.stack.poll(world.now_us, &mut world.server.device);
        });
        let round_ns = time(10_000, || {
            world.server.stack.touch_all();
            world.server.stack.poll(world.now_us, &mut world.server.device);
        });
        let mut next = 0;
        let exchange_ns = time(10_000, || {
            let (client, server) = names[next % count];
            next += 1;
            world.client.stack.send(client, b"question");
            while world.client.stack.received_len(client) == 0 {
                world.step();
                let asked = world.server.take(server);
                world.server.stack.send(server, &asked);
            }
            world.client.take(client);
        });
        println!(
            "{count} connections: look {idle_ns} ns, round {round_ns} ns, exchange of both sides {exchange_ns} ns"
        );
    }
    let (mut world, all) = (World::new(), pattern(64 << 20, 0));
    let (client, server) = world.open();
    let (mut sent, mut received, begun) = (0, 0, Instant::now());
    while received < all.len() {
        sent += world.server.stack.send(server, &all[sent..]);
        world.step();
        received += world.client.stack.receive(client, usize::MAX, |_| {});
    }
    println!("64 MiB over one of them: {} ms for both sides", begun.elapsed().as_millis());
    println!("a socket: {} bytes", size_of::<smoltcp::iface::SocketStorage<'_>>());
    println!("memory of the default limits: {} bytes", NetworkLimits::DEFAULT.memory_bytes());
    for send_bytes in [8 << 10, 16 << 10, 32 << 10, 64 << 10] {
        let rates = [2, 20, 50, 100, 200].map(|round_ms| kib_per_second(send_bytes, round_ms));
        println!("{send_bytes} bytes to send, KiB/s at a round trip of 2, 20, 50, 100, 200 ms: {rates:?}");
    }
}

/// How fast a server with such a buffer sends 4 MiB over a link that loses nothing but has a round trip of so long.
fn kib_per_second(send_bytes: usize, round_ms: u64) -> u64 {
    let incoming = SocketLimits { send_bytes, ..NetworkLimits::DEFAULT.incoming };
    let client = SocketLimits { receive_bytes: 1 << 20, ..NetworkLimits::DEFAULT.outgoing };
    let mut world = World::with_limits(&NetworkLimits { incoming, ..NetworkLimits::DEFAULT });
    world.client.stack.table = Table::new(&NetworkLimits { outgoing: client, ..NetworkLimits::DEFAULT }, 1);
    let (client, server) = world.open();
    let (all, begun_us, mut sent, mut received) = (pattern(4 << 20, 0), world.now_us, 0, 0);
    while received < all.len() {
        world.now_us += round_ms * 500;
        world.server.stack.poll(world.now_us, &mut world.server.device);
        sent += world.server.stack.send(server, &all[sent..]);
        world.server.stack.poll(world.now_us, &mut world.server.device);
        world.now_us += round_ms * 500;
        world.client.stack.poll(world.now_us, &mut world.client.device);
        received += world.client.stack.receive(client, usize::MAX, |_| {});
        world.client.stack.poll(world.now_us, &mut world.client.device);
    }
    (4 << 10) * 1_000_000 / (world.now_us - begun_us)
}

fn time(rounds: u32, mut work: impl FnMut()) -> u128 {
    let begun = Instant::now();
    (0..rounds).for_each(|_| work());
    begun.elapsed().as_nanos() / u128::from(rounds)
}
