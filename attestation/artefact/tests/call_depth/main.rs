//! Runs end at the same call, with the same fuel, in machine code for new and for any processors and in the
//! interpreter.
#![expect(clippy::expect_used, reason = "what cannot be set up fails the test")]
#![expect(unsafe_code, reason = "loading native code has no safe form")]

mod arithmetic;
mod frames;
mod harness;
mod recursion;
mod shapes;
mod structure;
mod tail_calls;
