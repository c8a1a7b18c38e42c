//! What is kept, under which name, and what a guest cannot make us keep.

use std::os::unix::fs::PermissionsExt;

use attestation_claim::{ChainPlace, Claim, Digested, Measured, Outcome, Transcript, Usage, sign_claims};
use attestation_evidence::{Evidence, Platform};
use attestation_manifest::parse_manifest;
use p256::ecdsa::SigningKey;
use tempfile::TempDir;

use super::*;

const MANIFEST: &str = r#"{"version":1,"name":"test","role":"workload","trust":"tee",
"component":{"sha256":"1111111111111111111111111111111111111111111111111111111111111111"},
"artefact":{"sha256":"2222222222222222222222222222222222222222222222222222222222222222","engine":"test"},
"launch":{"snp":{"policy":"0x30000","vmpl":0},"tdx":{"attributes":"0x10000000","xfam":"0xe7"}},"memory_mib":64,
"limits":{"component_memory_bytes":1,"fuel":1,"input_bytes":1,"output_bytes":1,"wall_ms":1,
"transcript_bytes":1000,"call_stack_bytes":524288},"wall_clock":"none","args":[],"env":[],"egress":[],"tls":{"roots":"none","hosts":[]},"time":[],
"service":{"port":80,"scheme":"http","open_requests_max":4,"request_wall_ms":1,"request_body_bytes":1000,"response_body_bytes":1,
"request_fuel":1,"request_memory_bytes":1},
"storage":{"key_value_bytes":0,"files_bytes":0,"persist":false},"logs":"none","readers":[]}"#;

struct Desk {
    folder: TempDir,
    keeper: Keeper,
}

impl Desk {
    fn new() -> Self {
        Self::of(MANIFEST)
    }

    fn of(manifest: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let manifest = parse_manifest(manifest.as_bytes()).unwrap();
        let service = manifest.service.as_ref().unwrap();
        let keeper = Keeper::create(folder.path().join("kept/boot"), &manifest, service).unwrap();
        Self { folder, keeper }
    }

    fn send(&mut self, kind: FrameKind, job: u32, body: &[u8]) -> Result<(), String> {
        let frame = Frame { kind, job, body: body.to_vec() };
        self.keeper.on_frame(frame).map_err(|violation| violation.to_string())
    }

    fn request(&mut self, number: u32) {
        self.send(FrameKind::REQUEST, number, b"request ").unwrap();
        self.send(FrameKind::TRANSCRIPT, number, b"transcript ").unwrap();
        self.send(FrameKind::REQUEST, number, number.to_string().as_bytes()).unwrap();
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("kept/boot")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join("kept/boot").join(name)).unwrap()
    }
}

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn claim(sequence: u64) -> Vec<u8> {
    let nothing = Digested { sha256: [0; 32], bytes: 0 };
    Claim {
        component: [1; 32],
        artefact: [2; 32],
        manifest: [3; 32],
        input: nothing,
        output: nothing,
        outcome: Outcome::Exited { code: 0 },
        sequence,
        transcript: Transcript { root: [4; 32], entries: 1, bytes: 2 },
        receipts_root: None,
        usage: Usage { fuel: 1, component_memory_bytes: 2, error_output_bytes: 3 },
        measured: Measured { run_us: 4, heap_peak_bytes: 5 },
    }
    .encode()
}

fn sign(claims: &[Vec<u8>]) -> Vec<u8> {
    let evidence = Evidence {
        platform: Platform::Simulated,
        report: vec![0; 8],
        endorsement: Vec::new(),
        instance_key: key().verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap(),
        hpke_key: None,
        manifest: MANIFEST.as_bytes().to_vec(),
    };
    sign_claims(claims, ChainPlace::default(), &evidence, &key()).unwrap().bytes
}

#[test]
fn a_request_has_its_name_once_its_claim_is_signed() {
    let mut desk = Desk::new();
    desk.request(6);
    desk.request(7);
    assert_eq!(desk.files(), ["6.request.part", "6.transcript.part", "7.request.part", "7.transcript.part"]);
    // The second ends first. Wire numbers have 32 bits, claims have all of it.
    let far = (1 << 32) + 6;
    let claims = [claim(7), claim(far)];
    desk.send(FrameKind::REQUEST_CLAIM, 7, &claims[0]).unwrap();
    desk.send(FrameKind::REQUEST_CLAIM, 6, &claims[1]).unwrap();
    desk.send(FrameKind::BATCH, 0, &sign(&claims)).unwrap();
    let names = ["claim.cbor", "request", "transcript"];
    let expected: Vec<_> =
        [far, 7].iter().flat_map(|number| names.map(|name| format!("{number}.{name}"))).collect();
    assert_eq!(desk.files(), expected);
    assert_eq!(desk.read("7.request"), b"request 7");
    assert_eq!(desk.read(&format!("{far}.transcript")), b"transcript ");
    let kept = SignedClaim::parse(&desk.read("7.claim.cbor")).unwrap();
    assert_eq!((kept.unverified_claim().sequence, kept.unverified_batch().claims), (7, 2));
}

