//! Rules on packages: names, dependencies, opt-ins, reachable files.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::Finding;
use super::tree::Tree;

/// Which room may depend on which room or package folder, besides itself. The reasons are in the rooms' READMEs.
const ARROWS: [(&str, &[&str]); 8] = [
    ("attestation", &[]),
    ("enclave", &["attestation", "gpu-bridge/wire"]),
    ("examples", &[]),
    ("gpu-bridge", &["attestation"]),
    ("image", &["attestation", "enclave/runtime", "enclave/wire"]),
    ("loader", &["attestation", "enclave/runtime", "enclave/wire", "gpu-bridge/wire", "image"]),
    ("tests", &["attestation", "enclave", "examples", "gpu-bridge", "image", "loader"]),
    ("xtask", &["attestation", "enclave/wire", "image", "loader", "tests/servers"]),
];

/// What every room's tests may use, and nothing but tests, unless an arrow names it.
const TEST_ONLY: [&str; 2] = ["tests/needs", "tests/servers"];

/// Packages that may contain unsafe code. All others forbid it.
const UNSAFE_HOUSES: [&str; 10] = [
    "attestation/artefact",
    "enclave/devices",
    "enclave/fw",
    "enclave/memory",
    "enclave/runtime",
    "enclave/x86",
    "tests/fuzz",
    "tests/linux-guest",
    "tests/verifier-bench",
    "tests/verifier-size",
];

/// Tests that may contain unsafe code although their package may not.
const UNSAFE_TESTS: [&str; 3] = [
    // Measures with the components of the tests below.
    "enclave/service/examples",
    // Loads artefacts, which are native code, as the guest does.
    "enclave/service/tests/serve",
    // Contains the machine code of hostile artefacts.
    "tests/e2e/tests/guest",
];

const REFUSED_WORDS: [&str; 4] = ["util", "common", "core", "base"];

/// A parsed `Cargo.toml` with a `[package]`.
struct Package<'a> {
    /// Its folder, relative to the top.
    folder: &'a str,
    file: &'a str,
    table: Table,
}

impl Package<'_> {
    fn name(&self) -> &str {
        self.field("name").and_then(Value::as_str).unwrap_or_default()
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.table.get("package")?.get(name)
    }

    /// Dependencies of every kind and target.
    fn dependencies(&self) -> BTreeSet<&str> {
        self.dependencies_of(&["dependencies", "dev-dependencies", "build-dependencies"])
    }

    /// Dependencies of some kinds and every target.
    fn dependencies_of(&self, kinds: &[&str]) -> BTreeSet<&str> {
        let targets = self.table.get("target").and_then(Value::as_table);
        let tables = core::iter::once(&self.table)
            .chain(targets.into_iter().flat_map(Table::values).filter_map(Value::as_table));
        let lists = tables.flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()));
        lists.flat_map(Table::keys).map(String::as_str).collect()
    }

    fn sources<'t>(&self, tree: &'t Tree) -> impl Iterator<Item = (&'t str, &'t str)> {
        let prefix = format!("{}/", self.folder);
        tree.ending(&[".rs"]).filter(move |(path, _)| path.starts_with(&prefix))
    }
}

fn packages(tree: &Tree) -> Vec<Package<'_>> {
    let manifests = tree.ending(&["/Cargo.toml"]).filter_map(|(file, text)| {
        let table: Table = text.parse().ok()?;
        table.contains_key("package").then(|| Package {
            folder: file.trim_end_matches("/Cargo.toml"),
            file,
            table,
        })
    });
    manifests.collect()
}

/// `arrows`
pub(super) fn arrows(tree: &Tree) -> Vec<Finding> {
    let packages = packages(tree);
    let folders: BTreeMap<&str, &str> =
        packages.iter().map(|package| (package.name(), package.folder)).collect();
    let mut findings = Vec::new();
    for package in &packages {
        let room = room_of(package.folder);
        let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == room) else {
            findings.push(Finding::file(package.file, format!("{room} is not a room")));
            continue;
        };
        let shipped = package.dependencies_of(&["dependencies", "build-dependencies"]);
        for dependency in package.dependencies() {
            let Some(folder) = folders.get(dependency) else { continue };
            let is_allowed = if TEST_ONLY.contains(folder) {
                !shipped.contains(dependency) || allowed.contains(folder)
            } else {
                room_of(folder) == room || allowed.iter().any(|to| to == folder || *to == room_of(folder))
            };
            if !is_allowed {
                findings.push(Finding::file(package.file, format!("{room} may not depend on {dependency}")));
            }
        }
    }
    findings
}

