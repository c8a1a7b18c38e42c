//! Runs one future to its end by polling it and pumping the host in between.

use core::pin::pin;
use core::task::{Context, Poll, Waker};

use crate::host::Stop;
use crate::limits::{JobLimits, Limit};
use crate::outside::SharedOutside;

/// Nanoseconds in a millisecond.
const NS_PER_MS: u64 = 1_000_000;

/// Why a future was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// The host wanted it.
    Stop(Stop),
    /// The time is up.
    Limit(Limit),
}

/// Polls `future` until it is done. Nothing wakes it: whatever it waits for changes only in
/// [`JobHost::pump`](crate::JobHost::pump) or with time, and both are looked at after each poll.
pub(crate) fn drive<F: Future>(
    future: F,
    outside: &SharedOutside,
    limits: &JobLimits,
) -> Result<F::Output, Interruption> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let started_ns = outside.lock().host.monotonic_ns();
    let ends_ns = started_ns.saturating_add(limits.wall_ms.saturating_mul(NS_PER_MS));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
        let mut outside = outside.lock();
        outside.host.pump().map_err(Interruption::Stop)?;
        if outside.host.monotonic_ns() > ends_ns {
            return Err(Interruption::Limit(Limit::Wall));
        }
    }
}
