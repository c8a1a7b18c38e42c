//! Clocks: monotonic time from the host, wall time not before it can be trusted.

use alloc::boxed::Box;
use core::future::poll_fn;
use core::task::Poll;

use async_trait::async_trait;
use wasmtime::component::Resource;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::outside::SharedOutside;
use crate::wasi::JobState;

/// Ready from an instant on.
struct Deadline {
    outside: SharedOutside,
    at_ns: u64,
}

#[async_trait]
impl Pollable for Deadline {
    async fn ready(&mut self) {
        let (outside, at_ns) = (&self.outside, self.at_ns);
        poll_fn(
            |_| if outside.lock().host.monotonic_ns() >= at_ns { Poll::Ready(()) } else { Poll::Pending },
        )
        .await;
    }
}

impl monotonic_clock::Host for JobState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.outside.lock().host.monotonic_ns())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let deadline = self.table.push(Deadline { outside: self.outside.clone(), at_ns: when })?;
        subscribe(&mut self.table, deadline)
    }

    fn subscribe_duration(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let now_ns = self.outside.lock().host.monotonic_ns();
        monotonic_clock::Host::subscribe_instant(self, now_ns.saturating_add(when))
    }
}

impl wall_clock::Host for JobState {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Err(wasmtime::Error::msg("wall clock: no trusted time yet"))
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 1, nanoseconds: 0 })
    }
}
