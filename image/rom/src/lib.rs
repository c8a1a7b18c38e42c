//! ROM layout: from a statically linked guest to the bytes that a VMM maps below 4 GiB.
//!
//! One file boots under SEV-SNP, TDX and a plain VM. Around the guest's code and data, [`assemble`] places what
//! firmware for these worlds needs: boot page tables, a reset vector that works from 16-bit real and 32-bit protected
//! mode, the GUID table that a VMM searches from the end of the file, and the SEV and TDVF metadata that it points to.
//!
//! ```text
//! ROM_GPA ............. .text, .rodata, initial bytes of .data; unused space is ROM_FILLER
//! BOOT_TABLES_SNP_GPA . boot page tables with the C-bit, 5 pages
//! BOOT_TABLES_PLAIN_GPA boot page tables without it, 5 pages
//! RESET_PAGE_GPA ...... reset code; from RESET_CODE_BYTES on: TDVF metadata, SEV metadata
//!          0xFFFFFFE0   end of the GUID table
//!          0xFFFFFFF0   reset vector
//! ```
//!
//! [`RomTables`] reads the tables back the way a VMM does. Input files are hostile: nothing here panics on them.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

extern crate alloc;

mod elf;
mod error;
mod guid;
mod metadata;
mod page_tables;
mod payload;
mod reset_vector;
mod rom;
mod tables;
#[cfg(test)]
mod test_elf;
#[cfg(test)]
mod tests;

pub use error::{RomError, TablesError};
pub use guid::Guid;
pub use metadata::{SevKind, SevSection, TdvfKind, TdvfSection};
pub use payload::{Payload, Piece};
pub use rom::{Explanation, ROM_FILLER, Rom, RomSection};
pub use tables::RomTables;

/// Makes a ROM from the statically linked ELF file of the guest. The same file gives the same bytes.
///
/// # Errors
/// [`RomError`] names what in the file cannot be placed, and where.
pub fn assemble(elf: &[u8]) -> Result<Rom, RomError> {
    Rom::lay_out(&Payload::from_elf(elf)?)
}
