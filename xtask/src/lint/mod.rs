//! `cargo xtask lint`: rules of the house that neither the compiler nor clippy knows.
//!
//! Each rule has a short name, so that a review can cite it, and a test that shows it bite. A rule sees the whole
//! [`Tree`] and returns what is wrong.

mod packages;
mod rooms;
mod sources;
mod tree;

use anyhow::{Result, bail};

use crate::process::Tool;
use crate::workspace::Workspace;

use tree::Tree;

/// Folders that are workspaces of their own.
pub(crate) const OTHER_WORKSPACES: [&str; 9] = [
    "examples/ledger-audit",
    "examples/notary-service",
    "examples/rate-report",
    "tests/conformance",
    "tests/conformance-stock",
    "tests/fuzz",
    "tests/linux-guest",
    "tests/verifier-bench",
    "tests/verifier-size",
];

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// From 1; 0 means the whole file.
    line: usize,
    message: String,
}

impl Finding {
    fn file(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: 0, message: message.into() }
    }

    fn line(path: &str, index: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: index + 1, message: message.into() }
    }
}

/// A rule: its name, what it wants, and how to find what breaks it.
struct Rule {
    name: &'static str,
    wants: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

const RULES: [Rule; 15] = [
    Rule {
        name: "arrows",
        wants: "rooms depend only on the rooms that their charter names",
        check: packages::arrows,
    },
    Rule {
        name: "crate-words",
        wants: "no crate is called util, common, core or base",
        check: packages::crate_words,
    },
    Rule {
        name: "dependency-reason",
        wants: "a comment says why each third-party crate is there",
        check: packages::dependency_reason,
    },
    Rule { name: "file-size", wants: "files have at most 800 lines", check: sources::file_size },
    Rule { name: "licence", wants: "every package is Apache-2.0", check: packages::licence },
    Rule {
        name: "lints-opt-in",
        wants: "every package takes the workspace's lints",
        check: packages::lints_opt_in,
    },
    Rule {
        name: "machine-path",
        wants: "no path of somebody's machine in a file",
        check: sources::machine_path,
    },
    Rule { name: "module-doc", wants: "every .rs file opens with //!", check: sources::module_doc },
    Rule {
        name: "name-is-path",
        wants: "a package is named after its folder",
        check: packages::name_is_path,
    },
    Rule {
        name: "orphan",
        wants: "every .rs file is reached by a mod declaration",
        check: packages::orphans,
    },
    Rule { name: "room-readme", wants: "every room has a charter", check: rooms::room_readme },
    Rule { name: "to-do-id", wants: "work left for later names its issue", check: sources::to_do_id },
    Rule {
        name: "unsafe-houses",
        wants: "unsafe code only in the crates listed for it",
        check: packages::unsafe_houses,
    },
    Rule { name: "unused-dependency", wants: "what is declared is used", check: packages::unused_dependency },
    Rule { name: "wire-size", wants: "wire structs assert their size", check: sources::wire_size },
];

/// Runs the rules and prints what they find.
pub(crate) fn rules(workspace: &Workspace) -> Result<()> {
    let tree = Tree::read(workspace)?;
    let mut count = 0_usize;
    for Rule { name, wants, check } in RULES {
        let mut findings = check(&tree);
        findings.sort();
        for Finding { path, line, message } in &findings {
            let place = if *line == 0 { path.clone() } else { format!("{path}:{line}") };
            eprintln!("{place}: {name}: {message}");
        }
        if !findings.is_empty() {
            eprintln!("  {name}: {wants}");
        }
        count += findings.len();
    }
    match count {
        0 => Ok(()),
        1 => bail!("1 finding"),
        _ => bail!("{count} findings"),
    }
}

/// Checks the layout of the code.
pub(crate) fn formatting(workspace: &Workspace) -> Result<()> {
    let fmt = |tool: Tool| tool.args(["fmt", "--check"]);
    fmt(Tool::cargo(workspace)).arg("--all").run("cargo fmt --check")?;
    for folder in other_workspaces(workspace) {
        fmt(Tool::cargo(workspace).dir(&workspace.path(folder)))
            .arg("--all")
            .run(&format!("cargo fmt --check in {folder}"))?;
    }
    Ok(())
}

/// Runs clippy; a warning is a failure.
pub(crate) fn clippy(workspace: &Workspace) -> Result<()> {
    let clippy = |tool: Tool| tool.args(["clippy", "--all-targets", "--locked", "--workspace"]);
    clippy(Tool::cargo(workspace)).args(["--", "--deny", "warnings"]).run("cargo clippy")?;
    for folder in other_workspaces(workspace) {
        clippy(Tool::cargo(workspace).dir(&workspace.path(folder)))
            .arg("--target-dir")
            .arg(workspace.target().join("clippy-others"))
            .args(["--", "--deny", "warnings"])
            .run(&format!("cargo clippy in {folder}"))?;
    }
    Ok(())
}

fn other_workspaces(workspace: &Workspace) -> impl Iterator<Item = &'static str> {
    OTHER_WORKSPACES.into_iter().filter(|folder| workspace.path(folder).join("Cargo.toml").is_file())
}
