//! `request-options`.

use wasmtime::component::Resource;

use super::HttpTimeouts;
use crate::bindings::wasi::http::types::HostRequestOptions;
use crate::state::State;

impl HostRequestOptions for State {
    fn new(&mut self) -> wasmtime::Result<Resource<HttpTimeouts>> {
        Ok(self.table.push(HttpTimeouts::default())?)
    }

    fn connect_timeout(&mut self, options: Resource<HttpTimeouts>) -> wasmtime::Result<Option<u64>> {
        Ok(self.table.get(&options)?.connect_ns)
    }

    fn set_connect_timeout(
        &mut self,
        options: Resource<HttpTimeouts>,
        duration: Option<u64>,
    ) -> wasmtime::Result<Result<(), ()>> {
        self.table.get_mut(&options)?.connect_ns = duration;
        Ok(Ok(()))
    }

    fn first_byte_timeout(&mut self, options: Resource<HttpTimeouts>) -> wasmtime::Result<Option<u64>> {
        Ok(self.table.get(&options)?.first_byte_ns)
    }

    fn set_first_byte_timeout(
        &mut self,
        options: Resource<HttpTimeouts>,
        duration: Option<u64>,
    ) -> wasmtime::Result<Result<(), ()>> {
        self.table.get_mut(&options)?.first_byte_ns = duration;
        Ok(Ok(()))
    }

    fn between_bytes_timeout(&mut self, options: Resource<HttpTimeouts>) -> wasmtime::Result<Option<u64>> {
        Ok(self.table.get(&options)?.between_bytes_ns)
    }

    fn set_between_bytes_timeout(
        &mut self,
        options: Resource<HttpTimeouts>,
        duration: Option<u64>,
    ) -> wasmtime::Result<Result<(), ()>> {
        self.table.get_mut(&options)?.between_bytes_ns = duration;
        Ok(Ok(()))
    }

    fn drop(&mut self, options: Resource<HttpTimeouts>) -> wasmtime::Result<()> {
        self.table.delete(options)?;
        Ok(())
    }
}
