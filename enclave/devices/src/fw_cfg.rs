//! QEMU's firmware configuration device: named files, read by DMA through the shared pool.
//!
//! Spec: QEMU `docs/specs/fw_cfg.rst`. Everything read is the host's word; callers hash it before they use it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use enclave_x86::port::PortIo;

use crate::DeviceError;
use crate::shared::SharedBlock;

const SELECTOR_PORT: u16 = 0x510;
const DATA_PORT: u16 = 0x511;
const DMA_PORT_HIGH: u16 = 0x514;
const DMA_PORT_LOW: u16 = 0x518;

const KEY_SIGNATURE: u16 = 0x00;
const KEY_ID: u16 = 0x01;
const KEY_RAM_BYTES: u16 = 0x03;
const KEY_FILE_DIRECTORY: u16 = 0x19;

const ID_DMA: u8 = 1 << 1;
const CONTROL_ERROR: u32 = 1 << 0;
const CONTROL_READ: u32 = 1 << 1;
const CONTROL_SELECT: u32 = 1 << 3;

/// More files than any launch has; a host that states more is wrong.
const FILES_MAX: u32 = 256;
const ENTRY_BYTES: usize = 64;
const NAME_BYTES: usize = 56;
/// One DMA transfer.
const CHUNK_BYTES: usize = 256 * 1024;
/// Offset of the data in the bounce block; the DMA descriptor lies before it.
const DATA_OFFSET: usize = 4096;
/// QEMU completes a transfer before the port write returns; others get this many looks.
const COMPLETION_POLLS: u32 = 10_000_000;

/// The device, with its directory read.
#[derive(Debug)]
pub struct FwCfg {
    ports: &'static dyn PortIo,
    bounce: SharedBlock,
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    name: String,
    key: u16,
    bytes: usize,
}

impl FwCfg {
    /// Finds the device and reads its directory.
    ///
    /// # Errors
    /// There is none, it has no DMA, or its directory makes no sense.
    pub fn open(ports: &'static dyn PortIo) -> Result<Self, DeviceError> {
        let mut device =
            Self { ports, bounce: SharedBlock::allocate(DATA_OFFSET + CHUNK_BYTES)?, files: Vec::new() };
        if device.read_register::<4>(KEY_SIGNATURE) != *b"QEMU" {
            return Err(DeviceError::Missing { device: "fw_cfg" });
        }
        if device.read_register::<1>(KEY_ID)[0] & ID_DMA == 0 {
            return Err(DeviceError::FeatureMissing { device: "fw_cfg", feature: "DMA" });
        }
        device.read_directory()?;
        Ok(device)
    }

    /// How much RAM the machine has, as the host states it.
    #[must_use]
    pub fn ram_bytes(&self) -> u64 {
        u64::from_le_bytes(self.read_register(KEY_RAM_BYTES))
    }

