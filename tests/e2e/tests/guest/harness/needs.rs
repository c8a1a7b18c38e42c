//! What the tests need from outside, and what happens when it is missing.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use loader_vmm::Qemu;

/// The shipping ROM, where it can be booted. `None` after saying why not: the caller returns.
pub(crate) fn rom() -> Option<&'static [u8]> {
    static ROM: OnceLock<Option<Vec<u8>>> = OnceLock::new();
    if let Err(error) = Qemu::find(None) {
        return missing("qemu", &error.to_string());
    }
    let path = image_folder().join("redoubt.rom");
    let rom = ROM.get_or_init(|| fs::read(&path).ok()).as_deref();
    rom.or_else(|| missing("image", &format!("no {}; `cargo xtask image` makes it", path.display())))
}

/// Folder of the example's image: `REDOUBT_DIST`, else `dist` at the top of the workspace.
pub(crate) fn image_folder() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist");
    env::var_os("REDOUBT_DIST").map_or_else(default, PathBuf::from)
}

/// Says what is missing; fails where `REDOUBT_REQUIRE` lists it.
pub(crate) fn missing<T>(need: &str, why: &str) -> Option<T> {
    let required = env::var("REDOUBT_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|name| name.trim() == need), "REDOUBT_REQUIRE lists {need}: {why}");
    // Not `eprintln!`, which the test harness keeps to itself when the test passes.
    let _ = writeln!(io::stderr(), "skipped: {why}");
    None
}
