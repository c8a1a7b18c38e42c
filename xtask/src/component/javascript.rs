//! JavaScript: `npm run build`, which has to leave `dist/component.wasm` behind.
//!
//! Node and npm are of one pinned version; the packages are those of the project's lock file. `componentize-js` loads the
//! program into its engine with work of ours, `snapshot.mjs`, so that the same project gives the same bytes everywhere.

use std::fs;
use std::os::unix;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::staging;
use crate::setup::{self, Need, Once};
use crate::workspace::Workspace;

/// What `npm run build` makes, relative to the project.
const COMPONENT: &str = "dist/component.wasm";

/// What a project asks for, and what it got.
const MANIFEST: &str = "package.json";
const LOCK: &str = "package-lock.json";

/// What takes the place of wizer while a program is built.
const HOOK: [(&str, &str); 2] = [
    ("hook.mjs", include_str!("javascript/hook.mjs")),
    ("snapshot.mjs", include_str!("javascript/snapshot.mjs")),
];
const HOOK_TEST: (&str, &str) = ("snapshot.test.mjs", include_str!("javascript/snapshot.test.mjs"));

pub(super) fn build(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let source = prepare(workspace, folder)?;
    let temporary = source.with_file_name("temporary");
    fs::create_dir_all(&temporary).with_context(|| format!("cannot create {}", temporary.display()))?;
    let hook = hook(workspace)?.join(HOOK[0].0);
    setup::npm(workspace)?
        .dir(&source)
        .args(["run", "build"])
        .env("NODE_OPTIONS", format!("--import \"{}\"", hook.display()))
        .env("NODE_NO_WARNINGS", "1")
        .env("TMPDIR", temporary)
        .run(&format!("building {}", folder.display()))?;
    super::expect_component(source.join(COMPONENT), folder)
}

/// Runs the project's own tests with the pinned Node.
pub(crate) fn test(workspace: &Workspace, folder: &Path) -> Result<()> {
    let source = prepare(workspace, folder)?;
    let name = super::name_of(folder)?;
    setup::npm(workspace)?.dir(&source).arg("test").run(&format!("npm test in {name}")).map(drop)
}

/// Runs the tests of what takes the place of wizer.
pub(crate) fn test_snapshots(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, &[Need::Node])?;
    let test = hook(workspace)?.join(HOOK_TEST.0);
    setup::node(workspace)?.arg("--test").arg(test).run("testing snapshots of JavaScript programs").map(drop)
}

/// The folder with what takes the place of wizer.
fn hook(workspace: &Workspace) -> Result<PathBuf> {
    let files = [HOOK[0], HOOK[1], HOOK_TEST];
    let once = Once::new(workspace, "hook", &files.map(|(_, text)| text.as_bytes().to_vec()));
    once.fill(|to| {
        files.iter().try_for_each(|(name, text)| {
            fs::write(to.join(name), text).with_context(|| format!("cannot write to {}", to.display()))
        })
    })?;
    Ok(once.folder().to_owned())
}

/// A copy of the project with its packages.
fn prepare(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    setup::ensure(workspace, &[Need::Node])?;
    let packages = packages(workspace, folder)?;
    let source = staging::copy(workspace, folder)?.join("source");
    unix::fs::symlink(packages.join("node_modules"), source.join("node_modules"))
        .with_context(|| format!("cannot link packages into {}", source.display()))?;
    Ok(source)
}

/// The folder with the packages that the project's lock file names, installed once for all projects with the same ones.
fn packages(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let (manifest, lock) = (read(folder, MANIFEST)?, read(folder, LOCK)?);
    let once = Once::new(workspace, "npm", &wanted(&manifest, &lock));
    once.fill(|to| {
        for (name, content) in [(MANIFEST, &manifest), (LOCK, &lock)] {
            fs::write(to.join(name), content.to_string())
                .with_context(|| format!("cannot write to {}", to.display()))?;
        }
        setup::npm(workspace)?
            .dir(to)
            // What a package would like to run at its installation is none of our business.
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .run(&format!("installing the packages of {}", folder.display()))
            .map(drop)
    })?;
    Ok(once.folder().to_owned())
}

/// What decides the packages, which the name of the project does not.
fn wanted(manifest: &Value, lock: &Value) -> Vec<Vec<u8>> {
    let asked = ["dependencies", "devDependencies", "optionalDependencies", "overrides"];
    let asked = asked.iter().map(|name| manifest[*name].to_string().into_bytes());
    let mut got = lock["packages"].clone();
    if let Some(packages) = got.as_object_mut() {
        // The project itself.
        packages.remove("");
    }
    asked.chain([got.to_string().into_bytes()]).collect()
}

fn read(folder: &Path, name: &str) -> Result<Value> {
    let file = folder.join(name);
    let text = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", file.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn projects_with_the_same_packages_share_them() {
        let project = |name: &str, version: &str| {
            let manifest = json!({ "name": name, "devDependencies": { "a": version } });
            let lock = json!({ "name": name, "packages": { "": manifest, "node_modules/a": { "version": version } } });
            wanted(&manifest, &lock)
        };
        assert_eq!(project("one", "1.0.0"), project("other", "1.0.0"));
        assert_ne!(project("one", "1.0.0"), project("one", "1.0.1"));
        let unlocked = wanted(&json!({ "overrides": { "a": "2" } }), &json!({}));
        assert_ne!(unlocked, wanted(&json!({}), &json!({})));
    }
}
