//! `redoubt` and `redoubt-verify` as an operator and a relying party type them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use attestation_claim::SignedClaim;
use image_builder::{AppToml, Sources, build};
use serde_json::Value;
use tests_needs::Need;

use crate::harness::components::{MOODY, NOTHING, service};
use crate::harness::{APP, PATIENCE, Site, build_image, build_image_as, build_image_of, image_folder, rom};
use crate::script::Script;
use crate::{services, state};

#[test]
fn run_job_check_stop() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let site = Site::new(&build_image(rom, MOODY));
    let mut run = Run::start(&programs, &site);
    fs::write(site.path().join("input"), "fine").expect("the input is written");
    assert_ends(&run.job("input", "output"), 0, "");
    assert_ends(&run.check("input", "output", &["--allow-simulated"]), 0, "");
    assert_ends(&run.check("input", "output", &[]), 1, "");
    fs::write(site.path().join("output"), "forged").expect("the output is overwritten");
    assert_ends(&run.check("input", "output", &["--allow-simulated"]), 1, "");

    let second = programs.redoubt(&site).args(["run", "--tee", "sim"]).arg(site.path()).output();
    assert_ends(&second.expect("it runs"), 1, "already running");
    assert_ends(&run.redoubt(&["status"]), 0, "");
    assert_ends(&run.redoubt(&["stop"]), 0, "");
    assert_ends(&run.wait(), 0, "");
    assert_ends(&run.redoubt(&["status"]), 3, "no guest named default");
}

#[test]
fn scripts_read_json() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let site = Site::new(&build_image(rom, NOTHING));
    let redoubt = |arguments: &[&str]| {
        let ended = programs.redoubt(&site).args(arguments).output().expect("redoubt runs");
        (ended.status.code(), String::from_utf8(ended.stdout).expect("text"))
    };
    let (started, ready) = redoubt(&["run", ".", "--tee", "sim", "--detach", "--json"]);
    let probed = redoubt(&["probe", "10.0.2.2:7", "--json"]);
    // Before anything fails: nobody else ends a detached guest.
    let (code, stopped) = redoubt(&["stop", "--json"]);
    assert_eq!((started, ready.lines().count()), (Some(0), 1), "{ready}");
    let ready: Value = serde_json::from_str(&ready).expect("one line of JSON");
    assert_eq!((&ready["name"], &ready["tee"]), (&"default".into(), &"simulated".into()));
    assert_eq!(ready["measurement"].as_str().map(str::len), Some(96));
    let stopped: Value = serde_json::from_str(&stopped).expect("JSON");
    assert_eq!((code, &stopped["clean"]), (Some(0), &true.into()));
    let problem: Value = serde_json::from_str(&probed.1).expect("JSON");
    let problem = problem["problem"].as_str().expect("it is no destination of the manifest");
    assert!(probed.0 == Some(1) && problem.contains("egress"), "{problem}");
}

/// As an operator types it, left in the background.
#[test]
fn what_a_program_stores_is_where_the_operator_says() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let site = Site::new(&state::image(rom, &state::counter(), "\"test\""));
    fs::write(site.path().join("input"), "").expect("the input is written");
    let run = |state: &[&str]| {
        let mut command = programs.redoubt(&site);
        command.args(["run", "--tee", "sim", "--detach"]).args(state).arg(site.path());
        command.output().expect("redoubt runs")
    };
    assert_ends(&run(&[]), 1, "--state");
    for sum in ["sum 1", "sum 2"] {
        assert_ends(&run(&["--state", "kept.state"]), 0, "");
        let redoubt = |arguments: &[&str]| programs.redoubt(&site).args(arguments).output().expect("it runs");
        let job = redoubt(&["job", "--input", "input", "--output", "output", "--claim", "claim.cbor"]);
        // Before anything fails: nobody else ends a detached guest.
        let stopped = redoubt(&["stop"]);
        assert_ends(&job, 0, "");
        assert_ends(&stopped, 0, "");
        let said = fs::read_to_string(site.path().join("output")).expect("text");
        assert!(said.contains(sum), "{said}");
    }
    assert!(site.path().join("kept.state").is_file());
}

