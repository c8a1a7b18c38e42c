//! The guest's virtio console on a host that writes into rings and buffers at will: errors, no panic, no foreign bytes.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use enclave_devices::console::Console;
use tests_fuzz::host::{Device, Script, Step, reset_pool};
use tests_fuzz::{Budget, Target};
use virtio_drivers::transport::DeviceType;

/// Buffers for receiving, and their lists.
const CONSOLE_BYTES: usize = 64 * 4096 + (32 << 10);
/// The longest piece that a receive buffer takes.
const PIECE_BYTES: usize = 4096;

fn main() -> ExitCode {
    Target { name: "console", max_bytes: 8192, budget: Budget::with(CONSOLE_BYTES), run }.drive()
}

fn run(input: &[u8]) {
    reset_pool();
    let device = Device::new(DeviceType::Console, [0; 8]);
    let started = Console::start(device.clone());
    assert!(started.is_ok(), "the console does not start: {started:?}");
    let Ok(mut console) = started else { return };
    // Of port 1.
    let (Some(mut receive), Some(mut transmit)) = (device.queue(4), device.queue(5)) else { return };
    let mut script = Script::new(input);
    while let Some(step) = script.next(&mut receive, &mut transmit) {
        let outcome = match step {
            Step::Look { .. } => look(&mut console),
            // A host that makes no room only stops its own guest: sending would wait for it.
            Step::Send(bytes) => console.can_send().and_then(|can_send| match can_send {
                true => console.send(bytes),
                false => Ok(()),
            }),
        };
        if let Err(error) = outcome {
            return drop(error.to_string());
        }
    }
}

fn look(console: &mut Console<Device>) -> Result<(), enclave_devices::DeviceError> {
    let mut seen_bytes = 0;
    let stated = console.receive(&mut |piece: &[u8]| {
        assert!(piece.len() <= PIECE_BYTES);
        seen_bytes += piece.len();
    })?;
    assert_eq!(stated, seen_bytes);
    Ok(())
}
