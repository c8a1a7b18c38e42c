//! Generated from `wit/job.wit`: the world of a job.

wasmtime::component::bindgen!({
    path: "wit",
    world: "redoubt:runtime/job",
    imports: { default: trappable },
    exports: { default: async },
    require_store_data_send: true,
    with: { "wasi:io": wasmtime_wasi_io::bindings::wasi::io },
});
