//! `redoubt-verify collateral` as people run it, against an imitation of the vendors' services on this machine.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "../../collateral/tests/services/imitation.rs"]
mod imitation;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use attestation_bundle::{Bundle, Kind};
use attestation_claim::{ChainPlace, Claim, Digested, Measured, Outcome, Transcript, Usage, sign_claim};
use attestation_evidence::{Evidence, Platform};
// Of the imitation, whose file is another package's.
use base64ct as _;
use imitation::{FMSPC, RIM, Reply, Server, Vendors};
use tempfile::TempDir;

const SUMMER_2022: &str = "2022-08-01T00:00:00Z";
const SPRING_2026: &str = "2026-04-01T00:00:00Z";

struct Desk {
    folder: TempDir,
    server: Server,
}

impl Desk {
    /// Files of the fixtures under the names that a test gives them.
    fn new(server: Server, files: &[(&str, &str)]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        for (name, fixture) in files {
            fs::copy(tests_needs::fixture(fixture)?, folder.path().join(name)).unwrap();
        }
        Some(Self { folder, server })
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let url = self.server.url();
        let urls = ["--kds-url", "--pcs-url", "--intel-certificates-url", "--rim-url"];
        let urls = urls.into_iter().flat_map(|option| [option, &url]);
        self.run_without_urls(&arguments.iter().copied().chain(urls).collect::<Vec<_>>())
    }