/// `crate-words`
pub(super) fn crate_words(tree: &Tree) -> Vec<Finding> {
    let bad = packages(tree).into_iter().filter_map(|package| {
        let name = package.name().to_owned();
        let word = name.split(['-', '_']).find(|word| REFUSED_WORDS.contains(&word.trim_end_matches('s')))?;
        Some(Finding::file(package.file, format!("{word:?} does not say what the package is for")))
    });
    bad.collect()
}

/// `dependency-reason`: in `[workspace.dependencies]`, and in packages that are workspaces of their own.
pub(super) fn dependency_reason(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.ending(&["Cargo.toml"]) {
        if !text.contains("[workspace]") {
            continue;
        }
        let mut is_dependencies = false;
        let mut has_reason = false;
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if line.starts_with('[') {
                is_dependencies = line.ends_with("dependencies]");
            }
            let is_entry = is_dependencies && line.split_once('=').is_some() && !line.starts_with('#');
            let is_ours = line.contains("path = \"");
            if is_entry && !is_ours && !has_reason && !line.contains('#') {
                findings.push(Finding::line(path, index, "no comment says why this crate is needed"));
            }
            // A heading of the list is no reason for the entry below it.
            has_reason = line.starts_with('#') && !line.starts_with("# ---");
        }
    }
    findings
}

/// `licence`
pub(super) fn licence(tree: &Tree) -> Vec<Finding> {
    let workspace_licence = tree
        .get("Cargo.toml")
        .and_then(|text| text.parse::<Table>().ok())
        .and_then(|table| Some(table.get("workspace")?.get("package")?.get("license")?.as_str()?.to_owned()));
    let bad = packages(tree).into_iter().filter_map(|package| {
        let licence = match package.field("license") {
            Some(Value::String(own)) => own.clone(),
            Some(Value::Table(_)) => workspace_licence.clone().unwrap_or_default(),
            _ => String::new(),
        };
        (licence != "Apache-2.0")
            .then(|| Finding::file(package.file, format!("licence: expected Apache-2.0, found {licence:?}")))
    });
    bad.collect()
}

/// `lints-opt-in`
pub(super) fn lints_opt_in(tree: &Tree) -> Vec<Finding> {
    let bad = packages(tree).into_iter().filter(|package| {
        let opted_in = package.table.get("lints").and_then(|lints| lints.get("workspace")?.as_bool());
        opted_in != Some(true)
    });
    bad.map(|package| Finding::file(package.file, "lacks [lints] workspace = true")).collect()
}

/// `name-is-path`
pub(super) fn name_is_path(tree: &Tree) -> Vec<Finding> {
    let bad = packages(tree).into_iter().filter_map(|package| {
        let expected = package.folder.replace('/', "-");
        let found = package.name();
        (found != expected)
            .then(|| Finding::file(package.file, format!("package name: expected {expected}, found {found}")))
    });
    bad.collect()
}

/// `unsafe-houses`
pub(super) fn unsafe_houses(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages(tree).iter().filter(|package| !UNSAFE_HOUSES.contains(&package.folder)) {
        for root in roots(package, tree).iter().filter(|root| root.contains("/src/")) {
            if tree.get(root).is_some_and(|text| !text.contains("#![forbid(unsafe_code")) {
                findings.push(Finding::line(root, 0, "lacks #![forbid(unsafe_code)]"));
            }
        }
        // Crates of their own, which could overrule the workspace's lints.
        let own_crates = package.sources(tree).filter(|(path, _)| !path.contains("/src/"));
        for (path, text) in own_crates.filter(|(path, _)| !is_unsafe_test(path)) {
            let opts_in = |line: &str| line.contains("unsafe_code") && !line.contains("forbid(unsafe_code");
            if let Some(index) = text.lines().position(opts_in) {
                findings.push(Finding::line(path, index, "allows unsafe code"));
            }
        }
    }
    findings
}

