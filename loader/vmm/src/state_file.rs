//! Keeps what a guest stores, sealed by it, from one boot to the next.
//!
//! The file changes as a whole: what the guest gives out is written beside it, and takes its place when it is complete and
//! on the disk. Whoever holds an old copy can put it back: the guest opens that too. Panics: never on what the guest sends.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf, absolute};

use enclave_wire::boot::STATE_MARGIN_BYTES;
use enclave_wire::frame::{Frame, FrameKind};
use tempfile::NamedTempFile;

use crate::error::LaunchError;
use crate::session::Violation;

/// The file, for as long as a guest uses it.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    folder: PathBuf,
    max_bytes: u64,
    /// Complete so far, and how many bytes that is.
    part: Option<(NamedTempFile, u64)>,
    /// Held by at most one loader, so that no guest undoes what another has stored.
    _lock: File,
}

impl StateFile {
    /// The file at `path`, which need not be there yet, for a store of up to `store_bytes`.
    ///
    /// # Errors
    /// Another guest uses it, or its folder cannot be written to.
    pub fn open(path: &Path, store_bytes: u64) -> Result<Self, LaunchError> {
        // Whoever asks for its name later may be elsewhere.
        let path = absolute(path).map_err(failed("find", path))?;
        let folder = path.parent().unwrap_or(&path).to_owned();
        fs::create_dir_all(&folder).map_err(failed("create", &folder))?;
        let mut lock_path = path.clone().into_os_string();
        lock_path.push(".lock");
        let lock_path = PathBuf::from(lock_path);
        let lock = File::create(&lock_path).map_err(failed("create", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LaunchError::StateInUse { path }),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &lock_path)(error)),
        }
        Ok(Self {
            path,
            folder,
            max_bytes: store_bytes.saturating_add(STATE_MARGIN_BYTES),
            part: None,
            _lock: lock,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether frames of this kind are for it.
    pub(crate) const fn takes(kind: FrameKind) -> bool {
        matches!(kind, FrameKind::STATE | FrameKind::STATE_END)
    }

    /// Takes a frame of the guest.
    ///
    /// # Errors
    /// The guest broke a rule, or the file cannot be written.
    pub(crate) fn on_frame(&mut self, frame: &Frame) -> Result<(), Violation> {
        if frame.kind == FrameKind::STATE { self.write(&frame.body) } else { self.finish() }
    }

    fn write(&mut self, body: &[u8]) -> Result<(), Violation> {
        let (file, bytes) = match &mut self.part {
            Some(part) => part,
            None => {
                // Readable for the operator alone, as all temporary files.
                let file = NamedTempFile::new_in(&self.folder).map_err(at(&self.folder))?;
                self.part.insert((file, 0))
            }
        };
        *bytes = bytes.saturating_add(body.len() as u64);
        if *bytes > self.max_bytes {
            let (path, limit) = (self.path.display(), self.max_bytes);
            return Err(unkept(format!("{path}: expected at most {limit} bytes of state")));
        }
        file.write_all(body).map_err(at(file.path()))
    }

    fn finish(&mut self) -> Result<(), Violation> {
        let Some((file, _)) = self.part.take() else {
            return Err(unkept(format!("{}: the end of a state that never began", self.path.display())));
        };
        file.as_file().sync_all().map_err(at(&self.path))?;
        file.persist(&self.path).map_err(|error| at(&self.path)(error.error))?;
        // The new name is on the disk, too, before the guest goes on.
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(at(&self.folder))
    }
}

fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LaunchError + use<> {
    let path = path.to_owned();
    move |source| LaunchError::Io { verb, path, source }
}

fn at(path: &Path) -> impl Fn(io::Error) -> Violation + use<> {
    let path = path.to_owned();
    move |error| unkept(format!("{}: {error}", path.display()))
}

const fn unkept(reason: String) -> Violation {
    Violation::Unkept { reason }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn send(file: &mut StateFile, kind: FrameKind, body: &[u8]) -> Result<(), String> {
        let frame = Frame { kind, job: 0, body: body.to_vec() };
        file.on_frame(&frame).map_err(|violation| violation.to_string())
    }

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_state_is_there_as_a_whole_or_not_at_all() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("state");
        let mut file = StateFile::open(&path, 100).unwrap();
        send(&mut file, FrameKind::STATE, b"the first ").unwrap();
        assert!(!path.exists());
        send(&mut file, FrameKind::STATE, b"state").unwrap();
        send(&mut file, FrameKind::STATE_END, b"").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"the first state");
        send(&mut file, FrameKind::STATE, b"half of").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"the first state");
        drop(file);
        assert_eq!(names(&folder), ["state", "state.lock"], "what is not whole is gone");
        let mut file = StateFile::open(&path, 100).unwrap();
        send(&mut file, FrameKind::STATE, b"another").unwrap();
        send(&mut file, FrameKind::STATE_END, b"").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"another");
    }

    #[test]
    fn one_guest_at_a_time() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("deeper/state");
        let first = StateFile::open(&path, 100).unwrap();
        let second = StateFile::open(&path, 100).unwrap_err().to_string();
        assert!(second.contains("another guest") && second.contains("deeper/state"), "{second}");
        drop(first);
        assert!(StateFile::open(&path, 100).is_ok());
    }

    #[test]
    fn a_guest_that_breaks_the_rules_changes_nothing() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("state");
        let mut file = StateFile::open(&path, 100).unwrap();
        assert!(send(&mut file, FrameKind::STATE_END, b"").unwrap_err().contains("never began"));
        let long = vec![0; 100 + usize::try_from(STATE_MARGIN_BYTES).unwrap()];
        send(&mut file, FrameKind::STATE, &long).unwrap();
        assert!(send(&mut file, FrameKind::STATE, b"x").unwrap_err().contains("at most 4196 bytes"));
        assert!(!path.exists());
    }
}
