//! End-to-end and hostile-host tests of the shipping ROM under QEMU: see `tests/guest`.
#![forbid(unsafe_code)]
