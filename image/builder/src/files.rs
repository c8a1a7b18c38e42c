//! Reading with limits, writing without half-written results.

use alloc::vec::Vec;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use crate::error::ImageError;
use crate::image::ImageFile;

/// Reads a whole file of an image folder. Memory grows with what is there, up to the file's limit.
pub(crate) fn read(folder: &Path, file: ImageFile) -> Result<Vec<u8>, ImageError> {
    let path = folder.join(file.name());
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => ImageError::Missing { path: path.clone() },
        _ => ImageError::Io { verb: "read", path: path.clone(), source },
    };
    let limit = file.max_bytes();
    let mut bytes = Vec::new();
    let source = File::open(&path).map_err(failed)?;
    let found = source.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if found as u64 > limit { Err(ImageError::TooLarge { file: file.name(), limit }) } else { Ok(bytes) }
}

/// Writes a file under a temporary name and renames it: it is there whole, or not at all.
pub(crate) fn write(folder: &Path, file: ImageFile, bytes: &[u8]) -> Result<(), ImageError> {
    let path = folder.join(file.name());
    let failed = |source| ImageError::Io { verb: "write", path: path.clone(), source };
    let mut temporary = new_temporary(folder).map_err(failed)?;
    temporary.write_all(bytes).and_then(|()| temporary.as_file().sync_all()).map_err(failed)?;
    temporary.persist(&path).map(drop).map_err(|error| failed(error.error))
}

/// Creates the folder, and takes away an earlier image's mark of completeness.
pub(crate) fn begin(folder: &Path) -> Result<(), ImageError> {
    let failed = |verb, path: &Path, source| ImageError::Io { verb, path: path.to_path_buf(), source };
    fs::create_dir_all(folder).map_err(|source| failed("create", folder, source))?;
    let mark = folder.join(ImageFile::ReferenceValues.name());
    match fs::remove_file(&mark) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(failed("replace", &mark, source)),
        _ => Ok(()),
    }
}

/// Temporary files are private by default; those of an image are for everybody, within the user's mask.
fn new_temporary(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".redoubt-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    builder.tempfile_in(folder)
}
