//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::process::Tool;

/// The checkout that this command works on.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The checkout that cargo started us from, or the one around the current directory.
    pub(crate) fn locate() -> Result<Self> {
        let start = match env::var_os("CARGO_MANIFEST_DIR") {
            Some(xtask) => PathBuf::from(xtask),
            None => env::current_dir().context("cannot read the current directory")?,
        };
        let root = start
            .ancestors()
            .find(|folder| folder.join("xtask/Cargo.toml").is_file() && folder.join("Cargo.toml").is_file())
            .with_context(|| format!("{} is not inside a checkout of Redoubt", start.display()))?;
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root: root.to_owned(), target })
    }

    /// Another checkout, which keeps its build outputs to itself.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), target: root.join("target") }
    }

    /// Top of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path relative to the top.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The files that git tracks or would track, relative to the top: no build output among them. One of them may be
    /// deleted by now.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let listed = Tool::new("git")
            .dir(&self.root)
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .ask()
            .context("git cannot list the files of this checkout: is git installed, and this a clone?")?;
        Ok(listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
    }

    /// Build outputs of the host crates, and parent of all others.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Files that xtask makes for itself: ledgers, caches.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.target.join("xtask")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn build_outputs_are_no_files_of_the_checkout() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        assert!(workspace.files().unwrap_err().to_string().contains("git"));
        Tool::new("git").dir(folder.path()).args(["init", "--quiet"]).run("git init").unwrap();
        fs::create_dir(workspace.target()).unwrap();
        for (name, text) in [("target/built", ""), (".gitignore", "/target"), ("a file", "")] {
            fs::write(workspace.path(name), text).unwrap();
        }
        assert_eq!(workspace.files().unwrap(), [".gitignore", "a file"]);
    }
}