/// A program that learns a word from its store, of which the host sees nothing, and the auditor all.
#[test]
fn what_a_program_learns_is_for_its_readers() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let scratch = tempfile::tempdir().expect("a folder");
    let verify = |arguments: &[&str]| {
        let mut command = Command::new(programs.0.join("redoubt-verify"));
        command.current_dir(scratch.path()).args(arguments).output().expect("redoubt-verify runs")
    };
    let made = verify(&["reader-key", "new", "auditor.pem"]);
    assert_ends(&made, 0, "");
    assert_ends(&verify(&["reader-key", "new", "other.pem"]), 0, "");
    let reader = String::from_utf8(made.stdout).expect("text");
    let app = APP.replacen('\n', &format!("\nreaders = [\"{}\"]\n", reader.trim_end()), 1);
    let app = format!("{app}[storage]\nkey_value_bytes = 10000\n");
    let word = "a word that only readers may see";
    let component = Script::new().open("a").set("k", word).get("k").component();
    let app = AppToml::parse(&app).expect("it is valid");
    let site = Site::new(&build(Sources { component: &component, app: &app, rom }).expect("an image"));
    let run = Run::start(&programs, &site);
    fs::write(site.path().join("input"), "").expect("the input is written");
    assert_ends(&run.job("input", "output"), 0, "");
    assert_ends(&run.check("input", "output", &["--allow-simulated"]), 0, "");
    drop(run);

    let sealed = fs::read(site.path().join("output.transcript")).expect("the transcript is there");
    let holds = |bytes: &[u8]| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    assert!(!holds(&sealed));
    let key = |name: &str| scratch.path().join(name).to_string_lossy().into_owned();
    let replay = |more: &[&str]| {
        let files =
            ["--transcript", "output.transcript", "--component", "component.wasm", "--input", "input"];
        let mut command = programs.redoubt(&site);
        command.args(["replay", "claim.cbor"]).args(files).args(more).output().expect("redoubt runs")
    };
    assert_ends(&replay(&[]), 1, "sealed for readers: say the key of one of them, with --key");
    assert_ends(&replay(&["--key", &key("other.pem")]), 1, "this key is none of theirs");
    let equal = replay(&["--key", &key("auditor.pem")]);
    assert_ends(&equal, 0, "");
    assert!(String::from_utf8_lossy(&equal.stdout).starts_with("equal: "));

    let path = site.path().join("output.transcript").to_string_lossy().into_owned();
    assert_ends(&verify(&["open", &path, "--key", "auditor.pem", "--out", "opened"]), 0, "");
    assert!(holds(&fs::read(scratch.path().join("opened")).expect("it is opened")));
}

/// As an operator keeps it, and as the auditor reads it.
#[test]
fn what_a_service_was_asked_is_for_its_readers() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let scratch = tempfile::tempdir().expect("a folder");
    let key = scratch.path().join("auditor.pem").to_string_lossy().into_owned();
    let made = Command::new(programs.0.join("redoubt-verify")).args(["reader-key", "new", &key]).output();
    let made = made.expect("redoubt-verify runs");
    assert_ends(&made, 0, "");
    let reader = String::from_utf8(made.stdout).expect("text");
    let readers = format!("readers = [\"{}\"]\n", reader.trim_end());
    let mut site = Site::new(&build_image_of(rom, &service(), &(readers + &services::app(8, 128))));
    site.is_service = true;
    let guest = site.launch();
    let asked = "POST /e HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 6\r\n\r\nsecret";
    assert!(services::ask(&guest, asked).starts_with("HTTP/1.1 200 OK"));
    assert!(guest.stop(PATIENCE).is_clean());

    let kept = services::kept(&site);
    let request = kept.get("0.request").expect("it was kept");
    assert!(!request.windows(6).any(|window| window == b"secret"));
    for (name, bytes) in &kept {
        fs::write(site.path().join(name), bytes).expect("the file is written");
    }
    let replay = |more: &[&str]| {
        let mut command = programs.redoubt(&site);
        command.args(["replay", "0.claim.cbor", "--transcript", "0.transcript", "--input", "0.request"]);
        command.args(["--component", "component.wasm"]).args(more).output().expect("redoubt runs")
    };
    assert_ends(&replay(&[]), 1, "say the key of one of them, with --key");
    let equal = replay(&["--key", &key]);
    assert_ends(&equal, 0, "");
    assert!(String::from_utf8_lossy(&equal.stdout).starts_with("equal: "));
    // Opened beforehand, a request needs no key, and a transcript still does.
    let verify = |arguments: &[&str]| {
        let mut command = Command::new(programs.0.join("redoubt-verify"));
        command.current_dir(site.path()).args(arguments).output().expect("redoubt-verify runs")
    };
    assert_ends(&verify(&["open", "0.request", "--key", &key, "--out", "0.request"]), 0, "");
    let shown = verify(&["show", "0.request"]);
    assert_ends(&shown, 0, "");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("request to a Redoubt service") && shown.contains("POST"), "{shown}");
    assert_ends(&replay(&["--key", &key]), 0, "");
    assert_ends(&replay(&[]), 1, "0.transcript");
}

