//! The C compiler of the guest: the clang in Zig, pinned, because its version decides bytes of the ROM.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::python::PythonPackage;
use crate::process::Tool;
use crate::workspace::Workspace;

const ZIG: PythonPackage = PythonPackage {
    name: "the guest's C compiler",
    requirements: "enclave/fw/requirements.txt",
    // With the version: build scripts that were run with another compiler run again only when its path changes.
    folder: "zig-0.15.2",
};

/// The crate `cc` goes by such names.
const COMPILER: Script = Script { file: "zig-cc", verb: "cc" };
const ARCHIVER: Script = Script { file: "zig-ar", verb: "ar" };

/// A program that is one of Zig's verbs.
struct Script {
    file: &'static str,
    verb: &'static str,
}

/// The compiler, which assembles too.
pub(crate) fn c_compiler(workspace: &Workspace) -> PathBuf {
    COMPILER.path(workspace)
}

/// What packs its objects into libraries.
pub(crate) fn archiver(workspace: &Workspace) -> PathBuf {
    ARCHIVER.path(workspace)
}

/// Whether the version that is asked for is installed, and runs.
pub(super) fn is_there(workspace: &Workspace) -> bool {
    let current =
        |script: &Script| fs::read_to_string(script.path(workspace)).is_ok_and(|text| text == script.text());
    ZIG.is_there(workspace)
        && [COMPILER, ARCHIVER].iter().all(current)
        && Tool::new(c_compiler(workspace)).arg("--version").ask().is_some()
}

pub(super) fn install(workspace: &Workspace) -> Result<()> {
    ZIG.install(workspace)?;
    [COMPILER, ARCHIVER].iter().try_for_each(|script| script.write(&script.path(workspace)))
}

impl Script {
    fn path(&self, workspace: &Workspace) -> PathBuf {
        ZIG.environment(workspace).join("bin").join(self.file)
    }

    /// Nothing of the user's environment reaches the compiler: it would end up in the ROM.
    fn text(&self) -> String {
        let verb = self.verb;
        format!(
            r#"#!/bin/sh
# Written by `cargo xtask`.
environment=$(dirname "$0")/..
cache=$environment/cache
exec env -i ZIG_GLOBAL_CACHE_DIR="$cache" ZIG_LOCAL_CACHE_DIR="$cache" \
    "$environment"/lib/python3*/site-packages/ziglang/zig {verb} "$@"
"#
        )
    }

    fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, self.text()).with_context(|| format!("cannot write {}", path.display()))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("cannot make {} executable", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_has_another_folder() {
        let requirements = include_str!("../../../enclave/fw/requirements.txt");
        let version = ZIG.folder.strip_prefix("zig-").unwrap();
        assert!(requirements.contains(&format!("\nziglang=={version} ")));
    }
}
