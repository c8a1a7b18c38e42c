//! Generated from `wit/outside.wit`: everything that a component may import.
//!
//! A function is asynchronous where it may have to wait for the outside; the component sees no difference.

wasmtime::component::bindgen!({
    path: "wit",
    world: "redoubt:runtime/outside",
    imports: {
        "wasi:io/poll.poll": async | trappable,
        "wasi:io/poll.[method]pollable.block": async | trappable,
        "wasi:io/streams.[method]input-stream.read": async | trappable,
        "wasi:io/streams.[method]input-stream.blocking-read": async | trappable,
        "wasi:io/streams.[method]input-stream.skip": async | trappable,
        "wasi:io/streams.[method]input-stream.blocking-skip": async | trappable,
        "wasi:io/streams.[method]output-stream.write": async | trappable,
        "wasi:io/streams.[method]output-stream.blocking-write-and-flush": async | trappable,
        "wasi:io/streams.[method]output-stream.blocking-flush": async | trappable,
        "wasi:io/streams.[method]output-stream.write-zeroes": async | trappable,
        "wasi:io/streams.[method]output-stream.blocking-write-zeroes-and-flush": async | trappable,
        "wasi:io/streams.[method]output-stream.splice": async | trappable,
        "wasi:io/streams.[method]output-stream.blocking-splice": async | trappable,
        "wasi:logging/logging.log": async | trappable,
        default: trappable,
    },
    require_store_data_send: true,
    with: {
        "wasi:filesystem/types.descriptor": enclave_filesystem::Descriptor,
        "wasi:filesystem/types.directory-entry-stream": enclave_filesystem::DirectoryEntryStream,
        "wasi:io/error.error": crate::io::Failure,
        "wasi:io/poll.pollable": crate::io::Pollable,
        "wasi:io/streams.input-stream": crate::io::InputStream,
        "wasi:io/streams.output-stream": crate::io::OutputStream,
    },
    trappable_error_type: {
        "wasi:filesystem/types.error-code" => crate::filesystem::FileError,
        "wasi:io/streams.stream-error" => crate::io::StreamError,
    },
});

/// What a component exports.
pub(crate) mod job {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "redoubt:runtime/job",
        exports: { default: async },
        require_store_data_send: true,
    });
}
