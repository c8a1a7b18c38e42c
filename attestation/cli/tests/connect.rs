//! `redoubt-verify connect` as people run it, against services on this machine's loopback.
#![expect(clippy::unwrap_used, reason = "a test")]

#[expect(dead_code, reason = "parts are for tests of claims")]
mod world;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use attestation_evidence::Evidence;
use attestation_manifest::HexDigest;
use attestation_session::KnownEvidence;
use rustls::version::TLS13;
use serde_json::Value;
use tempfile::TempDir;
use tests_servers::{Guest, TlsIdentity, TlsServer, respond};

use world::{Bend, World, instance};

/// A service, and the reference values of whoever connects to it.
struct Place {
    folder: TempDir,
    server: TlsServer,
    identity: TlsIdentity,
    /// Who serves: a test may change that.
    guest: Arc<Mutex<Arc<Guest>>>,
    world: World,
}

impl Place {
    fn new() -> Self {
        let (world, identity) = (World::good(), TlsIdentity::new());
        let folder = tempfile::tempdir().unwrap();
        let reference = serde_json::to_vec_pretty(&world.reference).unwrap();
        fs::write(folder.path().join("reference-values.json"), reference).unwrap();
        let first = Arc::new(guest(world.evidence_with(&Bend::default()), &identity));
        let guest = Arc::new(Mutex::new(first));
        let serving = Arc::clone(&guest);
        let server = TlsServer::start(identity.config(&[&TLS13]), move |stream| {
            let guest = Arc::clone(&serving.lock().unwrap());
            guest.serve(stream);
        });
        Self { folder, server, identity, guest, world }
    }

    fn serve(&self, guest: Guest) {
        *self.guest.lock().unwrap() = Arc::new(guest);
    }

    /// The guest is another one from now on.
    fn boot(&self, bend: &Bend<'_>) {
        self.serve(guest(self.world.evidence_with(bend), &self.identity));
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redoubt-verify"));
        command.current_dir(self.folder.path()).arg("connect").arg(url(&self.server));
        command.args(["--reference", "reference-values.json"]).args(more);
        command
    }

    fn check(&self, more: &[&str]) -> (i32, String, String) {
        ended(self.command(&[&["--check-only"], more].concat()).output().unwrap())
    }

    /// The command, with its port open.
    fn open(&self, more: &[&str]) -> Door {
        let mut command = self.command(&[&["--allow-simulated"], more].concat());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut door =
            Door { child, lines: None, errors: None, address: String::new(), before: String::new() };
        door.lines = door.child.stdout.take().map(BufReader::new);
        door.errors = door.child.stderr.take().map(BufReader::new);
        door.find_address();
        door
    }
}

fn guest(evidence: Evidence, identity: &TlsIdentity) -> Guest {
    Guest::new(KnownEvidence::new(evidence), instance(), identity)
}

fn url(server: &TlsServer) -> String {
    format!("https://127.0.0.1:{}", server.port())
}

