//! Predicts launch measurements from ROM bytes.
//!
//! A ROM says in its own tables which pages a VMM adds at launch; with those and the rules of the platform the
//! measurement follows. [`Launch`] is that list of pages: its measurement, its transcript page by page, and
//! [`difference()`] between two of them all walk it. Sources: AMD 56860 §8.17.2 (`PAGE_INFO`) and QEMU `target/i386/sev.c`
//! for SEV-SNP; Intel TDX module ABI (`TDH.MEM.PAGE.ADD`, `TDH.MR.EXTEND`) and QEMU `target/i386/kvm/tdx.c` for TDX.
//! The ROM is an untrusted file: lengths and offsets in it are compared with what there is before use.
//! Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod chain;
mod cpu;
mod difference;
mod error;
mod launch;
mod page;
mod place;
mod rom;
mod section;
mod snp;
mod tdx;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests compute offsets of a ROM that they made")]
mod test_rom;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests compute offsets of a ROM that they made")]
mod tests;
mod vmsa;

pub use cpu::{CPU_MODELS, cpu_signature};
pub use difference::{ByteDifference, Causes, Difference, difference};
pub use error::MeasureError;
pub use launch::{Launch, TranscriptLine};
pub use page::{Contents, MeasuredPage, Operation, PageType, Source};
pub use place::{Place, RomMap};
pub use section::{SevSectionKind, TdvfSectionKind};
pub use snp::{SnpProfile, SnpVmm, snp_launch_digest};
pub use tdx::{PageOrder, tdx_mrtd};
pub use vmsa::Vmsa;

/// Bytes of a launch digest and of an MRTD: SHA-384.
pub const MEASUREMENT_BYTES: usize = 48;
/// Bytes of a page.
pub const PAGE_BYTES: usize = 4096;
/// The largest ROM that is measured. QEMU maps firmware into the last 16 MiB below 4 GiB.
pub const ROM_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Most pages that the tables of a ROM may name: a few bytes of table must not cost minutes of hashing.
pub const PAGES_MAX: u64 = 64 * 1024;
