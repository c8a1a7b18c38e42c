//! The seeds are what the crates' own builders make of the fixtures today.
//!
//! `REDOUBT_BLESS=1 cargo test --test seeds` writes them anew.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use attestation_bundle::{Bundle, Instant, Item, Kind};
use attestation_claim::{Outcome, message};
use attestation_corim::{Platform, ReferenceManifest};
use attestation_envelope::{Content, JobHead, ReaderKey, Readers};
use attestation_evidence::Evidence;
use attestation_policy::Preset;
use attestation_rim::SignedRim;
use attestation_signature::RustCrypto;
use attestation_submission::{Ending, Stream, encode_claim, encode_end, encode_stream};
use attestation_transcript::{Header, Kind as Learnt, MAGIC, Run, Writer};
use attestation_verify::snp::AUTHORITIES;
use base64ct::{Base64, Encoding};
use enclave_sealing::{Context, Purpose, Sealer};
use enclave_service::KeyValueStore;
use enclave_wire::control::{
    Credit, JobDone, JobOutcome, JobStart, Probe, ProbeDone, Ready, Status, Stopping, Usage, encode_body,
};
use enclave_wire::frame::{FrameKind, encode_frame};
use enclave_wire::psp::{ExitInfo2, MESSAGE_PAGE_BYTES, MessageMeta, MessageType, PspReply, seal_message};
use test_elf::TestElf;
use tests_fuzz::{fixtures, tdx, toml};
use zerocopy::IntoBytes;

// The writer of AMD's certificates in the verifier's tests.
#[expect(dead_code, reason = "certificates are not written here, lists are")]
#[path = "../../../attestation/verify/tests/snp_wrong_fields/der.rs"]
mod amd_der;
// The builders of the crates' own tests.
#[path = "../../../attestation/verify/tests/support/nvidia_der.rs"]
mod der;
#[path = "seeds/filesystem.rs"]
mod filesystem;
#[path = "seeds/http.rs"]
mod http;
#[path = "seeds/network.rs"]
mod network;
#[path = "../../../attestation/verify/tests/support/nvidia_pki.rs"]
#[expect(dead_code, reason = "only what is signed is of use here")]
mod pki;
#[path = "seeds/receipts.rs"]
mod receipts;
#[path = "../../../image/rom/src/test_elf.rs"]
mod test_elf;

/// Contents by path below `seeds/`.
/// The loader's clock when it starts a job.
const WALL_NS: u64 = 1_700_000_000_000_000_000;

type Seeds = BTreeMap<PathBuf, Vec<u8>>;

/// The only test here: guest and host share one pool per process.
#[test]
fn seeds_are_current() {
    network::check();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let expected = all();
    if env::var_os("REDOUBT_BLESS").is_some() {
        write(&folder, &expected);
    }
    let found = read(&folder);
    let names = |seeds: &Seeds| seeds.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected));
    for (name, bytes) in &expected {
        assert!(found[name] == *bytes, "{} is not what its builder makes today", name.display());
    }
}

