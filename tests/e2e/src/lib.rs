//! End-to-end and hostile-host tests of the shipping ROM under QEMU.
