//! The binary as people run it: files in, exit status and text out.
#![expect(clippy::unwrap_used, reason = "a test")]

mod world;

use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use attestation_corim::{Platform, ReferenceManifest};
use attestation_envelope::{Content, Readers};
use base64ct::{Base64UrlUnpadded, Encoding};
use tempfile::TempDir;
use world::{COMPONENT, INPUT, OUTPUT, World};

/// `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`; signs nothing but this test's results.
const KEY_PEM: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgqE8SPcaXWOs7G1a2\n\
D2g7pikuD9x9IIOmuBnYLVa+SIahRANCAATHLs2CdkuGtdzUD3acmRxLCPkKkv13\n\
a/LZ6ockKwQRNgHZWL+F1qw73uu8xgSPVCNUk6fZ9PjcLT+qR+Qr2For\n\
-----END PRIVATE KEY-----\n";

/// A folder as an operator would hand it over.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let world = World::good();
    let reference = serde_json::to_vec_pretty(&world.reference).unwrap();
    let files: [(&str, &[u8]); 7] = [
        ("claim.cbor", &world.claim),
        ("input.csv", INPUT),
        ("output.json", OUTPUT),
        ("reference-values.json", &reference),
        ("manifest.json", &world.manifest),
        ("redoubt.rom", &world.rom),
        ("component.wasm", &COMPONENT),
    ];
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn verify(folder: &Path, more: &[&str]) -> Output {
    let arguments = ["check", "claim.cbor", "--input", "input.csv", "--output", "output.json"];
    Command::new(env!("CARGO_BIN_EXE_redoubt-verify"))
        .current_dir(folder)
        .args(arguments)
        .args(["--reference", "reference-values.json"])
        .args(more)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const ALL_FILES: [&str; 7] = [
    "--manifest",
    "manifest.json",
    "--rom",
    "redoubt.rom",
    "--component",
    "component.wasm",
    "--allow-simulated",
];

#[test]
fn accepted_is_status_0_and_says_simulated() {
    let output = verify(folder().path(), &ALL_FILES);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("SIMULATED") && stdout.contains("ACCEPTED"), "{stdout}");
    assert!(!stdout.contains('\u{1b}'), "no colours in a pipe");
    assert!(stdout.lines().all(|line| line.chars().count() <= 100), "{stdout}");
}

#[test]
fn refused_is_status_1_and_names_the_check() {
    let folder = folder();
    let output = verify(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("--allow-simulated"));

    std::fs::write(folder.path().join("output.json"), b"{\"balanced\":true}").unwrap();
    let output = verify(folder.path(), &["--allow-simulated", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["verdict"], "refused");
    let checks = document["checks"].as_array().unwrap();
    let failed: Vec<_> =
        checks.iter().filter(|check| check["ok"] == false).map(|check| &check["what"]).collect();
    assert_eq!(failed, ["output"]);
}

#[test]
fn unreadable_files_and_wrong_usage_are_status_2() {
    let folder = folder();
    std::fs::remove_file(folder.path().join("claim.cbor")).unwrap();
    let output = verify(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("claim.cbor: No such file") && stderr.contains("redoubt job"), "{stderr}");
    assert!(output.stdout.is_empty());
    assert_eq!(verify(folder.path(), &["--no-such-option"]).status.code(), Some(2));
}

/// What was a claim before somebody touched it gets a verdict, not a shrug.
#[test]
fn a_damaged_claim_is_refused() {
    let folder = folder();
    let claim = std::fs::read(folder.path().join("claim.cbor")).unwrap();
    std::fs::write(folder.path().join("claim.cbor"), &claim[1..]).unwrap();
    let output = verify(folder.path(), &ALL_FILES);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("first: claim signature"), "{}", text(&output.stdout));
}

#[test]
fn a_claim_needs_what_it_is_about() {
    let folder = folder();
    let output = run_in(folder.path(), &["check", "claim.cbor", "--input", "input.csv"]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("--reference is missing") && stderr.contains("cargo xtask image"), "{stderr}");
}

