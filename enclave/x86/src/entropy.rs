//! Hardware randomness: RDSEED where there is one, else RDRAND, health-tested.
//!
//! Only the 64-bit forms are used: on some processors the 16- and 32-bit RDSEED return zero while reporting success
//! (AMD-SB-7055). What comes out is raw: callers condition it (see `enclave-platform`).

use core::arch::asm;

use crate::cpu::{self, CpuidBit, CpuidRegister};

/// Attempts before the instruction counts as broken; Intel's software guide asks for 10 for RDRAND, and RDSEED may be
/// drained by neighbours for longer.
const ATTEMPTS: u32 = 1_000;
/// How often the same value may come in a row: once by chance every 2^64 draws, so twice means a stuck source.
const REPEATS_ALLOWED: u32 = 1;

const RDSEED: CpuidBit =
    CpuidBit { name: "RDSEED", leaf: 7, subleaf: 0, register: CpuidRegister::Ebx, bit: 18 };

/// A source that stopped or is stuck. The processor, or whoever emulates it, is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntropyError {
    /// No value within the allowed attempts.
    #[error("{instruction} gave no value in {ATTEMPTS} attempts")]
    Exhausted {
        /// Which instruction.
        instruction: &'static str,
    },
    /// The same value, or all zeros or ones, again and again.
    #[error("{instruction} is stuck at {value:#018x}")]
    Stuck {
        /// Which instruction.
        instruction: &'static str,
        /// The value.
        value: u64,
    },
}

/// The better of the processor's two sources, with a repetition test over its whole life.
#[derive(Debug)]
pub struct HardwareEntropy {
    instruction: &'static str,
    draw: fn() -> Option<u64>,
    last: Option<u64>,
    repeats: u32,
}

impl HardwareEntropy {
    /// Picks RDSEED or RDRAND. The boot code has checked that RDRAND exists.
    #[must_use]
    pub fn new() -> Self {
        let (instruction, draw): (_, fn() -> Option<u64>) =
            if cpu::has(RDSEED) { ("RDSEED", rdseed64) } else { ("RDRAND", rdrand64) };
        Self { instruction, draw, last: None, repeats: 0 }
    }

    /// Name of the instruction.
    #[must_use]
    pub const fn instruction(&self) -> &'static str {
        self.instruction
    }

    /// One raw value.
    ///
    /// # Errors
    /// The source gives nothing, or keeps giving the same.
    pub fn next_u64(&mut self) -> Result<u64, EntropyError> {
        let value = (0..ATTEMPTS)
            .find_map(|_| (self.draw)())
            .ok_or(EntropyError::Exhausted { instruction: self.instruction })?;
        let constant = value == 0 || value == u64::MAX;
        self.repeats = if constant || self.last == Some(value) { self.repeats + 1 } else { 0 };
        self.last = Some(value);
        if self.repeats > REPEATS_ALLOWED {
            return Err(EntropyError::Stuck { instruction: self.instruction, value });
        }
        Ok(value)
    }
}

impl Default for HardwareEntropy {
    fn default() -> Self {
        Self::new()
    }
}

fn rdrand64() -> Option<u64> {
    let (value, ok): (u64, u8);
    // SAFETY: only called when CPUID reports RDRAND; writes two registers.
    unsafe { asm!("rdrand {}", "setc {}", out(reg) value, out(reg_byte) ok, options(nomem, nostack)) }
    (ok == 1).then_some(value)
}

fn rdseed64() -> Option<u64> {
    let (value, ok): (u64, u8);
    // SAFETY: only called when CPUID reports RDSEED; writes two registers.
    unsafe { asm!("rdseed {}", "setc {}", out(reg) value, out(reg_byte) ok, options(nomem, nostack)) }
    (ok == 1).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(draw: fn() -> Option<u64>) -> HardwareEntropy {
        HardwareEntropy { instruction: "TEST", draw, last: None, repeats: 0 }
    }

    #[test]
    fn a_stuck_source_is_noticed() {
        let mut stuck = source(|| Some(0x1234));
        assert!(stuck.next_u64().is_ok());
        assert!(stuck.next_u64().is_ok());
        assert_eq!(stuck.next_u64(), Err(EntropyError::Stuck { instruction: "TEST", value: 0x1234 }));
        let mut zeros = source(|| Some(0));
        assert!(zeros.next_u64().is_ok());
        assert!(matches!(zeros.next_u64(), Err(EntropyError::Stuck { .. })));
    }

    #[test]
    fn a_silent_source_is_noticed() {
        assert!(matches!(source(|| None).next_u64(), Err(EntropyError::Exhausted { .. })));
    }
}
