//! The TDX measurement of the initial contents (MRTD) under QEMU 10.1 or later.

use sha2::{Digest, Sha384};

use crate::rom::{Rom, Section, page_addresses};
use crate::{MEASUREMENT_BYTES, MeasureError, PAGE_BYTES};

/// MRTD of a guest that starts from this ROM. Per page: `MEM.PAGE.ADD`, then, where its section is measured, one
/// `MR.EXTEND` per 256 bytes. Older forks and other VMMs add all pages of a section first, and get another MRTD.
///
/// # Errors
/// The ROM is not one that QEMU would launch; see [`MeasureError`].
pub fn tdx_mrtd(rom: &[u8]) -> Result<[u8; MEASUREMENT_BYTES], MeasureError> {
    let sections = Rom::parse(rom)?.tdvf_sections()?;
    for (index, section) in sections.iter().enumerate() {
        check_section(section).map_err(|rule| MeasureError::Section { what: TABLE, index, rule })?;
    }
    let hand_off_blocks = sections.iter().filter(|section| section.kind == KIND_TD_HOB).count();
    if hand_off_blocks != 1 {
        return Err(MeasureError::Section {
            what: TABLE,
            index: sections.len(),
            rule: "one TD hand-off block in all",
        });
    }
    let mut hash = Sha384::new();
    sections.iter().for_each(|section| add_section(&mut hash, section));
    Ok(hash.finalize().into())
}

const TABLE: &str = "TDVF metadata";
const KIND_FIRMWARE: u32 = 0;
const KIND_VARIABLES: u32 = 1;
const KIND_TD_HOB: u32 = 2;
const KIND_TEMP_MEMORY: u32 = 3;
const ATTRIBUTE_EXTEND_MR: u32 = 1;
/// What one `MR.EXTEND` covers.
const CHUNK_BYTES: usize = 256;

/// QEMU's rules (`tdvf_parse_section_entry`), and one more: where a section is longer in memory than in the file, VMMs
/// disagree about the rest.
fn check_section(section: &Section<'_>) -> Result<(), &'static str> {
    match section.kind {
        KIND_FIRMWARE | KIND_VARIABLES if section.data.len() as u64 != section.bytes => {
            Err("as many bytes in the file as in memory")
        }
        KIND_TD_HOB | KIND_TEMP_MEMORY if !section.data.is_empty() => Err("no contents for memory"),
        KIND_FIRMWARE | KIND_VARIABLES | KIND_TD_HOB | KIND_TEMP_MEMORY => match section.attributes {
            ATTRIBUTE_EXTEND_MR if section.data.is_empty() => Err("measured contents to be in the file"),
            0 | ATTRIBUTE_EXTEND_MR => Ok(()),
            _ => Err("no attribute but EXTENDMR"),
        },
        _ => Err("type 0 (firmware), 1 (variables), 2 (TD HOB) or 3 (temporary memory)"),
    }
}

fn add_section(hash: &mut Sha384, section: &Section<'_>) {
    let is_measured = section.attributes == ATTRIBUTE_EXTEND_MR;
    let mut contents = section.data.chunks_exact(PAGE_BYTES);
    for gpa in page_addresses(section.gpa, section.bytes) {
        add_record(hash, b"MEM.PAGE.ADD", gpa);
        let page = contents.next().filter(|_| is_measured).unwrap_or_default();
        for (chunk_gpa, chunk) in (gpa..).step_by(CHUNK_BYTES).zip(page.chunks_exact(CHUNK_BYTES)) {
            add_record(hash, b"MR.EXTEND", chunk_gpa);
            hash.update(chunk);
        }
    }
}

/// 128 bytes: the operation's name, zero-padded to 16; the address; zeros.
fn add_record(hash: &mut Sha384, operation: &[u8], gpa: u64) {
    let mut record = [0; 128];
    record.iter_mut().zip(operation).for_each(|(to, from)| *to = *from);
    record.iter_mut().skip(16).zip(gpa.to_le_bytes()).for_each(|(to, from)| *to = from);
    hash.update(record);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published check vector of the interleaved order: 64 KiB of zeros at 0xFFFF0000, nothing else.
    #[test]
    fn pages_and_chunks_interleave() {
        let data = vec![0; 0x1_0000];
        let section = Section { gpa: 0xFFFF_0000, bytes: 0x1_0000, kind: 0, attributes: 1, data: &data };
        let mut hash = Sha384::new();
        add_section(&mut hash, &section);
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            concat!(
                "b2a13a5b9de04bb931e64c1f96d435b277e991670d862840",
                "ff88caf064b8c5ac75598e65724c458682775008788c7b92"
            )
        );
    }
}
