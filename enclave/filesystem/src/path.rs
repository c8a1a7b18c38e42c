//! Rules for the text of paths, names and symbolic links.

use crate::limits::bytes_of;
use crate::{ErrorCode, Limits};

/// Refuses what no directory has to be looked at for, in a path as in the text of a symbolic link.
pub(crate) fn check(path: &str, limits: &Limits) -> Result<(), ErrorCode> {
    within(path.len(), limits.path_bytes)?;
    within(depth(path), limits.path_depth)?;
    match path {
        "" => Err(ErrorCode::NoEntry),
        _ if path.contains('\0') => Err(ErrorCode::Invalid),
        _ if path.starts_with('/') => Err(ErrorCode::NotPermitted),
        _ => Ok(()),
    }
}

/// Refuses what cannot be a name in a directory.
pub(crate) fn check_name(name: &str, limits: &Limits) -> Result<(), ErrorCode> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err(ErrorCode::Invalid);
    }
    check_name_length(name, limits)
}

pub(crate) fn check_name_length(name: &str, limits: &Limits) -> Result<(), ErrorCode> {
    within(name.len(), limits.name_bytes)
}

fn within(length: usize, limit: u32) -> Result<(), ErrorCode> {
    if bytes_of(length) > u64::from(limit) { Err(ErrorCode::NameTooLong) } else { Ok(()) }
}

/// The names in a path, `.` and `..` among them.
pub(crate) fn names(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

/// How many names there are that lead elsewhere.
pub(crate) fn depth(path: &str) -> usize {
    names(path).filter(|name| *name != ".").count()
}

/// Whether the path says that it is a directory's.
pub(crate) fn has_slash(path: &str) -> bool {
    path.ends_with('/')
}

/// The path without slashes at its end; `/` stays, so that it is refused.
pub(crate) fn without_slashes(path: &str) -> &str {
    let cut = path.trim_end_matches('/');
    if cut.is_empty() && has_slash(path) { "/" } else { cut }
}