    /// Length of a file as the host states it; `None` when there is no such file.
    #[must_use]
    pub fn file_bytes(&self, name: &str) -> Option<usize> {
        self.find(name).map(|file| file.bytes)
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// No such file, longer than `max_bytes`, or the transfer failed.
    pub fn read_file(&mut self, name: &str, max_bytes: usize) -> Result<Vec<u8>, DeviceError> {
        let mut contents = Vec::new();
        self.stream_file(name, max_bytes, |chunk| contents.extend_from_slice(chunk))?;
        Ok(contents)
    }

    /// Reads a file chunk by chunk, without keeping it.
    ///
    /// # Errors
    /// As [`Self::read_file`].
    pub fn stream_file(
        &mut self,
        name: &str,
        max_bytes: usize,
        mut consume: impl FnMut(&[u8]),
    ) -> Result<(), DeviceError> {
        let problem = |problem| DeviceError::FwCfg { item: name.to_string(), problem };
        let file = self.find(name).ok_or(problem("no such file"))?;
        let (key, bytes) = (file.key, file.bytes);
        if bytes > max_bytes {
            return Err(DeviceError::FwCfgTooLong {
                item: name.to_string(),
                expected: max_bytes,
                found: bytes,
            });
        }
        let mut select = Some(key);
        let mut left = bytes;
        let mut chunk = alloc::vec![0; left.min(CHUNK_BYTES)];
        while left > 0 {
            let count = left.min(CHUNK_BYTES);
            self.transfer(select.take(), count).map_err(problem)?;
            let chunk = chunk.get_mut(..count).ok_or(problem("impossible length"))?;
            self.bounce.read(DATA_OFFSET, chunk);
            consume(chunk);
            left -= count;
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.name == name)
    }

    fn read_register<const N: usize>(&self, key: u16) -> [u8; N] {
        self.ports.write_u16(SELECTOR_PORT, key);
        core::array::from_fn(|_| self.ports.read_u8(DATA_PORT))
    }

    fn read_directory(&mut self) -> Result<(), DeviceError> {
        let problem = |problem| DeviceError::FwCfg { item: "file directory".to_string(), problem };
        let count = u32::from_be_bytes(self.read_register::<4>(KEY_FILE_DIRECTORY));
        if count > FILES_MAX {
            return Err(problem("states more files than any launch has"));
        }
        // The selector stays where the count ended, so the entries follow.
        for _ in 0..count {
            self.transfer(None, ENTRY_BYTES).map_err(problem)?;
            let mut entry = [0; ENTRY_BYTES];
            self.bounce.read(DATA_OFFSET, &mut entry);
            self.files.extend(File::parse(&entry));
        }
        Ok(())
    }

    /// Reads the next `bytes` of the selected item, or of `select` from its beginning, into the bounce block.
    fn transfer(&mut self, select: Option<u16>, bytes: usize) -> Result<(), &'static str> {
        let control = match select {
            Some(key) => u32::from(key) << 16 | CONTROL_SELECT | CONTROL_READ,
            None => CONTROL_READ,
        };
        let gpa = self.bounce.gpa();
        let mut descriptor = [0; 16];
        let fields = [control.to_be_bytes(), u32::try_from(bytes).unwrap_or(0).to_be_bytes()];
        descriptor[..4].copy_from_slice(&fields[0]);
        descriptor[4..8].copy_from_slice(&fields[1]);
        descriptor[8..].copy_from_slice(&(gpa + DATA_OFFSET as u64).to_be_bytes());
        self.bounce.write(0, &descriptor);
        let [high, low] = [(gpa >> 32) as u32, (gpa & 0xFFFF_FFFF) as u32];
        self.ports.write_u32(DMA_PORT_HIGH, high.to_be());
        self.ports.write_u32(DMA_PORT_LOW, low.to_be());
        self.wait()
    }

    fn wait(&self) -> Result<(), &'static str> {
        for _ in 0..COMPLETION_POLLS {
            let mut control = [0; 4];
            self.bounce.read(0, &mut control);
            match u32::from_be_bytes(control) {
                0 => return Ok(()),
                control if control & CONTROL_ERROR != 0 => return Err("the device reported an error"),
                _ => core::hint::spin_loop(),
            }
        }
        Err("the device did not finish a transfer")
    }
}

impl File {
    /// Entries: u32 size, u16 key, u16 reserved, name padded with zeros; big endian.
    fn parse(entry: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let (size, rest) = entry.split_first_chunk::<4>()?;
        let (key, rest) = rest.split_first_chunk::<2>()?;
        let name = rest.get(2..2 + NAME_BYTES)?;
        let name = core::str::from_utf8(name.split(|byte| *byte == 0).next()?).ok()?;
        Some(Self {
            name: name.to_string(),
            key: u16::from_be_bytes(*key),
            bytes: usize::try_from(u32::from_be_bytes(*size)).ok()?,
        })
    }
}

#[cfg(test)]
mod tests;
