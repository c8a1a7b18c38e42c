//! The conformance component under `wasmtime`, `wasmtime-wasi` and `wasmtime-wasi-http` as published.
//!
//! Two things are ours, because those crates leave them to their users: `wasi:logging` goes nowhere, and nobody is permitted
//! to be asked over HTTP.
#![forbid(unsafe_code)]

use std::path::Path;

use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Result, Store};
use wasmtime_wasi::p2::bindings::sync::Command;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{
    Error as HttpError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

/// More than any output is long.
const OUTPUT_MAX_BYTES: usize = 1 << 20;

/// What a run ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Standard output.
    pub output: String,
    /// Exit status.
    pub status: i32,
}

/// Runs a component once, with `input` and with `root` as its only folder.
///
/// # Errors
/// The engine's: the component does not fit, or traps.
pub fn run(component: &[u8], input: &str, root: &Path) -> Result<Ran> {
    let engine = Engine::default();
    let component = Component::new(&engine, component)?;
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_sync(&mut linker)?;
    linker.instance("wasi:logging/logging@0.1.0-draft")?.func_new("log", |_, _, _, _| Ok(()))?;
    let output = MemoryOutputPipe::new(OUTPUT_MAX_BYTES);
    let wasi = WasiCtxBuilder::new()
        .stdin(MemoryInputPipe::new(input.to_owned()))
        .stdout(output.clone())
        .args(&["job", "one"])
        .env("NAME", "value")
        .preopened_dir(root, "/", FsPerms::ReadWrite)?
        .build();
    let state = State { wasi, http: WasiHttpCtx::new(), nobody: Nobody, table: ResourceTable::new() };
    let mut store = Store::new(&engine, state);
    let command = Command::instantiate(&mut store, &component, &linker)?;
    let status = match command.wasi_cli_run().call_run(&mut store) {
        Ok(status) => i32::from(status.is_err()),
        Err(error) => error.downcast::<I32Exit>()?.0,
    };
    drop(store);
    Ok(Ran { output: String::from_utf8_lossy(&output.contents()).into_owned(), status })
}

/// What host functions see.
struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    nobody: Nobody,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.nobody }
    }
}

/// The client of a program that may ask nobody.
struct Nobody;

type Sent = Box<dyn Future<Output = Result<(), HttpError>> + Send>;

impl WasiHttpHooks for Nobody {
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Sent,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Sent), HttpError>> + Send> {
        Box::new(async { Err(ErrorCode::HttpRequestDenied.into()) })
    }
}
