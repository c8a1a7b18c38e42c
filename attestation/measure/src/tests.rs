//! Digests that other people's code computes for the same ROM, and ROMs that lie.

use proptest::prelude::*;

use crate::{MeasureError, PAGES_MAX, ROM_MAX_BYTES, SnpProfile, snp_launch_digest, tdx_mrtd};

const ROM_BYTES: usize = 0x1_0000;
const SEV_OFFSET: usize = 0x8000;
/// Of the descriptor; its GUID lies directly before.
const TDVF_OFFSET: usize = 0x9010;
const TABLE_END: usize = ROM_BYTES - 32;

/// The ROM of this script, and what it prints; `sev-snp-measure` 0.0.13 from PyPI, nothing of ours takes part:
/// ```python
/// import hashlib, struct, tempfile, uuid
/// from sevsnpmeasure import guest
/// from sevsnpmeasure.sev_mode import SevMode
///
/// def entry(guid, data):
///     return data + struct.pack("<H", len(data) + 18) + uuid.UUID(guid).bytes_le
///
/// SIZE = 0x10000
/// rom = bytearray((i * 31 + (i >> 8)) & 0xFF for i in range(SIZE))
/// sev = b"ASEV" + struct.pack("<III", 16 + 3 * 12, 1, 3)
/// for record in [(0x100000, 0x1000, 2), (0x101000, 0x1000, 3), (0x102000, 0x5000, 1)]:
///     sev += struct.pack("<III", *record)
/// tdvf = uuid.UUID("e9eaf9f3-168e-44d5-a8eb-7f4d8738f6ae").bytes_le
/// sections = [(0, SIZE, 2**32 - SIZE, SIZE, 0, 1), (0, 0, 0x100000, 0x2000, 3, 0), (0, 0, 0x102000, 0x2000, 2, 0)]
/// tdvf += b"TDVF" + struct.pack("<III", 16 + 32 * len(sections), 1, len(sections))
/// tdvf += b"".join(struct.pack("<IIQQII", *section) for section in sections)
/// rom[0x8000:0x8000 + len(sev)] = sev
/// rom[0x9000:0x9000 + len(tdvf)] = tdvf
/// table = entry("e47a6535-984a-4798-865e-4685a7bf8ec2", struct.pack("<I", SIZE - 0x9010))
/// table += entry("00f771de-1a7e-4fcb-890e-68c77e2fb44e", bytes(4))
/// table += entry("dc886566-984a-4798-a75e-5585a7bf67cc", struct.pack("<I", SIZE - 0x8000))
/// table += struct.pack("<H", len(table) + 18) + uuid.UUID("96b582de-1fb2-45f7-baea-a366c55a082d").bytes_le
/// rom[SIZE - 32 - len(table):SIZE - 32] = table
///
/// with tempfile.NamedTemporaryFile() as file:
///     file.write(rom)
///     file.flush()
///     for signature, features in [(0x800F12, 0x1), (0x800F12, 0x21), (0xA00F11, 0x1)]:
///         print(guest.calc_launch_digest(SevMode.SEV_SNP, 1, signature, file.name, None, None, None, features).hex())
///
/// stream = b""
/// for _, raw, start, size, _, attributes in sections:
///     for page in range(start, start + size, 0x1000):
///         stream += (b"MEM.PAGE.ADD".ljust(16, b"\0") + struct.pack("<Q", page)).ljust(128, b"\0")
///         for chunk in range(page, page + 0x1000, 0x100) if attributes else []:
///             stream += (b"MR.EXTEND".ljust(16, b"\0") + struct.pack("<Q", chunk)).ljust(128, b"\0")
///             stream += rom[chunk - start:chunk - start + 0x100]
/// print(hashlib.sha384(stream).hexdigest())
/// ```
fn rom() -> Vec<u8> {
    let pattern = |index: usize| u8::try_from((index * 31 + (index >> 8)) & 0xFF).unwrap();
    let mut rom: Vec<u8> = (0..ROM_BYTES).map(pattern).collect();
    let sev = words(&[52, 1, 3, 0x10_0000, 0x1000, 2, 0x10_1000, 0x1000, 3, 0x10_2000, 0x5000, 1]);
    put(&mut rom, SEV_OFFSET, &[b"ASEV", sev.as_slice()].concat());
    let tdvf = [
        words(&[112, 1, 3]),
        words(&[0, 0x1_0000, 0xFFFF_0000, 0, 0x1_0000, 0, 0, 1]),
        words(&[0, 0, 0x10_0000, 0, 0x2000, 0, 3, 0]),
        words(&[0, 0, 0x10_2000, 0, 0x2000, 0, 2, 0]),
    ]
    .concat();
    put(&mut rom, TDVF_OFFSET - 16, &guid("f3f9eae98e16d544a8eb7f4d8738f6ae"));
    put(&mut rom, TDVF_OFFSET, &[b"TDVF", tdvf.as_slice()].concat());
    let distance = |offset: usize| u32::try_from(ROM_BYTES - offset).unwrap();
    let table = [
        entry(&words(&[distance(TDVF_OFFSET)]), "35657ae44a989847865e4685a7bf8ec2"),
        entry(&words(&[0]), "de71f7007e1acb4f890e68c77e2fb44e"),
        entry(&words(&[distance(SEV_OFFSET)]), "666588dc4a989847a75e5585a7bf67cc"),
        entry(&[], "de82b596b21ff745baeaa366c55a082d"),
    ]
    .concat();
    put(&mut rom, TABLE_END - table.len(), &table);
    let length = u16::try_from(table.len()).unwrap();
    put(&mut rom, TABLE_END - 18, &length.to_le_bytes());
    rom
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn entry(data: &[u8], guid_hex: &str) -> Vec<u8> {
    let length = u16::try_from(data.len() + 18).unwrap();
    [data, &length.to_le_bytes(), &guid(guid_hex)].concat()
}

fn guid(hex: &str) -> [u8; 16] {
    u128::from_str_radix(hex, 16).unwrap().to_be_bytes()
}

fn put(rom: &mut [u8], offset: usize, bytes: &[u8]) {
    rom[offset..offset + bytes.len()].copy_from_slice(bytes);
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn launch_digests_equal_those_of_sev_snp_measure() {
    let golden = [
        (
            SnpProfile::QEMU,
            concat!(
                "4be0de13439be1f6eaca4a7a3218a3dd1cc07f770274697f",
                "1190e98cc8aa2307d6c839c6642ebdba1a29534d05719a6d"
            ),
        ),
        (
            SnpProfile { sev_features: 0x21, ..SnpProfile::QEMU },
            concat!(
                "93024fe188c4299c05e99be3a00b0da1790321d7c9b91adb",
                "cea5b16a04a452b5f8d648f0ae8c55ea2cb5a0c010373d66"
            ),
        ),
        (
            SnpProfile { cpu_signature: 0xA0_0F11, ..SnpProfile::QEMU },
            concat!(
                "dd621036a0cd5d2eebda162c776040b7663bca175476d978",
                "2e2b8e04a91d4cb28ffa78943e26ad72126be1d5cf7695ea"
            ),
        ),
    ];
    for (profile, digest) in golden {
        assert_eq!(hex(&snp_launch_digest(&rom(), profile).unwrap()), digest, "{profile:?}");
    }
}

#[test]
fn mrtd_equals_that_of_the_script() {
    assert_eq!(
        hex(&tdx_mrtd(&rom()).unwrap()),
        concat!(
            "661a6c96f497812d6db3dd179de8762029ba012c1a6d0006",
            "8dd12a79a2528cb355c5f5deb8c4cde2d3fe02e7176879e3"
        )
    );
}

#[test]
fn one_flipped_byte_changes_both_measurements() {
    let (snp, tdx) = (snp_launch_digest(&rom(), SnpProfile::QEMU), tdx_mrtd(&rom()));
    for offset in [0, 0x7FFF, 0xFFFF] {
        let mut forged = rom();
        forged[offset] ^= 1;
        assert_ne!(snp_launch_digest(&forged, SnpProfile::QEMU), snp);
        assert_ne!(tdx_mrtd(&forged), tdx);
    }
}

/// Measures the ROM with `bytes` written at `offset`; the errors for SNP and TDX.
fn broken(offset: usize, bytes: &[u8]) -> (Option<MeasureError>, Option<MeasureError>) {
    let mut forged = rom();
    put(&mut forged, offset, bytes);
    (snp_launch_digest(&forged, SnpProfile::QEMU).err(), tdx_mrtd(&forged).err())
}

#[test]
fn only_sizes_of_firmware_are_measured() {
    for size in [0, 1, 4095, 4097, ROM_MAX_BYTES + 4096] {
        let refused = Err(MeasureError::RomSize { found: size });
        assert_eq!(snp_launch_digest(&vec![0; size], SnpProfile::QEMU), refused);
        assert_eq!(tdx_mrtd(&vec![0; size]), refused);
    }
    assert_eq!(tdx_mrtd(&[0; 4096]), Err(MeasureError::NoGuidTable));
}

#[test]
fn lying_guid_tables_are_refused() {
    assert_eq!(broken(TABLE_END - 1, &[0]).0, Some(MeasureError::NoGuidTable));
    // The table's own length: shorter than a trailer, longer than the ROM, and cutting an entry in two.
    for length in [0_u16, 17, 0xFFFF, 20] {
        let (snp, tdx) = broken(TABLE_END - 18, &length.to_le_bytes());
        assert!(matches!(snp, Some(MeasureError::GuidEntry { .. })), "{length}: {snp:?}");
        assert_eq!(snp, tdx);
    }
    // The length of the last entry.
    for length in [0_u16, 17, 0xFFFF] {
        let (snp, _) = broken(TABLE_END - 36, &length.to_le_bytes());
        assert!(matches!(snp, Some(MeasureError::GuidEntry { .. })), "{length}: {snp:?}");
    }
    // An entry that is gone, and one that is there twice.
    let (snp, tdx) = broken(TABLE_END - 34, &[0; 16]);
    assert_eq!((snp, tdx), (Some(MeasureError::Entry { what: "SEV metadata" }), None));
    let (snp, tdx) = broken(TABLE_END - 34, &guid("35657ae44a989847865e4685a7bf8ec2"));
    assert_eq!(snp, Some(MeasureError::Entry { what: "SEV metadata" }));
    assert_eq!(tdx, Some(MeasureError::Entry { what: "TDVF metadata" }));
}

#[test]
fn lying_metadata_is_refused() {
    let is_metadata = |error| matches!(error, Some(MeasureError::Metadata { .. }));
    // Signature, length, version, count.
    for (field, lie) in [(0, 0), (4, 51), (8, 2), (12, 4), (12, u32::MAX), (4, u32::MAX)] {
        assert!(is_metadata(broken(SEV_OFFSET + field, &lie.to_le_bytes()).0), "SEV field {field}: {lie:#x}");
        assert!(
            is_metadata(broken(TDVF_OFFSET + field, &lie.to_le_bytes()).1),
            "TDVF field {field}: {lie:#x}"
        );
    }
    assert!(is_metadata(broken(TDVF_OFFSET - 16, &[0; 16]).1), "the GUID before the descriptor");
    // The distance: out of the ROM, at its very end, and past its start.
    for distance in [u32::MAX, 0, 15, 0x1_0001] {
        assert!(is_metadata(broken(TABLE_END - 40, &distance.to_le_bytes()).0), "{distance:#x}");
    }
}

#[test]
fn sections_break_no_rule() {
    let snp_rule = |offset: usize, word: u32| match broken(SEV_OFFSET + offset, &word.to_le_bytes()).0 {
        Some(MeasureError::Section { index, rule, .. }) => (index, rule),
        other => panic!("{other:?}"),
    };
    assert_eq!(snp_rule(16, 0x10_0001), (0, "whole pages"));
    assert_eq!(snp_rule(20, 0), (0, "whole pages"));
    assert_eq!(snp_rule(40, 0xFFFF_F000), (2, "memory below 4 GiB"));
    assert_eq!(snp_rule(20, 0x2000), (0, "one page of secrets and one of CPUID values"));
    assert_eq!(snp_rule(48, 4), (2, "type 1 (memory), 2 (secrets) or 3 (CPUID)"));

    let tdx_rule = |offset: usize, word: u32| match broken(TDVF_OFFSET + offset, &word.to_le_bytes()).1 {
        Some(MeasureError::Section { index, rule, .. }) => (index, rule),
        other => panic!("{other:?}"),
    };
    assert_eq!(tdx_rule(16, 1), (0, "contents inside the file"));
    assert_eq!(tdx_rule(20, 0xF000), (0, "as many bytes in the file as in memory"));
    assert_eq!(tdx_rule(52, 0x1000), (1, "no contents for memory"));
    assert_eq!(tdx_rule(44, 2), (0, "no attribute but EXTENDMR"));
    assert_eq!(tdx_rule(76, 1), (1, "measured contents to be in the file"));
    assert_eq!(tdx_rule(72, 4), (1, "type 0 (firmware), 1 (variables), 2 (TD HOB) or 3 (temporary memory)"));
    assert_eq!(tdx_rule(72, 2), (3, "one TD hand-off block in all"));
    assert_eq!(tdx_rule(60, 1), (1, "memory below 4 GiB"));
}

#[test]
fn a_few_bytes_of_table_do_not_cost_minutes() {
    let too_many = u32::try_from((PAGES_MAX + 1) * 4096).unwrap();
    let (snp, _) = broken(SEV_OFFSET + 44, &too_many.to_le_bytes());
    assert_eq!(snp, Some(MeasureError::TooManyPages { what: "SEV metadata" }));
}

#[test]
fn no_flipped_byte_of_a_table_panics() {
    let tables = (SEV_OFFSET..SEV_OFFSET + 52)
        .chain(TDVF_OFFSET - 16..TDVF_OFFSET + 112)
        .chain(TABLE_END - 84..ROM_BYTES);
    for offset in tables {
        for value in [0, 1, 0x7F, 0xFF] {
            let _ = broken(offset, &[value]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_tables_panic(
        sev in proptest::collection::vec(any::<u8>(), 36),
        tdvf in proptest::collection::vec(any::<u8>(), 96),
        table in proptest::collection::vec(any::<u8>(), 66),
        is_table_random in any::<bool>(),
    ) {
        let mut forged = rom();
        // Records and entries only: behind a wrong signature nothing would be read.
        put(&mut forged, SEV_OFFSET + 16, &sev);
        put(&mut forged, TDVF_OFFSET + 16, &tdvf);
        if is_table_random {
            put(&mut forged, TABLE_END - 18 - table.len(), &table);
        }
        let _ = (snp_launch_digest(&forged, SnpProfile::QEMU), tdx_mrtd(&forged));
    }
}
