//! Guest-physical memory map and the shape of the ROM.
//!
//! The map is fixed: the host chooses nothing but the amount of RAM. Less than the manifest states is refused, more is
//! never touched.
//! The same numbers are used by the reset code, by the page tables that `image/rom` emits, and by the metadata that
//! tells SNP and TDX hosts which pages to add at launch.
//!
//! ```text
//! 0x0000_0000  not mapped: null pointers fault
//! 0x0010_0000  boot RAM: secrets page, CPUID page, TD HOB, stacks, .data, .bss, page tables   (pre-validated)
//! 0x0020_0000  shared pool: virtqueues, bounce buffers, GHCB                                   (shared with the host)
//! 0x0060_0000  private memory up to the amount that the manifest states, or up to 2 GiB
//! 0xD000_0000  PCI BARs, assigned by us                                                        (device memory)
//! 4 GiB - ROM  the ROM, executed in place through the top 2 GiB of the address space
//! 4 GiB        private memory beyond the first 2 GiB
//! ```

/// Bytes in a page.
pub const PAGE_BYTES: u64 = 0x1000;
/// Bytes in a large page.
pub const LARGE_PAGE_BYTES: u64 = 0x20_0000;

/// Start of the RAM that is usable before the guest can validate or accept memory.
pub const BOOT_RAM_GPA: u64 = 0x0010_0000;
/// Bytes of boot RAM.
pub const BOOT_RAM_BYTES: u64 = 0x0010_0000;

/// SNP secrets page (SEV metadata section type 2). The loader puts the simulated PSP's page, which has the same layout,
/// into the same place before the guest starts: there the guest can destroy it, which it could not do to a fw_cfg file.
pub const SECRETS_PAGE_GPA: u64 = BOOT_RAM_GPA;
/// SNP CPUID page (SEV metadata section type 3).
pub const CPUID_PAGE_GPA: u64 = SECRETS_PAGE_GPA + PAGE_BYTES;
/// TD hand-off block (TDVF section type 2): QEMU insists on it, we never read it.
pub const TD_HOB_GPA: u64 = CPUID_PAGE_GPA + PAGE_BYTES;
/// Bytes of the TD hand-off block.
pub const TD_HOB_BYTES: u64 = 2 * PAGE_BYTES;
/// Start of what the linker may use in boot RAM (`.data`, `.bss` with stacks and page tables).
pub const BOOT_DATA_GPA: u64 = TD_HOB_GPA + TD_HOB_BYTES;
/// Bytes of linker-managed boot RAM.
pub const BOOT_DATA_BYTES: u64 = BOOT_RAM_GPA + BOOT_RAM_BYTES - BOOT_DATA_GPA;

/// Start of the pool that is shared with the host.
pub const SHARED_POOL_GPA: u64 = 0x0020_0000;
/// Bytes of the shared pool.
pub const SHARED_POOL_BYTES: u64 = 0x0040_0000;

/// Start of the main private memory.
pub const PRIVATE_GPA: u64 = SHARED_POOL_GPA + SHARED_POOL_BYTES;

/// End of the RAM below 4 GiB; the rest lies from [`HIGH_RAM_GPA`] on. Boards place this border differently, so the
/// loader tells QEMU (`max-ram-below-4g`).
pub const LOW_RAM_END_GPA: u64 = 0x8000_0000;
/// Start of the RAM beyond the first 2 GiB.
pub const HIGH_RAM_GPA: u64 = 0x1_0000_0000;
/// The most RAM that the boot page tables map.
pub const RAM_MAX_BYTES: u64 = (attestation_manifest::MEMORY_MAX_MIB as u64) << 20;

/// The two ranges of private memory in a guest with this much RAM, each as first address and first address after. In
/// most guests the second is empty.
#[must_use]
pub const fn private_ranges(ram_bytes: u64) -> [(u64, u64); 2] {
    let low_end = if ram_bytes < LOW_RAM_END_GPA { ram_bytes } else { LOW_RAM_END_GPA };
    [(PRIVATE_GPA, low_end), (HIGH_RAM_GPA, HIGH_RAM_GPA.saturating_add(ram_bytes.saturating_sub(low_end)))]
}

