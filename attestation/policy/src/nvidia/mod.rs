//! Rules for NVIDIA's GPUs and switches. Each device of a machine is held to them.

mod decide;

use alloc::vec::Vec;

use crate::rules::{Section, rules};
use crate::terms::{OneOf, Presence, Text};
use crate::{Described, PolicyError};

/// Which evidence of NVIDIA is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NvidiaPolicy {
    /// The hardware.
    pub device: DeviceRules,
    /// What runs on it.
    pub firmware: FirmwareRules,
    /// When all this was, and what it belongs to.
    pub freshness: FreshnessRules,
}

/// How evidence of devices and evidence of a CPU belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// There is none of a CPU.
    Alone,
    /// There is, and nothing ties the two to each other.
    Unbound,
    /// The CPU's report binds the nonce that the devices answered.
    Bound,
}

rules! {
    /// The hardware, by the certificates of its key.
    pub struct DeviceRules("nvidia.device") {
        /// Products: `GH100`, `GB100`, `LS10`.
        products: OneOf<Text>,
        /// Serial numbers of chips, as the device's certificate has them.
        serial_numbers: OneOf<Text>,
        /// How the GPUs and switches of a machine name each other is complete and mutual.
        topology: Presence,
    }
}

rules! {
    /// What runs on it.
    pub struct FirmwareRules("nvidia.firmware") {
        /// Versions of the driver, of GPUs.
        drivers: OneOf<Text>,
        /// Versions of the VBIOS, or of the BIOS of switches.
        vbioses: OneOf<Text>,
        /// A manifest of NVIDIA's for all that runs (RIM): driver and VBIOS, or BIOS.
        manifests: Presence,
        /// Every golden value of the manifests is in the report.
        golden_values: Presence,
        /// A manifest whose signer is out of date. NVIDIA signs them again under the same name.
        expired_signers: Presence,
        /// The identity of the firmware in the report, the same as in the certificate. Drivers before 550 have none.
        fwid: Presence,
    }
}

rules! {
    /// When all this was, and what it belongs to.
    pub struct FreshnessRules("nvidia.freshness") {
        /// An answer to a challenge of the verifier's.
        challenge: Presence,
        /// A signed answer that no certificate is revoked (OCSP). This verifier reads none: required, it refuses all.
        ocsp: Presence,
        /// Bytes behind the report, which nobody signed.
        trailing_bytes: Presence,
        /// Evidence of the CPU beside it, which binds the nonce that the device answered. A device answers whoever asks it:
        /// without that it may stand anywhere.
        cpu_binding: Presence,
    }
}

impl NvidiaPolicy {
    pub(crate) fn read(section: &mut Section<'_>) -> Result<Self, PolicyError> {
        Ok(Self {
            device: section.section("device", DeviceRules::read)?,
            firmware: section.section("firmware", FirmwareRules::read)?,
            freshness: section.section("freshness", FreshnessRules::read)?,
        })
    }

    pub(crate) fn describe(&self, into: &mut Vec<Described>) {
        self.device.describe(into);
        self.firmware.describe(into);
        self.freshness.describe(into);
    }
}
