//! ROMs for tests, made without the code under test.

/// A ROM that says what it is told to.
#[derive(Debug, Clone)]
pub(crate) struct TestRom {
    /// Size of the file.
    pub(crate) bytes: usize,
    /// Where processors after the first start.
    pub(crate) ap_reset: u32,
    /// Address, length, type.
    pub(crate) sev: Vec<[u32; 3]>,
    /// Offset and length in the file, address, length in memory, type, attributes.
    pub(crate) tdvf: Vec<(u32, u32, u64, u64, u32, u32)>,
}

impl TestRom {
    /// Where the SEV metadata lies.
    pub(crate) const SEV_OFFSET: usize = 0x8000;
    /// Where the TDVF descriptor lies; its GUID lies directly before.
    pub(crate) const TDVF_OFFSET: usize = 0x9010;

    /// 64 KiB with the sections of a small guest.
    pub(crate) fn small() -> Self {
        Self {
            bytes: 0x1_0000,
            ap_reset: 0,
            sev: vec![[0x10_0000, 0x1000, 2], [0x10_1000, 0x1000, 3], [0x10_2000, 0x5000, 1]],
            tdvf: vec![
                (0, 0x1_0000, 0xFFFF_0000, 0x1_0000, 0, 1),
                (0, 0, 0x10_0000, 0x2000, 3, 0),
                (0, 0, 0x10_2000, 0x2000, 2, 0),
            ],
        }
    }

    /// The end of the GUID table.
    pub(crate) fn table_end(&self) -> usize {
        self.bytes - 32
    }

    /// The file.
    pub(crate) fn build(&self) -> Vec<u8> {
        let pattern = |index: usize| u8::try_from((index * 31 + (index >> 8)) & 0xFF).unwrap();
        let mut rom: Vec<u8> = (0..self.bytes).map(pattern).collect();
        let count = |list: usize| u32::try_from(list).unwrap();
        let header = |record_bytes: u32, records: u32| words(&[16 + record_bytes * records, 1, records]);
        let sev = [header(12, count(self.sev.len())), words(self.sev.as_flattened())].concat();
        put(&mut rom, Self::SEV_OFFSET, &[b"ASEV", sev.as_slice()].concat());
        let mut tdvf = header(32, count(self.tdvf.len()));
        for (offset, raw, gpa, bytes, kind, attributes) in &self.tdvf {
            tdvf.extend(words(&[*offset, *raw]));
            tdvf.extend([gpa.to_le_bytes(), bytes.to_le_bytes()].concat());
            tdvf.extend(words(&[*kind, *attributes]));
        }
        put(&mut rom, Self::TDVF_OFFSET - 16, &guid("f3f9eae98e16d544a8eb7f4d8738f6ae"));
        put(&mut rom, Self::TDVF_OFFSET, &[b"TDVF", tdvf.as_slice()].concat());
        self.put_guid_table(&mut rom);
        rom
    }

    fn put_guid_table(&self, rom: &mut [u8]) {
        let distance = |offset: usize| u32::try_from(self.bytes - offset).unwrap();
        let table = [
            entry(&words(&[distance(Self::TDVF_OFFSET)]), "35657ae44a989847865e4685a7bf8ec2"),
            entry(&words(&[self.ap_reset]), "de71f7007e1acb4f890e68c77e2fb44e"),
            entry(&words(&[distance(Self::SEV_OFFSET)]), "666588dc4a989847a75e5585a7bf67cc"),
            entry(&[], "de82b596b21ff745baeaa366c55a082d"),
        ]
        .concat();
        put(rom, self.table_end() - table.len(), &table);
        let length = u16::try_from(table.len()).unwrap();
        put(rom, self.table_end() - 18, &length.to_le_bytes());
    }
}

/// Little-endian.
pub(crate) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn entry(data: &[u8], guid_hex: &str) -> Vec<u8> {
    let length = u16::try_from(data.len() + 18).unwrap();
    [data, &length.to_le_bytes(), &guid(guid_hex)].concat()
}

/// In the order of the file's bytes.
pub(crate) fn guid(hex: &str) -> [u8; 16] {
    u128::from_str_radix(hex, 16).unwrap().to_be_bytes()
}

/// Writes over what is there.
pub(crate) fn put(rom: &mut [u8], offset: usize, bytes: &[u8]) {
    rom[offset..offset + bytes.len()].copy_from_slice(bytes);
}
