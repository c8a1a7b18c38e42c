//! What a device, and so the host, can do wrong.

use alloc::string::String;

/// A device that is missing or breaks the rules. The host is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// There is no such device.
    #[error("{device}: not found")]
    Missing {
        /// Which.
        device: &'static str,
    },
    /// The device lacks a feature that the guest insists on.
    #[error("{device}: the device does not offer {feature}")]
    FeatureMissing {
        /// Which device.
        device: &'static str,
        /// Which feature.
        feature: &'static str,
    },
    /// The device lacks features that its driver needs.
    #[error("{device}: expected feature bits {expected:#x}, found {found:#x}")]
    FeatureBits {
        /// Which device.
        device: &'static str,
        /// Bits that the driver needs.
        expected: u64,
        /// Bits that the device offers.
        found: u64,
    },
    /// The device handed back a buffer that it was not given.
    #[error("{device}: the device returned buffer {token}, which it does not have")]
    ForeignBuffer {
        /// Which device.
        device: &'static str,
        /// The number it returned.
        token: u16,
    },
    /// The virtqueue code refused.
    #[error("{device}: {cause}")]
    Queue {
        /// Which device.
        device: &'static str,
        /// What it refused.
        cause: virtio_drivers::Error,
    },
    /// PCI configuration that cannot be used.
    #[error("PCI: {0}")]
    Pci(String),
    /// fw_cfg answered with an error or not at all.
    #[error("fw_cfg {item}: {problem}")]
    FwCfg {
        /// File or register.
        item: String,
        /// What was wrong.
        problem: &'static str,
    },
    /// A fw_cfg file is larger than what its reader allows.
    #[error("fw_cfg {item}: expected at most {expected} bytes, found {found}")]
    FwCfgTooLong {
        /// File.
        item: String,
        /// Limit.
        expected: usize,
        /// Length that the host states.
        found: usize,
    },
    /// The pool of shared memory is used up.
    #[error("shared pool: no {pages} pages in a row left")]
    PoolExhausted {
        /// How many were asked for.
        pages: usize,
    },
}
