//! TDX evidence: real, real and changed, and under a root of ours.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod bundle;
mod cases;
mod changes;
mod collateral;
mod der;
mod documents;
mod event_logs;
mod fixtures;
mod forgeries;
mod pki;
mod statuses;
