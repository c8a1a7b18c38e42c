//! Receipts from outside: a guest that records and signs, a holder who shows parts, a relying party who checks.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod bodies;
mod guesses;
mod presentations;
mod server;
mod times;
mod world;
