//! Errors of the software PSP's host side. What a guest does wrong is answered in the protocol instead.

use std::io;
use std::path::PathBuf;

/// The simulated chip cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PspError {
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system: {0}")]
    Randomness(getrandom::Error),
    /// The chip file cannot be read or written.
    #[error("simulated chip {}: {source}", .path.display())]
    ChipFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The chip file is not one.
    #[error("simulated chip {}: {problem}; remove the file to get a new chip, and with it new derived keys", .path.display())]
    ChipFormat {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Others than the owner may read the chip file.
    #[error("simulated chip {}: expected mode 0600, found {found:04o}; run chmod 600 on it", .path.display())]
    ChipMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        found: u32,
    },
    /// The launch asks for a VMPL that does not exist.
    #[error("vmpl: expected 0 to 3, found {found}")]
    Vmpl {
        /// The VMPL.
        found: u32,
    },
}