fn ended(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Runs until it is dropped.
struct Door {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
    errors: Option<BufReader<ChildStderr>>,
    address: String,
    /// What was printed before the address.
    before: String,
}

impl Door {
    fn find_address(&mut self) {
        let lines = self.lines.as_mut().unwrap();
        loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "{}", self.before);
            let text = line.strip_prefix("listening on http://").map(|address| address.trim_end().to_owned());
            let object = line.contains("\"listening\"").then(|| {
                json(&line)["listening"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned()
            });
            if let Some(address) = text.or(object) {
                self.address = address;
                return;
            }
            self.before.push_str(&line);
        }
    }

    fn error_line(&mut self) -> String {
        let mut line = String::new();
        self.errors.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    fn ask(&self, path: &str) -> String {
        let mut local = TcpStream::connect(&self.address).unwrap();
        write!(local, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        local.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        local.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_service_that_is_wanted_is_accepted() {
    let place = Place::new();
    let (status, stdout, stderr) = place.check(&["--allow-simulated"]);
    assert_eq!((status, stderr.as_str()), (0, ""), "{stdout}");
    for line in [
        "ok    session                                   ends in the guest          yes, proven\n",
        "ok    TLS                                       TLS 1.3                    TLS 1.3\n",
        "info  cipher suite                              TLS_AES_256_GCM_SHA384, x25519\n",
        "ok    platform                                  any, simulated included    SIMULATED\n",
        "SIMULATED: no hardware protected this run",
        "ACCEPTED: all ",
    ] {
        assert!(stdout.contains(line), "{line}{stdout}");
    }
    assert!(stdout.lines().all(|line| line.chars().count() <= 100), "{stdout}");
}

#[test]
fn programs_get_a_verdict_with_everything_in_it() {
    let place = Place::new();
    place.serve(guest(place.world.evidence_with(&Bend::default()), &place.identity).at(Some((1000, 1010))));
    let (status, stdout, _) = place.check(&["--allow-simulated", "--json"]);
    let document = json(&stdout);
    assert_eq!((status, &document["verdict"]), (0, &"accepted".into()), "{stdout}");
    assert_eq!(document["service"], url(&place.server));
    let session = &document["session"];
    assert_eq!(session["tls"]["version"], "TLS 1.3");
    assert_eq!(session["spki_sha256"], HexDigest(place.identity.spki_digest()).to_string());
    assert_eq!(session["time"], serde_json::json!({ "earliest_s": 1000, "latest_s": 1010 }));
    let notes = document["notes"].to_string();
    assert!(notes.contains("s behind this machine's"), "{notes}");
    let checks = document["checks"].as_array().unwrap();
    let time = checks.iter().find(|check| check["what"] == "time, as the guest holds it").unwrap();
    assert_eq!(time["found"], "1970-01-01T00:16:40Z to 1970-01-01T00:16:50Z");
}

#[test]
fn a_guest_that_is_not_wanted_is_refused() {
    let place = Place::new();
    let (status, stdout, _) = place.check(&[]);
    assert_eq!(status, 1);
    assert!(
        stdout.contains("--allow-simulated accepts it") && stdout.contains("first: platform"),
        "{stdout}"
    );
    let mut reference = place.world.reference.clone();
    reference.measurement.snp_qemu = HexDigest([7; 48]);
    let path = place.folder.path().join("reference-values.json");
    fs::write(path, serde_json::to_vec(&reference).unwrap()).unwrap();
    // Without --check-only it ends all the same.
    let (status, stdout, _) = ended(place.command(&["--allow-simulated", "--json"]).output().unwrap());
    let document = json(&stdout);
    assert_eq!((status, &document["verdict"]), (1, &"refused".into()), "{stdout}");
    let checks = document["checks"].as_array().unwrap();
    let failed: Vec<_> =
        checks.iter().filter(|check| check["ok"] == false).map(|check| &check["what"]).collect();
    assert_eq!(failed, ["measurement"]);
}

/// Somebody stands in between, or it is no guest at all.
#[test]
fn a_service_that_proves_nothing_is_refused() {
    let place = Place::new();
    place.serve(guest(place.world.evidence_with(&Bend::default()), &TlsIdentity::new()));
    let (status, stdout, _) = place.check(&["--allow-simulated", "--save-evidence", "evidence.cbor"]);
    assert_eq!(status, 1);
    assert!(stdout.contains("FAIL  session\n") && stdout.contains("REFUSED: 1 of 1 checks"), "{stdout}");
    assert!(stdout.contains("note  this connection does not end in the guest"), "{stdout}");
    assert!(!place.folder.path().join("evidence.cbor").exists(), "it was not proven to be anybody's");

    let other = TlsServer::start(place.identity.config(&[&TLS13]), |stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = respond(stream, "text/html", b"<html>");
    });
    let (status, stdout, _) = place.check(&["--json"]);
    assert_eq!((status, json(&stdout)["session"].is_null()), (1, true), "{stdout}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_redoubt-verify"));
    command.current_dir(place.folder.path()).args(["connect", &url(&other), "--check-only"]);
    let (status, stdout, _) = ended(command.args(["--reference", "reference-values.json"]).output().unwrap());
    assert!(status == 1 && stdout.contains("a proof, found another Content-Typ"), "{stdout}");
}

#[test]
fn wrong_usage_and_services_that_are_not_there_are_status_2() {
    let place = Place::new();
    fs::write(place.folder.path().join("claim.cbor"), &place.world.claim).unwrap();
    for (more, words) in [
        (&["--listen", "0.0.0.0:0"][..], "--listen 0.0.0.0:0: expected a loopback address"),
        (&["--policy", "loose"], "--policy loose"),
        (&["--at", "yesterday"], "--at yesterday"),
        (&["--at", "bundle"], "--at bundle"),
        (&["claim.cbor"], "claim.cbor: expected collateral, found "),
        (&["reference-values.json"], "reference-values.json: "),
        (&["none.crl"], "none.crl: No such file"),
    ] {
        let (status, stdout, stderr) = ended(place.command(more).output().unwrap());
        assert_eq!((status, stdout.as_str()), (2, ""), "{more:?}");
        assert!(stderr.contains(words), "{stderr}");
    }
    assert_eq!(place.guest.lock().unwrap().proofs(), (0, 0), "nobody was asked");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (service, words) in [
        (format!("https://{nobody}"), "check host and port"),
        (format!("http://{nobody}"), "without TLS there is nothing to prove"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redoubt-verify"));
        command.current_dir(place.folder.path()).args(["connect", &service]);
        let (status, _, stderr) =
            ended(command.args(["--reference", "reference-values.json"]).output().unwrap());
        assert!(status == 2 && stderr.contains(words), "{stderr}");
    }
}

#[test]
fn evidence_is_kept_for_whoever_fetches_collateral() {
    let place = Place::new();
    let arguments = ["--save-evidence", "evidence.cbor"];
    assert_eq!(place.check(&arguments).0, 1, "the verdict does not matter");
    let saved = fs::read(place.folder.path().join("evidence.cbor")).unwrap();
    assert_eq!(saved, place.world.evidence_with(&Bend::default()).encode());
    let (status, _, stderr) = place.check(&arguments);
    assert!(status == 2 && stderr.contains("never replaced"), "{stderr}");
}

#[test]
fn programs_reach_the_guest_through_a_port() {
    let place = Place::new();
    let mut door = place.open(&[]);
    assert!(door.before.contains("ACCEPTED"), "{}", door.before);
    assert!(door.address.starts_with("127.0.0.1:"), "{}", door.address);
    for _ in 0..2 {
        assert!(door.ask("/one").ends_with("\r\n\r\n/one"));
    }

    // Another boot of the same image.
    place.boot(&Bend { report: Some(&|report| report.chip_id = [1; 64]), ..Bend::default() });
    assert!(door.ask("/two").ends_with("\r\n\r\n/two"));
    let line = door.error_line();
    assert!(
        line.starts_with("redoubt-verify: the guest is another one now, and accepted: evidence "),
        "{line}"
    );

    // Another image.
    place.boot(&Bend { report: Some(&|report| report.measurement = [7; 48]), ..Bend::default() });
    let answer = door.ask("/three");
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
    assert!(answer.contains("first: measurement: expected "), "{answer}");
    let line = door.error_line();
    assert!(line.contains("its evidence is refused: 1 of ") && line.ends_with("question\n"), "{line}");
    assert_eq!(place.guest.lock().unwrap().paths(), ["/.well-known/redoubt/session"]);

    place.boot(&Bend::default());
    assert!(door.ask("/four").ends_with("\r\n\r\n/four"), "it is back");
}

#[test]
fn programs_read_the_address_from_an_object() {
    let place = Place::new();
    let door = place.open(&["--json", "--listen", "127.0.0.1:0"]);
    assert_eq!(json(&door.before)["verdict"], "accepted");
    assert!(door.ask("/x").ends_with("\r\n\r\n/x"));
    let taken = ended(place.command(&["--allow-simulated", "--listen", &door.address]).output().unwrap());
    assert!(taken.0 == 2 && taken.2.contains("name another port"), "{}", taken.2);
}

#[test]
fn help_warns_of_browsers_and_has_examples() {
    let run = |folder: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redoubt-verify"));
        ended(command.current_dir(folder).args(["connect", "--help"]).output().unwrap())
    };
    let (status, help, _) = run(&std::env::temp_dir());
    assert_eq!(status, 0);
    assert!(help.contains("curl http://127.0.0.1:8080/") && help.contains("page in a browser"), "{help}");
}
