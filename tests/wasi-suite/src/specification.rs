//! What a test is given and what it has to answer: the file beside it, in either of the suite's two forms.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// What is to be done with a test, and what has to come of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Specification {
    /// Arguments behind the program's name.
    pub(crate) args: Vec<String>,
    /// Environment variables.
    pub(crate) env: BTreeMap<String, String>,
    /// A folder that is to be the program's root.
    pub(crate) root: Option<String>,
    /// The exit code.
    pub(crate) exit_code: u8,
    /// Standard output, where it matters.
    pub(crate) stdout: Option<String>,
    /// Standard error, where it matters.
    pub(crate) stderr: Option<String>,
    /// Standard input.
    #[serde(skip)]
    pub(crate) input: String,
    /// How it ends.
    #[serde(skip)]
    pub(crate) end: End,
}

/// How a program has to end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With the exit code.
    #[default]
    Exits,
    /// By a trap.
    Traps,
    /// Never by itself.
    RunsOutOfTime,
}

impl Specification {
    /// Of the test at `wasm`; without a file beside it, the suite's defaults.
    ///
    /// # Errors
    /// The file cannot be read, or asks for more than a run: tests of servers do.
    pub(crate) fn of(wasm: &Path) -> Result<Self> {
        let path = wasm.with_extension("json");
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} asks for more than a run", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_the_suites_default() {
        let said: Specification = serde_json::from_str(r#"{"args": ["a"], "exit_code": 33}"#).unwrap();
        assert_eq!((said.args.as_slice(), said.exit_code), (["a".to_owned()].as_slice(), 33));
        assert!(said.env.is_empty() && said.root.is_none() && said.stdout.is_none());
        assert!(serde_json::from_str::<Specification>(r#"{"operations": []}"#).is_err());
    }
}
