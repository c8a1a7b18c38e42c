//! The guest's network on a host that writes into rings, buffers and packets at will: errors, no panic.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use enclave_devices::net::Network;
use tests_fuzz::host::{Device, Script, Step, reset_pool};
use tests_fuzz::{Budget, Target, fixtures};
use virtio_drivers::transport::DeviceType;

/// Buffers for receiving, copies of packets, sockets and their lists.
const NETWORK_BYTES: usize = 64 * 2048 + (128 << 10);

fn main() -> ExitCode {
    Target { name: "network", max_bytes: 8192, budget: Budget::with(NETWORK_BYTES), run }.drive()
}

fn run(input: &[u8]) {
    reset_pool();
    let device = Device::new(DeviceType::Network, fixtures::MAC);
    let started = Network::start(device.clone(), fixtures::NETWORK_SEED);
    assert!(started.is_ok(), "the network does not start: {started:?}");
    let Ok(mut network) = started else { return };
    let (Some(mut receive), Some(mut transmit)) = (device.queue(0), device.queue(1)) else { return };
    let (mut script, mut now_us) = (Script::new(input), 0);
    while let Some(step) = script.next(&mut receive, &mut transmit) {
        match step {
            Step::Look { milliseconds } => now_us += u64::from(milliseconds) * 1_000,
            Step::Send(payload) => {
                if let Err(error) = network.start_probe("10.0.2.2:7", payload, now_us, 50_000) {
                    drop(error.to_string());
                }
            }
        }
        if let Err(error) = network.poll(now_us) {
            return drop(error.to_string());
        }
        let _outcome = network.take_probe(now_us);
        let _shown = (network.address(), network.gateway(), network.mac());
    }
}
