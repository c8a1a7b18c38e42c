//! What the fuzz targets share: how one is declared, run, and kept to a memory budget.
//!
//! Under `cargo xtask fuzz` a target is driven by libFuzzer. Built any other way it runs the files that it is given
//! once each, so a crash can be looked at without instrumentation and in a debugger.

pub mod fixtures;
pub mod host;
#[cfg(fuzzing)]
mod libfuzzer;
mod memory;
pub mod network;
pub mod programs;
pub mod tdx;
pub mod toml;

use std::process::ExitCode;

/// Bytes that a target may hold for each byte of its input.
pub const FACTOR: usize = 16;
/// What any target may hold besides: error texts, fixed tables, the first growth of an empty list.
pub const SPARE_BYTES: usize = 4096;

/// One entry to the code under test.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The program's name.
    pub name: &'static str,
    /// The longest input that is tried.
    pub max_bytes: usize,
    /// What may be held.
    pub budget: Budget,
    /// Feeds one input. Panics when the code under test did something wrong.
    pub run: fn(&[u8]),
}

/// The most that a target may hold at once. Anything but the default needs a reason in the target.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// For each byte of input.
    pub factor: usize,
    /// Besides.
    pub spare_bytes: usize,
}

impl Budget {
    /// [`FACTOR`] and [`SPARE_BYTES`].
    pub const DEFAULT: Self = Self { factor: FACTOR, spare_bytes: SPARE_BYTES };

    /// The default and `bytes` more.
    #[must_use]
    pub const fn with(bytes: usize) -> Self {
        Self { spare_bytes: SPARE_BYTES + bytes, ..Self::DEFAULT }
    }
}

impl Target {
    /// The whole of a target's `main`.
    #[must_use]
    pub fn drive(self) -> ExitCode {
        abort_on_panic();
        drive(self)
    }

    /// Runs one input.
    ///
    /// # Panics
    /// The code under test did something wrong, or held more memory than its input accounts for.
    pub fn check(&self, input: &[u8]) {
        let excess = self.measure(input).err();
        assert!(excess.is_none(), "{}", excess.unwrap_or_default());
    }

    /// Runs one input; fails when it held too much.
    fn measure(&self, input: &[u8]) -> Result<(), String> {
        let peak = memory::peak_of(|| (self.run)(input));
        let limit = input.len().saturating_mul(self.budget.factor).saturating_add(self.budget.spare_bytes);
        if peak <= limit {
            return Ok(());
        }
        let (name, length) = (self.name, input.len());
        Err(format!("{name}: held {peak} bytes for an input of {length}, expected at most {limit}"))
    }
}

/// The fuzzer notices a process that dies. A thread that unwinds, or a panic that is caught, would go unseen.
fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
}

#[cfg(fuzzing)]
use libfuzzer::drive;

#[cfg(not(fuzzing))]
fn drive(target: Target) -> ExitCode {
    for file in std::env::args_os().skip(1) {
        match std::fs::read(&file) {
            Ok(input) => target.check(&input),
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(input: &[u8], run: fn(&[u8])) -> Result<(), String> {
        Target { name: "test", max_bytes: 64, budget: Budget::DEFAULT, run }.measure(input)
    }

    /// The only test here: the count is the process's.
    #[test]
    fn memory_that_the_input_does_not_account_for_is_noticed() {
        assert_eq!(measure(&[7; 1 << 20], |input| drop(input.repeat(FACTOR))), Ok(()));

        // What a parser does that believes a length field.
        let credulous = measure(&[9], |input| drop(Vec::<u8>::with_capacity(usize::from(input[0]) << 20)));
        let message = credulous.unwrap_err();
        let (start, end) = ("test: held 9437", "bytes for an input of 1, expected at most 4112");
        assert!(message.starts_with(start) && message.ends_with(end), "{message}");

        let growing = |input: &[u8]| {
            let mut list = Vec::new();
            (0..1_u64 << input[0]).for_each(|number| list.push(number));
        };
        assert!(measure(&[16], growing).is_err());
        assert_eq!(measure(&[3], growing), Ok(()));

        let in_a_thread = measure(&[9], |input| {
            let bytes = usize::from(input[0]) << 20;
            std::thread::spawn(move || drop(Vec::<u8>::with_capacity(bytes))).join().unwrap();
        });
        assert!(in_a_thread.is_err());
    }
}
