//! QEMU's file device on a host that lies: files are as long as its directory states, or refused.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use enclave_devices::fw_cfg::FwCfg;
use enclave_wire::boot::{FW_CFG_COMPONENT, FW_CFG_LOG_LEVEL, FW_CFG_MANIFEST};
use enclave_x86::port::PortIo;
use tests_fuzz::host::{read_pool, reset_pool, write_pool};
use tests_fuzz::{Budget, Target};

/// The longest file that is read: the host's word for a length costs so much, and a buffer for one transfer.
const FILE_MAX_BYTES: usize = 4096;
const READ_BYTES: usize = 3 * FILE_MAX_BYTES;

fn main() -> ExitCode {
    Target { name: "fw-cfg", max_bytes: 8192, budget: Budget::with(READ_BYTES), run }.drive()
}

fn run(input: &[u8]) {
    reset_pool();
    HOST.lock().script = input.to_vec();
    let mut device = match FwCfg::open(&HOST) {
        Ok(device) => device,
        Err(error) => return drop(error.to_string()),
    };
    let _ram_bytes = device.ram_bytes();
    for name in [FW_CFG_MANIFEST, FW_CFG_COMPONENT, FW_CFG_LOG_LEVEL] {
        let stated = device.file_bytes(name);
        match device.read_file(name, FILE_MAX_BYTES) {
            Ok(contents) => {
                assert!(contents.len() <= FILE_MAX_BYTES && Some(contents.len()) == stated);
            }
            Err(error) => drop(error.to_string()),
        }
    }
}

static HOST: FileHost = FileHost(Mutex::new(State { script: Vec::new(), descriptor_high: 0 }));

/// Gives out the script, byte by byte at the data port and by DMA.
#[derive(Debug)]
struct FileHost(Mutex<State>);

#[derive(Debug)]
struct State {
    script: Vec<u8>,
    descriptor_high: u32,
}

impl FileHost {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, count: usize) -> Vec<u8> {
        self.script.drain(..count.min(self.script.len())).collect()
    }

    /// Does a transfer; the next byte of the script says how well.
    fn transfer(&mut self, gpa: u64) {
        let length = usize::try_from(u32::from_be_bytes(read_pool(gpa + 4))).unwrap_or(0);
        let address = u64::from_be_bytes(read_pool(gpa + 8));
        match self.take(1).first() {
            // Never unfinished: the guest would only look ten million times.
            None | Some(0xFF) => write_pool(gpa, &1_u32.to_be_bytes()),
            Some(_) => {
                let data = self.take(length);
                write_pool(address, &data);
                write_pool(gpa, &[0; 4]);
            }
        }
    }
}

impl PortIo for FileHost {
    fn write_u8(&self, _port: u16, _value: u8) {}

    fn write_u16(&self, _port: u16, _value: u16) {}

    /// The descriptor's address, high half first, both big endian.
    fn write_u32(&self, port: u16, value: u32) {
        let mut state = self.lock();
        match port {
            0x514 => state.descriptor_high = value.swap_bytes(),
            0x518 => {
                let gpa = u64::from(state.descriptor_high) << 32 | u64::from(value.swap_bytes());
                state.transfer(gpa);
            }
            _ => {}
        }
    }

    fn read_u8(&self, _port: u16) -> u8 {
        self.lock().take(1).first().copied().unwrap_or(0)
    }

    fn read_u32(&self, _port: u16) -> u32 {
        u32::MAX
    }
}
