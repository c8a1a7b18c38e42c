//! Medians of a few noisy samples.

use core::time::Duration;

/// Times of the same thing, several times.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples(Vec<Duration>);

impl Samples {
    /// Adds one.
    pub(super) fn push(&mut self, sample: Duration) {
        self.0.push(sample);
        self.0.sort();
    }

    /// The one in the middle; the lower of two. Zero when there is none.
    pub(super) fn median(&self) -> Duration {
        let middle = self.0.len().saturating_sub(1) / 2;
        self.0.get(middle).copied().unwrap_or_default()
    }

    /// `median (least to greatest)`, in milliseconds.
    pub(super) fn describe(&self) -> String {
        let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1000.0);
        format!("{:.0} ms ({:.0} to {:.0})", ms(Some(&self.median())), ms(self.0.first()), ms(self.0.last()))
    }

    /// The same, in microseconds.
    pub(super) fn describe_us(&self) -> String {
        let us = |time: Option<&Duration>| time.map_or(0, Duration::as_micros);
        format!("{} µs ({} to {})", us(Some(&self.median())), us(self.0.first()), us(self.0.last()))
    }

    /// The same, as how often it happens in a second.
    pub(super) fn describe_rate(&self) -> String {
        let rate = |time: Option<&Duration>| {
            time.map_or(0.0, |time| 1.0 / time.as_secs_f64().max(f64::MIN_POSITIVE))
        };
        format!(
            "{:.0} ({:.0} to {:.0})",
            rate(Some(&self.median())),
            rate(self.0.last()),
            rate(self.0.first())
        )
    }
}

/// How many times longer `a` takes than `b`.
pub(super) fn ratio(a: &Samples, b: &Samples) -> f64 {
    a.median().as_secs_f64() / b.median().as_secs_f64().max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_ignore_the_worst() {
        let mut samples = Samples::default();
        assert_eq!(samples.median(), Duration::ZERO);
        for ms in [50, 9000, 40, 60, 45] {
            samples.push(Duration::from_millis(ms));
        }
        assert_eq!(samples.median(), Duration::from_millis(50));
        assert_eq!(samples.describe(), "50 ms (40 to 9000)");
        let mut half = Samples::default();
        half.push(Duration::from_millis(25));
        assert!((ratio(&samples, &half) - 2.0).abs() < 1e-9);
    }
}
