//! The image that the tests boot.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use loader_vmm::Qemu;
use tests_needs::Need;

/// The shipping ROM, where it can be booted. `None` after saying why not: the caller returns.
pub(crate) fn rom() -> Option<&'static [u8]> {
    static ROM: OnceLock<Option<Vec<u8>>> = OnceLock::new();
    if let Err(error) = Qemu::find(None) {
        Need::Qemu.missing(&error.to_string());
        return None;
    }
    let path = image_folder().join("redoubt.rom");
    let rom = ROM.get_or_init(|| fs::read(&path).ok()).as_deref();
    if rom.is_none() {
        Need::Image.missing(&format!("no {}; `cargo xtask image` makes it", path.display()));
    }
    rom
}

/// Folder of the example's image: `REDOUBT_DIST`, else `dist` at the top of the workspace.
pub(crate) fn image_folder() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist");
    env::var_os("REDOUBT_DIST").map_or_else(default, PathBuf::from)
}
