//! `redoubt-verify`: checks evidence, claims and receipts.
//!
//! [`check`] is the verdict logic: it takes bytes, reads no file, no clock and no network, and names every check that it
//! made. [`receipt`] is the same for receipts, and [`redact`] makes them show less. [`measure`] predicts what a ROM measures to. [`collateral`], [`connect`] and [`submit`] alone ask the network and the
//! clock, for commands that say so. The rest reads files and prints.
//! Panics: never on input.
#![forbid(unsafe_code)]

// The world of tests/ is shared with the unit tests, and names this crate from outside.
#[cfg(test)]
extern crate self as attestation_cli;

pub mod appraise;
pub mod arguments;
pub mod check;
pub mod collateral;
pub mod connect;
pub mod ear;
pub mod explain;
pub mod files;
pub mod measure;
pub mod progress;
pub mod reader;
pub mod receipt;
pub mod redact;
pub mod render;
pub mod show;
pub mod submit;
pub mod terms;
