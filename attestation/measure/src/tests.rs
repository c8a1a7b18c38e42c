//! Digests that other people's code computes for the same ROM, ROMs that lie, and pages that differ.

mod golden;
mod pages;
mod tables;

use crate::test_rom::TestRom;

fn rom() -> Vec<u8> {
    TestRom::small().build()
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
