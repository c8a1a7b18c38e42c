//! Starts a project of every kind in every language, and takes it from its own tests to a component; examples too.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::component::{self, World};
use crate::image::{self, Source};
use crate::new::{self, Kind, Lang};
use crate::workspace::Workspace;

/// Packages whose interfaces a component may import; versions are those of WASI 0.2.
const PACKAGES: [&str; 6] =
    ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:http", "wasi:io", "wasi:random"];

/// CPython comes with the whole of its C library, sockets included. They are imported and never called.
const PACKAGE_OF_PYTHON: &str = "wasi:sockets";

/// Languages whose tools give the same bytes for the same sources. That of Python writes the time of the build and the
/// randomness of the machine into the component.
const REPRODUCIBLE: [Lang; 2] = [Lang::Rust, Lang::Js];

/// The examples that are not built by other suites.
const EXAMPLES: [(Lang, Kind, &str); 4] = [
    (Lang::Rust, Kind::Service, "examples/notary-service"),
    (Lang::Rust, Kind::Job, "examples/rate-report"),
    (Lang::Js, Kind::Service, "examples/webhook-scrubber"),
    (Lang::Python, Kind::Job, "examples/sensor-report"),
];

/// Builds the examples' images, each in the folder of its name in `out`.
pub(crate) fn build_examples(workspace: &Workspace, out: &Path) -> Result<()> {
    for (.., example) in EXAMPLES {
        let source = Source::project(workspace, &workspace.path(example))?;
        let name = Path::new(example).file_name().context("an example has a name")?;
        image::build(workspace, Some(source), &out.join(name))?;
    }
    Ok(())
}

/// Runs all of it.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    component::test_snapshots(workspace)?;
    for (lang, kind, folder) in EXAMPLES {
        check_component(workspace, lang, kind, &workspace.path(folder))?;
    }
    // Nothing of a new project may depend on where it or the checkout is.
    let top = tempfile::tempdir().context("cannot create a folder for new projects")?;
    for lang in Lang::ALL {
        for kind in Kind::ALL {
            let name = format!("new-{lang}-{kind}");
            let folder = create(lang, kind, &name, top.path().join(&name))?;
            test(workspace, lang, &folder)?;
            let built = check_component(workspace, lang, kind, &folder)?;
            if REPRODUCIBLE.contains(&lang) {
                let other =
                    create(lang, kind, &name, top.path().join("another/place").join(kind.to_string()))?;
                let again = check_component(workspace, lang, kind, &other)?;
                ensure!(built == again, "{name}: two builds of the same sources differ");
                fs::remove_dir_all(other).context("cannot remove a project")?;
            }
        }
    }
    Ok(())
}

fn create(lang: Lang, kind: Kind, name: &str, folder: PathBuf) -> Result<PathBuf> {
    new::create(&new::Options::new(lang, kind, name, folder.clone())?)?;
    Ok(folder)
}

/// Runs a project's own tests.
pub(crate) fn test(workspace: &Workspace, lang: Lang, folder: &Path) -> Result<()> {
    match lang {
        Lang::Rust => component::test_rust(workspace, folder, &[]).map(drop),
        Lang::Js => component::test_javascript(workspace, folder),
        Lang::Python => component::test_python(workspace, folder),
    }
}

/// Builds a project and returns the component.
fn check_component(workspace: &Workspace, lang: Lang, kind: Kind, folder: &Path) -> Result<Vec<u8>> {
    let component = component::build(workspace, folder)?;
    let bytes = fs::read(&component).with_context(|| format!("cannot read {}", component.display()))?;
    check_world(&World::of(&bytes)?, lang, kind)
        .with_context(|| format!("{} was built", folder.display()))?;
    Ok(bytes)
}

fn check_world(world: &World, lang: Lang, kind: Kind) -> Result<()> {
    for import in &world.imports {
        let (package, _) = import.split_once('/').unwrap_or((import, ""));
        let is_known = PACKAGES.contains(&package) || (lang == Lang::Python && package == PACKAGE_OF_PYTHON);
        ensure!(is_known && import.contains("@0.2."), "but imports {import}, which no guest offers");
    }
    let entry = match kind {
        Kind::Job => "wasi:cli/run@0.2.",
        Kind::Service => "wasi:http/incoming-handler@0.2.",
    };
    ensure!(world.exports.iter().any(|export| export.starts_with(entry)), "but does not export {entry}x");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_may_use_what_their_kind_needs() {
        let workspace = Workspace::locate().unwrap();
        for (_, kind, example) in EXAMPLES {
            let app = fs::read_to_string(workspace.path(example).join("app.toml")).unwrap();
            let app = image_builder::AppToml::parse(&app).unwrap();
            assert_eq!(app.service.is_some(), kind == Kind::Service, "{example}");
            assert!(example.ends_with(&app.name), "{example}");
        }
    }

    fn world(import: &str, export: &str) -> World {
        World { imports: vec![import.to_owned()], exports: vec![export.to_owned()] }
    }

    #[test]
    fn every_rule_bites() {
        let (run, handler) = ("wasi:cli/run@0.2.10", "wasi:http/incoming-handler@0.2.10");
        let job = |import: &str, lang: Lang| check_world(&world(import, run), lang, Kind::Job);
        assert!(job("wasi:io/streams@0.2.0", Lang::Rust).is_ok());
        for import in
            ["wasi:io/streams@0.3.0", "wasi:sockets/tcp@0.2.0", "wasi:nn/graph@0.2.0", "other:io/x@0.2.0"]
        {
            let error = job(import, Lang::Js).unwrap_err().to_string();
            assert!(error.contains(import), "{error}");
        }
        assert!(job("wasi:sockets/tcp@0.2.9", Lang::Python).is_ok());
        let service =
            |export: &str| check_world(&world("wasi:io/poll@0.2.0", export), Lang::Js, Kind::Service);
        assert!(service(handler).is_ok());
        assert!(service(run).unwrap_err().to_string().contains("incoming-handler"));
    }
}
