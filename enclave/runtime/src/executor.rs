//! Runs one future to its end by polling it and pumping the host in between.

use core::pin::pin;
use core::task::{Context, Poll, Waker};

use crate::limits::RunEnd;
use crate::outside::SharedOutside;

/// Polls `future` until it is done. Nothing wakes it: whatever it waits for changes only in
/// [`Console::pump`](crate::Console::pump) or with time, and both are looked at after each poll.
pub(crate) fn drive<F: Future>(future: F, outside: &SharedOutside) -> Result<F::Output, RunEnd> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
        outside.lock().pause()?;
    }
}