/// Bytes in [`private_ranges`]: the heap of a guest with this much RAM.
#[must_use]
pub const fn heap_bytes(ram_bytes: u64) -> u64 {
    let [(low, low_end), (high, high_end)] = private_ranges(ram_bytes);
    low_end.saturating_sub(low).saturating_add(high_end.saturating_sub(high))
}

/// Where we place PCI BARs.
pub const PCI_BAR_GPA: u64 = 0xD000_0000;
/// Bytes reserved for PCI BARs.
pub const PCI_BAR_BYTES: u64 = 0x0020_0000;

/// First address after the ROM.
pub const ROM_END_GPA: u64 = 0x1_0000_0000;
/// The ROM is always this large; `image/rom` refuses a guest that does not fit. It is a size budget too: SNP measures
/// launched pages one by one, so a larger ROM starts slower.
pub const ROM_BYTES: u64 = 0x002C_0000;
/// First address of the ROM.
pub const ROM_GPA: u64 = ROM_END_GPA - ROM_BYTES;
/// Distance from a guest-physical ROM address to the virtual address at which its code is linked: code-model kernel
/// can only reach the top and the bottom 2 GiB.
pub const ROM_VIRTUAL_OFFSET: u64 = 0xFFFF_FFFF_0000_0000;

/// The last page of the ROM: reset code, GUID table, reset vector.
pub const RESET_PAGE_GPA: u64 = ROM_END_GPA - PAGE_BYTES;
/// Offset in the reset page below which reset code must stay; tables that `image/rom` writes lie above.
pub const RESET_CODE_BYTES: u64 = 0xC00;
/// Pages in one set of boot page tables: PML4, low PDPT, high PDPT, PD of 0-1 GiB, PD of 3-4 GiB.
pub const BOOT_TABLE_PAGES: u64 = 5;
/// Boot page tables with the C-bit in every entry (SNP), directly below the plain set.
pub const BOOT_TABLES_SNP_GPA: u64 = BOOT_TABLES_PLAIN_GPA - BOOT_TABLE_PAGES * PAGE_BYTES;
/// Boot page tables without an encryption bit (TDX and plain), directly below the reset page.
pub const BOOT_TABLES_PLAIN_GPA: u64 = RESET_PAGE_GPA - BOOT_TABLE_PAGES * PAGE_BYTES;
/// First ROM address that linked guest code may not use.
pub const ROM_PAYLOAD_END_GPA: u64 = BOOT_TABLES_SNP_GPA;
/// The C-bit of every SNP processor so far. Pinned, because the position comes from the hypervisor otherwise.
pub const SNP_C_BIT: u32 = 51;

const _: () = assert!(ROM_BYTES.is_multiple_of(0x1_0000), "firmware images are multiples of 64 KiB");
const _: () = assert!(ROM_BYTES <= 0x2C_0000, "the ROM must stay within 2.75 MiB");
const _: () =
    assert!(SHARED_POOL_GPA.is_multiple_of(LARGE_PAGE_BYTES), "the pool is mapped with large pages");
const _: () =
    assert!(PRIVATE_GPA.is_multiple_of(LARGE_PAGE_BYTES), "private memory is mapped with large pages");
const _: () =
    assert!(BOOT_RAM_GPA + BOOT_RAM_BYTES <= SHARED_POOL_GPA, "boot RAM must not reach the shared pool");
const _: () = assert!(LOW_RAM_END_GPA <= PCI_BAR_GPA, "low RAM must not reach the PCI BARs");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_memory_goes_around_devices_and_rom() {
        let mib = |count: u64| count << 20;
        assert_eq!(private_ranges(mib(64)), [(PRIVATE_GPA, mib(64)), (HIGH_RAM_GPA, HIGH_RAM_GPA)]);
        assert_eq!((heap_bytes(mib(64)), heap_bytes(mib(3000))), (mib(58), mib(2994)));
        assert_eq!(private_ranges(mib(2048))[1], (HIGH_RAM_GPA, HIGH_RAM_GPA));
        assert_eq!(
            private_ranges(mib(2050)),
            [(PRIVATE_GPA, LOW_RAM_END_GPA), (HIGH_RAM_GPA, HIGH_RAM_GPA + mib(2))]
        );
    }
}
