//! A guest in a few bytes: what a linker would write, by hand, so that tests can break every field.

use enclave_wire::layout::{BOOT_DATA_GPA, RESET_PAGE_GPA, ROM_GPA, ROM_VIRTUAL_OFFSET};

/// Bytes of the ELF header.
const HEADER_BYTES: usize = 64;
/// Bytes of a program header.
const SEGMENT_BYTES: usize = 56;
/// Bytes of a section header.
const SECTION_BYTES: usize = 64;
/// Bytes of a symbol.
const SYMBOL_BYTES: usize = 24;

const READ: u32 = 4;
const WRITE: u32 = 2;
const EXECUTE: u32 = 1;

/// Loadable segment with its section.
#[derive(Clone)]
pub(crate) struct TestSegment {
    pub(crate) name: &'static str,
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) vaddr: u64,
    pub(crate) paddr: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) bytes: Vec<u8>,
}

impl TestSegment {
    /// Lies in the ROM and is used there.
    pub(crate) fn in_place(name: &'static str, flags: u32, gpa: u64, bytes: Vec<u8>) -> Self {
        let (vaddr, memory_bytes) = (gpa + ROM_VIRTUAL_OFFSET, bytes.len() as u64);
        Self { name, kind: 1, flags, vaddr, paddr: gpa, memory_bytes, bytes }
    }

    /// Lies in the ROM and is copied to boot RAM.
    pub(crate) fn copied(name: &'static str, gpa: u64, bytes: Vec<u8>) -> Self {
        let memory_bytes = bytes.len() as u64;
        Self { name, kind: 1, flags: READ | WRITE, vaddr: BOOT_DATA_GPA, paddr: gpa, memory_bytes, bytes }
    }
}

/// What the file says.
#[derive(Clone)]
pub(crate) struct TestElf {
    pub(crate) machine: u16,
    pub(crate) kind: u16,
    pub(crate) segments: Vec<TestSegment>,
    pub(crate) symbols: Vec<(&'static str, u64)>,
}

impl TestElf {
    /// A guest like the real one: five segments, two entries, `.bss` without bytes.
    pub(crate) fn guest() -> Self {
        let bss = TestSegment {
            vaddr: BOOT_DATA_GPA + 0x1000,
            memory_bytes: 0x5000,
            ..TestSegment::copied(".bss", 0, Vec::new())
        };
        Self {
            machine: 62,
            kind: 2,
            segments: vec![
                TestSegment::in_place(".text", READ | EXECUTE, ROM_GPA, vec![0xC3; 0x1800]),
                TestSegment::in_place(".rodata", READ, ROM_GPA + 0x2000, b"redoubt test guest".to_vec()),
                TestSegment::copied(".data", ROM_GPA + 0x2100, vec![0x5A; 0x40]),
                bss,
                TestSegment::in_place(".reset", READ | EXECUTE, RESET_PAGE_GPA, vec![0xF4; 0x200]),
            ],
            symbols: vec![
                ("reset_real_mode", RESET_PAGE_GPA + ROM_VIRTUAL_OFFSET),
                ("reset_protected_mode", RESET_PAGE_GPA + ROM_VIRTUAL_OFFSET + 0x80),
            ],
        }
    }

    /// Header, program headers, contents, names, symbols, section headers.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut contents = Vec::new();
        let contents_at = HEADER_BYTES + SEGMENT_BYTES * self.segments.len();
        let (mut segments, mut sections) = (Vec::new(), vec![0; SECTION_BYTES]);
        let mut names = vec![0];
        for segment in &self.segments {
            let offset = contents_at + contents.len();
            contents.extend(&segment.bytes);
            segments.extend(segment.program_header(offset));
            let kind = if segment.bytes.is_empty() { 8 } else { 1 };
            let place = [segment.vaddr, offset as u64, segment.memory_bytes];
            sections.extend(section(push_name(&mut names, segment.name), kind, place, 0, 0));
        }
        let mut symbols = vec![0; SYMBOL_BYTES];
        for (name, value) in &self.symbols {
            symbols.extend(push_name(&mut names, name).to_le_bytes());
            symbols.extend([0x10, 0, 1, 0]); // global, in section 1
            symbols.extend([*value, 0].iter().flat_map(|word| word.to_le_bytes()));
        }
        let names_index = 1 + u32::try_from(self.segments.len()).unwrap();
        let strtab = push_name(&mut names, ".strtab");
        let symtab = push_name(&mut names, ".symtab");
        let names_at = (contents_at + contents.len()) as u64;
        let symbols_at = names_at + names.len() as u64;
        sections.extend(section(strtab, 3, [0, names_at, names.len() as u64], 0, 0));
        sections.extend(section(
            symtab,
            2,
            [0, symbols_at, symbols.len() as u64],
            names_index,
            SYMBOL_BYTES as u64,
        ));
        let sections_at = symbols_at + symbols.len() as u64;
        [self.header(sections_at, names_index), segments, contents, names, symbols, sections].concat()
    }

    fn header(&self, sections_at: u64, names_index: u32) -> Vec<u8> {
        let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        header.extend([self.kind.to_le_bytes(), self.machine.to_le_bytes()].concat());
        header.extend(1u32.to_le_bytes());
        header.extend([0, HEADER_BYTES as u64, sections_at].iter().flat_map(|word| word.to_le_bytes()));
        header.extend(0u32.to_le_bytes());
        let segments = self.segments.len();
        let index = usize::try_from(names_index).unwrap();
        for half in [HEADER_BYTES, SEGMENT_BYTES, segments, SECTION_BYTES, segments + 3, index] {
            header.extend(u16::try_from(half).unwrap().to_le_bytes());
        }
        header
    }
}

impl TestSegment {
    fn program_header(&self, offset: usize) -> Vec<u8> {
        let mut header = [self.kind.to_le_bytes(), self.flags.to_le_bytes()].concat();
        let file_bytes = self.bytes.len() as u64;
        let words = [offset as u64, self.vaddr, self.paddr, file_bytes, self.memory_bytes, 1];
        header.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        header
    }
}

fn section(name: u32, kind: u32, place: [u64; 3], link: u32, entry_bytes: u64) -> Vec<u8> {
    let allocated = u64::from(kind == 1 || kind == 8) * 2;
    let mut header = [name.to_le_bytes(), kind.to_le_bytes()].concat();
    header.extend([allocated].iter().chain(&place).flat_map(|word| word.to_le_bytes()));
    header.extend([link, 1].iter().flat_map(|word| word.to_le_bytes()));
    header.extend([1, entry_bytes].iter().flat_map(|word| word.to_le_bytes()));
    header
}

fn push_name(names: &mut Vec<u8>, name: &str) -> u32 {
    let at = u32::try_from(names.len()).unwrap();
    names.extend(name.as_bytes());
    names.push(0);
    at
}
