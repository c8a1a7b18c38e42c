//! What leaves a guest whose manifest names readers: nothing that a run learnt, in the clear.

use attestation_claim::{SignedClaim, open_claims};
use attestation_envelope::{Content, EnvelopeError, ReaderKey, open};
use attestation_transcript::{Root, Run, verify_run};
use enclave_service::{Ended, ServiceError};
use enclave_wire::frame::FrameKind;
use sha2::{Digest, Sha256};

use crate::components::load_component;
use crate::loader::{Job, Loader, MANIFEST, Seen, serve_stored};
use crate::requests::{LOOK_NS, get, manifest_text, post, program, serve_from};
use crate::script::Script;
use crate::street::Step::{Expect, Send};
use crate::street::Town;

const CANARY: &str = "a value that nobody but the readers may see";

fn key(seed: u8) -> ReaderKey {
    ReaderKey::generate([seed; 32])
}

/// A manifest whose readers have the keys 1 and 2.
fn for_readers(manifest: &str) -> String {
    let digits = |key: [u8; 32]| key.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let [one, two] = [key(1), key(2)].map(|key| digits(key.public_key()));
    manifest.replace(r#""readers":[]"#, &format!(r#""readers":["{one}","{two}"]"#))
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn run(manifest: &str, job: Job) -> Seen {
    let component = load_component(&Script::new().open("a").set("k", CANARY).get("k").component());
    let loader = Loader::new(vec![job], Vec::new());
    assert_eq!(serve_stored(manifest, None, &component, &loader), Ok(Ended::Shutdown));
    let state = loader.0.lock().expect("one thread");
    state.seen[0].clone()
}

#[test]
fn a_transcript_is_for_the_readers_alone() {
    let open_one = run(MANIFEST, Job::default());
    assert!(holds(&open_one.transcript, CANARY), "this is what would be seen");
    open_one.verify_transcript();

    let mut sealed = run(&for_readers(MANIFEST), Job::default());
    assert!(!holds(&sealed.transcript, CANARY));
    let opened = |seed| open(sealed.transcript.clone(), &key(seed), Content::Transcript);
    assert_eq!(opened(3), Err(EnvelopeError::NotAReader { readers: 2 }));
    assert_eq!(opened(1), opened(2));
    // What the claim signs is what is in the envelope.
    sealed.transcript = opened(2).expect("a reader opens it");
    assert!(holds(&sealed.transcript, CANARY));
    assert_eq!(sealed.verify_transcript().entries, open_one.verify_transcript().entries);
}

#[test]
fn a_slow_loader_gets_all_of_it() {
    let slow = Job { credit_step: Some(100), ..Job::default() };
    let mut sealed = run(&for_readers(MANIFEST), slow);
    sealed.transcript = open(sealed.transcript, &key(1), Content::Transcript).expect("a reader opens it");
    sealed.verify_transcript();
}

#[test]
fn requests_that_are_kept_are_for_the_readers_alone() {
    let text = for_readers(&manifest_text(8));
    let scripts = vec![
        vec![post("e", CANARY), Expect("0\r\n\r\n")],
        vec![get("a"), Expect("0\r\n\r\n")],
        // Its body comes in two pieces, of which the component reads each.
        vec![
            Send(b"POST /e HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab".to_vec()),
            Send(b"cde".to_vec()),
            Expect("0\r\n\r\n"),
        ],
    ];
    let served = serve_from(&text, None, &program(), &Town::new(scripts, LOOK_NS), true);
    let claims: Vec<_> = [0, 1, 2].map(|number| served.bytes(FrameKind::REQUEST_CLAIM, number)).into();
    let batch = served.frames.iter().find(|frame| frame.kind == FrameKind::BATCH).expect("a batch");
    for (number, file) in (0..).zip(open_claims(&batch.body, &claims).expect("the batch is of these claims"))
    {
        let claim = SignedClaim::parse(&file).expect("it parses").unverified_claim().clone();
        let opened = |kind, content| {
            let sealed = served.bytes(kind, number);
            assert!(!holds(&sealed, CANARY) && !holds(&sealed, "host"), "{kind:?}");
            open(sealed, &key(1), content).expect("a reader opens it")
        };
        let request = opened(FrameKind::REQUEST, Content::Request);
        assert!(holds(&request, "host"));
        assert_eq!(claim.input.sha256, <[u8; 32]>::from(Sha256::digest(&request)));
        let transcript = opened(FrameKind::TRANSCRIPT, Content::Transcript);
        let run = Run { component: claim.component, manifest: claim.manifest, sequence: number.into() };
        verify_run(&transcript, &Root(claim.transcript.root), &run).expect("the transcript is the claim's");
    }
}

/// The builder refuses such a manifest, so this one is somebody else's.
#[test]
fn a_guest_does_not_serve_readers_for_whom_nothing_can_be_sealed() {
    let text = MANIFEST.replace(r#""readers":[]"#, &format!(r#""readers":["{}"]"#, "00".repeat(32)));
    let component = load_component(&Script::new().component());
    let refused = serve_stored(&text, None, &component, &Loader::new(Vec::new(), Vec::new()));
    assert!(matches!(refused, Err(ServiceError::Readers(_))), "{refused:?}");
}
