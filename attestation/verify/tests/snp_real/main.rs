//! Real SEV-SNP evidence. Where there are fixtures.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod azure;
#[path = "../support/azure_evidence.rs"]
mod azure_evidence;
mod cases;
mod changes;
#[path = "../support/each.rs"]
mod each;
