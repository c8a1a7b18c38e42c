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
}

fn time(rounds: u32, mut work: impl FnMut()) -> u128 {
    let begun = Instant::now();
    (0..rounds).for_each(|_| work());
    begun.elapsed().as_nanos() / u128::from(rounds)
}