    fn run_without_urls(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_redoubt-verify"))
            .current_dir(self.path())
            .env("REDOUBT_CACHE", self.path().join("cache"))
            .arg("collateral")
            .args(arguments)
            .output()
            .unwrap()
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn vendors() -> Option<Server> {
    Some(Server::start(Vendors::from_fixtures()?.handler()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
fn assert_status(output: &Output, status: i32) -> String {
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{stdout}{stderr}");
    stdout + &stderr
}

#[test]
fn a_report_becomes_a_bundle_that_needs_no_network() {
    let Some(server) = vendors() else { return };
    let Some(desk) = Desk::new(server, &[("report.bin", "snp/milan-v3-azure/report.bin")]) else { return };
    let shown = assert_status(&desk.run(&["fetch", "report.bin", "--at", SUMMER_2022]), 0);
    assert!(shown.contains("until 2023-05-09T23:00:00Z") && shown.contains("for ever"), "{shown}");
    assert!(shown.contains("COMPLETE at 2022-08-01T00:00:00Z: 3 objects"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 120), "{shown}");
    assert_eq!(desk.server.asked().len(), 3);

    let offline = ["bundle", "report.bin", "--offline", "--out", "evidence.bundle", "--at", SUMMER_2022];
    let shown = assert_status(&desk.run_without_urls(&offline), 0);
    assert!(shown.contains("cache") && shown.contains("bytes in evidence.bundle"), "{shown}");
    let bytes = fs::read(desk.path().join("evidence.bundle")).unwrap();
    let bundle = Bundle::decode(&bytes).unwrap();
    let kinds: Vec<Kind> = bundle.items.iter().map(|item| item.kind).collect();
    assert_eq!(kinds, [Kind::SnpReport, Kind::Vek, Kind::AmdChain, Kind::AmdCrl]);
    assert_eq!(bundle.at.to_string(), SUMMER_2022);
    assert_eq!(bundle.items[0].contents, fs::read(desk.path().join("report.bin")).unwrap());

    let listed = assert_status(&desk.run_without_urls(&["list"]), 0);
    assert!(
        listed.contains("amd-kds") && listed.contains("crl-Milan") && listed.contains("3 objects"),
        "{listed}"
    );
}

/// What a claim needs is what the evidence in it needs. Nobody has verified either yet.
#[test]
fn a_claim_is_bundled_with_what_its_quote_needs() {
    let Some(server) = vendors() else { return };
    let Some(desk) = Desk::new(server, &[("quote.bin", "tdx/google-v5/quote.bin")]) else { return };
    let quote = fs::read(desk.path().join("quote.bin")).unwrap();
    fs::write(desk.path().join("claim.cbor"), claim(Platform::Tdx, quote)).unwrap();
    let bundle = ["bundle", "claim.cbor", "--out", "claim.bundle", "--at", SPRING_2026];
    assert_status(&desk.run(&bundle), 0);
    let bytes = fs::read(desk.path().join("claim.bundle")).unwrap();
    let kinds: Vec<Kind> = Bundle::decode(&bytes).unwrap().items.iter().map(|item| item.kind).collect();
    assert_eq!(kinds[0], Kind::Evidence);
    for kind in [Kind::TcbInfo, Kind::QeIdentity, Kind::PckCrl, Kind::RootCrl] {
        assert!(kinds.contains(&kind), "{kind:?} in {kinds:?}");
    }
    fs::write(desk.path().join("claim.cbor"), claim(Platform::Simulated, Vec::new())).unwrap();
    let refused = assert_status(&desk.run(&["fetch", "claim.cbor"]), 2);
    assert!(refused.contains("simulated, so no vendor publishes anything about it"), "{refused}");
}

fn claim(platform: Platform, report: Vec<u8>) -> Vec<u8> {
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let instance_key = key.verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap();
    let (endorsement, manifest) = (Vec::new(), b"{}".to_vec());
    let evidence = Evidence { platform, report, endorsement, instance_key, hpke_key: None, manifest };
    let nothing = Digested { sha256: [0; 32], bytes: 0 };
    let claim = Claim {
        component: [0; 32],
        artefact: [0; 32],
        manifest: [0; 32],
        input: nothing,
        output: nothing,
        outcome: Outcome::Trapped,
        sequence: 0,
        transcript: Transcript { root: [9; 32], entries: 1, bytes: 200 },
        receipts_root: None,
        usage: Usage { fuel: 0, component_memory_bytes: 65536, error_output_bytes: 0 },
        measured: Measured { run_us: 1000, heap_peak_bytes: 1 << 20 },
    };
    sign_claim(&claim, ChainPlace::default(), &evidence, &key).unwrap().0
}

#[test]
fn a_quote_and_a_gpu_are_bundled_with_issuer_chains() {
    let Some(server) = vendors() else { return };
    let files = [
        ("quote.bin", "tdx/google-v5/quote.bin"),
        ("gpu.bin", "nvidia/h100-580/report.bin"),
        ("gpu.pem", "nvidia/h100-580/chain.pem"),
        ("ccel.bin", "tdx/live-ccel/ccel_match.dat"),
    ];
    let Some(desk) = Desk::new(server, &files) else { return };
    let all = ["bundle", "gpu.bin", "gpu.pem", "quote.bin", "event-log=ccel.bin", "--out", "b", "--json"];
    let said = ["--rim", RIM, "--at", SPRING_2026];
    let shown = desk.run(&[&all[..], &said].concat());
    assert_status(&shown, 0);
    let document: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&document["complete"], &document["bundle"]), (&true.into(), &"b".into()));
    assert_eq!(document["objects"].as_array().unwrap().len(), 5);
    let bytes = fs::read(desk.path().join("b")).unwrap();
    let bundle = Bundle::decode(&bytes).unwrap();
    for kind in [Kind::TdxQuote, Kind::EventLog, Kind::NvidiaReport, Kind::NvidiaChain, Kind::TcbInfoChain] {
        assert_eq!(bundle.of(kind).count(), 1, "{kind}");
    }
    assert!(bundle.of(Kind::Rim).all(|rim| rim.starts_with(b"<SoftwareIdentity")));
}

#[test]
fn what_clouds_and_sdks_wrap_is_unwrapped() {
    let Some(server) = vendors() else { return };
    let files = [
        ("azure.json", "snp/azure-vtpm-milan-v3/evidence.json"),
        ("gpus.json", "nvidia/sdk-evidence/multi_gpu_hopper.json"),
    ];
    let Some(desk) = Desk::new(server, &files) else { return };
    let both = ["bundle", "azure.json", "gpus.json", "--rim", RIM, "--out", "b", "--at", SUMMER_2022];
    let shown = assert_status(&desk.run(&both), 0);
    assert!(!shown.contains("VCEK"), "it came along: {shown}");
    let bytes = fs::read(desk.path().join("b")).unwrap();
    let bundle = Bundle::decode(&bytes).unwrap();
    for kind in [Kind::HclReport, Kind::VtpmQuote, Kind::VtpmSignature, Kind::VtpmPcrs, Kind::Vek] {
        assert_eq!(bundle.of(kind).count(), 1, "{kind}");
    }
    let gpus = bundle.of(Kind::NvidiaReport).count();
    assert!(gpus > 1 && gpus == bundle.of(Kind::NvidiaChain).count(), "{gpus}");
}

#[test]
fn what_is_not_to_be_had_is_status_1_and_no_bundle() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let without_crl = Server::start(move |path, _| match path {
        "/vcek/v1/Milan/crl" => Reply::ok("text/html", b"<p>\x1b[2J".to_vec()),
        other => vendors.get(other),
    });
    let Some(desk) = Desk::new(without_crl, &[("report.bin", "snp/milan-v3-azure/report.bin")]) else {
        return;
    };
    let shown = assert_status(&desk.run(&["bundle", "report.bin", "--out", "b", "--at", SUMMER_2022]), 1);
    assert!(shown.contains("FAIL  CRL of Milan") && shown.contains("INCOMPLETE"), "{shown}");
    assert!(shown.contains("2 of 3 objects") && !shown.contains('\u{1b}'), "{shown}");
    assert!(!desk.path().join("b").exists());
    let offline = assert_status(&desk.run(&["fetch", "report.bin", "--offline", "--at", SUMMER_2022]), 1);
    assert!(offline.contains("expected in the cache") && offline.contains("collateral fetch"), "{offline}");
}

#[test]
fn a_service_that_wants_to_be_left_alone_is_not_asked_by_the_next_process() {
    let server = Server::start(|_, _| Reply::status(429).with("Retry-After", "600"));
    let Some(desk) = Desk::new(server, &[("report.bin", "snp/milan-v3-azure/report.bin")]) else { return };
    for _ in 0..2 {
        let shown = assert_status(&desk.run(&["fetch", "report.bin", "--wait", "5"]), 1);
        assert!(shown.contains("ask again in") && shown.contains("a longer --wait"), "{shown}");
    }
    assert_eq!(desk.server.asked().len(), 1);
}

#[test]
fn processes_that_want_the_same_ask_once() {
    let Some(server) = vendors() else { return };
    let Some(desk) = Desk::new(server, &[("report.bin", "snp/milan-v3-azure/report.bin")]) else { return };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_status(&desk.run(&["fetch", "report.bin", "--at", SUMMER_2022]), 0));
        }
    });
    assert_eq!(desk.server.asked().len(), 3);
}

