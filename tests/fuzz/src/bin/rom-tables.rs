//! The tables at the end of a ROM, as a VMM reads them: the verifier's reader finds the same tables.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use attestation_measure::{MeasureError, SnpProfile, snp_launch_digest, tdx_mrtd};
use enclave_wire::layout::{PAGE_BYTES, ROM_BYTES};
use image_rom::{ROM_FILLER, RomTables, SevKind, TdvfKind};
use tests_fuzz::{Budget, Target};

const ROM: usize = ROM_BYTES as usize;
/// Tables lie in the last page; some room for others.
const END_BYTES: usize = 16 << 10;

/// The input is the end of it; not on the heap, so that it does not count.
static BUFFER: Mutex<[u8; ROM]> = Mutex::new([ROM_FILLER; ROM]);

fn main() -> ExitCode {
    Target { name: "rom-tables", max_bytes: END_BYTES, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    let mut rom = BUFFER.lock().unwrap_or_else(PoisonError::into_inner);
    let (before, end) = rom.split_at_mut(ROM - input.len().min(END_BYTES));
    before.iter_mut().rev().take(END_BYTES).for_each(|byte| *byte = ROM_FILLER);
    end.copy_from_slice(input.get(..end.len()).unwrap_or_default());
    let tables = match RomTables::parse(&*rom) {
        Ok(tables) => tables,
        Err(error) => return drop(error.to_string()),
    };
    assert_eq!(tables.sev.iter().filter(|section| section.kind == SevKind::SECRETS).count(), 1);
    assert_eq!(tables.tdvf.iter().filter(|section| section.kind == TdvfKind::FIRMWARE).count(), 1);
    assert!(tables.sev.iter().all(|section| u64::from(section.bytes).is_multiple_of(PAGE_BYTES)));
    check_found(snp_launch_digest(&*rom, SnpProfile::QEMU));
    check_found(tdx_mrtd(&*rom));
}

/// Where memory lies and how much it is may be more than is worth predicting; the tables must be there.
fn check_found(digest: Result<[u8; 48], MeasureError>) {
    let is_found =
        matches!(digest, Ok(_) | Err(MeasureError::TooManyPages { .. } | MeasureError::Section { .. }));
    assert!(is_found, "{digest:?}");
}
