//! Time as an argument: nothing here reads a clock.

use core::time::Duration;

use rustls_pki_types::UnixTime;

/// When it is: not before `earliest`, not after `latest`, both in seconds since 1970 and both included.
///
/// The guest has no clock that it could trust to the second. What depends on time has to hold all through the interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    earliest: u64,
    latest: u64,
}

/// An interval that ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("time: expected {earliest} at least, found {latest} as the latest")]
pub struct IntervalError {
    /// The start, in seconds since 1970.
    pub earliest: u64,
    /// The end, which is before.
    pub latest: u64,
}

impl Interval {
    /// From `earliest` to `latest`.
    ///
    /// # Errors
    /// It ends before it begins.
    pub const fn new(earliest: u64, latest: u64) -> Result<Self, IntervalError> {
        if latest < earliest {
            return Err(IntervalError { earliest, latest });
        }
        Ok(Self { earliest, latest })
    }

    /// The first second that it may be.
    #[must_use]
    pub const fn earliest(self) -> u64 {
        self.earliest
    }

    /// The last second that it may be.
    #[must_use]
    pub const fn latest(self) -> u64 {
        self.latest
    }
}

/// As webpki has it.
#[must_use]
pub const fn unix_time(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_do_not_end_before_they_begin() {
        assert_eq!(Interval::new(7, 6), Err(IntervalError { earliest: 7, latest: 6 }));
        let moment = Interval::new(7, 7).unwrap();
        assert_eq!((moment.earliest(), moment.latest()), (7, 7));
    }
}
