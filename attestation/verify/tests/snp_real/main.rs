//! Real SEV-SNP evidence. Where there are fixtures.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod azure;
mod cases;
mod changes;
#[path = "../support/each.rs"]
mod each;
