//! Files that appear whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use tempfile::Builder;

/// Has `fill` write a file and gives it the name `path` when it succeeds. Until then there is none of that name, or the
/// one from before. Devices and pipes are written to directly.
pub(crate) fn write<T>(path: &Path, fill: impl FnOnce(&File) -> Result<T>) -> Result<T> {
    let failed = || format!("cannot write {}", path.display());
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        let device = OpenOptions::new().write(true).open(path).with_context(failed)?;
        return fill(&device).with_context(failed);
    }
    // A link stays a link: the file that it names is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Temporary files are private by default; these are for everybody, within the user's mask.
    let mut builder = Builder::new();
    builder.prefix(".xtask-").permissions(Permissions::from_mode(0o666));
    let draft = builder.tempfile_in(folder).with_context(failed)?;
    let result = fill(draft.as_file()).with_context(failed)?;
    draft.persist(&path).with_context(failed)?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use anyhow::bail;

    use super::*;

    #[test]
    fn files_appear_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let interrupt = |mut file: &File| -> Result<()> {
            file.write_all(b"half")?;
            bail!("interrupted");
        };
        write(&path, interrupt).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        write(&path, |mut file| Ok(file.write_all(b"whole")?)).unwrap();
        let error = format!("{:#}", write(&path, interrupt).unwrap_err());
        assert_eq!(error, format!("cannot write {}: interrupted", path.display()));
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn devices_and_links_stay_what_they_are() {
        write(Path::new("/dev/null"), |mut file| Ok(file.write_all(b"gone")?)).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write(&link, |mut file| Ok(file.write_all(b"new")?)).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
