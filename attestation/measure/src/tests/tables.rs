//! ROMs that lie.

use core::num::NonZeroU16;

use proptest::prelude::*;

use super::{TestRom, rom};
use crate::test_rom::{guid, put};
use crate::{MeasureError, PAGES_MAX, ROM_MAX_BYTES, SnpProfile, snp_launch_digest, tdx_mrtd};

const ROM_BYTES: usize = 0x1_0000;
const TABLE_END: usize = ROM_BYTES - 32;

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
        assert!(
            is_metadata(broken(TestRom::SEV_OFFSET + field, &lie.to_le_bytes()).0),
            "SEV field {field}: {lie:#x}"
        );
        assert!(
            is_metadata(broken(TestRom::TDVF_OFFSET + field, &lie.to_le_bytes()).1),
            "TDVF field {field}: {lie:#x}"
        );
    }
    assert!(is_metadata(broken(TestRom::TDVF_OFFSET - 16, &[0; 16]).1), "the GUID before the descriptor");
    // The distance: out of the ROM, at its very end, and past its start.
    for distance in [u32::MAX, 0, 15, 0x1_0001] {
        assert!(is_metadata(broken(TABLE_END - 40, &distance.to_le_bytes()).0), "{distance:#x}");
    }
}

#[test]
fn sections_break_no_rule() {
    let snp_rule =
        |offset: usize, word: u32| match broken(TestRom::SEV_OFFSET + offset, &word.to_le_bytes()).0 {
            Some(MeasureError::Section { index, rule, .. }) => (index, rule),
            other => panic!("{other:?}"),
        };
    assert_eq!(snp_rule(16, 0x10_0001), (0, "whole pages"));
    assert_eq!(snp_rule(20, 0), (0, "whole pages"));
    assert_eq!(snp_rule(40, 0xFFFF_F000), (2, "memory below 4 GiB"));
    assert_eq!(snp_rule(20, 0x2000), (0, "one page of secrets and one of CPUID values"));
    for kind in [0, 5, 0xF, 0x11] {
        let known = "type 1 (memory), 2 (secrets), 3 (CPUID), 4 (SVSM calling area) or 0x10 (kernel hashes)";
        assert_eq!(snp_rule(48, kind), (2, known));
    }

    let tdx_rule =
        |offset: usize, word: u32| match broken(TestRom::TDVF_OFFSET + offset, &word.to_le_bytes()).1 {
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
fn other_processors_need_an_address_to_start_at() {
    let two = SnpProfile { vcpus: NonZeroU16::new(2).unwrap(), ..SnpProfile::QEMU };
    assert_eq!(snp_launch_digest(&rom(), two), Err(MeasureError::ApReset));
    let mut without = rom();
    put(&mut without, TABLE_END - 56, &[0; 16]);
    assert_eq!(snp_launch_digest(&without, two), Err(MeasureError::Entry { what: "AP reset address" }));
    assert!(snp_launch_digest(&without, SnpProfile::QEMU).is_ok());
}

#[test]
fn no_rom_that_is_cut_short_is_measured() {
    let whole = rom();
    let cuts =
        (0..ROM_BYTES).step_by(61).chain((0..ROM_BYTES).step_by(4096)).chain(TABLE_END - 100..ROM_BYTES);
    for bytes in cuts {
        let (start, end) = (&whole[..bytes], &whole[ROM_BYTES - bytes..]);
        for cut in [start, end] {
            assert!(tdx_mrtd(cut).is_err(), "{bytes:#x}");
        }
        assert!(snp_launch_digest(start, SnpProfile::QEMU).is_err(), "{bytes:#x}");
        // Pages are missing at its start, and its tables are there: that is another ROM.
        let has_tables = bytes.is_multiple_of(4096) && bytes >= ROM_BYTES - TestRom::SEV_OFFSET;
        assert_eq!(snp_launch_digest(end, SnpProfile::QEMU).is_ok(), has_tables, "{bytes:#x}");
    }
}

#[test]
fn a_few_bytes_of_table_do_not_cost_minutes() {
    let too_many = u32::try_from((PAGES_MAX + 1) * 4096).unwrap();
    let (snp, _) = broken(TestRom::SEV_OFFSET + 44, &too_many.to_le_bytes());
    assert_eq!(snp, Some(MeasureError::TooManyPages { what: "SEV metadata" }));
}

#[test]
fn no_flipped_byte_of_a_table_panics() {
    let tables = (TestRom::SEV_OFFSET..TestRom::SEV_OFFSET + 52)
        .chain(TestRom::TDVF_OFFSET - 16..TestRom::TDVF_OFFSET + 112)
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
        put(&mut forged, TestRom::SEV_OFFSET + 16, &sev);
        put(&mut forged, TestRom::TDVF_OFFSET + 16, &tdvf);
        if is_table_random {
            put(&mut forged, TABLE_END - 18 - table.len(), &table);
        }
        let _ = (snp_launch_digest(&forged, SnpProfile::QEMU), tdx_mrtd(&forged));
    }
}
