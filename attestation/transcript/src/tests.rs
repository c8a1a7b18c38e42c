//! What the crate promises as a whole.

mod forged;
mod golden;
mod harmed;
mod proofs;
mod round_trip;
mod support;
mod writing;
