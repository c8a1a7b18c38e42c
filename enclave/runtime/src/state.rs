//! The state of a running component.

use alloc::string::String;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::Poll;

use enclave_filesystem::FileSystem;
use wasmtime::component::ResourceTable;

use crate::budget::MemoryBudget;
use crate::host::JobHost;
use crate::limits::RunEnd;
use crate::outside::{Outside, SharedOutside};

/// Most streams and pollables that a component holds at once.
pub(crate) const RESOURCES_MAX: usize = 4096;

/// State of one running component.
pub(crate) struct State {
    pub(crate) table: ResourceTable,
    pub(crate) outside: SharedOutside,
    pub(crate) budget: MemoryBudget,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) files: FileSystem,
    /// Buckets that are open.
    pub(crate) buckets: usize,
    /// What `insecure-seed` gives, once it was asked for.
    pub(crate) insecure_seed: Option<(u64, u64)>,
    /// SHA-256 of the manifest, which the run is named after.
    pub(crate) manifest: [u8; 32],
    /// Requests, responses and fields.
    pub(crate) http_held_bytes: usize,
    /// The component answers a request, so its standard streams are only for its log.
    pub(crate) is_service: bool,
}

impl State {
    pub(crate) fn new(
        outside: SharedOutside,
        budget: MemoryBudget,
        args: Vec<String>,
        env: Vec<(String, String)>,
        files: FileSystem,
        manifest: [u8; 32],
        is_service: bool,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        Self {
            table,
            outside,
            budget,
            args,
            env,
            files,
            buckets: 0,
            insecure_seed: None,
            manifest,
            http_held_bytes: 0,
            is_service,
        }
    }

    /// Asks the outside until it has an answer. In between the executor lets the host move.
    pub(crate) fn wait<T, F>(&self, mut ask: F) -> impl Future<Output = Result<T, RunEnd>> + Send + use<T, F>
    where
        F: FnMut(&mut Outside<dyn JobHost>) -> Poll<Result<T, RunEnd>> + Send,
    {
        let outside = self.outside.clone();
        poll_fn(move |_| {
            let mut outside = outside.lock();
            let answer = ask(&mut outside);
            if answer.is_pending() {
                outside.note_waiting();
            }
            answer
        })
    }
}
