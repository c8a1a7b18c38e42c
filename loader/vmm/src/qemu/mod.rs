//! The QEMU process: which one, with which arguments, watched until it is gone.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) mod command;
#[cfg(test)]
pub(crate) mod fake;
pub(crate) mod log;
pub(crate) mod process;

use crate::error::LaunchError;

/// Environment variable with the path of the QEMU to use.
pub const QEMU_VARIABLE: &str = "REDOUBT_QEMU";
/// The oldest QEMU that is known to boot the ROM.
pub const OLDEST_VERSION: (u32, u32) = (7, 2);
const QEMU_NAME: &str = "qemu-system-x86_64";

/// A QEMU that is there and answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qemu {
    /// Its path.
    pub path: PathBuf,
    /// Major and minor version.
    pub version: (u32, u32),
}

impl Qemu {
    /// Finds QEMU: `explicit` if given, else `REDOUBT_QEMU`, else `qemu-system-x86_64` in `PATH`.
    ///
    /// # Errors
    /// There is none, it does not run, or it is too old.
    pub fn find(explicit: Option<&Path>) -> Result<Self, LaunchError> {
        let chosen = explicit.map(Path::to_owned).or_else(|| env::var_os(QEMU_VARIABLE).map(PathBuf::from));
        let name = chosen.unwrap_or_else(|| PathBuf::from(QEMU_NAME));
        let path = find_program(&name).ok_or_else(|| LaunchError::QemuMissing { tried: name })?;
        let version = ask_version(&path)?;
        if version < OLDEST_VERSION {
            return Err(LaunchError::QemuVersion { path, expected: OLDEST_VERSION, found: version });
        }
        Ok(Self { path, version })
    }

    /// What it lists when asked for help on an option: which objects or backends it was built with.
    pub(crate) fn help(&self, option: &str) -> io::Result<String> {
        let mut command = Command::new(&self.path);
        command.args(["-machine", "none", &format!("-{option}"), "help"]).stdin(Stdio::null());
        Ok(String::from_utf8_lossy(&command.output()?.stdout).into_owned())
    }
}

/// Where a program is: itself if it is a path, else in the folders of `PATH`.
pub(crate) fn find_program(name: &Path) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return name.is_file().then(|| name.to_owned());
    }
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn ask_version(path: &Path) -> Result<(u32, u32), LaunchError> {
    let output = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| LaunchError::Io { verb: "run", path: path.to_owned(), source })?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse_version(&text).ok_or_else(|| LaunchError::QemuAnswer {
        path: path.to_owned(),
        found: text.lines().next().unwrap_or_default().chars().take(100).collect(),
    })
}

/// `QEMU emulator version 7.2.22 (Debian …)`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (_, rest) = text.split_once("version ")?;
    let mut numbers = rest.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse_version("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)"), Some((7, 2)));
        assert_eq!(parse_version("QEMU emulator version 10.1.0"), Some((10, 1)));
        assert_eq!(parse_version("version next"), None);
        assert_eq!(parse_version("hello"), None);
    }

    #[test]
    fn what_is_no_qemu_is_named() {
        let missing = Qemu::find(Some(Path::new("no-such-qemu"))).unwrap_err();
        assert!(matches!(missing, LaunchError::QemuMissing { .. }));
        assert!(missing.to_string().contains("no-such-qemu"), "{missing}");
        let other = Qemu::find(Some(Path::new("true"))).unwrap_err();
        assert!(matches!(other, LaunchError::QemuAnswer { .. }), "{other}");
    }
}
