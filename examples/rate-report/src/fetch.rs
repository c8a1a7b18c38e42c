//! Fetches the rates by `wasi:http/outgoing-handler`. Who the server is, and that it is asked under TLS, is the guest's
//! business.

#[cfg(target_family = "wasm")]
mod wasi;

#[cfg(target_family = "wasm")]
pub(crate) use wasi::{NotFetched, get};

#[cfg(not(target_family = "wasm"))]
pub(crate) use native::{NotFetched, get};

/// Tests run natively, and none of them asks anybody.
#[cfg(not(target_family = "wasm"))]
mod native {
    use core::fmt;

    use examples_rate_report::Url;

    /// There is nobody to ask.
    pub(crate) struct NotFetched;

    impl fmt::Display for NotFetched {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("only a WebAssembly runtime can; build it for wasm32-wasip2")
        }
    }

    pub(crate) fn get(_: &Url<'_>) -> Result<Vec<u8>, NotFetched> {
        Err(NotFetched)
    }
}
