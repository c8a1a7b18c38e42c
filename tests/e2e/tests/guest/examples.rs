//! The examples in every language, as their images come out of the builder: their answers, and replays of them.

use std::fs;
use std::path::PathBuf;

use attestation_manifest::HexDigest;
use attestation_receipt::{BodySide, Piece, SignedReceipt};
use enclave_wire::control::JobOutcome;
use image_builder::ImageFile;
use loader_replay::Tuning;
use loader_vmm::session::JobEvent;
use sha2::{Digest, Sha256};
use tests_needs::Need;
use tests_servers::{AppTomlParts, Authority, Behaviour, Clock, HttpsServer, TimeServer, UdpTimeServer};

use crate::connect::ask_proven;
use crate::harness::{APP, JobResult, PATIENCE, Site, build_image_of, rom, run_job};
use crate::replay::assert_replays_by;
use crate::services::{assert_request_replays, figures, kept};

/// The engine's compiler takes a minute for a language's runtime, so these are replayed in the fastest way alone.
const TUNINGS: [Tuning; 1] = [Tuning::Baseline];

/// A copy of an example's image. `None` after saying why not: the caller returns.
fn example(name: &str) -> Option<Site> {
    rom()?;
    let Some(folder) = std::env::var_os("REDOUBT_EXAMPLES").map(PathBuf::from) else {
        Need::Examples.missing("REDOUBT_EXAMPLES does not say where the examples' images are");
        return None;
    };
    Some(Site::of_folder(&folder.join(name)))
}

fn component(site: &Site) -> Vec<u8> {
    fs::read(site.path().join(ImageFile::Component.name())).expect("the component is there")
}

/// A request that ends its connection.
fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// Expects each of these answers to its request, and the same from replays of the first so many.
fn assert_answers(mut site: Site, cases: &[(String, &str, &str)], replays: usize) {
    site.is_service = true;
    let guest = site.launch();
    for (request, status, end) in cases {
        let answer = ask_proven(&site, &guest, request);
        let line = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&line) && answer.contains(end), "{line} … {end}: {answer}");
    }
    assert_eq!((figures(&guest).answered, figures(&guest).failed), (cases.len() as u64, 0));
    assert!(guest.stop(PATIENCE).is_clean());
    let (files, component) = (kept(&site), component(&site));
    (0..replays).for_each(|number| assert_request_replays(&files, number, &component, &TUNINGS));
}

#[test]
fn the_service_in_rust_answers() {
    let Some(site) = example("notary-service") else { return };
    // SHA-256 of "abc", FIPS 180-2, appendix B.1.
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let health = "GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    assert_answers(
        site,
        &[
            (post("/documents", "abc"), "200", digest),
            (health.into(), "200", ""),
            (post("/elsewhere", "abc"), "404", ""),
        ],
        3,
    );
}

#[test]
fn the_service_in_javascript_answers() {
    let Some(site) = example("webhook-scrubber") else { return };
    // The answers of the example's own tests.
    let event =
        r#"{"user": {"name": "Ada", "email": "ada@example.org"}, "Api-Key": "k", "from": "192.0.2.7"}"#;
    let scrubbed = r#"{"event":{"Api-Key":"[secret]","from":"[ip]","user":{"email":"[email]","name":"Ada"}},"removed":{"card":0,"email":1,"ip":1,"secret":1,"token":0}}"#;
    assert_answers(site, &[(post("/scrub", event), "200", scrubbed), (post("/scrub", "{"), "400", "")], 1);
}

#[test]
fn the_job_in_python_reports() {
    let Some(site) = example("sensor-report") else { return };
    let guest = site.launch();
    let readings = "time,sensor,value\n2026-01-31T12:00:00Z,hall/door,20.5\n\
                    \"2026-01-31T11:00:00Z\",\"hall/door\",\"-1\"\n\n2026-01-31T12:00:05Z,attic,7\n";
    let job = run_job(&guest, readings.as_bytes());
    let refused = run_job(&guest, b"time,value\n");
    assert!(guest.stop(PATIENCE).is_clean());
    job.assert_success();
    let report: serde_json::Value = serde_json::from_slice(&job.output).expect("a report in JSON");
    // Worked out by hand in the example's own tests.
    assert_eq!((&report["lines"], &report["readings"]), (&5.into(), &3.into()));
    let door = &report["sensors"]["hall/door"];
    assert_eq!(
        (&door["mean"], &door["deviation"], &door["min"]),
        (&9.75.into(), &10.75.into(), &(-1.0).into())
    );
    let component = component(&site);
    assert_replays_by(&job, &component, readings.as_bytes(), &TUNINGS);
    assert!(refused.output.is_empty(), "what is no file of readings has no report");
}

