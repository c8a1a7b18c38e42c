//! Runs a claimed job, or answers a claimed request, once more, outside of any TEE, and says whether it is the same.
//!
//! Needs what everybody can have: the claim, the transcript that it names, the component and the input. The component is
//! compiled here, by the engine that the manifest pins, for the processor of this machine, for any x86-64 processor, or
//! for the engine's interpreter; the result is the same, or the claim is refuted. Says nothing about the platform that
//! made the claim: whether its evidence is true is for `redoubt-verify`.
//!
//! Hostile: claim, transcript, component, input. Panics: never on any of them.
#![forbid(unsafe_code)]

mod console;
mod error;
mod files;
mod location;
mod replay;
mod request;
mod verdict;

pub use enclave_runtime::{Parting, Tuning};
pub use error::ReplayError;
pub use files::KeptFiles;
pub use location::in_component;
pub use replay::{Claimed, Pieces, replay};
pub use verdict::{Difference, Verdict};
