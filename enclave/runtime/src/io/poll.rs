//! Waiting.

use alloc::vec::Vec;

use wasmtime::component::Resource;

use super::Pollable;
use crate::bindings::wasi::io::poll;
use crate::state::{RESOURCES_MAX, State};

impl poll::Host for State {
    async fn poll(&mut self, list: Vec<Resource<Pollable>>) -> wasmtime::Result<Vec<u32>> {
        if list.is_empty() {
            return Err(wasmtime::Error::msg("poll: the list is empty"));
        }
        if list.len() > RESOURCES_MAX {
            return Err(wasmtime::Error::msg("poll: the list is longer than there can be pollables"));
        }
        let mut pollables = Vec::with_capacity(list.len());
        for pollable in &list {
            pollables.push(*self.table.get(pollable)?);
        }
        Ok(self.wait(|outside| outside.poll_ready(&pollables)).await?)
    }
}

impl poll::HostPollable for State {
    fn ready(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<bool> {
        let pollable = *self.table.get(&pollable)?;
        Ok(self.outside.lock().is_ready(pollable)?)
    }

    async fn block(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<()> {
        let pollable = *self.table.get(&pollable)?;
        Ok(self.wait(|outside| outside.poll_until(pollable)).await?)
    }

    fn drop(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<()> {
        self.table.delete(pollable)?;
        Ok(())
    }
}
