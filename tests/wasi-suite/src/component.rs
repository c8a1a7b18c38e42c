//! Components from what a suite holds.

use anyhow::{Context as _, Result};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
};
use wasmparser::Parser;
use wit_component::ComponentEncoder;

/// A component as it is; a core module with the adapter from preview 1 to 0.2.
///
/// # Errors
/// The bytes are neither.
pub(crate) fn component(wasm: Vec<u8>) -> Result<Vec<u8>> {
    if Parser::is_component(&wasm) {
        return Ok(wasm);
    }
    let encoder = ComponentEncoder::default()
        .module(&wasm)
        .context("no command of preview 1")?
        .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER);
    encoder.and_then(|mut encoder| encoder.encode()).context("the adapter does not fit")
}
