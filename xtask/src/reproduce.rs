//! Builds the image a second time from another place and compares the bytes.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::image;
use crate::workspace::Workspace;

/// The files that make up an image.
const FILES: [&str; 6] = [
    "redoubt.rom",
    "component.wasm",
    "artefact.cwasm",
    "manifest.json",
    "reference-values.corim",
    "reference-values.json",
];

/// Copies the checkout to a folder with another name and depth, builds the example's image there, and compares it with
/// the one in `image`.
pub(crate) fn check(workspace: &Workspace, image: &Path) -> Result<()> {
    let copy = workspace.scratch().join("a rather different/place");
    copy_sources(workspace, &copy)?;
    let elsewhere = Workspace::at(&copy);
    image::build(&elsewhere, None, &copy.join("dist"))?;
    let differing: Vec<String> =
        FILES.iter().filter_map(|name| difference(image, &copy.join("dist"), name)).collect();
    if !differing.is_empty() {
        bail!("two builds of the same sources differ:\n{}", differing.join("\n"));
    }
    // A whole target folder, of no use any more.
    fs::remove_dir_all(&copy).with_context(|| format!("cannot remove {}", copy.display()))
}

/// No build output comes along.
fn copy_sources(workspace: &Workspace, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| format!("cannot empty {}", to.display()))?;
    }
    for path in workspace.files()? {
        let (from, to) = (workspace.path(&path), to.join(&path));
        if !from.is_file() {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        fs::copy(&from, &to)
            .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    }
    Ok(())
}

fn difference(one: &Path, other: &Path, name: &str) -> Option<String> {
    let (one, other) = (digest(&one.join(name)), digest(&other.join(name)));
    (one != other).then(|| format!("  {name}: {one} and {other}"))
}

fn digest(file: &Path) -> String {
    match fs::read(file) {
        Ok(bytes) => hex::encode(Sha256::digest(bytes)),
        Err(error) => format!("unreadable ({error})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_and_absence_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        fs::create_dir_all(&one).unwrap();
        fs::create_dir_all(&other).unwrap();
        fs::write(one.join("same"), "x").unwrap();
        fs::write(other.join("same"), "x").unwrap();
        fs::write(one.join("changed"), "x").unwrap();
        fs::write(other.join("changed"), "y").unwrap();
        fs::write(one.join("gone"), "x").unwrap();
        assert_eq!(difference(&one, &other, "same"), None);
        assert!(difference(&one, &other, "changed").is_some());
        assert!(difference(&one, &other, "gone").unwrap().contains("unreadable"));
        // Two unreadable files are equal here; the build that precedes the comparison has made all of them.
    }
}
