//! The seeds are what the crates' own builders make of the fixtures today.
//!
//! `REDOUBT_BLESS=1 cargo test --test seeds` writes them anew.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use attestation_claim::Outcome;
use attestation_evidence::Evidence;
use enclave_wire::control::{
    Credit, JobDone, JobOutcome, JobStart, Probe, ProbeDone, Ready, Status, Stopping, Usage, encode_body,
};
use enclave_wire::frame::{FrameKind, encode_frame};
use enclave_wire::psp::{ExitInfo2, MESSAGE_PAGE_BYTES, MessageMeta, MessageType, PspReply, seal_message};
use tests_fuzz::fixtures;
use zerocopy::IntoBytes;

/// Contents by path below `seeds/`.
type Seeds = BTreeMap<PathBuf, Vec<u8>>;

#[test]
fn seeds_are_current() {
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
    add("manifest", "full", fixtures::MANIFEST.into());
    add("reference-values", "full", fixtures::REFERENCE_VALUES.into());
    add("claim", "exited", fixtures::claim(Outcome::Exited { code: 3 }));
    add("claim", "limit", fixtures::claim(Outcome::LimitExceeded { limit: "limits.fuel".into() }));
    add("evidence", "simulated", fixtures::evidence().encode());
    add("evidence", "hpke", Evidence { hpke_key: Some(vec![9; 32]), ..fixtures::evidence() }.encode());
    add("report", "newest", fixtures::report().as_bytes().to_vec());
    control_bodies().into_iter().for_each(|(name, choice, body)| {
        add("control", name, [&[choice], body.as_slice()].concat());
    });
    add("frames", "cut", [&[3, 5, 12, 200][..], &guest_frames()].concat());
    add("frames", "whole", [&[0][..], &guest_frames()].concat());
    psp_messages().into_iter().for_each(|(name, bytes)| add("psp", name, bytes));
    seeds
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
    };
    let probe = Probe { destination: "10.0.2.2:7".into(), payload: b"echo".to_vec(), timeout_ms: 1000 };
    let probe_done = ProbeDone { answer: Some(b"echo".to_vec()), error: String::new(), elapsed_us: 9 };
    vec![
        ("ready", 0, encode_body(&ready())),
        ("credit", 1, encode_body(&Credit { bytes: 1 << 20 })),
        ("job-start", 2, encode_body(&JobStart { input_bytes: 10_000_154 })),
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
