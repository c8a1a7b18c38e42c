//! What a busy network holds, against what the builder of an image counts for it.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use std::alloc::System;

use enclave_wire::network::DATAGRAM_BYTES;

use super::*;
use crate::net::datagrams::PAYLOAD_MAX_BYTES;

std::thread_local! {
    /// Bytes that this thread has allocated and not freed.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting by thread.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|held| held.set(held.get().wrapping_add(layout.size())));
        // SAFETY: the caller's promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| held.set(held.get().wrapping_sub(layout.size())));
        // SAFETY: the caller's promises.
        unsafe { System.dealloc(start, layout) }
    }
}

/// What `make` allocates and keeps.
fn held_by<V>(make: impl FnOnce() -> V) -> (u64, V) {
    let before = HELD.get();
    let value = make();
    (HELD.get().wrapping_sub(before) as u64, value)
}

/// A server with these limits on a cable that nobody is at the other end of, every socket in use, every list as long as it
/// gets.
fn busy(limits: &NetworkLimits) -> Stack {
    let (mut device, _other) = cable();
    let mut stack = Stack::new(&mut device, [2, 0, 0, 0, 0, 1], 1, limits);
    stack.poll(0, &mut device);
    let servers = [CLIENT, Ipv4Addr::new(10, 0, 0, 3), Ipv4Addr::new(10, 0, 0, 4)];
    stack.apply(Terms { name_servers: servers.to_vec(), ..terms(SERVER) });
    for port in 0..limits.outgoing.connections {
        stack.connect(CLIENT, u16::try_from(port + 1).unwrap(), Timeouts::DEFAULT).unwrap();
    }
    let name = ["a".repeat(61).as_str(); 4].join(".");
    for _ in 0..limits.queries {
        stack.resolve(&name).unwrap();
    }
    for port in 0..limits.datagrams {
        stack.ask(CLIENT, u16::try_from(port + 1).unwrap(), &pattern(PAYLOAD_MAX_BYTES, port)).unwrap();
    }
    // Every server is asked: each is silent for long enough.
    [0, 3, 6, 9].iter().for_each(|second| stack.poll(second * 1_000_000, &mut device));
    stack
}

#[test]
fn connections_and_names_of_our_own_take_no_more_than_is_counted() {
    let limits = NetworkLimits {
        incoming: SocketLimits { connections: 0, ..NetworkLimits::DEFAULT.incoming },
        tls_sessions: 0,
        ..NetworkLimits::DEFAULT
    };
    let (held, stack) = held_by(|| busy(&limits));
    assert!(held <= limits.memory_bytes(), "{held} > {}", limits.memory_bytes());
    // Buffers alone, so that the bound is one of what there is.
    assert!(held >= 64 * (96 << 10), "{held}");
    drop(stack);
}

#[test]
fn questions_by_udp_take_no_more_than_is_counted() {
    let none = |limits: SocketLimits| SocketLimits { connections: 0, ..limits };
    let silent = NetworkLimits {
        outgoing: none(NetworkLimits::DEFAULT.outgoing),
        incoming: none(NetworkLimits::DEFAULT.incoming),
        queries: 0,
        datagrams: 0,
        tls_sessions: 0,
    };
    let (idle, _silent) = held_by(|| busy(&silent));
    let (held, _asking) = held_by(|| busy(&NetworkLimits { datagrams: 64, ..silent }));
    let each = (held - idle) / 64;
    assert!((6_000 + PAYLOAD_MAX_BYTES as u64..=DATAGRAM_BYTES).contains(&each), "{each}");
}

#[test]
fn connections_of_others_take_no_more_than_is_counted() {
    let outgoing = SocketLimits { connections: 0, ..NetworkLimits::DEFAULT.outgoing };
    let limits = NetworkLimits { outgoing, queries: 0, tls_sessions: 0, ..NetworkLimits::DEFAULT };
    let mut world = World::with_limits(&limits);
    let (held, ()) = held_by(|| {
        let mut all: Vec<_> = (0..256).map(|_| world.open()).collect();
        all.extend((0..128).map(|_| world.open()));
        let body = pattern(1 << 20, 0);
        all.iter().for_each(|(client, server)| {
            world.server.stack.send(*server, &body);
            world.client.stack.send(*client, &body);
        });
        world.run_for(100_000);
    });
    // The client's sockets have the same buffers, and are as many.
    let counted = 2 * limits.memory_bytes();
    assert!(held <= counted, "{held} > {counted}");
    assert!(held >= 2 * 384 * (48 << 10), "{held}");
}
