//! Transcripts and differences.

use core::num::NonZeroU16;

use super::{TestRom, rom};
use crate::test_rom::put;
use crate::{
    ByteDifference, Causes, Contents, Launch, Operation, PAGE_BYTES, PageOrder, PageType, RomMap,
    SevSectionKind, SnpProfile, SnpVmm, Source, TdvfSectionKind, TranscriptLine, difference,
};

const ORDERS: [PageOrder; 2] = [PageOrder::Interleaved, PageOrder::TwoPass];
const PROFILES: [SnpProfile; 3] = [SnpProfile::QEMU, SnpProfile::GCE, SnpProfile::EC2];

#[test]
fn a_transcript_ends_with_the_measurement() {
    let rom = rom();
    let launches = PROFILES.map(|profile| Launch::snp(&rom, profile).unwrap());
    let launches = launches.into_iter().chain(ORDERS.map(|order| Launch::tdx(&rom, order).unwrap()));
    for launch in launches {
        let lines: Vec<TranscriptLine<'_>> = launch.transcript().collect();
        assert_eq!(lines.last().unwrap().running, launch.measurement());
        assert!(lines.iter().map(|line| line.page).eq(launch.pages()));
        for line in &lines {
            assert_eq!(line.contents_sha384.is_some(), line.page.operation.covers_contents(), "{line:?}");
        }
        let mut values: Vec<_> = lines.iter().map(|line| line.running).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), lines.len(), "a page that changes nothing");
    }
}

#[test]
fn snp_pages_come_rom_sections_vmsas() {
    let rom = TestRom { ap_reset: 0x80_B004, ..TestRom::small() }.build();
    let pages = |profile: SnpProfile| -> Vec<(PageType, Source, u64)> {
        let profile = SnpProfile { vcpus: NonZeroU16::new(2).unwrap(), ..profile };
        let launch = Launch::snp(&rom, profile).unwrap();
        let pages = launch.pages().skip(15).map(|page| match page.operation {
            Operation::SnpLaunchUpdate(page_type) => (page_type, page.source, page.gpa),
            other => panic!("{other:?}"),
        });
        pages.collect()
    };
    let section = |index, kind| Source::SevSection { index, kind };
    let secrets = (PageType::Secrets, section(0, SevSectionKind::SECRETS), 0x10_0000);
    let cpuid = (PageType::Cpuid, section(1, SevSectionKind::CPUID), 0x10_1000);
    let memory = |page_type| {
        (0..5_u64).map(move |page| (page_type, section(2, SevSectionKind::MEMORY), 0x10_2000 + page * 0x1000))
    };
    let last = (PageType::Normal, Source::Rom, 0xFFFF_F000);
    let vmsas = [0, 1].map(|vcpu| (PageType::Vmsa, Source::Vmsa { vcpu }, 0xFFFF_FFFF_F000));

    let qemu: Vec<_> =
        [last, secrets, cpuid].into_iter().chain(memory(PageType::Zero)).chain(vmsas).collect();
    assert_eq!(pages(SnpProfile::QEMU), qemu);
    let gce: Vec<_> =
        [last, secrets, cpuid].into_iter().chain(memory(PageType::Unmeasured)).chain(vmsas).collect();
    assert_eq!(pages(SnpProfile::GCE), gce);
    let ec2: Vec<_> =
        [last, secrets].into_iter().chain(memory(PageType::Zero)).chain([cpuid]).chain(vmsas).collect();
    assert_eq!(pages(SnpProfile::EC2), ec2);
}

