//! Turns a project in Rust, JavaScript or Python into a WebAssembly component.
//!
//! The language is told by the project's files; each is built with tools in the versions that the project pins. Nothing
//! is written into the project's folder: JavaScript and Python are built in a copy of it below the target folder.

mod javascript;
mod python;
mod rust;
mod staging;
mod world;

use core::fmt;
use std::fs;
use std::path::{self, Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;

pub(crate) use javascript::{test as test_javascript, test_snapshots};
pub(crate) use python::test as test_python;
pub(crate) use rust::test as test_rust;
pub(crate) use world::World;

/// The component that `image` and `demo` use when nothing else is said.
pub(crate) const EXAMPLE: &str = "examples/ledger-audit";

/// What a project is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    JavaScript,
    Python,
}

impl Language {
    const ALL: [Self; 3] = [Self::Rust, Self::JavaScript, Self::Python];

    /// The file that every project in it has.
    fn mark(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::JavaScript => "package.json",
            Self::Python => python::TOOLS,
        }
    }

    /// The language of the project in `folder`.
    fn of(folder: &Path) -> Result<Self> {
        let found: Vec<Self> =
            Self::ALL.into_iter().filter(|language| folder.join(language.mark()).is_file()).collect();
        match found.as_slice() {
            [language] => Ok(*language),
            [] => {
                let marks = Self::ALL.map(|language| format!("{} ({language})", language.mark())).join(", ");
                bail!("{} is no project: expected one of {marks}", folder.display())
            }
            [first, second, ..] => bail!(
                "{} is a project in {first} and in {second}: expected {} or {}, not both",
                folder.display(),
                first.mark(),
                second.mark()
            ),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
        })
    }
}

/// Builds the project in `folder` and returns the component.
pub(crate) fn build(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let folder = path::absolute(folder).with_context(|| format!("cannot find {}", folder.display()))?;
    match Language::of(&folder)? {
        Language::Rust => rust::build(workspace, &folder),
        Language::JavaScript => javascript::build(workspace, &folder),
        Language::Python => python::build(workspace, &folder),
    }
}

/// Builds the project in `folder`, puts the component into `out`, and prints what it is.
pub(crate) fn build_to(workspace: &Workspace, folder: &Path, out: &Path) -> Result<()> {
    let built = build(workspace, folder)?;
    let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    fs::write(out, &bytes).with_context(|| format!("cannot write {}", out.display()))?;
    let world = World::of(&bytes)?;
    for (what, names) in [("imports", world.imports), ("exports", world.exports)] {
        println!("{what}");
        names.iter().for_each(|name| println!("  {name}"));
    }
    println!("{} bytes written to {}", bytes.len(), out.display());
    Ok(())
}

/// A name for outputs of the project in `folder`: that of the folder.
fn name_of(folder: &Path) -> Result<String> {
    let name = folder.file_name().with_context(|| format!("{} has no name", folder.display()))?;
    Ok(name.to_string_lossy().into_owned())
}

/// The component that a build was to leave behind.
fn expect_component(file: PathBuf, folder: &Path) -> Result<PathBuf> {
    anyhow::ensure!(file.is_file(), "{} was built but {} is missing", folder.display(), file.display());
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_the_language() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let error = Language::of(folder).unwrap_err().to_string();
        assert!(error.contains("Cargo.toml (Rust), package.json (JavaScript)"), "{error}");
        fs::write(folder.join("package.json"), "{}").unwrap();
        assert_eq!(Language::of(folder).unwrap(), Language::JavaScript);
        fs::write(folder.join("requirements-build.txt"), "").unwrap();
        let error = Language::of(folder).unwrap_err().to_string();
        assert!(error.contains("JavaScript and in Python"), "{error}");
        fs::remove_file(folder.join("package.json")).unwrap();
        assert_eq!(Language::of(folder).unwrap(), Language::Python);
    }

    #[test]
    fn examples_are_projects() {
        let workspace = Workspace::locate().unwrap();
        for (example, language) in [
            ("ledger-audit", Language::Rust),
            ("notary-service", Language::Rust),
            ("rate-report", Language::Rust),
            ("webhook-scrubber", Language::JavaScript),
            ("sensor-report", Language::Python),
        ] {
            let folder = workspace.path("examples").join(example);
            assert_eq!(Language::of(&folder).unwrap(), language, "{example}");
        }
    }
}
