//! How long to leave a service alone that said "too many requests" or "not now".
//!
//! Spec: RFC 6585 §4 for status 429, RFC 9110 §15.6.4 for 503 and §10.2.3 for `Retry-After`. KDS is known to allow about one
//! VCEK per ten seconds and address, and to lock out for more than two minutes.

use core::time::Duration;

use attestation_x509::Instant;

/// First wait when the service does not say how long.
const FIRST_SECONDS: u64 = 2;
/// Longest wait of the kind.
const GUESS_MAX_SECONDS: u64 = 300;
/// The longest wait that a service is believed: who asks for more would only keep its own answers away.
const STATED_MAX_SECONDS: u64 = 3600;

/// How long to wait after the `failures`-th refusal in a row, counted from 1. `chance` spreads clients over a quarter more.
pub(crate) fn wait(failures: u32, stated: Option<Duration>, chance: u8) -> Duration {
    let doubled = FIRST_SECONDS.saturating_mul(1 << failures.saturating_sub(1).min(20));
    let guessed = doubled.min(GUESS_MAX_SECONDS);
    let seconds = stated.map_or(guessed, |stated| stated.as_secs().clamp(1, STATED_MAX_SECONDS));
    let spread_ms = seconds.saturating_mul(250).saturating_mul(u64::from(chance)) / 255;
    // Whole seconds, upwards: times on disk have no parts of them.
    Duration::from_secs(seconds.saturating_add(spread_ms.div_ceil(1000)))
}

/// What `Retry-After` says at `now`: seconds, or a date as RFC 9110 prefers it.
pub(crate) fn retry_after(header: &str, now: Instant) -> Option<Duration> {
    let text = header.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(text)?;
    Some(Duration::from_secs(until.unix_seconds().saturating_sub(now.unix_seconds())))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Instant> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if words.next() != Some("GMT") || words.next().is_some() {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)?.saturating_add(1);
    format!("{year}-{month:02}-{day}T{time}Z").parse().ok()
}

/// What a machine remembers of a service, in a file that all its processes share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct HostState {
    not_before: u64,
    failures: u32,
}

impl HostState {
    /// How much longer the service is to be left alone.
    pub(crate) fn remaining(self, now: Instant) -> Option<Duration> {
        let remaining = self.not_before.checked_sub(now.unix_seconds()).filter(|seconds| *seconds > 0)?;
        // Longer than any wait: the clock was set back, or the file is not ours. Then it says nothing.
        let longest = STATED_MAX_SECONDS.saturating_add(STATED_MAX_SECONDS / 4).saturating_add(1);
        (remaining <= longest).then(|| Duration::from_secs(remaining))
    }

    /// After one more refusal: the state, and how long to wait.
    pub(crate) fn after_refusal(
        self,
        now: Instant,
        stated: Option<Duration>,
        chance: u8,
    ) -> (Self, Duration) {
        let failures = self.failures.saturating_add(1);
        let wait = wait(failures, stated, chance);
        (Self { not_before: now.unix_seconds().saturating_add(wait.as_secs()), failures }, wait)
    }

    pub(crate) fn write(self) -> String {
        format!("redoubt-host 1 {} {}\n", self.not_before, self.failures)
    }

    /// Anything that [`Self::write`] does not write says nothing: then one request finds out.
    pub(crate) fn read(text: &str) -> Self {
        let mut words = text.trim_end().split(' ');
        let mut read = || {
            if (words.next()?, words.next()?) != ("redoubt-host", "1") {
                return None;
            }
            let state =
                Self { not_before: words.next()?.parse().ok()?, failures: words.next()?.parse().ok()? };
            words.next().is_none().then_some(state)
        };
        read().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_unix_seconds(1_000_000);

    #[test]
    fn waits_double_up_to_a_limit_and_spread_upwards() {
        let seconds = |failures, chance| wait(failures, None, chance).as_secs();
        assert_eq!([1, 2, 3, 8, 9, u32::MAX].map(|failures| seconds(failures, 0)), [2, 4, 8, 256, 300, 300]);
        assert_eq!((seconds(9, 255), seconds(9, 128)), (375, 338));
    }

    #[test]
    fn what_the_service_says_counts_within_reason() {
        let stated = |header| retry_after(header, NOW).map(|stated| wait(1, Some(stated), 0).as_secs());
        assert_eq!(stated("130"), Some(130));
        assert_eq!(stated(" 0 "), Some(1));
        assert_eq!(stated("99999999999"), Some(3600));
        assert_eq!(stated("Mon, 12 Jan 1970 13:48:40 GMT"), Some(120));
        assert_eq!(stated("Mon, 12 Jan 1970 13:48:40 CET"), None);
        for wrong in
            ["", "-1", "soon", "Mon, 12 Foo 1970 13:48:40 GMT", "12 Jan 1970", "Mon, é Jan 1970 1 GMT"]
        {
            assert_eq!(retry_after(wrong, NOW), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_remembered_survives_and_nonsense_does_not() {
        let (state, wait) = HostState::default().after_refusal(NOW, None, 0);
        assert_eq!(HostState::read(&state.write()), state);
        assert_eq!(state.remaining(NOW), Some(wait));
        assert_eq!(state.remaining(Instant::from_unix_seconds(NOW.unix_seconds() + wait.as_secs())), None);
        assert_eq!(state.after_refusal(NOW, None, 0).1, wait * 2);
        for text in ["", "redoubt-host 1 5", "redoubt-host 2 5 5", "redoubt-host 1 5 5 5", "\0\0"] {
            assert_eq!(HostState::read(text), HostState::default(), "{text}");
        }
        let far = HostState { not_before: u64::MAX, failures: 1 };
        assert_eq!(far.remaining(NOW), None);
    }
}
