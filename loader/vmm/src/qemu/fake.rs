//! Programs that pass for a QEMU, for tests.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Qemu;
use crate::error::LaunchError;

/// Writes a script that answers `--version` and does `otherwise` with any other arguments.
pub(crate) fn fake_qemu(path: &Path, version: &str, otherwise: &str) -> Qemu {
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'QEMU emulator version {version}'; exit; fi\n{otherwise}\n"
    );
    fs::write(path, script).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
    loop {
        match Qemu::find(Some(path)) {
            // What another test starts at this moment holds our file open for writing until it is started.
            Err(LaunchError::Io { source, .. }) if source.kind() == io::ErrorKind::ExecutableFileBusy => {}
            found => return found.unwrap(),
        }
    }
}