fn run_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_redoubt-verify")).current_dir(folder).args(arguments).output().unwrap()
}

/// Real evidence, as people check it. Where there are fixtures.
#[test]
fn evidence_of_hardware_is_checked_without_a_claim() {
    let Some(folder) = tests_needs::fixture("snp") else { return };
    let check = |more: &[&str]| {
        let files =
            ["check", "genoa-v5-oak/report.bin", "genoa-v5-oak/vcek.der", "--at", "2025-10-06T00:00:00Z"];
        run_in(&folder, &[&files, more].concat())
    };
    let strict = check(&["--json"]);
    assert_eq!(strict.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&strict.stdout).unwrap();
    let checks = document["checks"].as_array().unwrap();
    let codes = |state: &str| -> Vec<&str> {
        let with_state = checks.iter().filter(|check| check["state"] == state);
        with_state.filter_map(|check| check["code"].as_str()).collect()
    };
    assert!(codes("fails").contains(&"snp.tcb.firmware_at_least"), "{document:#}");
    assert_eq!(codes("finding"), ["revocation-unchecked"]);
    let development = check(&["--policy", "development"]);
    assert_eq!(development.status.code(), Some(0), "{}", text(&development.stdout));
    assert!(text(&development.stdout).lines().all(|line| line.chars().count() <= 110));
    for (more, message) in [
        (&["--policy", "loose"][..], "--policy loose"),
        (&["--at", "yesterday"], "--at yesterday"),
        (&["--challenge", "xy"], "--challenge xy"),
        (&["--measurement", "00"], "expected 96 digits, found 2"),
    ] {
        let output = run_in(&folder, &[&["check", "genoa-v5-oak/report.bin"], more].concat());
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
    let output = run_in(&folder, &["check", "README.md"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("README.md: expected evidence or collateral"),
        "{}",
        text(&output.stderr)
    );
}

/// What an image measures to, from a file, in place of digits. Where there are fixtures.
#[test]
fn evidence_is_checked_against_a_corim() {
    let Some(folder) = tests_needs::fixture("snp") else { return };
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("image.corim");
    let write = |platform, digest| {
        let values = [(platform, "qemu".to_owned(), digest)];
        std::fs::write(&path, ReferenceManifest::of_rom(&[0; 32], values).encode()).unwrap();
    };
    let check = || {
        let files = ["check", "genoa-v5-oak/report.bin", "genoa-v5-oak/vcek.der"];
        let more = ["--at", "2025-10-06T00:00:00Z", "--policy", "development", "--json", "--corim"];
        let output = run_in(&folder, &[&files[..], &more, &[path.to_str().unwrap()]].concat());
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = document["checks"].as_array().unwrap().clone();
        let ruling = checks.into_iter().find(|check| check["what"] == "snp.launch.measurements").unwrap();
        (output.status.code(), ruling)
    };
    write(Platform::Snp, [7; 48]);
    let (status, ruling) = check();
    assert_eq!((status, &ruling["expected"]), (Some(1), &"07".repeat(48).into()));
    // Nothing for this platform admits nothing.
    write(Platform::Tdx, [7; 48]);
    let (status, ruling) = check();
    assert_eq!((status, &ruling["expected"]), (Some(1), &"nothing: the list is empty".into()));
    let report = std::fs::read(folder.join("genoa-v5-oak/report.bin")).unwrap();
    write(Platform::Snp, report[0x90..0xC0].try_into().unwrap());
    assert_eq!(check().0, Some(0));
}

/// Files may come from whoever is checked, and would vouch for themselves.
#[test]
fn reference_values_count_only_where_they_are_asked_for() {
    let folder = folder();
    let values = [(Platform::Snp, "qemu".to_owned(), [7; 48])];
    let corim = ReferenceManifest::of_rom(&[0; 32], values).encode();
    std::fs::write(folder.path().join("image.corim"), corim).unwrap();
    std::fs::write(folder.path().join("key.pem"), KEY_PEM).unwrap();
    for (arguments, message) in [
        (&["check", "image.corim"][..], "say --corim FILE"),
        (&["check", "claim.cbor", "--corim", "image.corim"], "--corim is for evidence alone"),
        (&["check", "claim.cbor", "--corim", "key.pem"], "--corim key.pem: "),
        (&["check", "claim.cbor", "--corim", "none.corim"], "--corim none.corim: No such file"),
    ] {
        let output = run_in(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
}

/// A result for other people's software, signed with the key of a verifier. Where there are fixtures.
#[test]
fn verdicts_are_written_as_attestation_results() {
    let Some(folder) = tests_needs::fixture("snp") else { return };
    let out = tempfile::tempdir().unwrap();
    let (key, result) = (out.path().join("key.pem"), out.path().join("result.jwt"));
    std::fs::write(&key, KEY_PEM).unwrap();
    let (key, result) = (key.to_str().unwrap(), result.to_str().unwrap());
    let check = ["check", "genoa-v5-oak/report.bin", "genoa-v5-oak/vcek.der", "--policy", "development"];
    let more = ["--at", "2025-10-06T00:00:00Z", "--ear", result, "--ear-key", key];
    let output = run_in(&folder, &[&check[..], &more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let token = std::fs::read_to_string(result).unwrap();
    assert_eq!(token.split('.').count(), 3);
    std::fs::write(key, "nothing").unwrap();
    let output = run_in(&folder, &[&check[..], &more].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("key.pem: expected a private key for P-256"),
        "{}",
        text(&output.stderr)
    );
}

/// A run that nothing protected is never affirmed, whatever its reader allows.
#[test]
fn verdicts_on_claims_are_written_as_attestation_results() {
    let folder = folder();
    std::fs::write(folder.path().join("key.pem"), KEY_PEM).unwrap();
    let output =
        verify(folder.path(), &[&ALL_FILES[..], &["--ear", "result.jwt", "--ear-key", "key.pem"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let token = std::fs::read_to_string(folder.path().join("result.jwt")).unwrap();
    let claims = Base64UrlUnpadded::decode_vec(token.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["ear_status"], "contraindicated");
    assert!(claims["submods"]["redoubt-claim"].is_object(), "{claims:#}");
}

#[test]
fn a_claim_answers_no_challenge() {
    let output = verify(folder().path(), &["--allow-simulated", "--challenge", "00ff"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--challenge is for evidence alone"), "{}", text(&output.stderr));
}

#[test]
fn policies_are_made_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    let strict = run_in(folder.path(), &["policy", "init"]);
    assert_eq!(strict.status.code(), Some(0));
    std::fs::write(folder.path().join("policy.toml"), &strict.stdout).unwrap();
    let explained = run_in(folder.path(), &["policy", "explain", "policy.toml"]);
    assert_eq!(explained.status.code(), Some(0));
    assert!(text(&explained.stdout).contains("snp.guest_policy.debug = forbidden"));
    let json = run_in(folder.path(), &["policy", "explain", "development", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["name"], "development");
    std::fs::write(
        folder.path().join("policy.toml"),
        text(&strict.stdout).replace("debug = ", "debugging = "),
    )
    .unwrap();
    let wrong = run_in(folder.path(), &["policy", "explain", "policy.toml"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        text(&wrong.stderr).contains("policy field snp.guest_policy.debug: expected"),
        "{}",
        text(&wrong.stderr)
    );
    assert_eq!(run_in(folder.path(), &["policy", "init", "loose"]).status.code(), Some(2));
}

#[test]
fn keys_of_readers_are_made_once_and_open_envelopes() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let ended = run_in(folder.path(), arguments);
        (ended.status.code().unwrap(), text(&ended.stdout), text(&ended.stderr))
    };
    let (code, public, _) = run(&["reader-key", "new", "auditor.pem"]);
    assert_eq!((code, public.len()), (0, 65), "{public}");
    assert_eq!(run(&["reader-key", "show", "auditor.pem"]).1, public);
    let json = run(&["reader-key", "show", "auditor.pem", "--json"]).1;
    assert_eq!(json, format!("{{\"reader\":\"{}\"}}\n", public.trim_end()));
    let mode = std::fs::metadata(folder.path().join("auditor.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, _, said) = run(&["reader-key", "new", "auditor.pem"]);
    assert!(code == 2 && said.contains("auditor.pem") && said.contains("never replaced"), "{said}");
    assert_eq!(run(&["reader-key", "show", "auditor.pem"]).1, public, "it is the same");

    let digits = public.trim_end().as_bytes().chunks(2);
    let key: Vec<u8> =
        digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
    let readers = Readers::new(&[key.try_into().unwrap()], [1; 32]).unwrap();
    let (mut envelope, mut sealed) = readers.begin(Content::Request, [2; 32]);
    sealed.extend(envelope.seal(b"what was asked"));
    sealed.extend(envelope.finish());
    std::fs::write(folder.path().join("sealed"), &sealed).unwrap();
    let shown = run(&["show", "sealed"]).1;
    assert!(shown.contains("a request") && shown.contains("redoubt-verify open"), "{shown}");
    let open = |file: &str, key: &str| run(&["open", file, "--key", key, "--out", "opened"]);
    let (code, said, _) = open("sealed", "auditor.pem");
    assert_eq!((code, said.as_str()), (0, "a request, 14 bytes, in opened\n"));
    assert_eq!(std::fs::read(folder.path().join("opened")).unwrap(), b"what was asked");

    run(&["reader-key", "new", "other.pem"]);
    std::fs::write(folder.path().join("opened"), "as before").unwrap();
    for (file, key, words) in [
        ("sealed", "other.pem", "sealed for 1 readers, and this key is none of theirs"),
        ("auditor.pem", "auditor.pem", "expected the bytes"),
        ("sealed", "sealed", "X25519"),
        ("sealed", "none.pem", "none.pem"),
        ("none", "auditor.pem", "none"),
    ] {
        let (code, _, said) = open(file, key);
        assert!(code == 2 && said.contains(words), "{file} {key}: {said}");
    }
    assert_eq!(std::fs::read(folder.path().join("opened")).unwrap(), b"as before");
}

#[test]
fn help_has_examples_and_completion_is_a_script() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_redoubt-verify")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        text(&output.stdout)
    };
    assert!(run(&["--help"]).contains("redoubt-verify check claim.cbor"));
    assert!(run(&["check", "--help"]).contains("--component dist/component.wasm"));
    assert!(run(&["completion", "bash"]).contains("complete -F"));
}

/// What a terminal shows while an input takes three seconds to come through a pipe.
fn shown_while_waiting(folder: &Path, more: &str) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_redoubt-verify");
    let check = format!("{program} check claim.cbor --input pipe --output output.json");
    let check = format!("{check} --reference reference-values.json --allow-simulated {more} > verdict");
    let wait = format!("rm -f pipe; mkfifo pipe; (sleep 3; cat input.csv) > pipe & {check}");
    let mut script = Command::new("script");
    script.current_dir(folder).args(["--quiet", "--return", "--command", &wait, "/dev/null"]);
    match script.stdin(Stdio::null()).output() {
        Ok(output) => {
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
            Some(text(&output.stdout))
        }
        Err(error) => {
            // Not `eprintln!`, which the test harness keeps to itself when the test passes.
            let _ = writeln!(io::stderr(), "skipped: script(1) of util-linux: {error}");
            None
        }
    }
}

#[test]
fn people_see_progress_and_programs_do_not() {
    let folder = folder();
    let Some(shown) = shown_while_waiting(folder.path(), "") else { return };
    assert!(shown.contains("0 B of input hashed"), "{shown}");
    let verdict = || std::fs::read_to_string(folder.path().join("verdict")).unwrap();
    assert!(verdict().contains("ACCEPTED"), "{}", verdict());
    assert_eq!(shown_while_waiting(folder.path(), "--json").unwrap(), "");
    assert!(verdict().starts_with('{'), "{}", verdict());
}