#[test]
fn the_example_audits_a_large_ledger() {
    let (Some(_), Some(programs)) = (rom(), Programs::find()) else { return };
    let Some(ledger) = std::env::var_os("REDOUBT_LEDGER").map(PathBuf::from) else {
        return Need::Ledger.missing("REDOUBT_LEDGER names no ledger");
    };
    let site = Site::of_folder(&image_folder());
    let run = Run::start(&programs, &site);
    let input = ledger.to_string_lossy();
    assert_ends(&run.job(&input, "output"), 0, "");
    assert_same_report(&fs::read(site.path().join("output")).expect("the report is there"), &ledger);
    let again = ["--allow-simulated", "--component", "component.wasm", "--rom", "redoubt.rom"];
    assert_ends(&run.check(&input, "output", &again), 0, "");
}

#[test]
fn a_job_that_fails_leaves_its_claim_and_no_output() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let site = Site::new(&build_image_as(rom, MOODY, &APP.replace("10000000000", "100000000")));
    let run = Run::start(&programs, &site);
    let mut previous = [0; 32];
    for (mood, code, words) in [("t", 5, "ledger_overflow"), ("s", 5, "limits.fuel"), ("x", 6, "code 7")] {
        fs::write(site.path().join("input"), mood).expect("the input is written");
        let job = run.job("input", mood);
        assert_ends(&job, code, words);
        if mood == "t" {
            let files = ["--transcript", "t.transcript", "--component", "component.wasm", "--input", "input"];
            let replayed = run.redoubt(&[&["replay", "claim.cbor"], &files[..]].concat());
            assert_ends(&replayed, 0, "");
            for said in [&job.stderr, &replayed.stdout] {
                assert_names_the_only_unreachable(said, &site);
            }
        }
        assert_eq!(site.path().join(mood).exists(), code == 6, "{mood}");
        // A relying party can follow the chain, because no link of it is thrown away.
        let bytes = fs::read(site.path().join("claim.cbor")).expect("the claim is there");
        let claim = SignedClaim::parse(&bytes).expect("the claim parses").verify().expect("it is signed");
        assert_eq!(claim.batch().previous, previous, "{mood}");
        previous = *claim.digest();
    }
    fs::write(site.path().join("input"), "o").expect("the input is written");
    let full = run.job("input", "/dev/full");
    assert_ends(&full, 1, "cannot write /dev/full");
    // The guest that all this happened in is well.
    fs::write(site.path().join("input"), "fine").expect("the input is written");
    assert_ends(&run.job("input", "output"), 0, "");
}

/// The guest runs what was made of the component, in which everything is elsewhere.
fn assert_names_the_only_unreachable(said: &[u8], site: &Site) {
    let said = String::from_utf8_lossy(said);
    let place = said.split_once("0x").and_then(|(_, rest)| rest.split_once(" - "));
    let (place, _) = place.unwrap_or_else(|| unreachable!("no place: {said}"));
    let place = usize::from_str_radix(place, 16).expect("a number");
    let component = fs::read(site.path().join("component.wasm")).expect("the component is there");
    // A body of three bytes: no locals, `unreachable`, `end`.
    assert_eq!(component.get(place - 2..place + 2), Some(&[3, 0, 0, 0x0b][..]), "{said}");
}

