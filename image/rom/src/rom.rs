//! Lays out the ROM: places every piece once, refuses overlaps.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use enclave_wire::layout::{
    RESET_CODE_BYTES, RESET_PAGE_GPA, ROM_BYTES, ROM_END_GPA, ROM_GPA, ROM_PAYLOAD_END_GPA,
};

use crate::error::RomError;
use crate::guid::Guid;
use crate::metadata::{SEV_METADATA_BYTES, TDVF_METADATA_BYTES, sev_metadata, tdvf_metadata};
use crate::page_tables::BootTables;
use crate::payload::{Payload, Piece};
use crate::reset_vector::{RESET_VECTOR_GPA, reset_vector};

/// Value of every byte that nothing occupies. `FF FF` is an undefined instruction, so a stray jump faults at once;
/// zeros would run as `add [rax], al`. It is also what erased flash holds.
pub const ROM_FILLER: u8 = 0xFF;

/// A finished ROM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rom {
    bytes: Vec<u8>,
    sections: Vec<RomSection>,
}

/// What lies where in a ROM, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RomSection {
    /// Such as `.text` or `GUID table`.
    pub name: String,
    /// Guest-physical address of the first byte.
    pub gpa: u64,
    /// Size.
    pub bytes: u64,
}

impl Rom {
    /// Places a payload and everything that boots it.
    ///
    /// # Errors
    /// [`RomError`] when a piece does not fit where it wants to lie.
    pub fn lay_out(payload: &Payload<'_>) -> Result<Self, RomError> {
        let (real_mode, protected_mode) = (payload.real_mode_entry_gpa, payload.protected_mode_entry_gpa);
        check_entry(payload, "reset_real_mode", real_mode)?;
        check_entry(payload, "reset_protected_mode", protected_mode)?;
        check_size(&payload.pieces)?;

        let mut rom = Self { bytes: vec![ROM_FILLER; ROM_LENGTH], sections: Vec::new() };
        for piece in &payload.pieces {
            rom.place(&piece.name, piece.gpa, piece.bytes)?;
        }
        for set in [BootTables::Snp, BootTables::Plain] {
            rom.place(set.name(), set.gpa(), &set.bytes())?;
        }
        rom.place("tdvf metadata", TDVF_METADATA_GPA, &tdvf_metadata())?;
        rom.place("sev metadata", SEV_METADATA_GPA, &sev_metadata())?;
        rom.place("guid table", GUID_TABLE_GPA, &guid_table())?;
        rom.place("reset vector", RESET_VECTOR_GPA, &reset_vector(real_mode, protected_mode))?;
        rom.sections.sort_by_key(|section| section.gpa);
        Ok(rom)
    }

    /// Exactly [`ROM_BYTES`] bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What lies where, ascending.
    #[must_use]
    pub fn sections(&self) -> &[RomSection] {
        &self.sections
    }

    /// Bytes that something occupies.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.sections.iter().map(|section| section.bytes).sum()
    }

    /// Bytes by which the guest's code and data can still grow.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        let payload = self.sections.iter().filter(|section| section.gpa < ROM_PAYLOAD_END_GPA);
        let end_gpa = payload.map(|section| section.gpa + section.bytes).max().unwrap_or(ROM_GPA);
        ROM_PAYLOAD_END_GPA.saturating_sub(end_gpa)
    }

    /// A table for people: what takes the space, and how much is left.
    #[must_use]
    pub const fn explain(&self) -> Explanation<'_> {
        Explanation { rom: self }
    }

    fn place(&mut self, name: &str, gpa: u64, data: &[u8]) -> Result<(), RomError> {
        let bytes = data.len() as u64;
        let outside = || RomError::OutsideRom { section: name.to_string(), gpa, bytes };
        let end_gpa = gpa.checked_add(bytes).ok_or_else(outside)?;
        if let Some(there) = self.sections.iter().find(|there| there.overlaps(gpa, end_gpa)) {
            return Err(RomError::Overlap {
                first: there.name.clone(),
                second: name.to_string(),
                gpa: gpa.max(there.gpa),
            });
        }
        let start =
            gpa.checked_sub(ROM_GPA).and_then(|offset| usize::try_from(offset).ok()).ok_or_else(outside)?;
        let target =
            self.bytes.get_mut(start..).and_then(|rest| rest.get_mut(..data.len())).ok_or_else(outside)?;
        target.copy_from_slice(data);
        self.sections.push(RomSection { name: name.to_string(), gpa, bytes });
        Ok(())
    }
}

/// Prints the sections of a ROM; see [`Rom::explain`].
#[derive(Debug, Clone, Copy)]
pub struct Explanation<'a> {
    rom: &'a Rom,
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<26}{:>12}{:>10}{:>8}", "section", "address", "bytes", "share")?;
        for RomSection { name, gpa, bytes } in self.rom.sections() {
            let per_mille = bytes * 1000 / ROM_BYTES;
            writeln!(f, "{name:<26}{gpa:>#12x}{bytes:>10}{:>6}.{}%", per_mille / 10, per_mille % 10)?;
        }
        let (used, free) = (self.rom.used_bytes(), self.rom.free_bytes());
        writeln!(f, "{used} of {ROM_BYTES} bytes used; guest code and data can grow by {free} bytes")
    }
}

