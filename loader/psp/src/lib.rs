//! A software PSP: answers guest messages and signs simulated reports.
//!
//! It does for one guest what the secure processor of an SNP machine does after launch, and speaks the same
//! encrypted protocol (56860, chapter 7), so that the guest's code above the hypercall is the code that runs on
//! hardware. It protects nothing: it is a part of the host, and its reports chain to a root whose secret is public
//! (`attestation_evidence::sim`).
//! Panics: never on what the guest sends.
#![forbid(unsafe_code)]

mod chip;
mod error;
mod key;
mod mailbox;
mod report;

pub use chip::SimChip;
pub use error::PspError;
pub use mailbox::{Launch, SoftwarePsp};
