//! Fetching from servers that behave and from servers that do not. Nothing here leaves the machine.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod cache;
mod fetch;
mod hostile;
mod imitation;
mod limits;
mod verified;
mod world;