/// What is sealed for readers is longer than what is in it, and may be.
#[test]
fn what_is_sealed_may_be_longer_by_what_sealing_takes() {
    let key = r#""readers":["a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209"]"#;
    let sealed = MANIFEST.replace(r#""readers":[]"#, key);
    for (kind, bytes) in
        [(FrameKind::REQUEST, 1000 + HEAD_BYTES), (FrameKind::TRANSCRIPT, 1000 + TRANSCRIPT_MARGIN_BYTES)]
    {
        for (text, most) in [(MANIFEST, bytes), (&sealed, envelope_bytes_max(bytes))] {
            let mut desk = Desk::of(text);
            desk.send(kind, 1, &vec![0; usize::try_from(most).unwrap()]).unwrap();
            let refused = desk.send(kind, 1, &[0]).unwrap_err();
            assert!(refused.contains(&format!("at most {most} bytes")), "{refused}");
        }
    }
}

/// A process may have 1024 files open, as systems are set up.
#[test]
fn requests_that_are_under_way_are_no_open_files() {
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    let mut desk = Desk::new();
    let before = open();
    (0..1000).for_each(|number| desk.request(number));
    assert!(open() < before + 500, "{before} files were open, and {} are now", open());
    assert_eq!(desk.files().len(), 2000);
}

#[test]
fn what_is_kept_is_the_operators() {
    let desk = Desk::new();
    let mode = fs::metadata(desk.keeper.folder()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn what_nobody_claims_is_removed() {
    let mut desk = Desk::new();
    desk.request(1);
    desk.send(FrameKind::REQUEST_DROPPED, 1, &[]).unwrap();
    assert_eq!(desk.files(), [""; 0]);
    // Dropped without having begun: its client was gone at once.
    desk.send(FrameKind::REQUEST_DROPPED, 2, &[]).unwrap();
    desk.request(3);
    let folder = desk.folder;
    drop(desk.keeper);
    assert!(fs::read_dir(folder.path().join("kept/boot")).unwrap().next().is_none());
}

#[test]
fn a_guest_that_breaks_a_rule_is_named_with_it() {
    let refused = |act: &dyn Fn(&mut Desk) -> Result<(), String>| act(&mut Desk::new()).unwrap_err();
    let long = refused(&|desk| desk.send(FrameKind::REQUEST, 1, &vec![0; 1001 + (256 << 10)]));
    assert!(long.contains("1.request.part: expected at most 263144 bytes"), "{long}");
    let long = refused(&|desk| desk.send(FrameKind::TRANSCRIPT, 1, &vec![0; 1001 + (1 << 20)]));
    assert!(long.contains("1.transcript.part: expected at most"), "{long}");
    let stray = refused(&|desk| desk.send(FrameKind::REQUEST_CLAIM, 9, b"claim"));
    assert!(stray.contains("claim of request 9, which is not open"), "{stray}");
    let unsigned = refused(&|desk| {
        desk.request(1);
        desk.send(FrameKind::REQUEST_CLAIM, 1, &claim(1)).unwrap();
        desk.send(FrameKind::BATCH, 0, &sign(&[claim(2)]))
    });
    assert!(unsigned.contains("expected the 1 that were signed together"), "{unsigned}");
    let long = refused(&|desk| {
        desk.request(1);
        desk.send(FrameKind::REQUEST_CLAIM, 1, &[0; 4097])
    });
    assert!(long.contains("claim of request 1: expected at most 4096 bytes, found 4097"), "{long}");
    let unsigned = refused(&|desk| {
        (0..4097).try_for_each(|number| {
            desk.send(FrameKind::REQUEST, number, b"")?;
            desk.send(FrameKind::REQUEST_CLAIM, number, b"")
        })
    });
    assert!(unsigned.contains("more than 4096 claims wait"), "{unsigned}");
    let many = refused(&|desk| (0..1025).try_for_each(|number| desk.send(FrameKind::REQUEST, number, b"")));
    assert!(many.contains("more than 1024 requests are open"), "{many}");
    let twice = refused(&|desk| {
        for _ in 0..2 {
            desk.request(1);
            desk.send(FrameKind::REQUEST_CLAIM, 1, &claim(1)).unwrap();
            desk.send(FrameKind::BATCH, 0, &sign(&[claim(1)]))?;
        }
        Ok(())
    });
    assert!(twice.contains("1.request: "), "{twice}");
}
