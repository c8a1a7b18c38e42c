//! What can be wrong with a guest or with a finished ROM.

use alloc::string::String;

use crate::guid::Guid;

/// A guest that cannot become a ROM. The linked file or its linker script is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RomError {
    /// Not an ELF file that can be read.
    #[error("guest ELF: {0}")]
    Malformed(object::read::Error),
    /// An ELF file for something else.
    #[error("guest ELF: expected {field} {expected}, found {found}")]
    Header {
        /// Field of the ELF header.
        field: &'static str,
        /// Value that a guest has.
        expected: u16,
        /// Value in the file.
        found: u16,
    },
    /// The file asks for a dynamic loader; there is none below us.
    #[error("guest ELF: expected a statically linked file, found program header type {found:#x}")]
    NotStatic {
        /// `p_type` of the header.
        found: u32,
    },
    /// The file ends before a segment's bytes.
    #[error("guest segment `{segment}`: {bytes} bytes at offset {offset} exceed the file of {limit} bytes")]
    OutsideFile {
        /// Name of the segment.
        segment: String,
        /// `p_offset` in the file.
        offset: u64,
        /// `p_filesz` in the file.
        bytes: u64,
        /// Size of the file.
        limit: u64,
    },
    /// A segment may be written and executed.
    #[error("guest segment `{segment}`: writable and executable")]
    WritableExecutable {
        /// Name of the segment.
        segment: String,
    },
    /// A segment would have to grow when loaded; a ROM cannot.
    #[error("guest segment `{segment}`: expected {expected} bytes in memory as in the file, found {found}")]
    GrowsInRom {
        /// Name of the segment.
        segment: String,
        /// Bytes in the file.
        expected: u64,
        /// Bytes in memory.
        found: u64,
    },
    /// Code or constants are linked for another place than the one they lie at.
    #[error("guest segment `{segment}`: expected virtual address {expected:#x}, found {found:#x}")]
    Misplaced {
        /// Name of the segment.
        segment: String,
        /// Virtual address of its place in the ROM.
        expected: u64,
        /// `p_vaddr` in the file.
        found: u64,
    },
    /// Writable data is linked for memory that is not boot RAM.
    #[error(
        "guest segment `{segment}`: expected memory in {expected_gpa:#x}, {expected_bytes:#x} bytes, found {found_gpa:#x}, {found_bytes:#x} bytes"
    )]
    OutsideBootRam {
        /// Name of the segment.
        segment: String,
        /// Start of linker-managed boot RAM.
        expected_gpa: u64,
        /// Bytes of linker-managed boot RAM.
        expected_bytes: u64,
        /// `p_vaddr` in the file.
        found_gpa: u64,
        /// `p_memsz` in the file.
        found_bytes: u64,
    },
    /// A piece lies where no ROM is.
    #[error("`{section}` at {gpa:#x}, {bytes:#x} bytes: outside the ROM")]
    OutsideRom {
        /// Name of the piece.
        section: String,
        /// Where it would lie.
        gpa: u64,
        /// Its size.
        bytes: u64,
    },
    /// Code and data exceed the ROM.
    #[error(
        "guest is too large for the ROM by {excess_bytes} bytes (`{section}` ends at {end_gpa:#x}, limit {limit_gpa:#x})"
    )]
    TooLarge {
        /// The piece that ends last.
        section: String,
        /// Where it ends.
        end_gpa: u64,
        /// Where it would have to end.
        limit_gpa: u64,
        /// The difference.
        excess_bytes: u64,
    },
    /// Reset code reaches the tables above it.
    #[error("reset code `{section}` is too large by {excess_bytes} bytes")]
    ResetCodeTooLarge {
        /// Name of the piece.
        section: String,
        /// How much does not fit.
        excess_bytes: u64,
    },
    /// Two pieces want the same bytes.
    #[error("`{first}` and `{second}` overlap at {gpa:#x}")]
    Overlap {
        /// The piece that is there.
        first: String,
        /// The piece that comes.
        second: String,
        /// First address that both want.
        gpa: u64,
    },
    /// An entry point is missing.
    #[error("guest ELF: symbol `{symbol}` is missing")]
    MissingSymbol {
        /// Its name.
        symbol: &'static str,
    },
    /// An entry point has two addresses.
    #[error("guest ELF: symbol `{symbol}` is defined twice, at {first:#x} and {second:#x}")]
    AmbiguousSymbol {
        /// Its name.
        symbol: &'static str,
        /// One address.
        first: u64,
        /// The other address.
        second: u64,
    },
    /// An entry point is out of the reset vector's reach or not code.
    #[error("entry `{symbol}` at {gpa:#x}: expected executable reset code in {start_gpa:#x}..{end_gpa:#x}")]
    EntryOutside {
        /// Its name.
        symbol: &'static str,
        /// Its address.
        gpa: u64,
        /// First address of reset code.
        start_gpa: u64,
        /// First address after reset code.
        end_gpa: u64,
    },
}

/// A ROM file that a VMM would refuse or misread. Whoever made or carried the file is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TablesError {
    /// Not the size of a ROM.
    #[error("rom: expected {expected} bytes, found {found}")]
    Size {
        /// Size of every ROM of this build.
        expected: u64,
        /// Size of the file.
        found: u64,
    },
    /// No GUID table where it must end.
    #[error("rom: expected GUID table footer {expected}, found {found}")]
    Footer {
        /// The footer's GUID.
        expected: Guid,
        /// The bytes there.
        found: Guid,
    },
    /// A length field leaves what contains it.
    #[error("rom: {what}: length {found} does not fit {limit} bytes")]
    Length {
        /// The structure.
        what: &'static str,
        /// The length that the file states.
        found: u64,
        /// What is there.
        limit: u64,
    },
    /// More sections than are compared with each other.
    #[error("rom: {table}: expected at most {limit} sections, found {found}")]
    TooManySections {
        /// The table.
        table: &'static str,
        /// The most that are read.
        limit: u64,
        /// What the table states.
        found: u64,
    },
    /// A GUID table entry is missing.
    #[error("rom: GUID table entry {guid} ({what}) is missing")]
    MissingEntry {
        /// What it would hold.
        what: &'static str,
        /// Its GUID.
        guid: Guid,
    },
    /// A GUID table entry occurs twice.
    #[error("rom: GUID table entry {guid} occurs twice")]
    DuplicateEntry {
        /// Its GUID.
        guid: Guid,
    },
    /// A field has a value that no VMM accepts.
    #[error("rom: {what}: expected {expected:#x}, found {found:#x}")]
    Field {
        /// The field.
        what: &'static str,
        /// The only good value.
        expected: u64,
        /// The value in the file.
        found: u64,
    },
    /// A metadata section breaks a rule of the VMMs.
    #[error("rom: {table} section {index} at {gpa:#x}, {bytes:#x} bytes: {rule}")]
    Section {
        /// SEV or TDVF.
        table: &'static str,
        /// Position in the table, from 0.
        index: usize,
        /// Its address.
        gpa: u64,
        /// Its size in memory.
        bytes: u64,
        /// The rule.
        rule: &'static str,
    },
}