#[test]
fn a_disk_that_fills_up_leaves_nothing() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let site = Site::new(&build_image(rom, MOODY));
    let run = Run::start(&programs, &site);
    let names = || {
        let entries = fs::read_dir(site.path()).expect("the folder is there");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names.filter(|name| name != "input").collect::<BTreeSet<_>>()
    };
    let before = names();
    // Blocks of 512 bytes that a file may have, a job, and the file that does not fit.
    for (blocks, mood, words) in [
        (100, "o", "cannot write output"),
        (0, "fine", "cannot write output.transcript"),
        (1, "fine", "cannot write claim.cbor"),
    ] {
        fs::write(site.path().join("input"), mood).expect("the input is written");
        let job = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec '{}' job --input input --output output --claim claim.cbor",
            programs.0.join("redoubt").display()
        );
        let mut shell = Command::new("sh");
        shell.current_dir(site.path()).env("REDOUBT_RUN_DIR", site.run_dir()).args(["-c", &job]);
        let ended = shell.output().expect("there is a shell");
        assert_ends(&ended, 1, words);
        assert_ends(&ended, 1, "File too large");
        assert_eq!(names(), before, "{mood}");
    }
    assert_ends(&run.job("input", "output"), 0, "");
}

#[test]
fn a_guest_that_is_shot_is_reported() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let site = Site::new(&build_image(rom, NOTHING));
    let mut run = Run::start(&programs, &site);
    send_signal("KILL", run.qemu_id);
    assert_ends(&run.wait(), 4, "qemu was killed by signal 9");
    assert_ends(&run.redoubt(&["status"]), 3, "no guest named default");
}

#[test]
fn a_loader_that_is_shot_takes_its_guest_along() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let site = Site::new(&build_image(rom, NOTHING));
    let mut run = Run::start(&programs, &site);
    run.child.kill().expect("the loader is ours");
    run.wait();
    let begun = Instant::now();
    while is_alive(run.qemu_id) {
        assert!(begun.elapsed() < PATIENCE, "qemu outlives its loader");
    }
    // And its name is free again.
    Run::start(&programs, &site);
}

#[test]
fn ctrl_c_stops_cleanly() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let site = Site::new(&build_image(rom, NOTHING));
    let mut run = Run::start(&programs, &site);
    send_signal("INT", run.child.id());
    assert_ends(&run.wait(), 0, "");
    assert!(!is_alive(run.qemu_id));
}

#[test]
fn without_qemu_in_path_the_remedy_is_named() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let site = Site::new(&build_image(rom, NOTHING));
    let mut command = programs.redoubt(&site);
    command.env("PATH", site.path()).env_remove("REDOUBT_QEMU").args(["run", "--tee", "sim"]);
    let output = command.arg(site.path()).output().expect("it runs");
    assert_ends(&output, 1, "qemu-system-x86_64 was not found: install it");
}

/// Where the programs are. `None` after saying so, when nobody told.
pub(crate) struct Programs(pub(crate) PathBuf);

impl Programs {
    pub(crate) fn find() -> Option<Self> {
        let Some(folder) = std::env::var_os("REDOUBT_BIN_DIR").map(PathBuf::from) else {
            Need::Programs.missing("REDOUBT_BIN_DIR does not say where redoubt and redoubt-verify are");
            return None;
        };
        for name in ["redoubt", "redoubt-verify"] {
            assert!(folder.join(name).is_file(), "REDOUBT_BIN_DIR: no {name} in {}", folder.display());
        }
        Some(Self(folder))
    }

    /// In this folder.
    pub(crate) fn verify(&self, folder: &Path) -> Command {
        let mut command = Command::new(self.0.join("redoubt-verify"));
        command.current_dir(folder).stdin(Stdio::null());
        command
    }

