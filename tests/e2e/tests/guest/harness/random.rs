//! Numbers that look random and are the same in every run.

/// Xorshift with 64 bits of state, which must not be 0.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // Multiplied, because small seeds have mostly zero bits at first.
        self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// Less than `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits fit") % end
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        core::iter::repeat_with(|| self.next().to_le_bytes()[7]).take(count).collect()
    }
}
