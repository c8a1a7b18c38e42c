//! The guest's ELF file, as the image builder reads it: what is accepted makes a ROM that a VMM accepts.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use enclave_wire::layout::{BOOT_TABLE_PAGES, PAGE_BYTES, ROM_BYTES};
use image_rom::{RomTables, assemble};
use tests_fuzz::{Budget, Target};

/// The ROM and its two sets of page tables have one size, whatever goes in.
const ROM: usize = ROM_BYTES as usize;
const MADE_BYTES: usize = ROM + (2 * BOOT_TABLE_PAGES * PAGE_BYTES) as usize;

fn main() -> ExitCode {
    Target { name: "rom-elf", max_bytes: 32 << 10, budget: Budget::with(MADE_BYTES), run }.drive()
}

fn run(input: &[u8]) {
    match assemble(input) {
        Ok(rom) => {
            assert_eq!(rom.bytes().len(), ROM);
            let tables = RomTables::parse(rom.bytes());
            assert!(tables.is_ok(), "{tables:?}");
            assert!(rom.used_bytes() <= ROM_BYTES);
            drop(rom.explain().to_string());
        }
        Err(error) => drop(error.to_string()),
    }
}
