//! Clocks: monotonic and wall time from the host, as the record has them.

use attestation_transcript::Kind;
use wasmtime::component::Resource;

use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::io::Pollable;
use crate::limits::RunEnd;
use crate::state::State;

const NS_PER_S: u64 = 1_000_000_000;

impl State {
    fn monotonic_ns(&self) -> wasmtime::Result<u64> {
        Ok(self.outside.lock().learn(Kind::MONOTONIC_NOW, |host| host.monotonic_ns())?)
    }

    /// The time of day in nanoseconds since 1970-01-01; `None` where the component may not have it.
    pub(crate) fn wall_ns(&self) -> impl Future<Output = Result<Option<u64>, RunEnd>> + Send + use<> {
        self.wait(|outside| outside.poll_learn(Kind::WALL_NOW, |host| host.wall_ns()))
    }
}

impl monotonic_clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.monotonic_ns()
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<Pollable>> {
        Ok(self.table.push(Pollable::Deadline { at_ns: when })?)
    }

    fn subscribe_duration(&mut self, when: u64) -> wasmtime::Result<Resource<Pollable>> {
        let now_ns = self.monotonic_ns()?;
        monotonic_clock::Host::subscribe_instant(self, now_ns.saturating_add(when))
    }
}

impl wall_clock::Host for State {
    async fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let now_ns = self.wall_ns().await?;
        let now_ns = now_ns.ok_or_else(|| {
            wasmtime::Error::msg(
                "wall clock: the manifest has `wall_clock = \"none\"`, so the program may not ask for it",
            )
        })?;
        let nanoseconds = u32::try_from(now_ns % NS_PER_S)?;
        Ok(wall_clock::Datetime { seconds: now_ns / NS_PER_S, nanoseconds })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1 })
    }
}
