//! Which targets there are: one file of `tests/fuzz/src/bin` each, whose first line says what it drives.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;

/// The package of the targets, relative to the checkout.
pub(super) const FOLDER: &str = "tests/fuzz";

/// One program of that package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) drives: String,
}

/// All targets, by name.
pub(super) fn read(workspace: &Workspace) -> Result<Vec<Target>> {
    let folder = workspace.path(FOLDER).join("src/bin");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut targets = Vec::new();
    for entry in entries {
        targets.extend(read_one(&entry?.path())?);
    }
    targets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(targets)
}

fn read_one(file: &Path) -> Result<Option<Target>> {
    let (Some(name), Some("rs")) =
        (file.file_stem().and_then(|stem| stem.to_str()), file.extension().and_then(|end| end.to_str()))
    else {
        return Ok(None);
    };
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let first = text.lines().next().unwrap_or_default();
    Ok(Some(Target { name: name.to_owned(), drives: first.trim_start_matches("//!").trim().to_owned() }))
}

/// Those of `all` that are named; all of them when none is.
pub(super) fn choose(all: Vec<Target>, names: &[String]) -> Result<Vec<Target>> {
    if names.is_empty() {
        return Ok(all);
    }
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|target| target.name != **name)) {
        let known: Vec<&str> = all.iter().map(|target| target.name.as_str()).collect();
        bail!("there is no target {unknown}; there are: {}", known.join(", "));
    }
    Ok(all.into_iter().filter(|target| names.contains(&target.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_says_what_it_drives() {
        let targets = read(&Workspace::locate().unwrap()).unwrap();
        assert!(targets.iter().any(|target| target.name == "manifest"));
        for Target { name, drives } in &targets {
            assert!(drives.len() > 10, "{name}: {drives:?}");
        }
    }

    #[test]
    fn targets_are_chosen_by_name() {
        let target = |name: &str| Target { name: name.to_owned(), drives: String::new() };
        let all = vec![target("a"), target("b"), target("c")];
        assert_eq!(choose(all.clone(), &[]).unwrap().len(), 3);
        assert_eq!(choose(all.clone(), &["c".into(), "a".into()]).unwrap(), [target("a"), target("c")]);
        let error = choose(all, &["a".into(), "d".into()]).unwrap_err().to_string();
        assert_eq!(error, "there is no target d; there are: a, b, c");
    }
}
