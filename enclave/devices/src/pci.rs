//! PCI bus 0: finding virtio devices, giving them addresses.
//!
//! No firmware ran before us, so BARs are unassigned. We place them one after the other in a window of our own and
//! believe neither their sizes nor their number.

use alloc::format;

use enclave_wire::layout::{PCI_BAR_BYTES, PCI_BAR_GPA};
use enclave_x86::port::PortIo;
use virtio_drivers::transport::DeviceType;
use virtio_drivers::transport::pci::bus::{
    BarInfo, Command, ConfigurationAccess, DeviceFunction, MemoryBarType, PciRoot,
};
use virtio_drivers::transport::pci::{PciTransport, virtio_device_type};

use crate::DeviceError;
use crate::hal::PoolHal;

const CONFIG_ADDRESS: u16 = 0xCF8;
const CONFIG_DATA: u16 = 0xCFC;
const CONFIG_ENABLE: u32 = 1 << 31;

/// The bus, and how much of the window is given out.
#[derive(Debug)]
pub struct PciBus {
    root: PciRoot<ConfigPorts>,
    next_gpa: u64,
}

#[derive(Debug)]
struct ConfigPorts(&'static dyn PortIo);

impl PciBus {
    /// The bus behind the configuration ports.
    #[must_use]
    pub fn new(ports: &'static dyn PortIo) -> Self {
        Self { root: PciRoot::new(ConfigPorts(ports)), next_gpa: PCI_BAR_GPA }
    }

    /// The first virtio device of a type, with its BARs assigned and decoding on; `None` when there is none.
    ///
    /// # Errors
    /// Its BARs do not fit the window, or its capabilities make no sense.
    pub(crate) fn open(&mut self, wanted: DeviceType) -> Result<Option<PciTransport>, DeviceError> {
        let found = self.root.enumerate_bus(0).find(|(_, info)| virtio_device_type(info) == Some(wanted));
        let Some((function, _)) = found else { return Ok(None) };
        self.assign_bars(function)?;
        self.root.set_command(function, Command::MEMORY_SPACE | Command::BUS_MASTER);
        PciTransport::new::<PoolHal, _>(&mut self.root, function)
            .map(Some)
            .map_err(|error| DeviceError::Pci(format!("{function}: {error}")))
    }

    fn assign_bars(&mut self, function: DeviceFunction) -> Result<(), DeviceError> {
        let bars =
            self.root.bars(function).map_err(|error| DeviceError::Pci(format!("{function}: {error}")))?;
        for (index, bar) in (0_u8..).zip(bars) {
            let Some(BarInfo::Memory { address_type, size, .. }) = bar else { continue };
            if size == 0 {
                continue;
            }
            let gpa = self.take_window(function, index, size)?;
            match address_type {
                MemoryBarType::Width64 => self.root.set_bar_64(function, index, gpa),
                // The window lies below 4 GiB.
                _ => self.root.set_bar_32(function, index, u32::try_from(gpa).unwrap_or(u32::MAX)),
            }
            self.check_bar(function, index, gpa)?;
        }
        Ok(())
    }

    /// The transport will read the address again: a device that does not keep it is refused here, by name.
    fn check_bar(&mut self, function: DeviceFunction, index: u8, expected: u64) -> Result<(), DeviceError> {
        let bar = self.root.bar_info(function, index);
        match bar.map_err(|error| DeviceError::Pci(format!("{function}: {error}")))? {
            Some(BarInfo::Memory { address, .. }) if address == expected => Ok(()),
            found => Err(DeviceError::Pci(format!(
                "{function}: BAR {index}: expected address {expected:#x}, found {found:x?}"
            ))),
        }
    }

    /// BARs are naturally aligned powers of two.
    fn take_window(&mut self, function: DeviceFunction, index: u8, bytes: u64) -> Result<u64, DeviceError> {
        let gpa = self.next_gpa.checked_next_multiple_of(bytes);
        let end = gpa.and_then(|gpa| gpa.checked_add(bytes));
        match (gpa, end) {
            (Some(gpa), Some(end)) if bytes.is_power_of_two() && end <= PCI_BAR_GPA + PCI_BAR_BYTES => {
                self.next_gpa = end;
                Ok(gpa)
            }
            _ => Err(DeviceError::Pci(format!(
                "{function}: BAR {index} of {bytes:#x} bytes does not fit the window"
            ))),
        }
    }
}

impl ConfigPorts {
    fn select(&self, function: DeviceFunction, offset: u8) {
        let address = CONFIG_ENABLE
            | u32::from(function.bus) << 16
            | u32::from(function.device) << 11
            | u32::from(function.function) << 8
            | u32::from(offset & 0xFC);
        self.0.write_u32(CONFIG_ADDRESS, address);
    }
}

impl ConfigurationAccess for ConfigPorts {
    fn read_word(&self, function: DeviceFunction, offset: u8) -> u32 {
        self.select(function, offset);
        self.0.read_u32(CONFIG_DATA)
    }

    fn write_word(&mut self, function: DeviceFunction, offset: u8, data: u32) {
        self.select(function, offset);
        self.0.write_u32(CONFIG_DATA, data);
    }

    unsafe fn unsafe_clone(&self) -> Self {
        Self(self.0)
    }
}

#[cfg(test)]
mod tests;
