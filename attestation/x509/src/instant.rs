//! Time as an argument: nothing here reads a clock.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use der::DateTime;
use der::asn1::{GeneralizedTime, UtcTime};

use crate::X509Error;
use crate::elements::{Elements, GENERALIZED_TIME};

/// 2050-01-01T00:00:00Z.
const FIRST_GENERALIZED: Instant = Instant::from_unix_seconds(2_524_608_000);

/// A second of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    unix_seconds: u64,
}

impl Instant {
    /// `unix_seconds` after 1970.
    #[must_use]
    pub const fn from_unix_seconds(unix_seconds: u64) -> Self {
        Self { unix_seconds }
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.unix_seconds
    }

    /// Reads `Time`: `UTCTime`, or from 2050 on `GeneralizedTime` (RFC 5280, section 4.1.2.5).
    pub(crate) fn read(elements: &mut Elements<'_>) -> Result<Self, X509Error> {
        let is_generalized = elements.has(GENERALIZED_TIME);
        let time = Self::read_of_either_kind(elements)?;
        if is_generalized && time < FIRST_GENERALIZED {
            return Err(X509Error::NotCanonical { field: elements.field() });
        }
        Ok(time)
    }

    /// Reads `Time` of either kind. NVIDIA's authorities for reference values write dates before 2050 as `GeneralizedTime`.
    /// That is DER, each date in one spelling of its kind, but not the kind that RFC 5280 prescribes.
    pub(crate) fn read_of_either_kind(elements: &mut Elements<'_>) -> Result<Self, X509Error> {
        let since_1970 = if elements.has(GENERALIZED_TIME) {
            elements.decode::<GeneralizedTime>()?.to_unix_duration()
        } else {
            elements.decode::<UtcTime>()?.to_unix_duration()
        };
        Ok(Self::from_unix_seconds(since_1970.as_secs()))
    }
}

/// RFC 3339 in UTC to the second: `2026-04-06T00:00:00Z`.
impl FromStr for Instant {
    type Err = X509Error;

    fn from_str(text: &str) -> Result<Self, X509Error> {
        match text.parse::<DateTime>() {
            Ok(time) => Ok(Self::from_unix_seconds(time.unix_duration().as_secs())),
            Err(_) => Err(X509Error::field("time", "RFC 3339 in UTC, like 2026-04-06T00:00:00Z", text)),
        }
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::from_unix_duration(Duration::from_secs(self.unix_seconds));
        // After the year 9999 there is none.
        let Ok(time) = time else { return write!(f, "second {} of 1970", self.unix_seconds) };
        let mut text = *b"0000-00-00T00:00:00Z";
        let parts = [time.month(), time.day(), time.hour(), time.minutes(), time.seconds()].map(u16::from);
        let places = [0..4, 5..7, 8..10, 11..13, 14..16, 17..19];
        for (place, mut number) in places.into_iter().zip(core::iter::once(time.year()).chain(parts)) {
            for digit in text.get_mut(place).into_iter().flatten().rev() {
                *digit = b'0'.saturating_add(u8::try_from(number % 10).unwrap_or_default());
                number /= 10;
            }
        }
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// From when until when a certificate is valid, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First second.
    pub not_before: Instant,
    /// Last second.
    pub not_after: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_and_written_as_rfc_3339() {
        let text = "2026-04-06T01:02:03Z";
        let instant: Instant = text.parse().unwrap();
        assert_eq!(instant, Instant::from_unix_seconds(1_775_437_323));
        assert_eq!(instant.to_string(), text);
        for wrong in
            ["", "2026-04-06", "2026-04-06T01:02:03", "2026-13-06T01:02:03Z", "2026-04-06T01:02:03+00:00"]
        {
            assert!(wrong.parse::<Instant>().unwrap_err().to_string().contains("RFC 3339"), "{wrong}");
        }
        assert!(!Instant::from_unix_seconds(u64::MAX).to_string().is_empty());
    }

    /// As the library writes them, in a twentieth of the instructions.
    #[test]
    fn instants_are_written_as_the_library_writes_them() {
        for unix_seconds in (0..253_402_300_800).step_by(1_234_567_891).chain([253_402_300_799]) {
            let time = DateTime::from_unix_duration(Duration::from_secs(unix_seconds)).unwrap();
            assert_eq!(Instant::from_unix_seconds(unix_seconds).to_string(), time.to_string());
        }
    }
}
