//! Event logs of TDX, of firmware (first byte even) and as a list: events and replay agree.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_verify::tdx::{CcelEvents, EventLog};
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    Target { name: "tdx-event-log", max_bytes: 16384, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    let Some((format, log)) = input.split_first() else { return };
    if format % 2 == 1 {
        return drop(EventLog::Digests(log).replay().map_err(|error| error.to_string()));
    }
    let replayed = EventLog::Ccel(log).replay();
    let events = match CcelEvents::parse(log) {
        Ok(events) => events,
        Err(error) => {
            assert_eq!(replayed, Err(error.clone()));
            return drop(error.to_string());
        }
    };
    let mut is_sound = true;
    for event in events {
        match event {
            Ok(event) => is_sound &= !event.is_extended() || (1..=4).contains(&event.index),
            Err(error) => {
                drop(error.to_string());
                is_sound = false;
            }
        }
    }
    assert_eq!(replayed.is_ok(), is_sound);
}