fn all() -> Seeds {
    let mut seeds = Seeds::new();
    let mut add = |target: &str, name: &str, bytes: Vec<u8>| {
        let earlier = seeds.insert(Path::new(target).join(name), bytes);
        assert!(earlier.is_none(), "{target}/{name} twice");
    };
    for (target, name, bytes) in receipts::all() {
        add(target, name, bytes);
    }
    add("manifest", "full", fixtures::service_manifest().into());
    add("manifest", "jobs", fixtures::MANIFEST.into());
    add("reference-values", "full", fixtures::REFERENCE_VALUES.into());
    add("claim", "exited", fixtures::claim(Outcome::Exited { code: 3 }));
    add("claim", "limit", fixtures::claim(Outcome::LimitExceeded { limit: "limits.fuel".into() }));
    add("evidence", "simulated", fixtures::evidence().encode());
    add("evidence", "hpke", Evidence { hpke_key: Some(vec![9; 32]), ..fixtures::evidence() }.encode());
    add("bundle", "three", bundle());
    add("report", "newest", fixtures::report().as_bytes().to_vec());
    add("tdx-quote", "version-4", tdx::quote(4));
    add("tdx-quote", "version-5", tdx::quote(5));
    add("tdx-collateral", "tcb-info", tdx::tcb_info().into());
    add("tdx-collateral", "qe-identity", tdx::qe_identity().into());
    add("tdx-event-log", "ccel", [vec![0], tdx::ccel()].concat());
    add("tdx-event-log", "list", [vec![1], tdx::event_list().into()].concat());
    nvidia_evidence().into_iter().for_each(|(target, name, bytes)| add(target, name, bytes));
    control_bodies().into_iter().for_each(|(name, choice, body)| {
        add("control", name, [&[choice], body.as_slice()].concat());
    });
    add("frames", "cut", [&[3, 5, 12, 200][..], &guest_frames()].concat());
    add("frames", "whole", [&[0][..], &guest_frames()].concat());
    psp_messages().into_iter().for_each(|(name, bytes)| add("psp", name, bytes));
    // Sealed, in order, under key 0: a report, then a key.
    add(
        "psp-host",
        "report-and-key",
        [&[0, 5, 0, 0, 96, 0][..], &[0; 96], &[0, 3, 0, 0, 32, 0], &[0; 32]].concat(),
    );
    sealed_blobs().into_iter().for_each(|(name, bytes)| add("sealed", name, bytes));
    envelopes().into_iter().for_each(|(name, bytes)| add("envelope", name, bytes));
    answers().into_iter().for_each(|(name, bytes)| add("answer", name, bytes));
    // Honest twice; honest, then with a changed key response; busy, then honest.
    add("guest-boot", "honest", vec![0, 0, 0, 0]);
    add("guest-boot", "changed", vec![0, 0, 0, 3, 40, 0, 1]);
    add("guest-boot", "busy", vec![1, 0, 0, 0, 0, 0]);
    local_messages().into_iter().for_each(|(name, bytes)| add("local-protocol", name, bytes));
    let elf = small_elf();
    let rom = image_rom::assemble(&elf).unwrap();
    let tables = rom.bytes().last_chunk::<1024>().unwrap().as_slice();
    add("rom-elf", "guest", elf);
    add("rom-tables", "assembled", tables.to_vec());
    // Its firmware section is as long as a ROM: here it would not be inside the file.
    add("measure", "one-page", [&[0, 7, 0, 0][..], tables].concat());
    add("measure", "four-pages", [&[3, 7, 0, 0][..], tables].concat());
    // Two processors each: Google's and Amazon's.
    add("measure", "gce", [&[3, 7, 0, 7][..], tables].concat());
    add("measure", "ec2", [&[3, 7, 0, 8][..], tables].concat());
    add("measure", "ec2-many-records", [&[3, 7, 0, 2][..], &many_records(tables)].concat());
    add("corim", "both", corim().encode());
    add("app-toml", "full", fixtures::APP_TOML.into());
    for (name, text) in toml::worst() {
        add("app-toml", name, text.clone().into());
        add("policy", name, text.into());
    }
    add("fw-cfg", "manifest", manifest_on_fw_cfg());
    // Receive, look, send, complete, look; then one buffer twice, and a look.
    let host =
        [&[2, 5, 0, 0][..], b"hello", &[0; 4], &[1, 2, 0, 0, 1, 2], &[4; 4], &[0; 4], &[5; 4], &[0; 4]]
            .concat();
    add("console", "session", host.clone());
    add("network", "session", host);
    network::sessions().into_iter().for_each(|(name, bytes)| add("network", name, bytes));
    add("service", "jobs", [&[0][..], &loader_stream()].concat());
    add("service", "hurry", [&[0xFF][..], &loader_stream()].concat());
    add("service", "private", [&[0][..], &private_stream()].concat());
    clients().into_iter().for_each(|(name, bytes)| add("requests", name, bytes));
    add("keeper", "two-requests", two_requests(&[5, 0, 0]));
    add("keeper", "cut-batch", two_requests(&[6, 30, 0]));
    sessions().into_iter().for_each(|(name, bytes)| add("session", name, bytes));
    filesystem::snapshots().into_iter().for_each(|(name, bytes)| add("filesystem", name, bytes));
    http::messages().into_iter().for_each(|(target, name, bytes)| add(target, name, bytes));
    collateral().into_iter().for_each(|(target, name, bytes)| add(target, name, bytes));
    requests_and_responses().into_iter().for_each(|(name, bytes)| add("message", name, bytes));
    transcripts().into_iter().for_each(|(target, name, bytes)| add(target, name, bytes));
    add("saved-store", "empty", saved_store(&[]));
    add("saved-store", "full", saved_store(&[("a", "k", "v"), ("a", "", ""), ("b", "count", "7")]));
    seeds
}

