//! Generated from `wit/outside.wit`: everything that a component may import.
//!
//! A function is asynchronous where it may have to wait for the outside; the component sees no difference.
#![expect(clippy::error_impl_error, reason = "the names are those of the interfaces")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "redoubt:runtime/outside",
    imports: {
        "wasi:clocks/wall-clock.now": async | trappable,
        "wasi:filesystem/types.[method]descriptor.set-times": async | trappable,
        "wasi:filesystem/types.[method]descriptor.set-times-at": async | trappable,
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
        "wasi:http/outgoing-handler.handle": async | trappable,
        "wasi:http/types.[method]future-trailers.get": async | trappable,
        "wasi:http/types.[static]response-outparam.set": async | trappable,
        "wasi:logging/logging.log": async | trappable,
        default: trappable,
    },
    require_store_data_send: true,
    with: {
        "wasi:filesystem/types.descriptor": enclave_filesystem::Descriptor,
        "wasi:filesystem/types.directory-entry-stream": enclave_filesystem::DirectoryEntryStream,
        "wasi:http/types.fields": crate::http::FieldList,
        "wasi:http/types.future-incoming-response": crate::http::FutureResponse,
        "wasi:http/types.future-trailers": crate::http::FutureTrailers,
        "wasi:http/types.incoming-body": crate::http::IncomingBody,
        "wasi:http/types.incoming-request": crate::http::ServedRequest,
        "wasi:http/types.incoming-response": crate::http::IncomingResponse,
        "wasi:http/types.outgoing-body": crate::http::OutgoingBody,
        "wasi:http/types.outgoing-request": crate::http::OutgoingRequest,
        "wasi:http/types.outgoing-response": crate::http::OutgoingResponse,
        "wasi:http/types.request-options": crate::http::HttpTimeouts,
        "wasi:http/types.response-outparam": crate::http::ResponseOutparam,
        "wasi:io/error.error": crate::io::Failure,
        "wasi:io/poll.pollable": crate::io::Pollable,
        "wasi:io/streams.input-stream": crate::io::InputStream,
        "wasi:io/streams.output-stream": crate::io::OutputStream,
        "wasi:keyvalue/store.bucket": crate::keyvalue::Bucket,
    },
    trappable_error_type: {
        "redoubt:enclave/failures.failure" => crate::enclave::EnclaveError,
        "wasi:filesystem/types.error-code" => crate::filesystem::FileError,
        "wasi:http/types.error-code" => crate::http::HttpError,
        "wasi:http/types.header-error" => crate::http::FieldsError,
        "wasi:io/streams.stream-error" => crate::io::StreamError,
        "wasi:keyvalue/store.error" => crate::keyvalue::StoreError,
    },
});

/// What the component of a job exports.
pub(crate) mod job {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "redoubt:runtime/job",
        exports: { default: async },
        require_store_data_send: true,
    });
}

/// What the component of a service exports.
pub(crate) mod service {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "redoubt:runtime/service",
        exports: { default: async },
        require_store_data_send: true,
        with: {
            "wasi:clocks": crate::bindings::wasi::clocks,
            "wasi:http": crate::bindings::wasi::http,
            "wasi:io": crate::bindings::wasi::io,
        },
    });
}
