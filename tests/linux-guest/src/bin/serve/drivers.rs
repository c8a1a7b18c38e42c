//! Loads the kernel's modules for the network device.

use std::fs;
use std::io;
use std::path::Path;

use rustix::system::init_module;

/// Loads every module of a folder, in the order of their names.
pub(crate) fn load(folder: &Path) -> io::Result<()> {
    let mut modules = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    modules.sort();
    for module in modules {
        init_module(&fs::read(&module)?, c"")
            .map_err(|error| io::Error::other(format!("{}: {error}", module.display())))?;
    }
    Ok(())
}
