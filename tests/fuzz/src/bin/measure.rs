//! Launch measurements of a ROM file, as `redoubt-verify` predicts them: every byte of the file counts.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use attestation_measure::{PAGE_BYTES, SnpProfile, snp_launch_digest, tdx_mrtd};
use tests_fuzz::{Budget, Target};

const PAGES_MAX: usize = 4;
const ROM_MAX: usize = PAGES_MAX * PAGE_BYTES;

/// The input is the end of it; not on the heap, so that it does not count.
static BUFFER: Mutex<[u8; ROM_MAX]> = Mutex::new([0; ROM_MAX]);

fn main() -> ExitCode {
    Target { name: "measure", max_bytes: 3 + ROM_MAX, budget: Budget::DEFAULT, run }.drive()
}

/// Three bytes choose the number of pages and the byte that is changed; the rest is the end of the ROM.
fn run(input: &[u8]) {
    let Some(([pages, low, high], end)) = input.split_first_chunk() else { return };
    let mut rom = BUFFER.lock().unwrap_or_else(PoisonError::into_inner);
    let pages = usize::from(*pages) % PAGES_MAX + 1;
    let Some(rom) = rom.get_mut(..pages * PAGE_BYTES) else { return };
    rom.fill(0);
    rom.iter_mut().rev().zip(end.iter().rev()).for_each(|(to, from)| *to = *from);
    let before = measure(rom);
    let place = usize::from(u16::from_le_bytes([*low, *high])) % rom.len();
    rom.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1);
    if let Ok(before) = before {
        assert!(measure(rom) != Ok(before), "byte {place} does not count");
    }
}

/// The SNP digest; the MRTD covers only what the tables say.
fn measure(rom: &[u8]) -> Result<[u8; 48], String> {
    if let Err(error) = tdx_mrtd(rom) {
        drop(error.to_string());
    }
    snp_launch_digest(rom, SnpProfile::QEMU).map_err(|error| error.to_string())
}
