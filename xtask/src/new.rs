//! `cargo xtask new`: a project that builds, passes its tests and runs as it is.

mod name;
mod template;

use core::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use name::ProjectName;

/// What to start.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What it is written in
    #[arg(long)]
    lang: Lang,
    /// What it is: a job ends, a service answers HTTP requests
    #[arg(long, default_value = "job")]
    kind: Kind,
    /// Words of a-z and 0-9, joined by hyphens
    name: ProjectName,
    /// The folder to make [default: the name, in the current directory]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

impl Options {
    /// As if typed.
    pub(crate) fn new(lang: Lang, kind: Kind, name: &str, path: PathBuf) -> Result<Self> {
        Ok(Self { lang, kind, name: name.parse()?, path: Some(path) })
    }
}

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// Rust
    Rust,
    /// JavaScript
    Js,
    /// Python
    Python,
}

/// What a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Reads standard input, writes standard output, ends
    Job,
    /// Answers HTTP requests
    Service,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Job, Self::Service];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Job => "job",
            Self::Service => "service",
        })
    }
}

impl Lang {
    pub(crate) const ALL: [Self; 3] = [Self::Rust, Self::Js, Self::Python];
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Python => "python",
        })
    }
}

/// A project that was written.
#[derive(Debug)]
pub(crate) struct Created {
    folder: PathBuf,
    test: &'static str,
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.display();
        writeln!(f, "written to {folder}; next:")?;
        writeln!(f, "  cd {folder} && {}", self.test)?;
        write!(f, "  cargo xtask image {folder}\n{folder}/README.md has the rest.")
    }
}

/// Writes a new project.
pub(crate) fn create(options: &Options) -> Result<Created> {
    let Options { lang, kind, name, path } = options;
    let folder = path.clone().unwrap_or_else(|| PathBuf::from(name.as_str()));
    if folder.exists() {
        bail!("{} exists already: choose another name, or another folder with --path", folder.display());
    }
    for (file, text) in template::files(*lang, *kind, name.as_str()) {
        write(&folder.join(file), &text)?;
    }
    Ok(Created { folder, test: template::test_command(*lang) })
}

fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_folder_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let options = |path: &Path| Options::new(Lang::Python, Kind::Job, "my-job", path.to_owned()).unwrap();
        let error = create(&options(folder.path())).unwrap_err().to_string();
        assert!(error.contains("exists already") && error.contains("--path"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let below = folder.path().join("a/b");
        let created = create(&options(&below)).unwrap().to_string();
        assert!(created.contains("python3 -m unittest") && created.contains("a/b"), "{created}");
        assert!(below.join("app.toml").is_file() && below.join("README.md").is_file());
        assert!(create(&options(&below)).is_err());
    }
}
