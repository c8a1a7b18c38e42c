//! Reads TOML within bounds on what a file makes its reader allocate.
//!
//! The reader of the `toml` crate takes a kilobyte and a half for each table, and a dot of `a.a.a = 1` is a table; each
//! word and sign takes up to 200 bytes, and may be a byte of the file. So [`read`] goes over the text with the reader's
//! own lexer first, which builds nothing, and counts what the reader would build. Within these limits it holds at
//! most 16 bytes for each byte of the text and [`SPARE_BYTES`]; `tests/fuzz` measures that. What stands in texts and
//! comments does not count: a file is refused for its structure, never for its length.
//!
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod excess;

pub use excess::{Counted, Excess, LEVELS_MAX, SIGN_BYTES, SIGNS_FREE, TABLES_MAX};

use serde::de::DeserializeOwned;

/// What reading may allocate besides 16 bytes for each byte of the text: as many tables and signs as are free.
pub const SPARE_BYTES: usize = 1 << 20;

/// A file that is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It has more structure than any file of ours.
    #[error(transparent)]
    Excess(Excess),
    /// It is not TOML, or not of the shape that is asked for.
    #[error("{0}")]
    Syntax(toml::de::Error),
}

/// Reads a file.
///
/// # Errors
/// More structure than is read, not TOML, or another shape than `T`.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, ReadError> {
    excess::check(text).map_err(ReadError::Excess)?;
    toml::from_str(text).map_err(ReadError::Syntax)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        list: Vec<u8>,
    }

    #[test]
    fn what_is_within_the_limits_is_read() {
        let list = vec![1; 1000];
        let text = format!("list = [{}]", "1, ".repeat(list.len()));
        assert_eq!(read(&text), Ok(File { list }));
        let many = read::<File>(&format!("list = [{}]", "1,".repeat(SIGNS_FREE)));
        assert!(matches!(many, Err(ReadError::Excess(Excess { counted: Counted::Signs, line: 1, .. }))));
    }

    #[test]
    fn other_shapes_are_shown_with_their_line() {
        let message =
            |text: &str| read::<File>(text).map_err(|error| error.to_string()).err().unwrap_or_default();
        assert!(message("list = []\nlits = []").contains("line 2, column 1"));
        assert!(message("\nlist = [").contains("unclosed array"));
        assert!(message("").contains("missing field `list`"));
    }
}
