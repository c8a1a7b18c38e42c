//! Copies of projects, in which tools may write what they like.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// Folders of a project that are no part of it: made by tools, or their memory of the past.
const LEFT_OUT: [&str; 8] =
    [".git", ".venv", "__pycache__", "dist", "node_modules", "site-packages", "target", "venv"];

/// An empty folder for the project in `folder`, with a copy of it as `source`. What was there before is gone.
pub(super) fn copy(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let staging = workspace.target().join("components/staging").join(super::name_of(folder)?);
    if staging.exists() {
        fs::remove_dir_all(&staging).with_context(|| format!("cannot empty {}", staging.display()))?;
    }
    copy_folder(folder, &staging.join("source"))?;
    Ok(staging)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", from.display()))?;
        let (name, path) = (entry.file_name(), entry.path());
        // Like a compiler, follow links to files; a link to a folder may lead back up.
        if path.is_file() {
            fs::copy(&path, to.join(&name)).with_context(|| format!("cannot copy {}", path.display()))?;
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) && !is_left_out(&name) {
            copy_folder(&path, &to.join(&name))?;
        }
    }
    Ok(())
}

fn is_left_out(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| LEFT_OUT.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_project_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (project, workspace) =
            (folder.path().join("app"), Workspace::at(&folder.path().join("checkout")));
        for file in
            ["src/a.js", "package.json", "node_modules/x/index.js", "src/dist/b", ".git/HEAD", "tests/dist"]
        {
            let path = project.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        std::os::unix::fs::symlink(&project, project.join("src/loop")).unwrap();
        let staging = copy(&workspace, &project).unwrap();
        fs::write(staging.join("source/stale"), "").unwrap();
        let source = copy(&workspace, &project).unwrap().join("source");
        assert_eq!(fs::read_to_string(source.join("src/a.js")).unwrap(), "src/a.js");
        for (file, expected) in [
            ("package.json", true),
            ("tests/dist", true),
            ("node_modules", false),
            ("src/dist", false),
            (".git", false),
            ("src/loop", false),
            ("stale", false),
        ] {
            assert_eq!(source.join(file).exists(), expected, "{file}");
        }
    }
}
