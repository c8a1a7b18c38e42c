//! What tests need from outside the checkout, and what happens when it is missing: the test says so on standard error,
//! or fails where `REDOUBT_REQUIRE` lists the need, as `cargo xtask test` lets it. A dev-dependency only.
//!
//! Panics: when a required need is missing, and when `REDOUBT_REQUIRE` lists a word that is no need, because a test
//! that it was meant for would be skipped silently.

#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Something that a test cannot make for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// The component of `tests/conformance`.
    Conformance,
    /// `/dev/full`, which no disk is as full as.
    DevFull,
    /// The examples' images.
    Examples,
    /// Evidence of real hardware.
    Fixtures,
    /// The example's image.
    Image,
    /// A ledger of more than 10 MB.
    Ledger,
    /// The programs `redoubt` and `redoubt-verify`.
    Programs,
    /// The emulator.
    Qemu,
    /// `sev-snp-measure` from PyPI.
    SevSnpMeasure,
    /// Python with `tlslite-ng` from PyPI.
    Tlslite,
    /// A checkout of the public test suite of WASI.
    WasiSuite,
    /// wasmtime's own test programs, built.
    WasmtimePrograms,
}

impl Need {
    const ALL: [Self; 12] = [
        Self::Conformance,
        Self::DevFull,
        Self::Examples,
        Self::Fixtures,
        Self::Image,
        Self::Ledger,
        Self::Programs,
        Self::Qemu,
        Self::SevSnpMeasure,
        Self::Tlslite,
        Self::WasiSuite,
        Self::WasmtimePrograms,
    ];

    /// Its word in `REDOUBT_REQUIRE`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Conformance => "conformance",
            Self::DevFull => "dev-full",
            Self::Examples => "examples",
            Self::Fixtures => "fixtures",
            Self::Image => "image",
            Self::Ledger => "ledger",
            Self::Programs => "programs",
            Self::Qemu => "qemu",
            Self::SevSnpMeasure => "sev-snp-measure",
            Self::Tlslite => "tlslite",
            Self::WasiSuite => "wasi-suite",
            Self::WasmtimePrograms => "wasmtime-programs",
        }
    }

    /// For a test that cannot go on: says `why`. Its caller returns.
    ///
    /// # Panics
    /// `REDOUBT_REQUIRE` lists this need, or a word that is none.
    #[track_caller]
    pub fn missing(self, why: &str) {
        let required = env::var("REDOUBT_REQUIRE").unwrap_or_default();
        assert!(!self.is_listed(&required), "REDOUBT_REQUIRE lists {}: {why}", self.word());
        // Not `eprintln!`, which the test harness keeps to itself when the test passes. Without standard error there
        // is nobody to tell.
        let _ = writeln!(io::stderr(), "skipped: {why}");
    }

    #[track_caller]
    fn is_listed(self, required: &str) -> bool {
        let words: Vec<&str> = required.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
        for word in &words {
            let is_known = Self::ALL.iter().any(|need| need.word() == *word);
            assert!(
                is_known,
                "REDOUBT_REQUIRE: expected {}, found {word:?}",
                Self::ALL.map(Self::word).join(", ")
            );
        }
        words.contains(&self.word())
    }
}

/// `name` in the folder of evidence from real hardware: `REDOUBT_FIXTURES`, or `shared/fixtures/attestation` beside the
/// checkout. It is no part of the project and is read in place. `None` after saying so, when it is not there.
///
/// # Panics
/// It is not there, and `REDOUBT_REQUIRE` lists `fixtures`.
#[track_caller]
#[must_use]
pub fn fixture(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/attestation");
    let path = env::var_os("REDOUBT_FIXTURES").map_or_else(beside, PathBuf::from).join(name);
    let is_there = path.exists();
    if !is_there {
        let why = format!("no {}; set REDOUBT_FIXTURES to the folder that holds {name}", path.display());
        Need::Fixtures.missing(&why);
    }
    is_there.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_required_by_their_words() {
        assert!(Need::Qemu.is_listed("image, qemu"));
        assert!(!Need::Image.is_listed("qemu"));
        assert!(!Need::Image.is_listed(""));
    }

    #[test]
    #[should_panic(expected = "found \"qemo\"")]
    fn words_that_are_no_needs_are_refused() {
        Need::Image.is_listed("qemo,image");
    }
}