#[test]
fn tdx_orders_differ_in_measured_sections_only() {
    let rom = rom();
    let pages = |order| -> Vec<(Operation, u64)> {
        let launch = Launch::tdx(&rom, order).unwrap();
        launch.pages().map(|page| (page.operation, page.gpa)).collect()
    };
    let (add, extend) = (Operation::TdhMemPageAdd, Operation::TdhMrExtend);
    let firmware = || (0..16_u64).map(|page| 0xFFFF_0000 + page * 0x1000);
    let memory = [0x10_0000, 0x10_1000, 0x10_2000, 0x10_3000].map(|gpa| (add, gpa));
    let interleaved: Vec<_> = firmware().flat_map(|gpa| [(add, gpa), (extend, gpa)]).chain(memory).collect();
    assert_eq!(pages(PageOrder::Interleaved), interleaved);
    let all = |operation| firmware().map(move |gpa| (operation, gpa));
    let two_pass: Vec<_> = all(add).chain(all(extend)).chain(memory).collect();
    assert_eq!(pages(PageOrder::TwoPass), two_pass);
}

#[test]
fn pages_say_where_in_the_file_they_are() {
    let rom = TestRom {
        tdvf: vec![(0x4000, 0x1000, 0xFFFF_F000, 0x1000, 0, 1), (0, 0, 0, 0x1000, 2, 0)],
        ..TestRom::small()
    }
    .build();
    let launch = Launch::tdx(&rom, PageOrder::Interleaved).unwrap();
    let pages: Vec<_> = launch.pages().collect();
    assert_eq!(pages[0].contents, Contents::Unmeasured);
    let bytes = rom[0x4000..0x5000].first_chunk::<PAGE_BYTES>().unwrap();
    assert_eq!(pages[1].contents, Contents::File { offset: 0x4000, bytes });
    assert_eq!(pages[2].source, Source::TdvfSection { index: 1, kind: TdvfSectionKind::TD_HOB });
}

/// One byte in each page of the file, whatever lies there.
#[test]
fn one_changed_byte_is_found_in_every_page() {
    let before = rom();
    for page in 0..16 {
        let (offset_in_page, mut after) = (page * 37 + 5, before.clone());
        let offset = page * PAGE_BYTES + offset_in_page;
        // Past the tables: those have their own test.
        after[offset] ^= 0x80;
        let byte =
            ByteDifference { offset: offset_in_page, left: before[offset], right: after[offset], count: 1 };
        for profile in PROFILES {
            let launches = [&before, &after].map(|rom| Launch::snp(rom, profile).unwrap());
            let found = difference(&launches[0], &launches[1]).unwrap();
            assert_eq!((found.index, found.byte), (page, Some(byte)));
            assert_eq!(found.causes, Causes { contents: true, sections: false, vmsas: false });
        }
        for (order, index) in [(PageOrder::Interleaved, 2 * page + 1), (PageOrder::TwoPass, 16 + page)] {
            let launches = [&before, &after].map(|rom| Launch::tdx(rom, order).unwrap());
            let found = difference(&launches[0], &launches[1]).unwrap();
            assert_eq!((found.index, found.byte), (index, Some(byte)));
            assert_eq!(found.causes, Causes { contents: true, sections: false, vmsas: false });
        }
    }
}

