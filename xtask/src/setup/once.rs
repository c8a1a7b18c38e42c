//! Folders that are filled once for given contents, and then shared by all who have the same.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use crate::workspace::Workspace;

/// Written last.
const MARK: &str = "complete";

/// A folder that is filled once.
#[derive(Debug)]
pub(crate) struct Once {
    folder: PathBuf,
}

impl Once {
    /// The folder of this `kind` for `contents`, whether it is there or not.
    pub(crate) fn new(workspace: &Workspace, kind: &str, contents: &[Vec<u8>]) -> Self {
        let mut hash = Sha256::new();
        for content in contents {
            // Framed, so that no two lists of contents hash the same bytes.
            hash.update((content.len() as u64).to_be_bytes());
            hash.update(content);
        }
        let key = hex::encode(hash.finalize());
        let key = key.get(..16).unwrap_or(&key);
        Self { folder: workspace.scratch().join(kind).join(key) }
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Calls `fill` with the empty folder unless that succeeded before.
    pub(crate) fn fill(&self, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let folder = &self.folder;
        if folder.join(MARK).is_file() {
            return Ok(());
        }
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        fill(folder)?;
        fs::write(folder.join(MARK), "").with_context(|| format!("cannot write to {}", folder.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_filled_until_that_succeeds() {
        let top = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(top.path());
        let once = Once::new(&workspace, "kind", &[b"a".to_vec()]);
        let fail = |folder: &Path| {
            fs::write(folder.join("half"), "").unwrap();
            anyhow::bail!("no network")
        };
        assert!(once.fill(fail).is_err());
        let expect_empty = |folder: &Path| {
            assert!(!folder.join("half").exists());
            Ok(())
        };
        once.fill(expect_empty).unwrap();
        once.fill(|_| panic!("it was filled")).unwrap();
        let others = [vec![b"b".to_vec()], vec![b"a".to_vec(), Vec::new()], Vec::new()];
        for contents in others {
            assert_ne!(Once::new(&workspace, "kind", &contents).folder(), once.folder());
        }
    }
}