fn is_unsafe_test(path: &str) -> bool {
    UNSAFE_TESTS.iter().any(|folder| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
}

/// `unused-dependency`: of packages, and of the workspace's own list.
pub(super) fn unused_dependency(tree: &Tree) -> Vec<Finding> {
    let packages = packages(tree);
    let mut findings = Vec::new();
    for package in &packages {
        for dependency in package.dependencies() {
            let name = dependency.replace('-', "_");
            if !package.sources(tree).any(|(_, text)| mentions(text, &name)) {
                findings.push(Finding::file(package.file, format!("{dependency} is declared and not used")));
            }
        }
    }
    let used: BTreeSet<&str> = packages.iter().flat_map(Package::dependencies).collect();
    let root: Option<Table> = tree.get("Cargo.toml").and_then(|text| text.parse().ok());
    let listed = root.as_ref().and_then(|table| table.get("workspace")?.get("dependencies")?.as_table());
    for name in listed.into_iter().flat_map(Table::keys).filter(|name| !used.contains(name.as_str())) {
        findings.push(Finding::file("Cargo.toml", format!("no package uses {name}")));
    }
    findings
}

/// `orphan`
pub(super) fn orphans(tree: &Tree) -> Vec<Finding> {
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let all = packages(tree);
    for package in &all {
        let mut pending = roots(package, tree);
        while let Some(file) = pending.pop() {
            let Some(text) = tree.get(&file) else { continue };
            if reached.insert(file.clone()) {
                pending.extend(modules_of(&file, text));
            }
        }
    }
    let lost = tree.ending(&[".rs"]).filter(|(path, _)| !reached.contains(*path));
    lost.map(|(path, _)| Finding::file(path, "no mod declaration leads here")).collect()
}

/// The files at which compilation of a package begins.
fn roots(package: &Package<'_>, tree: &Tree) -> Vec<String> {
    let stated = ["lib", "bin", "test", "bench", "example"].into_iter().flat_map(|kind| {
        match package.table.get(kind) {
            Some(Value::Array(targets)) => {
                targets.iter().filter_map(|target| target.get("path")?.as_str()).collect()
            }
            Some(target) => target.get("path").and_then(Value::as_str).into_iter().collect::<Vec<_>>(),
            None => Vec::new(),
        }
    });
    let mut roots: Vec<String> = stated.map(|path| format!("{}/{path}", package.folder)).collect();
    for (path, _) in package.sources(tree) {
        let inside = path.get(package.folder.len() + 1..).unwrap_or_default();
        let parts: Vec<&str> = inside.split('/').collect();
        let is_root = matches!(
            parts.as_slice(),
            ["build.rs"]
                | ["src", "lib.rs" | "main.rs"]
                | ["src", "bin", _]
                | ["tests" | "benches" | "examples", _]
        ) || matches!(
            parts.as_slice(),
            ["src", "bin", _, "main.rs"] | ["tests" | "benches" | "examples", _, "main.rs"]
        );
        if is_root {
            roots.push(path.to_owned());
        }
    }
    roots.sort();
    roots.dedup();
    roots
}

/// The files that `mod name;` in `file` may mean.
fn modules_of(file: &str, text: &str) -> Vec<String> {
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let is_root = matches!(name, "lib.rs" | "main.rs" | "mod.rs" | "build.rs")
        || folder.ends_with("/tests")
        || folder.ends_with("/benches")
        || folder.ends_with("/examples")
        || folder.ends_with("/bin");
    let inner =
        if is_root { folder.to_owned() } else { format!("{folder}/{}", name.trim_end_matches(".rs")) };
    let mut files = Vec::new();
    let mut path_attribute = None;
    for line in text.lines().map(str::trim) {
        if let Some(path) = line.strip_prefix("#[path = \"").and_then(|rest| rest.split('"').next()) {
            path_attribute = Some(path);
        } else if let Some(module) = declared_module(line) {
            match path_attribute.take() {
                Some(path) => files.push(without_steps_up(&format!("{folder}/{path}"))),
                None => files.extend([format!("{inner}/{module}.rs"), format!("{inner}/{module}/mod.rs")]),
            }
        }
    }
    files
}

/// `a/c` of `a/b/../c`.
fn without_steps_up(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// The name in `pub(crate) mod name;`.
fn declared_module(line: &str) -> Option<&str> {
    let (visibility, name) = line.strip_suffix(';')?.rsplit_once("mod ")?;
    let is_declaration =
        visibility.is_empty() || visibility.starts_with("pub") || visibility.starts_with("#[");
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_declaration && is_name).then_some(name)
}

fn mentions(text: &str, name: &str) -> bool {
    let touches = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.match_indices(name).any(|(at, _)| {
        let (before, after) =
            (text.get(..at).unwrap_or_default(), text.get(at + name.len()..).unwrap_or_default());
        !before.ends_with(touches) && !after.starts_with(touches)
    })
}

fn room_of(folder: &str) -> &str {
    folder.split('/').next().unwrap_or(folder)
}

#[cfg(test)]
mod tests;
