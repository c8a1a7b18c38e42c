//! What is known of the tests that do not pass: those of another WASI by what they import, the others by name, because a
//! test does not say which of its steps is the one.

/// Why a test that does not pass does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The guest does not have what it asks for.
    NotOffered(&'static str),
    /// It tests more than a program can by itself.
    NotRun(&'static str),
    /// It ends in the adapter between preview 1 and 0.2: no host could help it.
    Adapter(&'static str),
}

/// For components that import or export another WASI than 0.2.
pub(crate) const NEWER: Why = Why::NotOffered("WASI 0.3, and asynchronous functions");

pub(crate) const FILES: Why =
    Why::NotOffered("files at the start of a run: `wasi:filesystem` has one directory, which is empty then");
pub(crate) const TIMES: Why = Why::NotOffered(
    "times of files that nobody set: they are unknown without a clock, and the test computes with them",
);
const MEMORY: Why = Why::Adapter("finds its state, which it keeps in the program's memory, overwritten");
const EXIT: Why = Why::Adapter("makes every exit code but 0 the error of `wasi:cli/exit#exit`, which is 1");
const EMPTY: Why = Why::Adapter("lets a write of no buffers succeed without a look at the descriptor");

const KNOWN: [(&str, Why); 13] = [
    ("assemblyscript/wasm32-wasip1/args_get-multiple-arguments", MEMORY),
    ("assemblyscript/wasm32-wasip1/environ_get-multiple-variables", MEMORY),
    ("assemblyscript/wasm32-wasip1/fd_write-to-invalid-fd", EMPTY),
    ("assemblyscript/wasm32-wasip1/proc_exit-failure", EXIT),
    ("c/wasm32-wasip1/fdopendir-with-access", FILES),
    ("c/wasm32-wasip1/fopen-with-access", FILES),
    ("c/wasm32-wasip1/lseek", FILES),
    ("c/wasm32-wasip1/pread-with-access", FILES),
    ("c/wasm32-wasip1/pwrite-with-access", FILES),
    ("c/wasm32-wasip1/stat-dev-ino", FILES),
    ("rust/wasm32-wasip1/fd_filestat_set", TIMES),
    ("rust/wasm32-wasip1/path_filestat", TIMES),
    ("rust/wasm32-wasip1/symlink_filestat", TIMES),
];

/// Why the test of this name in the table does not pass, if that is known.
pub(crate) fn known(name: &str) -> Option<Why> {
    KNOWN.iter().find(|(test, _)| *test == name).map(|(_, why)| *why)
}
