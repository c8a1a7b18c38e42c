//! Where guests live on this host: one folder per name, found by everybody who knows the name.

use core::fmt::Display;
use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use loader_vmm::check_socket_path;

/// Name of a guest when none is given.
pub(crate) const DEFAULT_NAME: &str = "default";
/// Environment variable with the folder of the simulated chip.
const STATE_VARIABLE: &str = "REDOUBT_STATE_DIR";
/// What an explanation of an ended guest may have.
const LAST_END_MAX_BYTES: u64 = 16 * 1024;

/// The folder of one guest.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) name: String,
    folder: PathBuf,
}

/// Held by the one process that runs the guest of a place; released by the kernel when that process ends.
#[derive(Debug)]
pub(crate) struct PlaceLock {
    _file: File,
}

impl Place {
    /// The place of `name`; creates the folder that holds all places.
    pub(crate) fn find(run_dir: Option<&Path>, name: &str) -> Result<Self> {
        check_name(name)?;
        let base = run_dir.map_or_else(default_run_dir, |folder| Ok(folder.to_owned()))?;
        make_private(&base)?;
        Ok(Self { name: name.to_owned(), folder: base.join(name) })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The socket on which `redoubt run` listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("control.sock")
    }

    /// What the guest logs.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("guest.log")
    }

    /// What a detached `redoubt run` says.
    pub(crate) fn loader_log(&self) -> PathBuf {
        self.folder.join("loader.log")
    }

    /// Takes the place for this process and clears what a dead one left.
    pub(crate) fn lock(&self) -> Result<PlaceLock> {
        make_private(&self.folder)?;
        check_socket_path(&self.socket())?;
        let path = self.lock_path();
        let mut file = open_lock(&path).with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "a guest named {} is already running (pid {}); choose --name",
                    self.name,
                    owner(&mut file)
                )
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", std::process::id())?;
        remove_if_there(&self.socket())?;
        remove_if_there(&self.last_end_path())?;
        Ok(PlaceLock { _file: file })
    }

    /// Whether some process runs a guest here.
    pub(crate) fn is_taken(&self) -> bool {
        let Ok(file) = File::open(self.lock_path()) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Leaves word of why the guest ended, for `redoubt logs`.
    pub(crate) fn write_last_end(&self, end: &dyn Display) {
        // The same was printed already: a full disk costs only this copy.
        let _ = fs::write(self.last_end_path(), format!("{end}\n"));
    }

    /// Why the last guest ended, if it did and left word.
    pub(crate) fn last_end(&self) -> Option<String> {
        let mut text = String::new();
        let file = File::open(self.last_end_path()).ok()?;
        file.take(LAST_END_MAX_BYTES).read_to_string(&mut text).ok()?;
        Some(text.trim_end().to_owned())
    }

    fn lock_path(&self) -> PathBuf {
        self.folder.join("lock")
    }

    fn last_end_path(&self) -> PathBuf {
        self.folder.join("last-end")
    }
}

/// File of the simulated chip: outlives guests, so that they can open tomorrow what they sealed today.
pub(crate) fn chip_file() -> Result<PathBuf> {
    let state = env::var_os(STATE_VARIABLE)
        .map(PathBuf::from)
        .or_else(|| absolute_variable("XDG_STATE_HOME").map(|folder| folder.join("redoubt")))
        .or_else(|| absolute_variable("HOME").map(|home| home.join(".local/state/redoubt")))
        .ok_or_else(|| {
            anyhow!("there is no HOME: name a folder for the simulated chip with {STATE_VARIABLE}")
        })?;
    Ok(state.join("sim-chip"))
}

fn default_run_dir() -> Result<PathBuf> {
    if let Some(folder) = absolute_variable("XDG_RUNTIME_DIR") {
        return Ok(folder.join("redoubt"));
    }
    Ok(PathBuf::from(format!("/tmp/redoubt-{}", own_user()?)))
}

fn absolute_variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn own_user() -> Result<u32> {
    Ok(fs::metadata("/proc/self").context("cannot read /proc/self to learn the user")?.uid())
}

/// A name is a folder's name and stands in messages.
fn check_name(name: &str) -> Result<()> {
    let ok = (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if ok { Ok(()) } else { bail!("--name: expected 1 to 32 of A-Z, a-z, 0-9, - and _, found {name:?}") }
}

/// Makes a folder that only its owner may enter; one that is there already must be like that.
fn make_private(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot create {}", folder.display()))?;
    let metadata =
        fs::symlink_metadata(folder).with_context(|| format!("cannot open {}", folder.display()))?;
    let mode = metadata.mode() & 0o777;
    if !metadata.is_dir() || metadata.uid() != own_user()? || mode & 0o077 != 0 {
        bail!(
            "{}: expected a folder of yours with mode 0700, found mode {mode:04o} of user {}; choose another with --run-dir",
            folder.display(),
            metadata.uid()
        );
    }
    Ok(())
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// The process id in a lock file.
fn owner(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(20).read_to_string(&mut text);
    match (read, text.parse::<u32>()) {
        (Ok(_), Ok(id)) => id.to_string(),
        _ => "unknown".to_owned(),
    }
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_place_has_one_owner_and_is_cleared_for_the_next() {
        let base = tempfile::tempdir().unwrap();
        let run_dir = base.path().join("run");
        let place = Place::find(Some(&run_dir), "a").unwrap();
        assert!(!place.is_taken());
        let lock = place.lock().unwrap();
        assert!(place.is_taken());
        let error = place.lock().unwrap_err().to_string();
        assert!(
            error.contains(&format!("already running (pid {}); choose --name", std::process::id())),
            "{error}"
        );
        Place::find(Some(&run_dir), "b").unwrap().lock().unwrap();

        fs::write(place.socket(), "stale").unwrap();
        place.write_last_end(&"it panicked");
        assert_eq!(place.last_end().unwrap(), "it panicked");
        drop(lock);
        assert!(!place.is_taken());
        let _lock = place.lock().unwrap();
        assert!(!place.socket().exists() && place.last_end().is_none());
    }

    #[test]
    fn folders_of_others_and_odd_names_are_refused() {
        let base = tempfile::tempdir().unwrap();
        for name in ["", "..", "a/b", "x".repeat(33).as_str(), "a b"] {
            assert!(Place::find(Some(base.path()), name).is_err(), "{name:?}");
        }
        let open = base.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        let error = Place::find(Some(&open), "a").unwrap_err().to_string();
        assert!(error.contains("expected a folder of yours with mode 0700, found mode 0755"), "{error}");
        let long = base.path().join("x".repeat(100));
        let error = Place::find(Some(&long), "a").unwrap().lock().unwrap_err().to_string();
        assert!(error.contains("choose a shorter run directory"), "{error}");
    }
}
