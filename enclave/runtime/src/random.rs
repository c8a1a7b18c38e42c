//! Randomness: one generator per run, from a seed that the transcript holds.

use alloc::vec;
use alloc::vec::Vec;

use crate::bindings::wasi::random;
use crate::state::State;

/// Most bytes of randomness in one call: the list exists twice while it is handed over.
const RANDOM_MAX_BYTES: u64 = 1024 * 1024;

impl State {
    fn random_bytes(&self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > RANDOM_MAX_BYTES {
            return Err(wasmtime::Error::msg("random: at most 1 MiB in one call"));
        }
        let mut bytes = vec![0; usize::try_from(len)?];
        self.outside.lock().fill_random(&mut bytes);
        Ok(bytes)
    }

    fn random_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.outside.lock().fill_random(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

impl random::random::Host for State {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random_u64())
    }
}

// The insecure interfaces only permit weaker randomness; there is no reason to keep a second source.
impl random::insecure::Host for State {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random_u64())
    }
}

impl random::insecure_seed::Host for State {
    /// One seed for the run, however often it is asked for: 0.2 wants to make a value of this function, and
    /// wasmtime-wasi treats it as one.
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        let seed = self.insecure_seed.unwrap_or_else(|| (self.random_u64(), self.random_u64()));
        self.insecure_seed = Some(seed);
        Ok(seed)
    }
}
