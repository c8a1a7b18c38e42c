//! The guest's final page tables: W^X, guard pages, encryption bits.
//!
//! Spec: Intel SDM volume 3, chapter 5 (4-level paging); AMD APM volume 2, section 15.34 (C-bit); Intel TDX module base
//! specification, "GPA space" (shared bit).

mod space;

pub use space::{Access, AddressSpace, Encryption, PagingError, Range, Sharing, TableMemory, Translation};

#[cfg(target_os = "none")]
pub use live::{
    AddressSpaceLayout, dangerous_for_each_written, give_tables, install, map, protect, take_written,
};

#[cfg(target_os = "none")]
mod live {
    //! The address space that the processor uses.

    use core::cell::UnsafeCell;

    use enclave_wire::layout;
    use x86_64::registers::control::{Cr3, Cr3Flags, Cr4, Cr4Flags, Efer, EferFlags};
    use x86_64::structures::paging::PhysFrame;
    use x86_64::{PhysAddr, VirtAddr};

    use super::{Access, AddressSpace, Encryption, PagingError, Range, Sharing, TableMemory};

    /// Tables kept in boot RAM: 6 for the fixed ranges, 2 for the ROM, one for boot RAM, one per GiB (16), and one for
    /// each large page that guard pages or code cut into small ones.
    const TABLE_COUNT: usize = 56;
    const ENTRIES: usize = 512;

    #[repr(C, align(4096))]
    struct TablePages(UnsafeCell<[[u64; ENTRIES]; TABLE_COUNT]>);

    // SAFETY: reached only through `StaticTables`, of which `SPACE` holds the only one, behind its lock.
    unsafe impl Sync for TablePages {}

    static PAGES: TablePages = TablePages(UnsafeCell::new([[0; ENTRIES]; TABLE_COUNT]));
    static SPACE: spin::Mutex<Option<AddressSpace<StaticTables>>> = spin::Mutex::new(None);

