//! The files of new projects. They lie in `xtask/templates`; what they pin is what the examples pin.

use super::{Kind, Lang};

/// What a template calls the project, so that it can be read as what it becomes.
const NAME: &str = "my-program";

macro_rules! template {
    ($file:literal) => {
        include_str!(concat!("../../templates/", $file))
    };
}

macro_rules! example {
    ($file:literal) => {
        include_str!(concat!("../../../examples/", $file))
    };
}

/// A file's place in the project, and what it contains before anything is filled in.
type File = (&'static str, &'static str);

/// What the interfaces of WASI look like, for languages whose compilers do not bring them along.
const WIT_OF_JOBS: [File; 3] = [
    ("wit/world.wit", template!("world-job.wit.template")),
    ("wit/deps/cli.wit", template!("wit/cli.wit")),
    ("wit/deps/io.wit", template!("wit/io.wit")),
];
const WIT_OF_SERVICES: [File; 4] = [
    ("wit/world.wit", template!("world-service.wit.template")),
    ("wit/deps/clocks.wit", template!("wit/clocks.wit")),
    ("wit/deps/http.wit", template!("wit/http.wit")),
    ("wit/deps/io.wit", template!("wit/io.wit")),
];

/// All files of a new project, filled in.
pub(super) fn files(lang: Lang, kind: Kind, name: &str) -> Vec<(&'static str, String)> {
    let mut files = sources(lang, kind);
    files.push(("README.md", template!("README.md.template")));
    files.push((".gitignore", template!("gitignore.template")));
    files.push((
        "app.toml",
        match kind {
            Kind::Job => template!("app-job.toml.template"),
            Kind::Service => template!("app-service.toml.template"),
        },
    ));
    files.into_iter().map(|(file, text)| (file, fill(text, lang, kind, name))).collect()
}

/// How the project's own tests run.
pub(super) fn test_command(lang: Lang) -> &'static str {
    match lang {
        Lang::Rust => "cargo test",
        Lang::Js => "npm ci && npm test",
        Lang::Python => "python3 -m unittest",
    }
}

fn sources(lang: Lang, kind: Kind) -> Vec<File> {
    let own: &[File] = match (lang, kind) {
        (Lang::Rust, Kind::Job) => &[
            ("Cargo.toml", template!("rust/Cargo-job.toml.template")),
            ("Cargo.lock", template!("rust/Cargo-job.lock.template")),
            ("src/main.rs", template!("rust/src/main.rs.template")),
        ],
        (Lang::Rust, Kind::Service) => &[
            ("Cargo.toml", template!("rust/Cargo-service.toml.template")),
            ("Cargo.lock", template!("rust/Cargo-service.lock.template")),
            ("src/lib.rs", template!("rust/src/lib.rs.template")),
            ("src/answer.rs", template!("rust/src/answer.rs.template")),
            ("src/service.rs", template!("rust/src/service.rs.template")),
        ],
        (Lang::Js, Kind::Job) => &[("src/job.js", template!("js/src/job.js.template"))],
        (Lang::Js, Kind::Service) => &[("src/service.js", template!("js/src/service.js.template"))],
        (Lang::Python, Kind::Job) => &[("app.py", template!("python/app-job.py.template"))],
        (Lang::Python, Kind::Service) => &[("app.py", template!("python/app-service.py.template"))],
    };
    let shared: &[File] = match lang {
        Lang::Rust => &[
            ("rust-toolchain.toml", template!("rust/rust-toolchain.toml.template")),
            ("src/count.rs", template!("rust/src/count.rs.template")),
        ],
        Lang::Js => &[
            ("package.json", template!("js/package.json.template")),
            ("package-lock.json", example!("webhook-scrubber/package-lock.json")),
            (".npmrc", example!("webhook-scrubber/.npmrc")),
            ("src/count.js", template!("js/src/count.js.template")),
            ("test/count.test.js", template!("js/test/count.test.js.template")),
        ],
        Lang::Python => &[
            ("requirements-build.txt", example!("sensor-report/requirements-build.txt")),
            ("count.py", template!("python/count.py.template")),
            ("test_count.py", template!("python/test_count.py.template")),
        ],
    };
    let interfaces: &[File] = match (lang, kind) {
        (Lang::Rust, _) => &[],
        (_, Kind::Job) => &WIT_OF_JOBS,
        (_, Kind::Service) => &WIT_OF_SERVICES,
    };
    [own, shared, interfaces].concat()
}