#[test]
fn what_came_with_the_evidence_is_not_asked_for() {
    let Some(server) = vendors() else { return };
    let files = [
        ("report.bin", "snp/milan-v3-azure/report.bin"),
        ("vcek.der", "snp/milan-v3-azure/vcek-earlier-issue.der"),
        ("vlek-report.bin", "snp/milan-v3-vlek/report.bin"),
        ("vlek.der", "snp/milan-v3-vlek/vlek.der"),
    ];
    let Some(desk) = Desk::new(server, &files) else { return };
    let shown = assert_status(&desk.run(&["fetch", "report.bin", "vcek.der", "--at", SUMMER_2022]), 0);
    assert!(shown.contains("2 objects") && !shown.contains("VCEK"), "{shown}");
    let shown = assert_status(&desk.run(&["fetch", "vlek-report.bin", "--at", SUMMER_2022]), 2);
    assert!(shown.contains("expected the VCEK or VLEK among the files"), "{shown}");
    let shown = assert_status(&desk.run(&["fetch", "vlek-report.bin", "vlek.der", "--at", SUMMER_2022]), 0);
    assert!(shown.contains("ASVK and ARK of Milan"), "{shown}");
}

#[test]
fn input_that_cannot_be_used_is_status_2_and_says_what_to_do() {
    let Some(server) = vendors() else { return };
    let files = [
        ("v2.bin", "snp/milan-v2-vcek/report.bin"),
        ("v3.bin", "snp/milan-v3-azure/report.bin"),
        ("quote.bin", "tdx/google-v5/quote.bin"),
        ("gpu.bin", "nvidia/h100-580/report.bin"),
    ];
    let Some(desk) = Desk::new(server, &files) else { return };
    fs::write(desk.path().join("junk"), b"junk").unwrap();
    let quote = fs::read(desk.path().join("quote.bin")).unwrap();
    fs::write(desk.path().join("torn.bin"), &quote[..1000]).unwrap();
    for (arguments, expected) in [
        (&["fetch"][..], "expected a report or a quote"),
        (&["fetch", "none.bin"], "evidence none.bin"),
        (&["fetch", "junk"], "event-log=junk"),
        (&["fetch", "v2.bin"], "--product"),
        (&["fetch", "v3.bin", "--product", "genoa"], "expected Genoa as named, found Milan"),
        (&["fetch", "torn.bin"], "evidence torn.bin: signature data"),
        (&["fetch", "gpu.bin"], "chain of certificates, or --rim"),
        (&["fetch", "v3.bin", "--fmspc", FMSPC], "--pck-ca"),
        (&["fetch", "v3.bin", "--at", "yesterday"], "RFC 3339"),
    ] {
        let shown = assert_status(&desk.run(arguments), 2);
        assert!(shown.contains(expected), "{arguments:?}: {shown}");
    }
    assert!(desk.server.asked().is_empty());
}

#[test]
fn tls_to_vendors_cannot_be_turned_off() {
    let Some(server) = vendors() else { return };
    let Some(desk) = Desk::new(server, &[("report.bin", "snp/milan-v3-azure/report.bin")]) else { return };
    for url in ["http://kdsintf.amd.com", "http://KDSINTF.AMD.COM:80/"] {
        let shown = assert_status(&desk.run_without_urls(&["fetch", "report.bin", "--kds-url", url]), 2);
        assert!(shown.contains("expected https://"), "{shown}");
    }
}

#[test]
fn help_has_examples() {
    for (command, example) in [("fetch", "--product milan"), ("bundle", "--offline --out evidence.bundle")] {
        let program = env!("CARGO_BIN_EXE_redoubt-verify");
        let output = Command::new(program).args(["collateral", command, "--help"]).output().unwrap();
        let shown = assert_status(&output, 0);
        assert!(shown.contains(example) && shown.contains("Exit status: 0"), "{shown}");
    }
}
