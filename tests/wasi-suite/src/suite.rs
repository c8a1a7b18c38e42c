//! The tests of a folder, in the order of their names.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use wasmparser::{Parser, Payload};

use crate::component::component;
use crate::known::{self, Why};
use crate::programs;
use crate::run::{Tried, run};
use crate::specification::Specification;

/// A folder with the suite in it.
#[derive(Debug)]
pub struct Suite {
    folder: PathBuf,
    tests: Vec<PathBuf>,
}

/// What came of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As its specification says, and the same once more from its transcript, natively and interpreted.
    Passed,
    /// It does not pass, for a reason that is known; its replays are the same.
    Known(Why),
    /// It does not pass, or a replay of it differs: in words.
    Failed(String),
}

impl Suite {
    /// Finds every `.wasm` below `folder`.
    ///
    /// # Errors
    /// The folder cannot be read, or there is none.
    pub fn find(folder: &Path) -> Result<Self> {
        let mut tests = Vec::new();
        collect(folder, &mut tests)?;
        ensure!(
            !tests.is_empty(),
            "no built tests below {}: is it the branch that has them?",
            folder.display()
        );
        tests.sort();
        Ok(Self { folder: folder.to_owned(), tests })
    }

    /// Runs all of them, as the files beside them say; each with the name that the table has.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn run(&self) -> Result<Vec<(String, Verdict)>> {
        let verdict_of = |test: &PathBuf| {
            let name = self.name(test);
            // Nobody runs those of another WASI, so nobody has to know what is to be done with them.
            let said = if name.contains("/wasm32-wasip3/") {
                Specification::default()
            } else {
                Specification::of(test)?
            };
            let verdict = verdict(test, known::known(&name), &said)?;
            Ok((name, verdict))
        };
        self.tests.iter().map(verdict_of).collect()
    }

    /// Runs all of them as wasmtime's test programs.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn run_programs(&self) -> Result<Vec<(String, Verdict)>> {
        let verdict_of = |test: &PathBuf| {
            let name = self.name(test);
            let verdict = verdict(test, programs::known(&name), &programs::specification(&name))?;
            Ok((name, verdict))
        };
        let programs = self.tests.iter().filter(|test| programs::is_program(&self.name(test)));
        programs.map(verdict_of).collect()
    }

    /// `language/target/test`: the parts of the path that say something.
    fn name(&self, test: &Path) -> String {
        let path = test.strip_prefix(&self.folder).unwrap_or(test).with_extension("");
        let parts = path.iter().map(|part| part.to_string_lossy());
        parts.filter(|part| part != "tests" && part != "testsuite").collect::<Vec<_>>().join("/")
    }
}

fn collect(folder: &Path, tests: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry.with_context(|| format!("reading {}", folder.display()))?.path();
        if path.is_dir() {
            collect(&path, tests)?;
        } else if path.extension().is_some_and(|extension| extension == "wasm") {
            tests.push(path);
        }
    }
    Ok(())
}

/// Whether it imports or exports an interface of WASI that is not of 0.2.
fn is_for_newer(component: &[u8]) -> Result<bool> {
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    if is_newer(import?.name.name) {
                        return Ok(true);
                    }
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    if is_newer(export?.name.name) {
                        return Ok(true);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(false)
}

fn is_newer(interface: &str) -> bool {
    let version = interface.strip_prefix("wasi:").and_then(|name| name.split_once('@'));
    version.is_some_and(|(_, version)| !version.starts_with("0.2."))
}

fn verdict(test: &Path, known: Option<Why>, said: &Specification) -> Result<Verdict> {
    if let Some(why @ Why::NotRun(_)) = known {
        return Ok(Verdict::Known(why));
    }
    let wasm = fs::read(test).with_context(|| format!("reading {}", test.display()))?;
    let component = component(wasm).with_context(|| test.display().to_string())?;
    let is_newer = is_for_newer(&component)?;
    let name = test.file_name().unwrap_or_default().to_string_lossy();
    Ok(match run(&name, &component, said) {
        // Such components the engine refuses, for one thing or another of theirs that it does not know.
        Err(_) if is_newer => Verdict::Known(known::NEWER),
        Err(_) if known == Some(known::NEWER) => Verdict::Known(known::NEWER),
        Err(error) => Verdict::Failed(error),
        Ok(tried) => judge(tried, known),
    })
}

fn judge(tried: Tried, known: Option<Why>) -> Verdict {
    match (tried.parting, tried.difference, known) {
        (Some(parting), ..) => Verdict::Failed(format!("its replay parts: {parting}")),
        (None, None, None) => Verdict::Passed,
        (None, None, Some(_)) => Verdict::Failed("passes, and is listed among those that do not".to_owned()),
        (None, Some(_), Some(why)) => Verdict::Known(why),
        (None, Some(difference), None) => Verdict::Failed(difference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wasi_of_other_versions_is_newer() {
        assert!(is_newer("wasi:cli/run@0.3.0"));
        assert!(is_newer("wasi:cli/run@0.3.0-rc-2026-03-15"));
        assert!(!is_newer("wasi:cli/run@0.2.12"));
        assert!(!is_newer("run"));
    }

    #[test]
    fn nothing_passes_that_parts_or_is_listed() {
        let tried = |difference: Option<&str>, parting: Option<&str>| Tried {
            difference: difference.map(str::to_owned),
            parting: parting.map(str::to_owned),
        };
        assert_eq!(judge(tried(None, None), None), Verdict::Passed);
        assert_eq!(judge(tried(Some("x"), None), Some(known::NEWER)), Verdict::Known(known::NEWER));
        for (tried, known) in [
            (tried(None, Some("x")), None),
            (tried(Some("x"), Some("x")), Some(known::NEWER)),
            (tried(None, None), Some(known::NEWER)),
            (tried(Some("x"), None), None),
        ] {
            assert!(matches!(judge(tried, known), Verdict::Failed(_)));
        }
    }
}
