//! Elapsed time by the time stamp counter.
//!
//! The rate comes from the host (CPUID) or is measured against its interval timer, so elapsed time is *not* trusted:
//! it serves limits, logs and a component's monotonic clock. Trusted time comes from the network (DESIGN §7).

use core::arch::x86_64::_rdtsc;

use crate::cpu;
use crate::port;

/// Frequency of the interval timer, in Hz (Intel 8254).
const PIT_HZ: u64 = 1_193_182;
/// Interval timer ticks that a calibration lasts: about 2 ms.
const CALIBRATION_TICKS: u16 = 2_386;
/// Polls after which a missing or stopped interval timer is given up.
const CALIBRATION_POLLS: u32 = 1_000_000;
/// Assumed when nothing can be measured.
const FALLBACK_HZ: u64 = 2_000_000_000;

/// A monotonic clock that starts at the counter's reset value.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    hz: u64,
    start: u64,
}

impl Clock {
    /// Finds the counter's rate; `start` is the counter's value that time 0 stands for.
    #[must_use]
    pub fn calibrate(start: u64) -> Self {
        Self { hz: cpuid_hz().or_else(measured_hz).unwrap_or(FALLBACK_HZ), start }
    }

    /// Counter ticks per second.
    #[must_use]
    pub const fn hz(&self) -> u64 {
        self.hz
    }

    /// Nanoseconds since `start`.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        ticks_to_ns(ticks().saturating_sub(self.start), self.hz)
    }

    /// Microseconds since `start`.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.now_ns() / 1_000
    }
}

/// The counter's value.
#[must_use]
pub fn ticks() -> u64 {
    // SAFETY: RDTSC reads a register.
    unsafe { _rdtsc() }
}

fn ticks_to_ns(ticks: u64, hz: u64) -> u64 {
    u64::try_from(u128::from(ticks) * 1_000_000_000 / u128::from(hz.max(1))).unwrap_or(u64::MAX)
}

/// Leaf 0x15: crystal frequency times ratio (SDM volume 2A, CPUID).
fn cpuid_hz() -> Option<u64> {
    let leaf = cpu::cpuid(0x15, 0);
    let (denominator, numerator, crystal_hz) =
        (u64::from(leaf.eax), u64::from(leaf.ebx), u64::from(leaf.ecx));
    if denominator == 0 || numerator == 0 || crystal_hz == 0 {
        return None;
    }
    Some(crystal_hz * numerator / denominator)
}

/// Counts against channel 0 of the interval timer, the one channel that every QEMU machine has.
fn measured_hz() -> Option<u64> {
    const COMMAND: u16 = 0x43;
    const CHANNEL_0: u16 = 0x40;
    // Channel 0, low then high byte, mode 2 (rate generator), reload 0x10000.
    port::write_u8(COMMAND, 0x34);
    port::write_u8(CHANNEL_0, 0);
    port::write_u8(CHANNEL_0, 0);
    let latched = || {
        port::write_u8(COMMAND, 0);
        u16::from_le_bytes([port::read_u8(CHANNEL_0), port::read_u8(CHANNEL_0)])
    };
    let (first, started) = (latched(), ticks());
    for _ in 0..CALIBRATION_POLLS {
        let elapsed = first.wrapping_sub(latched());
        if elapsed >= CALIBRATION_TICKS {
            let span = ticks().saturating_sub(started);
            return Some(span * PIT_HZ / u64::from(elapsed)).filter(|hz| *hz > 1_000_000);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_convert_without_overflow() {
        assert_eq!(ticks_to_ns(2_000_000_000, 2_000_000_000), 1_000_000_000);
        assert_eq!(ticks_to_ns(u64::MAX, 1), u64::MAX);
        assert_eq!(ticks_to_ns(5, 0), 5_000_000_000);
    }
}
