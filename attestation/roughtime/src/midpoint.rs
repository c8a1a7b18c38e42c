//! What a server says the time is.

use alloc::vec::Vec;

const US_PER_S: u64 = 1_000_000;

/// A time that a server has signed, and how far off it may be. Seconds since 1970 without leap seconds (RFC 10049 §4.1.4).
///
/// It was right at some moment between sending the request and receiving the response, if the server is honest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Midpoint {
    /// MIDP.
    pub midpoint_s: u64,
    /// RADI, at least 1.
    pub radius_s: u32,
}

impl Midpoint {
    /// It was not before.
    #[must_use]
    pub fn earliest_s(&self) -> u64 {
        self.midpoint_s.saturating_sub(self.radius_s.into())
    }

    /// It was not after.
    #[must_use]
    pub fn latest_s(&self) -> u64 {
        self.midpoint_s.saturating_add(self.radius_s.into())
    }

    /// [`Self::earliest_s`] in microseconds, for clocks that run on from there.
    #[must_use]
    pub fn earliest_us(&self) -> u64 {
        self.earliest_s().saturating_mul(US_PER_S)
    }

    /// [`Self::latest_s`] in microseconds.
    #[must_use]
    pub fn latest_us(&self) -> u64 {
        self.latest_s().saturating_mul(US_PER_S)
    }
}

/// Which of these, in the order in which they were received, contradict each other: pairs (i, j) where i came before j and
/// was all the same later (RFC 10049 §8.2). At least one of the two servers is wrong.
///
/// Looks at every pair.
#[must_use]
pub fn inconsistencies(midpoints: &[Midpoint]) -> Vec<(usize, usize)> {
    let numbered = || midpoints.iter().enumerate();
    let pairs = numbered().flat_map(|before| numbered().map(move |after| (before, after)));
    let contradict =
        pairs.filter(|((i, before), (j, after))| i < j && before.earliest_s() > after.latest_s());
    contradict.map(|((i, _), (j, _))| (i, j)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn midpoint(midpoint_s: u64, radius_s: u32) -> Midpoint {
        Midpoint { midpoint_s, radius_s }
    }

    #[test]
    fn bounds_stay_within_numbers() {
        let (early, late) = (midpoint(2, 3), midpoint(u64::MAX - 1, 3));
        assert_eq!((early.earliest_s(), early.latest_s()), (0, 5));
        assert_eq!((early.earliest_us(), early.latest_us()), (0, 5_000_000));
        assert_eq!((late.earliest_s(), late.latest_s()), (u64::MAX - 4, u64::MAX));
        assert_eq!((late.earliest_us(), late.latest_us()), (u64::MAX, u64::MAX));
    }

    #[test]
    fn what_came_first_may_not_be_later() {
        assert_eq!(inconsistencies(&[]), []);
        assert_eq!(inconsistencies(&[midpoint(100, 5), midpoint(90, 5)]), [], "they touch");
        assert_eq!(inconsistencies(&[midpoint(100, 5), midpoint(89, 5)]), [(0, 1)]);
        assert_eq!(inconsistencies(&[midpoint(89, 5), midpoint(100, 5)]), [], "time goes on");
        let lying = [midpoint(100, 1), midpoint(200, 1), midpoint(101, 1), midpoint(50, 1)];
        assert_eq!(inconsistencies(&lying), [(0, 3), (1, 2), (1, 3), (2, 3)]);
    }
}
