//! The binary as a user meets it, without any guest.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn redoubt(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redoubt"));
    command.env("REDOUBT_RUN_DIR", folder.join("run")).env("REDOUBT_STATE_DIR", folder.join("state"));
    command.args(arguments).output().unwrap()
}

/// The exit code and standard error.
fn failure(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = redoubt(folder, arguments);
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn help_shows_examples_and_codes() {
    let folder = tempfile::tempdir().unwrap();
    let help = redoubt(folder.path(), &["--help"]);
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(
        help.status.success() && text.contains("redoubt job --input") && text.contains("Exit codes:"),
        "{text}"
    );
    let script = redoubt(folder.path(), &["completion", "bash"]);
    assert!(script.status.success() && script.stdout.starts_with(b"_redoubt"));
}

#[test]
fn without_a_guest_every_question_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let job = ["job", "--input", "/dev/null", "--output", "/dev/null"];
    for arguments in [&["status"][..], &["stop"], &["probe", "10.0.2.2:7"], &job] {
        let (code, text) = failure(folder.path(), arguments);
        assert_eq!(code, 3, "{arguments:?}: {text}");
        assert!(text.contains("no guest named default runs") && text.contains("redoubt run"), "{text}");
    }
    let (code, text) = failure(folder.path(), &["logs", "--name", "other"]);
    assert!(code == 3 && text.contains("no guest named other has run here"), "{text}");
}

#[test]
fn a_folder_that_is_no_image_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for more in [&[][..], &["--detach"]] {
        let arguments = [&["run", empty.to_str().unwrap(), "--tee", "sim"], more].concat();
        let (code, text) = failure(folder.path(), &arguments);
        assert_eq!(code, 1);
        assert!(text.contains("reference-values.json: not found, the image is incomplete"), "{text}");
    }
}

#[test]
fn wrong_usage_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [&[][..], &["run"], &["dance"], &["probe", "example.org:7"], &["run", "x", "--tee", "sgx"]]
    {
        assert_eq!(failure(folder.path(), arguments).0, 2, "{arguments:?}");
    }
    let (code, text) = failure(folder.path(), &["status", "--name", "../x"]);
    assert!(code == 1 && text.contains("--name: expected 1 to 32"), "{text}");
}

#[test]
fn preflight_speaks_json() {
    let folder = tempfile::tempdir().unwrap();
    let output = redoubt(folder.path(), &["preflight", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["simulated_guests"], output.status.success());
    let names: Vec<_> =
        report["findings"].as_array().unwrap().iter().map(|finding| &finding["name"]).collect();
    assert_eq!(names, ["SEV-SNP", "TDX", "QEMU", "KVM", "TCG", "network", "setpriv"]);
}
