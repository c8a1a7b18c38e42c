//! Each rule on packages, shown to bite.

use super::*;

fn package(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nlicense = \"Apache-2.0\"\n{rest}\n[lints]\nworkspace = true\n")
}

fn messages(findings: Vec<Finding>) -> Vec<String> {
    findings.into_iter().map(|finding| format!("{}: {}", finding.path, finding.message)).collect()
}

#[test]
fn arrows_bite() {
    let wire = package("enclave-wire", "");
    let service = package("enclave-service", "[dependencies]\nenclave-wire = {}\nattestation-claim = {}");
    let claim = package("attestation-claim", "[dev-dependencies]\nenclave-wire = {}");
    let builder = package(
        "image-builder",
        "[target.'cfg(unix)'.dependencies]\nenclave-wire = {}\nenclave-service = {}",
    );
    let stray = package("misc-x", "");
    let needs = package("tests-needs", "");
    let servers = package("tests-servers", "");
    let tested = package("loader-x", "[dev-dependencies]\ntests-needs = {}\ntests-servers = {}");
    let shipped = package("loader-y", "[dependencies]\ntests-needs = {}");
    let named = package("xtask", "[dependencies]\ntests-needs = {}\ntests-servers = {}");
    let tree = Tree::of(&[
        ("enclave/wire/Cargo.toml", &wire),
        ("enclave/service/Cargo.toml", &service),
        ("attestation/claim/Cargo.toml", &claim),
        ("image/builder/Cargo.toml", &builder),
        ("misc/x/Cargo.toml", &stray),
        ("tests/needs/Cargo.toml", &needs),
        ("tests/servers/Cargo.toml", &servers),
        ("loader/x/Cargo.toml", &tested),
        ("loader/y/Cargo.toml", &shipped),
        ("xtask/Cargo.toml", &named),
    ]);
    let expected = [
        "attestation/claim/Cargo.toml: attestation may not depend on enclave-wire",
        "image/builder/Cargo.toml: image may not depend on enclave-service",
        "loader/y/Cargo.toml: loader may not depend on tests-needs",
        "misc/x/Cargo.toml: misc is not a room",
        "xtask/Cargo.toml: xtask may not depend on tests-needs",
    ];
    assert_eq!(messages(arrows(&tree)), expected);
}

#[test]
fn names_and_words_bite() {
    let (good, renamed, bucket) = (package("a-b", ""), package("b", ""), package("a-utils", ""));
    let tree =
        Tree::of(&[("a/b/Cargo.toml", &good), ("a/c/Cargo.toml", &renamed), ("a/utils/Cargo.toml", &bucket)]);
    assert_eq!(messages(name_is_path(&tree)), ["a/c/Cargo.toml: package name: expected a-c, found b"]);
    assert_eq!(crate_words(&tree).len(), 1);
}

#[test]
fn dependency_reason_bites() {
    let text = "[workspace]\n[workspace.dependencies]\nours = { path = \"x\" }\n# Why.\ngood = \"1\"\nbad = \"1\"\n# --- On the host ---\nworse = \"1\"\n";
    let lines: Vec<usize> =
        dependency_reason(&Tree::of(&[("Cargo.toml", text)])).iter().map(|found| found.line).collect();
    assert_eq!(lines, [6, 8]);
}

#[test]
fn licence_and_lints_bite() {
    let inherited = "[package]\nname = \"a-b\"\nlicense.workspace = true\n";
    let other = "[package]\nname = \"a-c\"\nlicense = \"MIT\"\n[lints]\nworkspace = true\n";
    let root = "[workspace.package]\nlicense = \"Apache-2.0\"\n";
    let tree = Tree::of(&[("Cargo.toml", root), ("a/b/Cargo.toml", inherited), ("a/c/Cargo.toml", other)]);
    assert_eq!(messages(licence(&tree)), ["a/c/Cargo.toml: licence: expected Apache-2.0, found \"MIT\""]);
    assert_eq!(messages(lints_opt_in(&tree)), ["a/b/Cargo.toml: lacks [lints] workspace = true"]);
}

#[test]
fn unsafe_houses_bite() {
    let (free, house) = (package("a-b", ""), package("enclave-x86", ""));
    let tree = Tree::of(&[
        ("a/b/Cargo.toml", &free),
        ("a/b/src/lib.rs", "//! Doc.\n"),
        ("a/b/src/main.rs", "//! Doc.\n#![forbid(unsafe_code)]\n"),
        ("a/b/tests/safe.rs", "//! Doc.\n"),
        ("a/b/tests/unsafe.rs", "//! Doc.\n#![expect(unsafe_code, reason = \"no\")]\n"),
        ("enclave/service/Cargo.toml", &package("enclave-service", "")),
        ("enclave/service/tests/serve/main.rs", "#![expect(\n    unsafe_code,\n)]\n"),
        ("enclave/service/tests/served.rs", "#![expect(\n    unsafe_code,\n)]\n"),
        ("enclave/x86/Cargo.toml", &house),
        ("enclave/x86/src/lib.rs", "//! Doc.\n"),
    ]);
    let expected = [
        "a/b/src/lib.rs: lacks #![forbid(unsafe_code)]",
        "a/b/tests/unsafe.rs: allows unsafe code",
        "enclave/service/tests/served.rs: allows unsafe code",
    ];
    assert_eq!(messages(unsafe_houses(&tree)), expected);
}

#[test]
fn unused_dependency_bites() {
    let manifest = package("a-b", "[dependencies]\nused-one = {}\nlost-one = {}");
    let root = "[workspace.dependencies]\nused-one = \"1\"\nlost-one = \"1\"\nnobodys = \"1\"\n";
    let tree = Tree::of(&[
        ("Cargo.toml", root),
        ("a/b/Cargo.toml", &manifest),
        ("a/b/src/lib.rs", "use used_one::X;\nuse lost_one_more::X;\n"),
    ]);
    let expected =
        ["a/b/Cargo.toml: lost-one is declared and not used", "Cargo.toml: no package uses nobodys"];
    assert_eq!(messages(unused_dependency(&tree)), expected);
}

#[test]
fn orphans_bite() {
    let manifest = package("a-b", "[[bin]]\nname = \"x\"\npath = \"src/tool.rs\"");
    let tree = Tree::of(&[
        ("a/b/Cargo.toml", &manifest),
        ("a/b/build.rs", ""),
        ("a/b/src/lib.rs", "mod one;\n#[cfg(test)]\npub(crate) mod two;\n#[path = \"odd.rs\"]\nmod three;\n"),
        ("a/b/src/one.rs", "mod inner;\n"),
        ("a/b/src/one/inner.rs", ""),
        ("a/b/src/two/mod.rs", "mod deep;"),
        ("a/b/src/two/deep.rs", ""),
        ("a/b/src/odd.rs", ""),
        ("a/b/src/tool.rs", ""),
        ("a/b/src/inner.rs", ""),
        ("a/b/tests/check.rs", "mod helper;"),
        ("a/b/tests/helper/mod.rs", ""),
        ("a/b/examples/show.rs", "mod shared;"),
        ("a/b/examples/shared/mod.rs", ""),
        ("a/b/src/forgotten.rs", ""),
    ]);
    let expected = [
        "a/b/src/forgotten.rs: no mod declaration leads here",
        "a/b/src/inner.rs: no mod declaration leads here",
    ];
    assert_eq!(messages(orphans(&tree)), expected);
}