#[test]
fn sections_and_vmsas_that_differ_are_told_apart() {
    let rom = TestRom { ap_reset: 0x80_B004, ..TestRom::small() }.build();
    let snp = |profile: SnpProfile| Launch::snp(&rom, profile).unwrap();
    let (one, two) =
        (SnpProfile::QEMU, SnpProfile { vcpus: NonZeroU16::new(2).unwrap(), ..SnpProfile::QEMU });
    assert_eq!(difference(&snp(one), &snp(one)), None);

    let found = difference(&snp(one), &snp(two)).unwrap();
    assert_eq!((found.index, found.left, found.byte), (24, None, None));
    assert_eq!(found.right.unwrap().source, Source::Vmsa { vcpu: 1 });
    assert_eq!(found.causes, Causes { contents: false, sections: false, vmsas: true });

    let other = SnpProfile { cpu_signature: 0xA0_0F11, ..one };
    let found = difference(&snp(one), &snp(other)).unwrap();
    // RDX, low byte: 0x12 and 0x11; its third byte differs too.
    let byte = ByteDifference { offset: 0x310, left: 0x12, right: 0x11, count: 2 };
    assert_eq!((found.index, found.byte), (23, Some(byte)));
    assert_eq!(found.causes, Causes { contents: false, sections: false, vmsas: true });

    let gce = SnpProfile { vmm: SnpVmm::Gce, ..one };
    let found = difference(&snp(one), &snp(gce)).unwrap();
    assert_eq!((found.index, found.byte), (18, None));
    assert_eq!(found.causes, Causes { contents: false, sections: true, vmsas: true });

    // Where the tables are not measured themselves, memory can move alone.
    let firmware = (0, 0x8000, 0xFFFF_0000, 0x8000, 0, 1);
    let tdvf = |hob| TestRom { tdvf: vec![firmware, (0, 0, hob, 0x1000, 2, 0)], ..TestRom::small() }.build();
    let roms = [tdvf(0x1000), tdvf(0x2000)];
    let launches = roms.each_ref().map(|rom| Launch::tdx(rom, PageOrder::Interleaved).unwrap());
    let found = difference(&launches[0], &launches[1]).unwrap();
    assert_eq!((found.index, found.byte), (16, None));
    assert_eq!(found.causes, Causes { contents: false, sections: true, vmsas: false });
}

#[test]
fn roms_of_other_sizes_differ_in_the_first_page() {
    let (small, large) = (rom(), [rom(), rom()].concat());
    let launches = [&small, &large].map(|rom| Launch::snp(rom, SnpProfile::QEMU).unwrap());
    let found = difference(&launches[0], &launches[1]).unwrap();
    assert_eq!((found.index, found.byte), (0, None));
    assert_eq!([found.left, found.right].map(|page| page.unwrap().gpa), [0xFFFF_0000, 0xFFFE_0000]);
}

#[test]
fn tables_are_known_by_their_bytes() {
    let mut rom = rom();
    put(&mut rom, 0xFFFF - 32 - 55, &[0x11; 16]);
    let map = RomMap::parse(&rom).unwrap();
    let (sev, tdvf, end) = (TestRom::SEV_OFFSET, TestRom::TDVF_OFFSET, rom.len());
    for (offset, place) in [
        (0, "code, data or filler"),
        (sev - 1, "code, data or filler"),
        (sev, "SEV metadata, header"),
        (sev + 15, "SEV metadata, header"),
        (sev + 16, "SEV metadata, record 0, address"),
        (sev + 32, "SEV metadata, record 1, length"),
        (sev + 51, "SEV metadata, record 2, type"),
        (sev + 52, "code, data or filler"),
        (tdvf - 17, "code, data or filler"),
        (tdvf - 16, "TDVF metadata, header"),
        (tdvf + 15, "TDVF metadata, header"),
        (tdvf + 16, "TDVF metadata, record 0, offset in the file"),
        (tdvf + 22, "TDVF metadata, record 0, length in the file"),
        (tdvf + 48 + 15, "TDVF metadata, record 1, address"),
        (tdvf + 48 + 16, "TDVF metadata, record 1, length in memory"),
        (tdvf + 80 + 24, "TDVF metadata, record 2, type"),
        (tdvf + 80 + 31, "TDVF metadata, record 2, attributes"),
        (tdvf + 112, "code, data or filler"),
        (end - 117, "code, data or filler"),
        (end - 116, "GUID table, entry for TDVF metadata"),
        (end - 94, "GUID table, entry 11111111-1111-1111-1111-111111111111"),
        (end - 51, "GUID table, entry for SEV metadata"),
        (end - 50, "GUID table, footer"),
        (end - 32, "unused bytes before the reset vector"),
        (end - 16, "reset vector"),
        (end - 1, "reset vector"),
        (usize::MAX, "reset vector"),
    ] {
        assert_eq!(map.at(offset).to_string(), place, "{offset:#x}");
    }
}
