//! A device on the other side of the ports, truthful and lying.

use std::sync::Mutex;

use super::*;
use crate::shared::tests::init_test_pool;

/// Items by key, and what is read next.
#[derive(Debug)]
struct FakeDevice(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    items: Vec<(u16, Vec<u8>)>,
    key: u16,
    offset: usize,
    /// High half of the descriptor's address.
    high: u32,
    transfers: u32,
    /// What the control word becomes instead of 0.
    answer: Option<u32>,
}

impl FakeDevice {
    fn new(items: Vec<(u16, Vec<u8>)>) -> &'static Self {
        init_test_pool();
        Box::leak(Box::new(Self(Mutex::new(State { items, ..State::default() }))))
    }

    /// With `files` under keys from 0x20 on.
    fn with_files(files: &[(&str, &[u8])]) -> &'static Self {
        let mut directory = u32::try_from(files.len()).unwrap().to_be_bytes().to_vec();
        let mut items = vec![(KEY_SIGNATURE, b"QEMU".to_vec()), (KEY_ID, vec![3])];
        for (key, (name, contents)) in (0x20..).zip(files) {
            directory.extend(u32::try_from(contents.len()).unwrap().to_be_bytes());
            directory.extend(u16::to_be_bytes(key));
            directory.extend([0, 0]);
            let mut padded = [0; NAME_BYTES];
            padded[..name.len()].copy_from_slice(name.as_bytes());
            directory.extend(padded);
            items.push((key, contents.to_vec()));
        }
        items.push((KEY_FILE_DIRECTORY, directory));
        Self::new(items)
    }
}

impl State {
    fn next(&mut self) -> u8 {
        let item = self.items.iter().find(|(key, _)| *key == self.key);
        let byte = item.and_then(|(_, bytes)| bytes.get(self.offset)).copied().unwrap_or(0);
        self.offset += 1;
        byte
    }

    fn transfer(&mut self, descriptor: u64) {
        self.transfers += 1;
        let word = |offset: u64| {
            let address = usize::try_from(descriptor + offset).unwrap();
            // SAFETY: the descriptor lies in the test pool, which is never unmapped.
            u32::from_be_bytes(unsafe {
                core::ptr::with_exposed_provenance::<[u8; 4]>(address).read_volatile()
            })
        };
        let (control, bytes, target) = (word(0), word(4), u64::from(word(8)) << 32 | u64::from(word(12)));
        if control & CONTROL_SELECT != 0 {
            (self.key, self.offset) = (u16::try_from(control >> 16).unwrap(), 0);
        }
        for index in 0..u64::from(bytes) {
            let address = usize::try_from(target + index).unwrap();
            let byte = self.next();
            // SAFETY: as above.
            unsafe { core::ptr::with_exposed_provenance_mut::<u8>(address).write_volatile(byte) }
        }
        let answer = self.answer.unwrap_or(0).to_be_bytes();
        let address = usize::try_from(descriptor).unwrap();
        // SAFETY: as above.
        unsafe { core::ptr::with_exposed_provenance_mut::<[u8; 4]>(address).write_volatile(answer) }
    }
}

impl PortIo for FakeDevice {
    fn write_u8(&self, _port: u16, _value: u8) {}

    fn write_u16(&self, port: u16, value: u16) {
        assert_eq!(port, SELECTOR_PORT);
        let mut state = self.0.lock().unwrap();
        (state.key, state.offset) = (value, 0);
    }

    fn write_u32(&self, port: u16, value: u32) {
        let mut state = self.0.lock().unwrap();
        match port {
            DMA_PORT_HIGH => state.high = u32::from_be(value),
            DMA_PORT_LOW => {
                let descriptor = u64::from(state.high) << 32 | u64::from(u32::from_be(value));
                state.transfer(descriptor);
            }
            other => panic!("port {other:#x}"),
        }
    }

    fn read_u8(&self, port: u16) -> u8 {
        assert_eq!(port, DATA_PORT);
        self.0.lock().unwrap().next()
    }