/// A store with these values, as it outlasts its guest.
fn saved_store(values: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut store = KeyValueStore::new(1 << 20);
    for (bucket, key, value) in values {
        store.set(bucket, key, value.as_bytes()).unwrap();
    }
    let files = b"a snapshot";
    let mut bytes = vec![0; store.saved_bytes(files)];
    store.write(files, &mut bytes);
    bytes
}

fn corim() -> ReferenceManifest {
    let measurements =
        [(Platform::Snp, "snp:qemu".into(), [1; 48]), (Platform::Tdx, "tdx:interleaved".into(), [2; 48])];
    ReferenceManifest::of_rom(&[3; 32], measurements)
}

fn bundle() -> Vec<u8> {
    let item = |kind, contents| Item { kind, contents };
    let items = vec![
        item(Kind::TdxQuote, b"quote".as_slice()),
        item(Kind::TcbInfo, b"{}"),
        item(Kind::TcbInfoChain, b"-----BEGIN CERTIFICATE-----"),
    ];
    Bundle { at: Instant::from_unix_seconds(1_775_437_323), items }.encode().unwrap()
}

/// What comes with evidence of SEV-SNP. AMD's authorities are public, and part of the verifier.
fn collateral() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let [.., turin, _] = AUTHORITIES;
    let report = fixtures::report();
    let pieces = [report.as_bytes(), turin, &revocation_list()];
    let framed = pieces.iter().flat_map(|piece| {
        let length = u16::try_from(piece.len()).unwrap().to_le_bytes();
        length.into_iter().chain(piece.iter().copied()).collect::<Vec<u8>>()
    });
    let pem = b"-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
    vec![
        ("certificate", "ask-turin", turin.to_vec()),
        ("crl", "one-entry", revocation_list()),
        ("x509-library", "certificate", turin.to_vec()),
        ("x509-library", "list", revocation_list()),
        ("pem", "two", pem.repeat(2)),
        ("policy", "strict", Preset::Strict.text().into()),
        ("policy", "development", Preset::Development.text().into()),
        ("recognise", "report", report.as_bytes().to_vec()),
        ("recognise", "authority", turin.to_vec()),
        ("recognise", "json", br#"{"vcekCert": "-----BEGIN", "certificateChain": ""}"#.to_vec()),
        ("recognise", "fleet", fixtures::FLEET_COLLATERAL.into()),
        ("recognise", "table", certificate_table()),
        ("recognise", "google-report", google_report()),
        ("recognise", "google-quote", b"\x0A\x05\x08\x04\x18\x81\x01\x12\x00".to_vec()),
        ("azure", "blob", hcl_report()),
        ("azure", "quote", tpm_quote()),
        ("snp-verify", "report-authority-list", framed.collect()),
    ]
}

/// Measurement and signature of a report as `go-sev-guest` writes them, fields 12 and 28.
fn google_report() -> Vec<u8> {
    [b"\x08\x05\x62\x30", &[0xA5; 48][..], b"\xE2\x01\x80\x04", &[0; 512]].concat()
}

/// A report with a table of sixteen certificates that are all the same bytes, a report with such a table.
fn certificate_table() -> Vec<u8> {
    let with_table = |contents: &[u8]| {
        let length = u32::try_from(contents.len()).unwrap();
        let entry = [&[1; 16][..], &(24 * 17_u32).to_le_bytes(), &length.to_le_bytes()].concat();
        [fixtures::report().as_bytes(), &entry.repeat(16), &[0; 24], contents].concat()
    };
    with_table(&with_table(&[&attestation_report::hcl::SIGNATURE[..], &[0; 8192]].concat()))
}

