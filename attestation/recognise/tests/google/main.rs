//! Evidence as Google's `go-sev-guest` and `go-tdx-guest` write it becomes the bytes that were signed again.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod snp;
mod tdx;
mod wire;
