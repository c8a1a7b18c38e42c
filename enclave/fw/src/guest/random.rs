//! Randomness for `ring`, which asks for it behind everybody's back, for TLS, the instance key and its nonces: a generator of
//! its own, that no component sees anything of.

use enclave_platform::Random;
use enclave_x86::entropy::{EntropyError, HardwareEntropy};
use spin::Mutex;

/// What `getrandom` takes for an error of a custom source: its `Error::CUSTOM_START`.
const NOT_STARTED: u32 = (1 << 31) + (1 << 30);

static RANDOM: Mutex<Option<Random<HardwareEntropy>>> = Mutex::new(None);

/// Seeds the generator. Before that whoever asks gets an error.
pub(super) fn start() -> Result<(), EntropyError> {
    *RANDOM.lock() = Some(Random::new(HardwareEntropy::new())?);
    Ok(())
}

/// Mixes fresh values in.
pub(super) fn reseed() -> Result<(), EntropyError> {
    RANDOM.lock().as_mut().map_or(Ok(()), Random::reseed)
}

/// The source that `getrandom` 0.2 wants somebody to define: the function that its macro `register_custom_getrandom` would
/// make.
///
/// # Safety
/// `start` begins a buffer of so many bytes, which nobody else uses.
#[unsafe(no_mangle)]
unsafe fn __getrandom_custom(start: *mut u8, bytes: usize) -> u32 {
    // SAFETY: as the caller promises; `getrandom` has filled it with zeros.
    let buffer = unsafe { core::slice::from_raw_parts_mut(start, bytes) };
    match RANDOM.lock().as_mut() {
        Some(random) => {
            random.fill(buffer);
            0
        }
        None => NOT_STARTED,
    }
}
