//! How `virtio-drivers` reaches shared memory: queues lie in the pool, buffers are bounced through it.

use core::ptr::NonNull;

use enclave_wire::layout::{PCI_BAR_BYTES, PCI_BAR_GPA};
use virtio_drivers::{BufferDirection, Hal, PhysAddr};

use crate::shared::SharedBlock;

/// The pool, as `virtio-drivers` wants it.
#[derive(Debug)]
pub(crate) struct PoolHal;

// SAFETY: blocks of the pool are page-aligned, identity-mapped, not aliased while handed out; addresses of device
// memory are checked to lie in the window that only devices use.
unsafe impl Hal for PoolHal {
    fn dma_alloc(pages: usize, _direction: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let Ok(mut block) = SharedBlock::allocate(pages * virtio_drivers::PAGE_SIZE) else {
            // Address 0 is how this trait says no.
            return (0, NonNull::dangling());
        };
        let zeros = [0; virtio_drivers::PAGE_SIZE];
        (0..pages).for_each(|page| block.write(page * zeros.len(), &zeros));
        let gpa = block.gpa();
        let (base, _) = block.into_raw();
        (gpa, base)
    }

    unsafe fn dma_dealloc(_gpa: PhysAddr, base: NonNull<u8>, pages: usize) -> i32 {
        // SAFETY: the parts come from `dma_alloc`, by this trait's contract.
        drop(unsafe { SharedBlock::from_raw(base, pages) });
        0
    }

    unsafe fn mmio_phys_to_virt(gpa: PhysAddr, bytes: usize) -> NonNull<u8> {
        let end = gpa.checked_add(bytes as u64);
        let inside = gpa >= PCI_BAR_GPA && end.is_some_and(|end| end <= PCI_BAR_GPA + PCI_BAR_BYTES);
        // A device that places its registers elsewhere is broken or hostile; going on would touch private memory.
        assert!(inside, "device registers at {gpa:#x} lie outside of the window for devices");
        pointer_to(gpa).unwrap_or(NonNull::dangling())
    }

    unsafe fn share(buffer: NonNull<[u8]>, direction: BufferDirection) -> PhysAddr {
        let block = SharedBlock::allocate(buffer.len());
        // Queues are dimensioned so that all their buffers fit the pool together: see `queue`.
        assert!(block.is_ok(), "shared pool exhausted: a queue posted more than it was dimensioned for");
        let Ok(mut block) = block else { return 0 };
        if direction != BufferDirection::DeviceToDriver {
            // SAFETY: the buffer is valid for reads while it is shared, by this trait's contract.
            block.write(0, unsafe { buffer.as_ref() });
        }
        let (base, _) = block.into_raw();
        base.as_ptr() as usize as u64
    }

    unsafe fn unshare(gpa: PhysAddr, mut buffer: NonNull<[u8]>, direction: BufferDirection) {
        let Some(base) = pointer_to(gpa) else { return };
        // SAFETY: `gpa` is what `share` returned for this buffer (the driver keeps it in private memory).
        let block =
            unsafe { SharedBlock::from_raw(base, buffer.len().div_ceil(virtio_drivers::PAGE_SIZE).max(1)) };
        if direction != BufferDirection::DriverToDevice {
            // SAFETY: the buffer is valid for writes when it comes back, by this trait's contract.
            block.read(0, unsafe { buffer.as_mut() });
        }
    }
}

/// Shared and device memory are identity-mapped.
fn pointer_to(gpa: PhysAddr) -> Option<NonNull<u8>> {
    let address = usize::try_from(gpa).ok()?;
    NonNull::new(core::ptr::with_exposed_provenance_mut(address))
}
