//! `redoubt-verify`: checks evidence and claims.
//!
//! [`check`] is the verdict logic: it takes bytes, reads no file, no clock and no network, and names every check that it
//! made. The rest reads files and prints.
//! Panics: never on input.
#![forbid(unsafe_code)]

pub mod arguments;
pub mod check;
pub mod files;
pub mod render;