/// Where QEMU's user networking shows the host's loopback.
const HOST: &str = "10.0.2.2";
const RATES: &str = r#"{"base":"EUR","date":"2026-11-27","rates":{"USD":"1.0842","GBP":0.8331}}"#;
const EXPENSES: &str = "date,what,amount,currency\n2026-11-24,\"Hotel, two nights\",240.00,GBP\n\
                        2026-11-25,Taxi,54.21,USD\n2026-11-26,Lunch,12,CHF\n";

/// An `app.toml` whose program asks this server, of this authority, at the time of these servers.
fn app_with_rates(authority: &Authority, server: &HttpsServer, times: &[UdpTimeServer]) -> String {
    let AppTomlParts { keys, tls } = AppTomlParts::new(HOST, server, authority, times);
    let args = format!("args = [\"https://{HOST}:{}/rates.json\"]\n", server.port());
    APP.replace("egress = []", &(args + &keys)) + &tls
}

/// The job of such a program whose server answers so, and the heads of the requests that it got.
fn job_with_rates(rom: &[u8], component: &[u8], response: &str) -> (JobResult, Vec<String>) {
    let authority = Authority::new();
    let server = HttpsServer::start(&authority, Behaviour::honest(HOST, response.as_bytes()));
    let times = [1, 2, 3].map(|number| TimeServer::new(number, Clock::Off(0)).start());
    let app = app_with_rates(&authority, &server, &times);
    let guest = Site::new(&build_image_of(rom, component, &app)).launch();
    let job = run_job(&guest, EXPENSES.as_bytes());
    assert!(guest.stop(PATIENCE).is_clean());
    (job, server.heads())
}

/// That one receipt came, by the guest of the claim, which shows the body that the report names by its digest.
fn assert_receipt_of_rates(job: &JobResult) {
    let [
        JobEvent::TimeProof(_),
        JobEvent::Receipt(receipt),
        JobEvent::TimeProof(_),
        JobEvent::TimeCommitment(_),
    ] = &job.records[..]
    else {
        panic!("{} records", job.records.len());
    };
    let signed = SignedReceipt::parse(receipt).expect("it parses");
    let verified =
        signed.verify_with(job.claim().evidence().clone()).expect("the guest of the claim signed it");
    let pieces = verified.pieces(BodySide::Response).expect("the body is shown");
    assert!(
        matches!(pieces[..], [Piece::Shown { offset: 0, bytes }] if bytes == RATES.as_bytes()),
        "{pieces:?}"
    );
}

#[test]
fn the_job_with_rates_reports() {
    let (Some(rom), Some(site)) = (rom(), example("rate-report")) else { return };
    let component = component(&site);
    let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{RATES}", RATES.len());
    let (job, heads) = job_with_rates(rom, &component, &response);
    job.assert_success();
    assert!(heads.len() == 1 && heads[0].starts_with("GET /rates.json HTTP/1.1\r\n"), "{heads:?}");
    let report: serde_json::Value = serde_json::from_slice(&job.output).expect("a report in JSON");
    // 240 / 0.8331 is 288.0806…, and 54.21 / 1.0842 is 50.
    assert_eq!((&report["expenses"], &report["total"]["amount"]), (&2.into(), &"338.08".into()));
    assert_eq!(report["malformed"][0]["reason"], "currency: there is no rate for it");
    let digest = HexDigest::<32>(Sha256::digest(RATES).into()).to_string();
    assert_eq!(report["rates"]["sha256"], digest);
    assert_receipt_of_rates(&job);
    // The servers are gone by now.
    assert_replays_by(&job, &component, EXPENSES.as_bytes(), &TUNINGS);

    let missing = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    let (refused, _) = job_with_rates(rom, &component, missing);
    assert_eq!(refused.done.outcome, JobOutcome::Exited { code: 1 }, "{}", refused.done.detail);
    assert!(refused.output.is_empty() && refused.error_output.contains("expected status 200, found 404"));
}