fn fill(text: &str, lang: Lang, kind: Kind, name: &str) -> String {
    let (memory_mib, memory_bytes, open_requests) = memory(lang, kind);
    let (what, how_to_use) = match kind {
        Kind::Job => (
            "A job for a Redoubt guest: text on standard input, counts of lines, words and bytes as JSON on standard output.",
            "redoubt job --input README.md --output counts.json --claim claim.cbor",
        ),
        Kind::Service => (
            "A service for a Redoubt guest: `POST /count` answers with the counts of the body's lines, words and bytes as \
             JSON, `GET /health` that it is there.",
            "redoubt-verify connect https://127.0.0.1:8080 --reference dist/reference-values.json --allow-simulated \\\n    \
             --listen 127.0.0.1:8081 &                    # its TLS ends in the guest, and this proves it\n\
             curl --data-binary @README.md http://127.0.0.1:8081/count",
        ),
    };
    let values = [
        ("{{what}}", what),
        ("{{use}}", how_to_use),
        ("{{files}}", file_list(lang, kind)),
        ("{{test}}", test_command(lang)),
        ("{{ignored}}", ignored(lang)),
        ("{{memory_mib}}", memory_mib),
        ("{{memory_bytes}}", memory_bytes),
        ("{{open_requests}}", open_requests),
        (
            "{{kind}}",
            match kind {
                Kind::Job => "job",
                Kind::Service => "service",
            },
        ),
        // The lock file is that of an example.
        ("webhook-scrubber", NAME),
        ("      \"license\": \"Apache-2.0\",\n      \"devDependencies\"", "      \"devDependencies\""),
        (NAME, name),
    ];
    values.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// `memory_mib`, the linear memory in bytes, and how many requests may be open. Engines of languages are large.
fn memory(lang: Lang, kind: Kind) -> (&'static str, &'static str, &'static str) {
    match (lang, kind) {
        (Lang::Rust, Kind::Job) => ("128", "33_554_432", ""),
        (Lang::Rust, Kind::Service) => ("384", "4_194_304", "32"),
        (_, Kind::Job) => ("256", "67_108_864", ""),
        (_, Kind::Service) => ("512", "33_554_432", "8"),
    }
}

fn ignored(lang: Lang) -> &'static str {
    match lang {
        Lang::Rust => "/target/",
        Lang::Js => "/dist/\n/node_modules/",
        Lang::Python => "__pycache__/",
    }
}

