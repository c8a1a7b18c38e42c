//! Where the cache is.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Nobody says where to keep things. Whoever set up the environment is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cache: expected $REDOUBT_CACHE, $XDG_CACHE_HOME or $HOME, found none\n  say where with --cache DIR")]
pub struct NoFolder;

/// `stated`, `$REDOUBT_CACHE`, or `redoubt` in the user's cache folder of the XDG Base Directory Specification.
///
/// # Errors
/// None of these is there.
pub fn cache_folder(stated: Option<&Path>) -> Result<PathBuf, NoFolder> {
    choose(stated, |name| env::var_os(name))
}

fn choose(stated: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, NoFolder> {
    let variable = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The specification: "If an implementation encounters a relative path it should consider the path invalid".
    let xdg = || variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let ours = || {
        let base = xdg().or_else(|| variable("HOME").map(|home| home.join(".cache")))?;
        Some(base.join("redoubt"))
    };
    stated.map(Path::to_owned).or_else(|| variable("REDOUBT_CACHE")).or_else(ours).ok_or(NoFolder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_counts() {
        let with = |stated: Option<&str>, variables: &[(&str, &str)]| {
            choose(stated.map(Path::new), |name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
            })
        };
        let all = [("REDOUBT_CACHE", "/r"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(with(Some("s"), &all), Ok("s".into()));
        assert_eq!(with(None, &all), Ok("/r".into()));
        assert_eq!(with(None, &all[1..]), Ok("/x/redoubt".into()));
        assert_eq!(with(None, &all[2..]), Ok("/h/.cache/redoubt".into()));
        assert_eq!(with(None, &[("XDG_CACHE_HOME", "x"), ("HOME", "/h")]), Ok("/h/.cache/redoubt".into()));
        assert_eq!(with(None, &[("REDOUBT_CACHE", "")]), Err(NoFolder));
    }
}
