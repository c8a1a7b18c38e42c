//! Files that appear whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::{Builder, NamedTempFile};

/// What a job writes to.
#[derive(Debug)]
pub(crate) enum Output {
    /// Gets its name with [`Output::finish`]; until then, and when dropped, there is nothing under that name.
    Draft { path: PathBuf, file: NamedTempFile },
    /// A device or pipe: what is written is gone.
    Device { path: PathBuf, file: File },
    /// Standard output.
    Standard,
}

impl Output {
    /// Begins an output. Fails early where nothing could be written at the end.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Standard);
        }
        let failed = || format!("cannot write {}", path.display());
        let is_device = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
        if is_device {
            let file = OpenOptions::new().write(true).open(path).with_context(failed)?;
            return Ok(Self::Device { path: path.to_owned(), file });
        }
        // A link stays a link: the file that it names is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = Builder::new()
            .prefix(".redoubt-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .with_context(failed)?;
        Ok(Self::Draft { path, file })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Draft { file, .. } => file.write_all(bytes),
            Self::Device { file, .. } => file.write_all(bytes),
            Self::Standard => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
        }
        .with_context(|| format!("cannot write {}", self.name()))
    }

    /// A second handle on what is written, for a thread of its own.
    pub(crate) fn duplicate(&self) -> Result<Box<dyn Write + Send>> {
        let failed = || format!("cannot write {}", self.name());
        Ok(match self {
            Self::Draft { file, .. } => Box::new(file.as_file().try_clone().with_context(failed)?),
            Self::Device { file, .. } => Box::new(file.try_clone().with_context(failed)?),
            Self::Standard => Box::new(io::stdout()),
        })
    }

    /// Makes sure that the bytes are on disk: a disk that is full shows here at the latest.
    pub(crate) fn settle(&mut self) -> Result<()> {
        match self {
            Self::Draft { file, .. } => {
                file.as_file().sync_all().with_context(|| format!("cannot write {}", self.name()))
            }
            Self::Device { .. } | Self::Standard => Ok(()),
        }
    }

    /// Gives the file its name.
    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Self::Draft { path, file } => {
                file.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
                Ok(())
            }
            Self::Device { .. } | Self::Standard => Ok(()),
        }
    }

    /// Whether nothing is there until [`Output::finish`].
    pub(crate) const fn is_draft(&self) -> bool {
        matches!(self, Self::Draft { .. })
    }

    /// The path, for messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Draft { path, .. } | Self::Device { path, .. } => path.display().to_string(),
            Self::Standard => "standard output".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        let mut output = Output::create(&path).unwrap();
        output.write(b"half").unwrap();
        assert!(!path.exists());
        drop(output);
        assert!(names(folder.path()).is_empty());

        fs::write(&path, "old").unwrap();
        let mut output = Output::create(&path).unwrap();
        output.write(b"new").unwrap();
        output.settle().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        output.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["report"]);
    }

    #[test]
    fn devices_are_written_to_and_not_replaced() {
        let null = Path::new("/dev/null");
        let mut output = Output::create(null).unwrap();
        output.write(b"gone").unwrap();
        output.finish().unwrap();
        assert!(!fs::metadata(null).unwrap().is_file());
        let full = Path::new("/dev/full");
        if full.exists() {
            let error = Output::create(full).unwrap().write(b"x").unwrap_err();
            assert!(format!("{error:#}").contains("/dev/full"), "{error:#}");
        }
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut output = Output::create(&link).unwrap();
        output.write(b"new").unwrap();
        output.finish().unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_at_once() {
        let error = Output::create(Path::new("/no/such/folder/report")).unwrap_err();
        assert!(format!("{error:#}").contains("/no/such/folder/report"), "{error:#}");
    }
}