fn file_list(lang: Lang, kind: Kind) -> &'static str {
    match (lang, kind) {
        (Lang::Rust, Kind::Job) => {
            "| `src/count.rs` | what the program does, with its tests |\n\
             | `src/main.rs` | standard input and output around it |"
        }
        (Lang::Rust, Kind::Service) => {
            "| `src/count.rs` | what the program does, with its tests |\n\
             | `src/answer.rs` | which request is answered how, with its tests |\n\
             | `src/service.rs` | HTTP around it |"
        }
        (Lang::Js, Kind::Job) => {
            "| `src/count.js` | what the program does; its tests are in `test/` |\n\
             | `src/job.js` | standard input and output around it |\n\
             | `wit/` | the interfaces that the program may import |\n\
             | `package-lock.json` | the tools, in exact versions |"
        }
        (Lang::Js, Kind::Service) => {
            "| `src/count.js` | what the program does; its tests are in `test/` |\n\
             | `src/service.js` | HTTP around it |\n\
             | `wit/` | the interfaces that the program may import |\n\
             | `package-lock.json` | the tools, in exact versions |"
        }
        (Lang::Python, Kind::Job) => {
            "| `count.py` | what the program does; its tests are in `test_count.py` |\n\
             | `app.py` | standard input and output around it |\n\
             | `wit/` | the interfaces that the program may import |\n\
             | `requirements-build.txt` | the tool, in an exact version |"
        }
        (Lang::Python, Kind::Service) => {
            "| `count.py` | what the program does; its tests are in `test_count.py` |\n\
             | `app.py` | HTTP around it |\n\
             | `wit/` | the interfaces that the program may import |\n\
             | `requirements-build.txt` | the tool, in an exact version |"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use image_builder::AppToml;
    use serde_json::Value;

    use super::*;

    fn each(check: impl Fn(Lang, Kind, &[(&'static str, String)])) {
        for lang in Lang::ALL {
            for kind in Kind::ALL {
                check(lang, kind, &files(lang, kind, "a-new-name"));
            }
        }
    }

    fn text<'a>(files: &'a [(&'static str, String)], name: &str) -> &'a str {
        &files.iter().find(|(file, _)| *file == name).unwrap_or_else(|| panic!("{name} is missing")).1
    }

    #[test]
    fn everything_is_filled_in() {
        each(|lang, kind, files| {
            for (file, text) in files {
                for left in ["{{", "}}", NAME, "webhook", "scrubber", "template"] {
                    // Two braces are also how Rust writes one.
                    let is_code = left.len() == 2 && file.ends_with(".rs");
                    assert!(is_code || !text.contains(left), "{lang} {kind}: {left} in {file}");
                }
                assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{lang} {kind}: end of {file}");
                assert!(
                    text.lines().all(|line| line.trim_end() == line),
                    "{lang} {kind}: white space in {file}"
                );
            }
            let names: BTreeSet<&str> = files.iter().map(|(file, _)| *file).collect();
            assert_eq!(names.len(), files.len(), "{lang} {kind}: two files of one name");
            assert!(text(files, "README.md").starts_with("# a-new-name\n"));
        });
    }

    #[test]
    fn app_toml_is_accepted() {
        each(|lang, kind, files| {
            let app = AppToml::parse(text(files, "app.toml")).unwrap();
            assert_eq!(app.name, "a-new-name");
            assert_eq!(app.service.is_some(), kind == Kind::Service, "{lang}");
        });
    }

    #[test]
    fn the_lock_file_is_that_of_the_package() {
        let files = files(Lang::Js, Kind::Job, "a-new-name");
        let manifest: Value = serde_json::from_str(text(&files, "package.json")).unwrap();
        let lock: Value = serde_json::from_str(text(&files, "package-lock.json")).unwrap();
        let root = &lock["packages"][""];
        for field in ["name", "version", "devDependencies", "engines", "license"] {
            assert_eq!(root[field], manifest[field], "{field}");
        }
        assert_eq!(lock["name"], manifest["name"]);
        let example: Value = serde_json::from_str(example!("webhook-scrubber/package.json")).unwrap();
        assert_eq!(manifest["overrides"], example["overrides"]);
    }

    #[test]
    fn the_compiler_is_that_of_the_examples() {
        let channel =
            |text: &str| toml::from_str::<toml::Table>(text).unwrap()["toolchain"]["channel"].clone();
        let ours = channel(include_str!("../../../rust-toolchain.toml"));
        assert_eq!(channel(template!("rust/rust-toolchain.toml.template")), ours);
    }

    #[test]
    fn readmes_name_files_that_are_there() {
        each(|lang, kind, files| {
            let rows = text(files, "README.md").lines().filter_map(|line| line.strip_prefix("| `"));
            for named in rows.filter_map(|row| row.split('`').next()) {
                let is_there = files.iter().any(|(file, _)| file.starts_with(named));
                assert!(is_there, "{lang} {kind}: {named}");
            }
        });
    }

    #[test]
    fn examples_have_the_same_interfaces() {
        let pairs = [
            (template!("wit/io.wit"), example!("webhook-scrubber/wit/deps/io.wit")),
            (template!("wit/clocks.wit"), example!("webhook-scrubber/wit/deps/clocks.wit")),
            (template!("wit/http.wit"), example!("webhook-scrubber/wit/deps/http.wit")),
            (template!("wit/io.wit"), example!("sensor-report/wit/deps/io.wit")),
            (template!("wit/cli.wit"), example!("sensor-report/wit/deps/cli.wit")),
        ];
        for (template, example) in pairs {
            assert_eq!(template, example);
        }
    }
}
