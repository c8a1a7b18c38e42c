//! Launches and drives one guest under QEMU.