/// A list with one entry and a signature of zeros.
fn revocation_list() -> Vec<u8> {
    let issuer = amd_der::amd_name("ARK-Turin");
    let (this, next) = (amd_der::utc_time("260101000000Z"), amd_der::utc_time("270101000000Z"));
    let entry = amd_der::sequence(&[amd_der::integer(&[3, 0, 1]), this.clone()]);
    let entries = amd_der::sequence(&[entry]);
    let signed = amd_der::sequence(&[amd_der::integer(&[1]), amd_der::pss(48), issuer, this, next, entries]);
    amd_der::sequence(&[signed, amd_der::pss(48), amd_der::bit_string(&[0; 512])])
}

/// A blob with a report of zeros and JSON without keys.
fn hcl_report() -> Vec<u8> {
    let mut bytes = vec![0; 0x4D4];
    bytes[..4].copy_from_slice(&attestation_report::hcl::SIGNATURE);
    (bytes[0x4C8], bytes[0x4CC], bytes[0x4D0]) = (2, 1, 2);
    [bytes.as_slice(), b"{}"].concat()
}

/// A quote over register 0 for a nonce of two bytes.
fn tpm_quote() -> Vec<u8> {
    let head = [&[0xFF, 0x54, 0x43, 0x47, 0x80, 0x18, 0, 0, 0, 2][..], b"hi", &[0; 25]].concat();
    [head.as_slice(), &[0, 0, 0, 1, 0, 11, 3, 1, 0, 0, 0, 1, 0xD1]].concat()
}

fn nvidia_evidence() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let mut plan = pki::Plan::gpu();
    assert_eq!(plan.driver.signer, fixtures::RIM_SIGNER);
    // As short as they can be: the fuzzer changes all of it.
    plan.report.blocks.truncate(3);
    plan.driver.measurements.truncate(6);
    let (gpu, switch) = (plan.build(), pki::Plan::switch().build());
    let [chain, report] = [&gpu.chain, &gpu.report].map(|bytes| Base64::encode_string(bytes));
    let json = format!(
        r#"[{{"arch":"HOPPER","certificate":"{chain}","evidence":"{report}","nonce":"{}","version":"1.0"}}]"#,
        "4e".repeat(32)
    );
    let signed = SignedRim::parse(&gpu.driver).unwrap();
    assert_eq!(signed.verify(&fixtures::rim_key(), &RustCrypto).unwrap().measurements.len(), 6);
    vec![
        ("measurement-report", "gpu", gpu.report),
        ("measurement-report", "switch", switch.report),
        ("rim", "driver", gpu.driver),
        ("sdk-evidence", "gpu", json.into_bytes()),
    ]
}

fn control_bodies() -> Vec<(&'static str, u8, Vec<u8>)> {
    let done = JobDone {
        claim: Some(vec![1, 2, 3]),
        outcome: JobOutcome::LimitExceeded { limit: "limits.fuel".into() },
        detail: "out of fuel".into(),
        usage: Usage { fuel: 7, component_memory_bytes: 1 << 20, ..Usage::default() },
    };
    let exited = JobDone { outcome: JobOutcome::Exited { code: 0 }, ..done.clone() };
    let status = Status {
        uptime_us: 5,
        jobs_done: 1,
        running_job: Some(2),
        heap_used_bytes: 3,
        heap_total_bytes: 4,
        address: Some("10.0.2.15/24".into()),
        gateway: Some("10.0.2.2".into()),
        mac: Some("52-54-00-12-34-56".into()),
        requests: None,
    };
    let probe = Probe { destination: "10.0.2.2:7".into(), payload: b"echo".to_vec(), timeout_ms: 1000 };
    let probe_done = ProbeDone { answer: Some(b"echo".to_vec()), error: String::new(), elapsed_us: 9 };
    vec![
        ("ready", 0, encode_body(&ready())),
        ("credit", 1, encode_body(&Credit { bytes: 1 << 20 })),
        (
            "job-start",
            2,
            encode_body(&JobStart {
                input_bytes: 10_000_154,
                wall_ns: WALL_NS,
                receipts: false,
                private: false,
            }),
        ),
        ("job-done-limit", 3, encode_body(&done)),
        ("job-done-exited", 3, encode_body(&exited)),
        ("status", 4, encode_body(&status)),
        ("probe", 5, encode_body(&probe)),
        ("probe-done", 6, encode_body(&probe_done)),
        ("stopping", 7, encode_body(&Stopping { reason: "asked".into() })),
    ]
}