    fn read_u32(&self, _port: u16) -> u32 {
        0
    }
}

#[test]
fn files_come_whole_and_in_pieces() {
    let long: Vec<u8> = (0..=250).cycle().take(2 * CHUNK_BYTES + 5).collect();
    let device = FakeDevice::with_files(&[("opt/a", b"short"), ("opt/b", &long), ("opt/empty", b"")]);
    let mut config = FwCfg::open(device).unwrap();
    assert_eq!(config.read_file("opt/a", 5).unwrap(), b"short");
    assert_eq!(config.file_bytes("opt/b"), Some(long.len()));
    let before = device.0.lock().unwrap().transfers;
    assert_eq!(config.read_file("opt/b", long.len()).unwrap(), long);
    assert_eq!(device.0.lock().unwrap().transfers - before, 3);
    assert_eq!(config.read_file("opt/empty", 0).unwrap(), b"");
    assert!(matches!(config.read_file("opt/c", 5), Err(DeviceError::FwCfg { problem: "no such file", .. })));
}

#[test]
fn lengths_are_limited_before_anything_is_read() {
    let device = FakeDevice::with_files(&[("opt/a", b"longer")]);
    let mut config = FwCfg::open(device).unwrap();
    let before = device.0.lock().unwrap().transfers;
    let too_long = DeviceError::FwCfgTooLong { item: "opt/a".into(), expected: 5, found: 6 };
    assert_eq!(config.read_file("opt/a", 5), Err(too_long));
    assert_eq!(device.0.lock().unwrap().transfers, before);
}

#[test]
fn endless_directories_are_refused() {
    let items = |count: u32| {
        let directory = count.to_be_bytes().to_vec();
        vec![(KEY_SIGNATURE, b"QEMU".to_vec()), (KEY_ID, vec![2]), (KEY_FILE_DIRECTORY, directory)]
    };
    let error = FwCfg::open(FakeDevice::new(items(FILES_MAX + 1))).unwrap_err();
    assert!(error.to_string().contains("more files than any launch has"), "{error}");
    assert!(FwCfg::open(FakeDevice::new(items(FILES_MAX))).is_ok());
}

#[test]
fn devices_that_are_none_or_cannot_do_it() {
    let device = |signature: &[u8], id: u8| {
        FwCfg::open(FakeDevice::new(vec![(KEY_SIGNATURE, signature.to_vec()), (KEY_ID, vec![id])]))
    };
    assert_eq!(device(b"qemu", 3).unwrap_err(), DeviceError::Missing { device: "fw_cfg" });
    assert!(matches!(device(b"QEMU", 1), Err(DeviceError::FeatureMissing { feature: "DMA", .. })));
}

#[test]
fn transfers_that_fail_or_never_end() {
    for (answer, words) in [(CONTROL_ERROR, "reported an error"), (CONTROL_READ, "did not finish")] {
        let device = FakeDevice::with_files(&[("opt/a", b"short")]);
        let mut config = FwCfg::open(device).unwrap();
        device.0.lock().unwrap().answer = Some(answer);
        let error = config.read_file("opt/a", 5).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn directory_entries_parse_or_are_passed_over() {
    let mut entry = [0; ENTRY_BYTES];
    entry[..8].copy_from_slice(&[0, 0, 1, 2, 0, 0x25, 0, 0]);
    entry[8..8 + 20].copy_from_slice(b"opt/redoubt/manifest");
    let file = File::parse(&entry).unwrap();
    assert_eq!((file.name.as_str(), file.key, file.bytes), ("opt/redoubt/manifest", 0x25, 0x102));
    entry[8] = 0xFF;
    assert!(File::parse(&entry).is_none());
    // A name without a terminator ends with the entry.
    let entry = [b'a'; ENTRY_BYTES];
    assert_eq!(File::parse(&entry).unwrap().name.len(), NAME_BYTES);
}
