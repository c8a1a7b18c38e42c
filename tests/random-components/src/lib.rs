//! Components that are made up from a number, for tests that the guest and everyone else compute the same.
//!
//! A random core module does what it likes, with functions of the outside among its imports; a witness calls it and
//! writes a checksum of all that came of it to standard output. The same number makes the same bytes, on any machine.
//! [`Campaign`] goes through many numbers and says which one to look at.
#![forbid(unsafe_code)]
#![expect(clippy::expect_used, reason = "what the generator promises and does not keep fails the test")]

mod arithmetic;
mod assemble;
mod campaign;
mod exports;
mod module;
mod numbers;
mod witness;

pub use campaign::{Campaign, Finding};
pub use numbers::Numbers;

use crate::exports::Exports;

/// Most bytes of input.
const INPUT_BYTES_MAX: usize = 100;

/// A component, in binary form, that is a job; and what to run it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomComponent {
    /// The component.
    pub bytes: Vec<u8>,
    /// Its standard input.
    pub input: Vec<u8>,
    /// Whether it may look at the wall clock. It does so all the same.
    pub wall_clock: bool,
}

impl RandomComponent {
    /// The component of this number.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut numbers = Numbers::of(seed);
        let random = module::random_module(&mut numbers);
        let witness = witness::witness(&Exports::of(&random), &mut numbers);
        let bytes = assemble::assemble(&random, &witness);
        let length = numbers.below(INPUT_BYTES_MAX + 1);
        Self { bytes, input: numbers.bytes(length), wall_clock: !numbers.once_in(3) }
    }
}