fn ready() -> Ready {
    Ready { protocol: 1, evidence: fixtures::evidence().encode(), seal_key_id: vec![4; 16], boot_us: 5 }
}

fn guest_frames() -> Vec<u8> {
    let mut stream = Vec::new();
    let frames = [
        (FrameKind::INPUT_CREDIT, 1, encode_body(&Credit { bytes: 65_536 })),
        (FrameKind::OUTPUT, 1, b"hello".to_vec()),
        (FrameKind::STOPPING, 0, encode_body(&Stopping { reason: "asked".into() })),
    ];
    for (kind, job, body) in frames {
        encode_frame(kind, job, &body, &mut stream).unwrap();
    }
    stream
}

fn psp_messages() -> Vec<(&'static str, Vec<u8>)> {
    let meta =
        MessageMeta { message_type: MessageType::REPORT_REQUEST, message_version: 1, sequence: 1, vmpck: 0 };
    let page = seal_message(&[0x4B; 32], meta, &[1; 96]).unwrap();
    let reply = PspReply { exit_info_2: ExitInfo2::SUCCESS, page: page.clone(), certificates: vec![2; 301] };
    vec![
        ("open", [&[0][..], &page].concat()),
        ("reply", [&[1][..], &reply.encode()].concat()),
        ("seal", [&[2, 5, 1, 0x40, 0, 1][..], &[7; 96]].concat()),
        ("seal-longest", [&[2, 5, 1, 0, 1, 0x80][..], &vec![7; MESSAGE_PAGE_BYTES - 96]].concat()),
    ]
}

/// A private job, for the target's key, and the end.
fn private_stream() -> Vec<u8> {
    let readers = Readers::new(&[ReaderKey::generate([7; 32]).public_key()], [5; 32]).unwrap();
    let reply_key = ReaderKey::generate([8; 32]).public_key();
    let plaintext = [&JobHead { reply_key }.encode()[..], b"hello"].concat();
    let envelope = readers.seal(Content::PrivateInput, [6; 32], &plaintext);
    let input_bytes = u64::try_from(envelope.len()).unwrap();
    let start = JobStart { input_bytes, wall_ns: WALL_NS, receipts: false, private: true };
    let mut stream = Vec::new();
    for (kind, job, body) in [
        (FrameKind::JOB_START, 1, encode_body(&start)),
        (FrameKind::OUTPUT_CREDIT, 1, encode_body(&Credit { bytes: 1 << 20 })),
        (FrameKind::INPUT, 1, envelope),
        (FrameKind::SHUTDOWN, 0, Vec::new()),
    ] {
        encode_frame(kind, job, &body, &mut stream).unwrap();
    }
    stream
}

/// A job with input and credit, a refused one, questions, one that is cancelled, and the end.
fn loader_stream() -> Vec<u8> {
    let start = |input_bytes| {
        encode_body(&JobStart { input_bytes, wall_ns: WALL_NS, receipts: false, private: false })
    };
    let credit = |bytes| encode_body(&Credit { bytes });
    let destination = "10.0.2.2:7".to_owned();
    let probe = encode_body(&Probe { destination, payload: b"ping".to_vec(), timeout_ms: 9 });
    let mut stream = Vec::new();
    for (kind, job, body) in [
        (FrameKind::JOB_START, 1, start(5)),
        (FrameKind::OUTPUT_CREDIT, 1, credit(3)),
        (FrameKind::INPUT, 1, b"hello".to_vec()),
        (FrameKind::STATUS_REQUEST, 0, Vec::new()),
        (FrameKind::OUTPUT_CREDIT, 1, credit(9)),
        (FrameKind::PROBE, 0, probe),
        (FrameKind::JOB_START, 2, start(1 << 40)),
        (FrameKind::JOB_START, 3, start(7)),
        (FrameKind::JOB_CANCEL, 3, Vec::new()),
        (FrameKind::SHUTDOWN, 0, Vec::new()),
    ] {
        encode_frame(kind, job, &body, &mut stream).unwrap();
    }
    stream
}

