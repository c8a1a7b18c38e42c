//! Conditioned randomness: raw hardware values through SHA-256 into ChaCha20.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use enclave_x86::entropy::{EntropyError, HardwareEntropy};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Raw 64-bit values per seed: 2,048 bits, of which RDRAND and RDSEED promise far more than the 256 that are needed.
const DRAWS_PER_SEED: usize = 32;

/// Where raw values come from.
pub trait RandomSource {
    /// One raw value.
    ///
    /// # Errors
    /// The source failed its health test.
    fn next_u64(&mut self) -> Result<u64, EntropyError>;
}

impl RandomSource for HardwareEntropy {
    fn next_u64(&mut self) -> Result<u64, EntropyError> {
        Self::next_u64(self)
    }
}

/// A generator that is seeded from hardware and can be reseeded.
pub struct Random<S> {
    source: S,
    generator: ChaCha20Rng,
}

impl<S: RandomSource> Random<S> {
    /// Seeds a generator.
    ///
    /// # Errors
    /// The source failed.
    pub fn new(mut source: S) -> Result<Self, EntropyError> {
        let seed = draw_seed(&mut source, &[])?;
        Ok(Self { source, generator: ChaCha20Rng::from_seed(*seed) })
    }

    /// Mixes fresh hardware values in, so that a leaked state says nothing about what comes later.
    ///
    /// # Errors
    /// The source failed; the generator must not be used any more.
    pub fn reseed(&mut self) -> Result<(), EntropyError> {
        let mut carry = Zeroizing::new([0; 32]);
        self.generator.fill_bytes(carry.as_mut_slice());
        let seed = draw_seed(&mut self.source, carry.as_slice())?;
        self.generator = ChaCha20Rng::from_seed(*seed);
        Ok(())
    }

    /// Fills a buffer.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.generator.fill_bytes(bytes);
    }

    /// 32 random bytes that wipe themselves.
    pub fn secret(&mut self) -> Zeroizing<[u8; 32]> {
        let mut bytes = Zeroizing::new([0; 32]);
        self.fill(bytes.as_mut_slice());
        bytes
    }
}

impl<S> core::fmt::Debug for Random<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Random").finish_non_exhaustive()
    }
}

fn draw_seed(source: &mut impl RandomSource, carry: &[u8]) -> Result<Zeroizing<[u8; 32]>, EntropyError> {
    let mut hash = Sha256::new_with_prefix(b"redoubt random seed v1");
    hash.update(carry);
    for _ in 0..DRAWS_PER_SEED {
        hash.update(source.next_u64()?.to_le_bytes());
    }
    Ok(Zeroizing::new(hash.finalize().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u64);

    impl RandomSource for Counting {
        fn next_u64(&mut self) -> Result<u64, EntropyError> {
            self.0 += 1;
            Ok(self.0)
        }
    }

    #[test]
    fn reseeding_changes_the_stream_and_draws_from_hardware() {
        let mut plain = Random::new(Counting(0)).unwrap();
        let mut reseeded = Random::new(Counting(0)).unwrap();
        assert_eq!(*plain.secret(), *reseeded.secret());
        reseeded.reseed().unwrap();
        assert_eq!(reseeded.source.0, 2 * DRAWS_PER_SEED as u64);
        assert_ne!(*plain.secret(), *reseeded.secret());
    }

    #[test]
    fn a_broken_source_is_an_error() {
        struct Broken;
        impl RandomSource for Broken {
            fn next_u64(&mut self) -> Result<u64, EntropyError> {
                Err(EntropyError::Exhausted { instruction: "TEST" })
            }
        }
        assert!(Random::new(Broken).is_err());
    }
}
