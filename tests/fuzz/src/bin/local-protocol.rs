//! What `redoubt run` and its clients say to each other: the same again when written and read.
#![forbid(unsafe_code)]

use core::fmt::Debug;
use std::process::ExitCode;

use protocol::{Reply, Request, receive, send};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tests_fuzz::{Budget, Target};

// `redoubt` is a program without a library; this module of it stands alone.
#[path = "../../../../loader/cli/src/protocol.rs"]
#[expect(dead_code, reason = "only the reading and writing is driven here")]
mod protocol;

/// serde reads an enum that is told by a field into a tree first: as many values as a header may have, in a list that
/// doubles.
const TREE_BYTES: usize = 12 * 1024;

fn main() -> ExitCode {
    Target { name: "local-protocol", max_bytes: 64 << 10, budget: Budget::with(TREE_BYTES), run }.drive()
}

/// The first byte chooses the direction; the rest is what the other side sends.
fn run(input: &[u8]) {
    let Some((choice, stream)) = input.split_first() else { return };
    if choice % 2 == 0 { read_all::<Request>(stream) } else { read_all::<Reply>(stream) }
}

fn read_all<T: DeserializeOwned + Serialize + PartialEq + Debug>(mut stream: &[u8]) {
    loop {
        match receive::<T>(&mut stream) {
            Ok(Some(message)) => check(&message),
            Ok(None) => return assert!(stream.is_empty()),
            Err(error) => return drop(error.to_string()),
        }
    }
}

fn check<T: DeserializeOwned + Serialize + PartialEq>((header, data): &(T, Vec<u8>)) {
    let mut written = Vec::new();
    let sent = send(&mut written, header, data);
    assert!(sent.is_ok(), "{sent:?}");
    let again = receive::<T>(&mut written.as_slice());
    assert!(matches!(again, Ok(Some((found, bytes))) if found == *header && bytes == *data));
}