    /// In the site's folder, and with nothing of the user's.
    pub(crate) fn redoubt(&self, site: &Site) -> Command {
        let mut command = Command::new(self.0.join("redoubt"));
        command.current_dir(site.path()).env("REDOUBT_STATE_DIR", site.path().join("state"));
        command.env("REDOUBT_RUN_DIR", site.run_dir()).stdin(Stdio::null());
        command
    }
}

/// A running `redoubt run`. Dropped, it is killed, and its guest with it.
pub(crate) struct Run<'a> {
    programs: &'a Programs,
    site: &'a Site,
    pub(crate) child: Child,
    qemu_id: u32,
    /// What it said before it was ready.
    pub(crate) said: String,
}

impl<'a> Run<'a> {
    /// Starts one and waits until it says that the guest is ready.
    #[track_caller]
    fn start(programs: &'a Programs, site: &'a Site) -> Self {
        Self::start_with(programs, site, &[])
    }

    /// With these arguments besides.
    #[track_caller]
    pub(crate) fn start_with(programs: &'a Programs, site: &'a Site, more: &[&str]) -> Self {
        let mut command = programs.redoubt(site);
        command.args(["run", "--tee", "sim"]).args(more).arg(site.path());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("redoubt starts");
        let mut said = String::new();
        let mut out = BufReader::new(child.stdout.as_mut().expect("it is a pipe"));
        while !said.contains("give it work") && out.read_line(&mut said).expect("text") > 0 {}
        let qemu_id = said.split("qemu pid ").nth(1).and_then(|rest| rest.split(')').next()?.parse().ok());
        let qemu_id = qemu_id.unwrap_or_else(|| panic!("the guest is not ready: {said}"));
        Self { programs, site, child, qemu_id, said }
    }

    pub(crate) fn redoubt(&self, arguments: &[&str]) -> Output {
        self.programs.redoubt(self.site).args(arguments).output().expect("redoubt runs")
    }

    fn job(&self, input: &str, output: &str) -> Output {
        self.redoubt(&["job", "--input", input, "--output", output, "--claim", "claim.cbor"])
    }

    fn check(&self, input: &str, output: &str, more: &[&str]) -> Output {
        let mut command = Command::new(self.programs.0.join("redoubt-verify"));
        command.current_dir(self.site.path()).args(["check", "claim.cbor"]);
        command.args(["--input", input, "--output", output, "--reference", "reference-values.json"]);
        command.args(more).output().expect("redoubt-verify runs")
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> Output {
        let status = self.child.wait().expect("the loader is ours");
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        self.child.stdout.as_mut().expect("a pipe").read_to_end(&mut stdout).expect("it is readable");
        self.child.stderr.as_mut().expect("a pipe").read_to_end(&mut stderr).expect("it is readable");
        Output { status, stdout, stderr }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // Fails only for one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The report is the one that the same auditor writes outside of any guest.
#[track_caller]
fn assert_same_report(report: &[u8], ledger: &Path) {
    let file = fs::File::open(ledger).expect("the ledger is there");
    let mut native = Vec::new();
    let audited = examples_ledger_audit::audit(file).expect("it is a ledger");
    audited.write_json(&mut native).expect("memory takes it");
    // Thousands of accounts: where they differ is enough.
    let (report, native) = (String::from_utf8_lossy(report), String::from_utf8_lossy(&native));
    assert_eq!(report.lines().count(), native.lines().count());
    for (found, expected) in report.lines().zip(native.lines()) {
        assert_eq!(found, expected);
    }
    assert!(report == native, "the reports end differently");
}

#[track_caller]
pub(crate) fn assert_ends(output: &Output, code: i32, words: &str) {
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{said}\n{complained}");
    assert!(complained.contains(words), "expected {words:?}: {complained}");
}

fn send_signal(name: &str, process: u32) {
    let command = format!("kill -{name} {process}");
    let status = Command::new("sh").args(["-c", &command]).status().expect("there is a shell");
    assert!(status.success(), "{command}");
}

/// Whether a process is there that is no zombie.
fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}