impl RomSection {
    const fn overlaps(&self, start_gpa: u64, end_gpa: u64) -> bool {
        self.gpa < end_gpa && start_gpa < self.gpa + self.bytes
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a ROM is smaller than 4 GiB")]
const ROM_LENGTH: usize = ROM_BYTES as usize;
const RESET_CODE_END_GPA: u64 = RESET_PAGE_GPA + RESET_CODE_BYTES;
const TDVF_METADATA_GPA: u64 = RESET_CODE_END_GPA;
const SEV_METADATA_GPA: u64 = (TDVF_METADATA_GPA + TDVF_METADATA_BYTES as u64).next_multiple_of(16);
/// The table ends 32 bytes before 4 GiB: that is where VMMs look.
const GUID_TABLE_END_GPA: u64 = ROM_END_GPA - 0x20;
const GUID_TABLE_GPA: u64 = GUID_TABLE_END_GPA - GUID_TABLE_BYTES as u64;
const GUID_TABLE_BYTES: usize = 3 * WORD_ENTRY_BYTES + FOOTER_BYTES;
/// Length and GUID.
const FOOTER_BYTES: usize = 2 + 16;
/// An entry whose data is one u32.
const WORD_ENTRY_BYTES: usize = 4 + FOOTER_BYTES;

const _: () = assert!(TDVF_METADATA_GPA.is_multiple_of(16), "metadata is aligned to 16 bytes");
const _: () = assert!(
    SEV_METADATA_GPA + SEV_METADATA_BYTES as u64 <= GUID_TABLE_GPA,
    "the tables do not fit between reset code and reset vector"
);

/// Entries and footer. VMMs walk it backwards from the footer.
fn guid_table() -> Vec<u8> {
    // Low half: IP; high half: CS base >> 16. Other processors start where the first one does.
    let ap_reset = RESET_VECTOR_GPA;
    // Past the GUID: VMMs expect the descriptor itself.
    let tdvf_descriptor = ROM_END_GPA - (TDVF_METADATA_GPA + 16);
    let mut bytes = Vec::with_capacity(GUID_TABLE_BYTES);
    for (word, guid) in [
        (tdvf_descriptor, Guid::TDX_METADATA),
        (ROM_END_GPA - SEV_METADATA_GPA, Guid::SEV_METADATA),
        (ap_reset, Guid::AP_RESET),
    ] {
        bytes.extend(word.to_le_bytes().into_iter().take(4));
        bytes.extend(length_and_guid(WORD_ENTRY_BYTES, guid));
    }
    bytes.extend(length_and_guid(GUID_TABLE_BYTES, Guid::FOOTER));
    bytes
}

fn length_and_guid(length: usize, guid: Guid) -> impl Iterator<Item = u8> {
    length.to_le_bytes().into_iter().take(2).chain(*guid.as_bytes())
}

fn check_entry(payload: &Payload<'_>, symbol: &'static str, gpa: u64) -> Result<(), RomError> {
    let is_reset_code = (RESET_PAGE_GPA..RESET_CODE_END_GPA).contains(&gpa)
        && payload.pieces.iter().any(|piece| {
            piece.is_executable
                && gpa.checked_sub(piece.gpa).is_some_and(|offset| offset < piece.bytes.len() as u64)
        });
    if is_reset_code {
        return Ok(());
    }
    Err(RomError::EntryOutside { symbol, gpa, start_gpa: RESET_PAGE_GPA, end_gpa: RESET_CODE_END_GPA })
}

/// Compares with what the payload may occupy, so that a guest which grew is told by how much.
fn check_size(pieces: &[Piece<'_>]) -> Result<(), RomError> {
    let end_gpa = |piece: &Piece<'_>| piece.gpa.saturating_add(piece.bytes.len() as u64);
    if let Some(piece) = pieces.iter().find(|piece| piece.gpa < ROM_GPA || piece.gpa >= ROM_END_GPA) {
        let bytes = piece.bytes.len() as u64;
        return Err(RomError::OutsideRom { section: piece.name.clone(), gpa: piece.gpa, bytes });
    }
    let (reset, payload): (Vec<_>, Vec<_>) = pieces.iter().partition(|piece| piece.gpa >= RESET_PAGE_GPA);
    if let Some(last) = payload
        .into_iter()
        .max_by_key(|piece| end_gpa(piece))
        .filter(|piece| end_gpa(piece) > ROM_PAYLOAD_END_GPA)
    {
        return Err(RomError::TooLarge {
            section: last.name.clone(),
            end_gpa: end_gpa(last),
            limit_gpa: ROM_PAYLOAD_END_GPA,
            excess_bytes: end_gpa(last) - ROM_PAYLOAD_END_GPA,
        });
    }
    match reset.into_iter().find(|piece| end_gpa(piece) > RESET_CODE_END_GPA) {
        Some(piece) => Err(RomError::ResetCodeTooLarge {
            section: piece.name.clone(),
            excess_bytes: end_gpa(piece) - RESET_CODE_END_GPA,
        }),
        None => Ok(()),
    }
}
