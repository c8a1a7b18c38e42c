//! TDX evidence: real, real and changed, and under a root of ours.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod azure;
#[path = "../support/azure_evidence.rs"]
mod azure_evidence;
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
