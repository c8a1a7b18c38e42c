//! Key-value stores as they outlast a guest: what is read has one form, and takes no more than it is charged.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use enclave_service::KeyValueStore;
use tests_fuzz::{Budget, Target};

/// Of the store, as a manifest would say. What a store costs, an attacker has to pay in bytes of it.
const LIMIT_BYTES: u64 = 64 << 10;

fn main() -> ExitCode {
    Target { name: "saved-store", max_bytes: 16 << 10, budget: Budget::with(128 << 10), run }.drive()
}

fn run(input: &[u8]) {
    match KeyValueStore::read(LIMIT_BYTES, input) {
        Ok((store, files)) => {
            assert!(store.used_bytes() <= LIMIT_BYTES);
            let mut bytes = vec![0; store.saved_bytes(files)];
            store.write(files, &mut bytes);
            assert!(bytes == input);
        }
        Err(error) => drop(error.to_string()),
    }
}
