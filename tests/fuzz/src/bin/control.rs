//! Bodies of the control messages, every type: the same again when written and read.
#![forbid(unsafe_code)]

use core::fmt::Debug;
use std::process::ExitCode;

use enclave_wire::control::{
    Credit, JobDone, JobStart, Probe, ProbeDone, Ready, Status, Stopping, decode_body, encode_body,
};
use enclave_wire::frame::FRAME_BODY_MAX_BYTES;
use minicbor::{Decode, Encode};
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    let max_bytes = FRAME_BODY_MAX_BYTES + 1;
    Target { name: "control", max_bytes, budget: Budget::DEFAULT, run }.drive()
}

/// The first byte chooses the type; the rest is the body.
fn run(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else { return };
    match choice % 8 {
        0 => check::<Ready>(body),
        1 => check::<Credit>(body),
        2 => check::<JobStart>(body),
        3 => check::<JobDone>(body),
        4 => check::<Status>(body),
        5 => check::<Probe>(body),
        6 => check::<ProbeDone>(body),
        _ => check::<Stopping>(body),
    }
}

fn check<T>(body: &[u8])
where
    T: for<'b> Decode<'b, ()> + Encode<()> + PartialEq + Debug,
{
    match decode_body::<T>(body) {
        Ok(decoded) => {
            let again = decode_body::<T>(&encode_body(&decoded));
            assert!(again.is_ok_and(|again| again == decoded));
        }
        Err(error) => drop(error.to_string()),
    }
}