    /// What the linker placed where.
    #[derive(Debug, Clone, Copy)]
    pub struct AddressSpaceLayout<'a> {
        /// Code, at its virtual address in the top 2 GiB.
        pub text: Range,
        /// Constants, likewise.
        pub rodata: Range,
        /// The pages below stacks in boot RAM, which stay unmapped.
        pub guards: &'a [Range],
        /// How private and shared memory are told apart.
        pub encryption: Encryption,
    }

    /// Builds the final tables and loads them: fixed ranges only; private memory follows with [`map`].
    ///
    /// # Errors
    /// The ranges are not page-aligned or the tables do not suffice; both are faults of the build.
    pub fn install(layout: &AddressSpaceLayout<'_>) -> Result<(), PagingError> {
        let mut space = AddressSpace::new(StaticTables { used: 0, more: NOTHING }, layout.encryption)?;
        let rom = |va: Range| va.start - layout::ROM_VIRTUAL_OFFSET;
        space.map(
            layout.text.start,
            rom(layout.text),
            layout.text.bytes(),
            Access::Execute,
            Sharing::Private,
        )?;
        space.map(
            layout.rodata.start,
            rom(layout.rodata),
            layout.rodata.bytes(),
            Access::Read,
            Sharing::Private,
        )?;
        let identity = [
            (layout::BOOT_RAM_GPA, layout::BOOT_RAM_BYTES, Sharing::Private),
            (layout::SHARED_POOL_GPA, layout::SHARED_POOL_BYTES, Sharing::Shared),
            (layout::PCI_BAR_GPA, layout::PCI_BAR_BYTES, Sharing::Device),
        ];
        for (start, bytes, sharing) in identity {
            space.map(start, start, bytes, Access::ReadWrite, sharing)?;
        }
        for guard in layout.guards {
            space.protect(guard.start, guard.bytes(), Access::None)?;
        }
        // SAFETY: changes how entries are read; the boot tables have no bit that NXE or WP gives another meaning.
        unsafe { Efer::update(|flags| flags.insert(EferFlags::NO_EXECUTE_ENABLE)) }
        harden();
        // SAFETY: the tables map the running code, its constants, its stack and its data as they were mapped.
        unsafe { Cr3::write(PhysFrame::containing_address(PhysAddr::new(space.root())), Cr3Flags::empty()) }
        *SPACE.lock() = Some(space);
        Ok(())
    }

    /// Supervisor execution prevention and friends, where the processor has them: there is no user mode, so they only
    /// turn corrupted tables into faults.
    fn harden() {
        let leaf7 = crate::cpu::cpuid(7, 0);
        // SAFETY: no page is marked as user, so neither flag changes what is allowed.
        unsafe {
            Cr4::update(|flags| {
                flags.set(Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION, leaf7.ebx & (1 << 7) != 0);
                flags.set(Cr4Flags::USER_MODE_INSTRUCTION_PREVENTION, leaf7.ecx & (1 << 2) != 0);
            });
        }
    }

    /// Adds a mapping.
    ///
    /// # Errors
    /// Misaligned, already mapped, or out of tables.
    ///
    /// # Safety
    /// The physical range is RAM of this guest in the stated sharing, and no other mapping of it is in use by safe
    /// code.
    pub unsafe fn map(
        va: u64,
        pa: u64,
        bytes: u64,
        access: Access,
        sharing: Sharing,
    ) -> Result<(), PagingError> {
        // A mapping that was absent is not cached, so nothing needs flushing.
        with_space(|space| space.map(va, pa, bytes, access, sharing))
    }

    /// Changes what a mapped range allows.
    ///
    /// # Errors
    /// Misaligned, not mapped, or out of tables.
    ///
    /// # Safety
    /// No live reference may be used against the new access, and a range made executable holds only code that was
    /// meant to run.
    pub unsafe fn protect(va: u64, bytes: u64, access: Access) -> Result<(), PagingError> {
        with_space(|space| space.protect(va, bytes, access))?;
        x86_64::instructions::tlb::flush_all();
        Ok(())
    }

    /// Adds pages for tables to those in boot RAM; once, and in whole pages. They are not cleared when the guest ends: they
    /// say only what was mapped.
    ///
    /// # Errors
    /// Not whole pages, or the tables are not installed.
    ///
    /// # Safety
    /// The range is identity-mapped private memory, zeroed, and belongs to nobody else for as long as the guest lives.
    pub unsafe fn give_tables(range: Range) -> Result<(), PagingError> {
        if [range.start, range.end].into_iter().any(|end| !end.is_multiple_of(layout::PAGE_BYTES)) {
            return Err(PagingError::Misaligned { va: range.start, bytes: range.bytes() });
        }
        with_space(|space| {
            space.tables_mut().more = range;
            Ok(())
        })?;
        *GIVEN.lock() = range;
        Ok(())
    }

    /// Calls `visit` with each page of `range` that was written to under the final tables, but for tables. For use when the
    /// guest ends: takes the tables from whoever holds them.
    pub fn dangerous_for_each_written(range: Range, visit: &mut dyn FnMut(Range)) {
        // SAFETY: one processor, and whoever holds the lock is not going to continue.
        unsafe { SPACE.force_unlock() }
        if let Some(space) = SPACE.lock().as_ref() {
            // SAFETY: likewise.
            unsafe { GIVEN.force_unlock() }
            let tables = *GIVEN.lock();
            space.for_each_written(range, &mut |written| {
                written
                    .without(tables)
                    .into_iter()
                    .filter(|part| part.start < part.end)
                    .for_each(&mut *visit);
            });
        }
    }

    /// Calls `clear` with each page, or part of one, in `range` that was written to since it was cleared last.
    ///
    /// # Errors
    /// The tables are not installed.
    ///
    /// # Safety
    /// `clear` empties what it gets and touches no page tables: pages that lie in the range as a whole count as never
    /// written to afterwards, also when the guest ends and clears what was.
    pub unsafe fn take_written(range: Range, clear: &mut dyn FnMut(Range)) -> Result<(), PagingError> {
        let mut forget = |page| x86_64::instructions::tlb::flush(VirtAddr::new_truncate(page));
        with_space(|space| {
            space.take_written(range, clear, &mut forget);
            Ok(())
        })
    }

    fn with_space<T>(
        change: impl FnOnce(&mut AddressSpace<StaticTables>) -> Result<T, PagingError>,
    ) -> Result<T, PagingError> {
        change(SPACE.lock().as_mut().ok_or(PagingError::NotInstalled)?)
    }

    #[derive(Debug)]
    struct StaticTables {
        used: usize,
        /// Pages that were given later and not used yet.
        more: Range,
    }

    /// Given by [`give_tables`].
    static GIVEN: spin::Mutex<Range> = spin::Mutex::new(NOTHING);
    const NOTHING: Range = Range { start: 0, end: 0 };

    impl StaticTables {
        fn entry(table_gpa: u64, index: usize) -> *mut u64 {
            debug_assert!(index < ENTRIES, "index comes from 9 bits");
            // Boot RAM is identity-mapped: a table's address is also a pointer.
            let address = usize::try_from(table_gpa).unwrap_or(0);
            core::ptr::with_exposed_provenance_mut::<u64>(address).wrapping_add(index)
        }
    }

    impl TableMemory for StaticTables {
        fn allocate(&mut self) -> Option<u64> {
            if self.used == TABLE_COUNT {
                let page = self.more.start;
                let is_left = page < self.more.end;
                self.more.start += if is_left { layout::PAGE_BYTES } else { 0 };
                return is_left.then_some(page);
            }
            let page = PAGES.0.get().cast::<[u64; ENTRIES]>().wrapping_add(self.used);
            self.used += 1;
            Some(page as usize as u64)
        }

        fn read(&self, table_gpa: u64, index: usize) -> u64 {
            // SAFETY: `AddressSpace` only passes addresses that `allocate` gave it, and 9-bit indices.
            unsafe { Self::entry(table_gpa, index).read_volatile() }
        }

        fn write(&mut self, table_gpa: u64, index: usize, entry: u64) {
            // SAFETY: as in `read`; `self` is the only owner of the pages.
            unsafe { Self::entry(table_gpa, index).write_volatile(entry) }
        }
    }
}
