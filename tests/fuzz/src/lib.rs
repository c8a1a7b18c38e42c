//! What the fuzz targets share: how one is declared, run, and kept to a memory budget.
//!
//! Under `cargo xtask fuzz` a target is driven by libFuzzer. Built any other way it runs the files that it is given
//! once each, so a crash can be looked at without instrumentation and in a debugger.

pub mod fixtures;
#[cfg(fuzzing)]
mod libfuzzer;
mod memory;

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
    /// What may be held besides [`FACTOR`] bytes per byte of input: [`SPARE_BYTES`], or more for a stated reason.
    pub spare_bytes: usize,
    /// Feeds one input. Panics when the code under test did something wrong.
    pub run: fn(&[u8]),
}

/// More memory than the input accounts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Excess {
    peak_bytes: usize,
    limit_bytes: usize,
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
        let measured = self.measure(input);
        assert!(
            measured.is_ok(),
            "{}: {} bytes of input: held too much memory: {measured:?}",
            self.name,
            input.len()
        );
    }

    fn measure(&self, input: &[u8]) -> Result<(), Excess> {
        let peak_bytes = memory::peak_of(|| (self.run)(input));
        let limit_bytes = input.len().saturating_mul(FACTOR).saturating_add(self.spare_bytes);
        if peak_bytes <= limit_bytes { Ok(()) } else { Err(Excess { peak_bytes, limit_bytes }) }
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
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// The count is the process's, so these tests must not run at the same time.
    static TURN: Mutex<()> = Mutex::new(());

    fn target(run: fn(&[u8])) -> Target {
        Target { name: "test", max_bytes: 64, spare_bytes: SPARE_BYTES, run }
    }

    #[test]
    fn memory_that_the_input_does_not_account_for_is_noticed() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let frugal = target(|input| drop(input.repeat(FACTOR)));
        assert_eq!(frugal.measure(&[7; 1 << 20]), Ok(()));

        // What a parser does that believes a length field.
        let credulous = target(|input| drop(Vec::<u8>::with_capacity(usize::from(input[0]) << 20)));
        let limit_bytes = FACTOR + SPARE_BYTES;
        let excess = credulous.measure(&[9]).unwrap_err();
        assert_eq!(excess.limit_bytes, limit_bytes);
        assert!(excess.peak_bytes >= 9 << 20, "{excess:?}");

        let growing = target(|input| {
            let mut list = Vec::new();
            (0..1_u64 << input[0]).for_each(|number| list.push(number));
        });
        assert!(growing.measure(&[16]).is_err());
        assert_eq!(growing.measure(&[3]), Ok(()));

        let in_a_thread = target(|input| {
            let bytes = usize::from(input[0]) << 20;
            std::thread::spawn(move || drop(Vec::<u8>::with_capacity(bytes))).join().unwrap();
        });
        assert!(in_a_thread.measure(&[9]).is_err());
    }

    #[test]
    #[should_panic(expected = "test: 1 bytes of input: held too much memory: Err(Excess { peak_bytes:")]
    fn an_excess_names_target_length_peak_and_limit() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        target(|_| drop(Vec::<u8>::with_capacity(1 << 30))).check(&[0]);
    }
}
