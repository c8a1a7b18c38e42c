//! Rust: cargo, for `wasm32-wasip2`, whose linker makes components.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::guest::remap_flags;
use crate::process::Tool;
use crate::setup::{self, COMPONENT_TARGET};
use crate::workspace::Workspace;

/// The folder of the project has no other name in what is built from it.
const FOLDER: &str = "/app";

pub(super) fn build(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    setup::ensure_component_target(folder)?;
    let messages = Tool::cargo(workspace)
        .dir(folder)
        .args(["build", "--release", "--locked", "--message-format", "json-render-diagnostics"])
        .args(["--target", COMPONENT_TARGET, "--target-dir"])
        .arg(workspace.target().join("components"))
        .env("CARGO_ENCODED_RUSTFLAGS", flags(workspace, folder))
        .run(&format!("building {}", folder.display()))?;
    let built = components(&messages, &folder.join("Cargo.toml"));
    match built.as_slice() {
        [one] => super::expect_component(PathBuf::from(one), folder),
        [] => bail!("{}: expected a program or a `cdylib`, found neither", folder.display()),
        several => bail!("{}: expected one component, found {}", folder.display(), several.join(", ")),
    }
}

/// As for everything in the checkout; a project outside of it is hidden too.
fn flags(workspace: &Workspace, folder: &Path) -> String {
    let flags = remap_flags(workspace, None);
    if folder.starts_with(workspace.root()) {
        return flags;
    }
    format!("{flags}\u{1f}--remap-path-prefix={}={FOLDER}", folder.display())
}

/// The components that cargo says it built from the package with this manifest.
fn components(messages: &str, manifest: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for message in messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let is_ours = message["reason"] == "compiler-artifact"
            && message["manifest_path"].as_str().map(Path::new) == Some(manifest);
        let files = message["filenames"].as_array().filter(|_| is_ours);
        let names = files.into_iter().flatten().filter_map(Value::as_str);
        found.extend(names.filter(|name| name.ends_with(".wasm")).map(str::to_owned));
    }
    found
}

/// Runs the project's own tests on this machine; returns what they skipped.
pub(crate) fn test(
    workspace: &Workspace,
    folder: &Path,
    variables: &[(&str, String)],
) -> Result<Vec<String>> {
    let name = super::name_of(folder).context("a project to test")?;
    let test = Tool::cargo(workspace).dir(folder).args(["test", "--locked", "--target-dir"]);
    let test = test.arg(workspace.target().join("examples"));
    let test = variables.iter().fold(test, |test, (name, value)| test.env(name, value));
    let (_, skipped) = test.args(["--", "--show-output"]).run_tests(&format!("cargo test in {name}"))?;
    Ok(skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_components_of_the_package_itself_count() {
        let messages = r#"{"reason":"compiler-artifact","manifest_path":"/a/Cargo.toml","filenames":["/t/a.wasm","/t/liba.rlib"]}
            not json
            {"reason":"compiler-artifact","manifest_path":"/b/Cargo.toml","filenames":["/t/b.wasm"]}
            {"reason":"build-finished","success":true}"#;
        assert_eq!(components(messages, Path::new("/a/Cargo.toml")), ["/t/a.wasm"]);
        assert!(components(messages, Path::new("/c/Cargo.toml")).is_empty());
    }
}
