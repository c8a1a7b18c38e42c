//! A configuration space on the other side of the ports, truthful and lying.

use std::sync::Mutex;

use super::*;

/// Words of one function's configuration space.
const WORDS: usize = 64;
const BAR0: usize = 4;
const VENDOR_VIRTIO: u32 = 0x1AF4;
/// Device type 3 of modern virtio.
const DEVICE_CONSOLE: u32 = 0x1043;

/// One virtio console at 00:00.0 with BARs of given sizes, and nothing else on the bus.
#[derive(Debug)]
struct FakeBus(Mutex<Function>);

#[derive(Debug)]
struct Function {
    selected: u32,
    words: [u32; WORDS],
    /// Bits of each BAR that can be written.
    bar_masks: [u32; 6],
    /// Whether BARs forget what was written.
    forgets: bool,
}

impl FakeBus {
    /// `bars`: type bits and size.
    fn with_bars(bars: &[(u32, u32)], forgets: bool) -> &'static Self {
        let mut words = [0; WORDS];
        words[0] = DEVICE_CONSOLE << 16 | VENDOR_VIRTIO;
        let mut bar_masks = [0; 6];
        for (index, (kind, bytes)) in bars.iter().enumerate() {
            words[BAR0 + index] = *kind;
            bar_masks[index] = bytes.wrapping_neg();
        }
        Box::leak(Box::new(Self(Mutex::new(Function { selected: 0, words, bar_masks, forgets }))))
    }
}

impl PortIo for FakeBus {
    fn write_u8(&self, _port: u16, _value: u8) {}

    fn write_u16(&self, _port: u16, _value: u16) {}

    fn write_u32(&self, port: u16, value: u32) {
        let mut function = self.0.lock().unwrap();
        if port == CONFIG_ADDRESS {
            function.selected = value;
            return;
        }
        assert_eq!(port, CONFIG_DATA);
        let word = (function.selected & 0xFC) as usize / 4;
        match word.checked_sub(BAR0).filter(|bar| *bar < 6) {
            Some(_) if function.forgets && value != u32::MAX => {}
            Some(bar) => {
                let (mask, kind) = (function.bar_masks[bar], function.words[word] & 0xF);
                function.words[word] = value & mask | kind;
            }
            None => function.words[word] = value,
        }
    }

    fn read_u8(&self, _port: u16) -> u8 {
        0
    }

    fn read_u32(&self, port: u16) -> u32 {
        assert_eq!(port, CONFIG_DATA);
        let function = self.0.lock().unwrap();
        let is_there = function.selected & 0x00FF_FF00 == 0;
        if is_there { function.words[(function.selected & 0xFC) as usize / 4] } else { u32::MAX }
    }
}

const MEMORY_32: u32 = 0;

fn open(bus: &'static FakeBus) -> Result<Option<PciTransport>, DeviceError> {
    PciBus::new(bus).open(DeviceType::Console)
}

fn words(bus: &FakeBus, index: usize) -> u32 {
    bus.0.lock().unwrap().words[index]
}

#[test]
fn bars_get_addresses_of_their_own_in_the_window() {
    let bus = FakeBus::with_bars(&[(MEMORY_32, 0x1000), (MEMORY_32, 0x4000), (MEMORY_32, 0x1000)], false);
    // It has no capabilities, so it is refused in the end.
    assert!(matches!(open(bus), Err(DeviceError::Pci(_))));
    let window = u32::try_from(PCI_BAR_GPA).unwrap();
    assert_eq!([4, 5, 6].map(|word| words(bus, word)), [window, window + 0x4000, window + 0x8000]);
    // Decoding and bus mastering are on.
    assert_eq!(words(bus, 1), 6);
}

#[test]
fn other_devices_are_passed_over() {
    let bus = FakeBus::with_bars(&[], false);
    assert!(PciBus::new(bus).open(DeviceType::Network).unwrap().is_none());
}

#[test]
fn bars_that_do_not_fit_are_refused() {
    let window = u32::try_from(PCI_BAR_BYTES).unwrap();
    for bars in [&[(MEMORY_32, 2 * window)][..], &[(MEMORY_32, 0x1000), (MEMORY_32, window)]] {
        let error = open(FakeBus::with_bars(bars, false)).unwrap_err();
        assert!(error.to_string().contains("does not fit the window"), "{error}");
    }
    assert!(
        !open(FakeBus::with_bars(&[(MEMORY_32, window)], false)).unwrap_err().to_string().contains("fit")
    );
}

#[test]
fn bars_that_forget_their_address_are_refused() {
    let error = open(FakeBus::with_bars(&[(MEMORY_32, 0x1000)], true)).unwrap_err();
    assert!(error.to_string().contains("BAR 0: expected address 0xd0000000"), "{error}");
}