/// The tables, and metadata for SEV-SNP before them that has as many records as four pages hold.
fn many_records(tables: &[u8]) -> Vec<u8> {
    // dc886566-984a-4798-a75e-5585a7bf67cc; before it its entry's length, and before that the distance from the end.
    let guid =
        [0x66, 0x65, 0x88, 0xdc, 0x4a, 0x98, 0x98, 0x47, 0xa7, 0x5e, 0x55, 0x85, 0xa7, 0xbf, 0x67, 0xcc];
    let place = tables.windows(guid.len()).position(|window| window == guid).unwrap();
    let count = 1270;
    let header = [16 + 12 * count, 1, count].map(u32::to_le_bytes).concat();
    let records = (1..=count).flat_map(|page| [page << 12, 1 << 12, 1].map(u32::to_le_bytes).concat());
    let mut bytes: Vec<u8> = b"ASEV".iter().copied().chain(header).chain(records).collect();
    let (before, distance) = (bytes.len(), bytes.len() + tables.len());
    bytes.extend(tables);
    let distance = u32::try_from(distance).unwrap().to_le_bytes();
    bytes[before + place - 6..before + place - 2].copy_from_slice(&distance);
    bytes
}

/// Two wishes of the loader's, then what a guest sends.
fn sessions() -> Vec<(&'static str, Vec<u8>)> {
    let stream = |frames: &[(FrameKind, u32, Vec<u8>)]| {
        let mut stream = Vec::new();
        frames.iter().for_each(|(kind, job, body)| encode_frame(*kind, *job, body, &mut stream).unwrap());
        stream
    };
    let done = |outcome: JobOutcome, claim: Option<Vec<u8>>| {
        encode_body(&JobDone { claim, outcome, detail: String::new(), usage: Usage::default() })
    };
    let ready = (FrameKind::READY, 0, encode_body(&ready()));
    let two_jobs = stream(&[
        ready.clone(),
        (FrameKind::INPUT_CREDIT, 1, encode_body(&Credit { bytes: 64 })),
        (FrameKind::OUTPUT, 1, b"out".to_vec()),
        (FrameKind::ERROR_OUTPUT, 1, b"err".to_vec()),
        (FrameKind::JOB_DONE, 1, done(JobOutcome::Exited { code: 0 }, Some(vec![1]))),
        (FrameKind::JOB_DONE, 2, done(JobOutcome::Refused, None)),
    ]);
    let status = Status {
        uptime_us: 5,
        jobs_done: 0,
        running_job: None,
        heap_used_bytes: 3,
        heap_total_bytes: 4,
        address: None,
        gateway: None,
        mac: None,
        requests: None,
    };
    let asked = stream(&[
        ready,
        (FrameKind::STATUS, 0, encode_body(&status)),
        (FrameKind::STOPPING, 0, encode_body(&Stopping { reason: "asked".into() })),
    ]);
    vec![("two-jobs", [&[2, 20][..], &two_jobs].concat()), ("status", [&[4, 0][..], &asked].concat())]
}

/// Signature, features, one file in the directory; then the amount of RAM and the file.
fn manifest_on_fw_cfg() -> Vec<u8> {
    let mut entry = [0; 64];
    let fields = [&4_u32.to_be_bytes()[..], &[0, 0x25, 0, 0], b"opt/redoubt/manifest"].concat();
    entry.iter_mut().zip(&fields).for_each(|(to, from)| *to = *from);
    [&b"QEMU\x02\0\0\0\x01\0"[..], &entry, &[0, 0, 0, 4, 0, 0, 0, 0], &[0], b"{  }"].concat()
}

/// A header and no raw part, as `redoubt` sends them; the first byte is the direction.
fn local_messages() -> Vec<(&'static str, Vec<u8>)> {
    let message = |direction: u8, header: &str, data: &[u8]| {
        let lengths = [header.len(), data.len()].map(|bytes| u32::try_from(bytes).unwrap().to_le_bytes());
        [&[direction][..], lengths.as_flattened(), header.as_bytes(), data].concat()
    };
    let done = r#"{"type":"done","outcome":"limit_exceeded","limit":"limits.fuel","detail":"x","fuel":7,
        "component_memory_bytes":1,"heap_peak_bytes":2,"instantiate_us":3,"run_us":4}"#;
    let status = r#"{"type":"status","name":"audit","image":"dist","loader_id":1,"qemu_id":2,"tee":"simulated",
        "accel":"tcg","memory_mib":64,"measurement":"00","manifest_sha256":"11","seal_key_id":"22","boot_ms":3,
        "input_limit_bytes":4,"waiting_jobs":5,"guest":{"uptime_us":1,"jobs_done":2,"running_job":null,
        "heap_used_bytes":3,"heap_total_bytes":4,"address":"10.0.2.15/24","gateway":null,"mac":null}}"#;
    vec![
        ("job", message(0, r#"{"type":"job","version":1,"input_bytes":7}"#, &[])),
        (
            "probe",
            message(0, r#"{"type":"probe","version":1,"destination":"10.0.2.2:7","timeout_ms":9}"#, b"hi"),
        ),
        ("input", message(0, r#"{"type":"input"}"#, b"1,2,3")),
        ("done", message(1, done, b"claim")),
        ("status", message(1, status, &[])),
        ("failed", message(1, r#"{"type":"failed","kind":"guest_ended","message":"gone"}"#, &[])),
    ]
}

/// What a guest gives out of two requests: pieces of both, claims, and then `end`; the same again with other numbers.
fn two_requests(end: &[u8]) -> Vec<u8> {
    let pieces = [&[0, 1, 3][..], b"abc", &[1, 1, 2], b"de", &[0, 2, 1], b"f", &[0, 1, 1], b"g"].concat();
    let claims = |first: u8| [2, 2, 1, first, 2, 1, 1, first + 1];
    [&pieces[..], &claims(7), end, &pieces, &[4, 1, 0], &[2, 2, 1, 9], &[5, 0, 0]].concat()
}

/// Like the guest's, but short: what is in the segments does not matter.
/// What clients of a service do; kept and cut coarsely where the first byte is odd and large.
fn clients() -> [(&'static str, Vec<u8>); 4] {
    let sends = |client: u8, text: &str| {
        [&[12 | client, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
    };
    let echo = "POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
    let get = "GET /a HTTP/1.1\r\nhost: a\r\n\r\n";
    let chunks = "POST /e HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let four: Vec<u8> = (0..4).flat_map(|client| sends(client, get)).collect();
    let rude =
        [sends(0, "POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc"), vec![8, 9, 4]].concat();
    [
        ("kept", [vec![0xFF], sends(0, echo), sends(0, get), vec![0]].concat()),
        ("chunks", [vec![13], sends(1, chunks), vec![1]].concat()),
        ("four", [vec![0x80], four].concat()),
        ("rude", [vec![0x81], rude, sends(1, "nonsense\r\n\r\n")].concat()),
    ]
}

/// With the target's key; then what is sealed there, and changed.
fn envelopes() -> [(&'static str, Vec<u8>); 4] {
    let readers = Readers::new(&[ReaderKey::generate([7; 32]).public_key()], [5; 32]).unwrap();
    let sealed = |content, pieces: &[&[u8]]| {
        let (mut envelope, head) = readers.begin(content, [6; 32]);
        let mut bytes = [&[0][..], &head].concat();
        pieces.iter().for_each(|piece| bytes.extend(envelope.seal(piece)));
        bytes.extend(envelope.finish());
        bytes
    };
    [
        ("transcript", sealed(Content::Transcript, &[&[1; 4096], b"rest"])),
        ("request", sealed(Content::Request, &[])),
        (
            "private-input",
            sealed(Content::PrivateInput, &[&JobHead { reply_key: [9; 32] }.encode(), b"input"]),
        ),
        ("changed", [&[1, 100, 0, 0, 0, 3, 0][..], b"plaintext"].concat()),
    ]
}

/// What a host answers, in pieces of three bytes.
fn answers() -> [(&'static str, Vec<u8>); 2] {
    let done = [
        encode_stream(Stream::Output, b"output"),
        encode_stream(Stream::Log, b"log"),
        encode_stream(Stream::Transcript, b"transcript"),
        encode_claim(b"claim"),
        encode_end(Ending::Claimed, ""),
    ];
    let refused = encode_end(Ending::Refused, "envelope: expected its end");
    [("done", [vec![3], done.concat()].concat()), ("refused", [vec![3], refused].concat())]
}

/// With the target's key; then a salt and a plaintext of which a bit is changed.
fn sealed_blobs() -> [(&'static str, Vec<u8>); 3] {
    let seal = |choice: u8, purpose, plaintext: &[u8]| {
        let blob = Sealer::new(&[7; 32]).seal(purpose, 9, plaintext, [5; 32]).unwrap();
        [&[choice][..], &blob].concat()
    };
    let component = Purpose::Component(Context::new("fuzz").unwrap());
    let storage = seal(0, Purpose::Storage, &[1; 600]);
    [
        ("component", seal(4, component, b"plaintext")),
        ("storage", storage),
        ("changed", [&[1, 100, 0, 0, 0][..], &[5; 32], b"plaintext"].concat()),
    ]
}

fn small_elf() -> Vec<u8> {
    let mut elf = TestElf::guest();
    for segment in &mut elf.segments {
        let shorter = segment.bytes.len().min(0x100);
        segment.bytes.truncate(shorter);
        if segment.name != ".bss" {
            segment.memory_bytes = shorter as u64;
        }
    }
    elf.bytes()
}

/// Whole ones, and what stands for none.
fn requests_and_responses() -> [(&'static str, Vec<u8>); 3] {
    let request = message::Request {
        method: "POST",
        scheme: "http",
        authority: Some("notary.example:8080"),
        path_with_query: Some("/documents?a=b"),
        fields: vec![("content-type", b"text/plain"), ("x", b"\xFF")],
    };
    let response = message::Response { status: 404, fields: vec![("a", b"b")] };
    let end = |trailers: Option<&[message::Field<'_>]>| message::encode_end(trailers, 4);
    [
        ("request", [&[0][..], &request.encode(), b"body", &end(Some(&[("t", b"1")]))].concat()),
        ("response", [&[1][..], &response.encode(), b"body", &end(None)].concat()),
        ("no-response", [&[1][..], &message::no_response(), &message::encode_end(None, 0)].concat()),
    ]
}

/// One segment of entries of every kind; three that are full, or hold more than that; and proofs of both.
fn transcripts() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let every_kind: Vec<_> = (1..=10).map(|kind| (kind, vec![kind; 4])).chain([(11, vec![0, 3])]).collect();
    let sizes = [4000, 88, 5000, 300, 3900].map(|size| (Learnt::STREAM_READ.0, vec![7; size]));
    let segments: Vec<_> = sizes.into_iter().chain([(11, Vec::new())]).collect();
    let (small, large) = (transcript(&every_kind), transcript(&segments));
    let proof = |file: &[u8], segment| attestation_transcript::prove(file, segment).unwrap().encode();
    vec![
        ("transcript-proof", "entries", proof(&small, 1)),
        ("transcript-proof", "full", proof(&large, 1)),
        ("transcript-proof", "header", proof(&large, 0)),
        ("transcript", "every-kind", small),
        ("transcript", "segments", large),
    ]
}

fn transcript(entries: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let run = Run { component: [0x11; 32], manifest: [0x22; 32], sequence: 1 };
    let (mut writer, mut fuel) = (Writer::new(&Header { run, seed: [5; 32] }), 0);
    for (kind, payload) in entries {
        fuel += 1000;
        writer.append(Learnt(*kind), fuel, payload).unwrap();
    }
    let segments = writer.finish().unwrap().segments;
    [&MAGIC[..], &segments.into_iter().flatten().collect::<Vec<u8>>()].concat()
}

fn write(folder: &Path, seeds: &Seeds) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    for (name, bytes) in seeds {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
}

fn read(folder: &Path) -> Seeds {
    let entries = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries(folder).flat_map(|target| entries(&target).collect::<Vec<_>>());
    files.map(|file| (file.strip_prefix(folder).unwrap().to_owned(), fs::read(&file).unwrap())).collect()
}
