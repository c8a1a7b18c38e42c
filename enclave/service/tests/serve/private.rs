//! Private jobs: nothing of what is in them reaches the loader, and everything reaches who sealed the input.

use std::sync::Arc;

use attestation_claim::{Outcome, SignedClaim, VerifiedClaim};
use attestation_envelope::{
    Content, EnvelopeError, JOB_HEAD_BYTES, JobHead, MAGIC, Opener, ReaderKey, Readers, envelope_bytes_max,
    open,
};
use attestation_transcript::{Root, Run, verify_run};
use enclave_runtime::Program;
use enclave_service::Ended;
use enclave_wire::control::{JobDone, JobOutcome, Usage};
use sha2::{Digest, Sha256};

use crate::components::{ECHO, NOTHING, SPIN, load};
use crate::loader::{Job, Loader, MANIFEST, Seen, job_key, serve_stored};

const CANARY: &str = "a value that nobody but its owner may see";

/// Says its input on both outputs, and traps if it begins with t.
const SAYS_TWICE: &str = r#"(import "env" "memory" (memory 1))
    (import "wasi" "stdin" (func $stdin (result i32)))
    (import "wasi" "stdout" (func $stdout (result i32)))
    (import "wasi" "stderr" (func $stderr (result i32)))
    (import "wasi" "read" (func $read (param i32 i64 i32)))
    (import "wasi" "write-all" (func $write-all (param i32 i32 i32 i32)))
    (func (export "run") (result i32) (local $at i32) (local $count i32)
        (call $read (call $stdin) (i64.const 1024) (i32.const 0))
        (local.set $at (i32.load (i32.const 4)))
        (local.set $count (i32.load (i32.const 8)))
        (call $write-all (call $stdout) (local.get $at) (local.get $count) (i32.const 2048))
        (call $write-all (call $stderr) (local.get $at) (local.get $count) (i32.const 2048))
        (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x74)) (then unreachable))
        i32.const 0)"#;

fn reply_key() -> ReaderKey {
    ReaderKey::generate([0x71; 32])
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// An envelope with these pieces in it, for the guest.
fn sealed(pieces: &[&[u8]]) -> Vec<u8> {
    let readers = Readers::new(&[job_key().public_key()], [1; 32]).expect("a key of ours");
    let (mut envelope, mut bytes) = readers.begin(Content::PrivateInput, [2; 32]);
    pieces.iter().for_each(|piece| bytes.extend(envelope.seal(piece)));
    bytes.extend(envelope.finish());
    bytes
}

fn head() -> [u8; JOB_HEAD_BYTES] {
    JobHead { reply_key: reply_key().public_key() }.encode()
}

fn private(input: &[u8]) -> Job {
    of(sealed(&[&head(), input]))
}

fn of(input: Vec<u8>) -> Job {
    Job { input, private: true, ..Job::default() }
}

/// Runs jobs, and gives what the loader saw of each, and all bytes that it saw.
fn run(manifest: &str, program: &Program, jobs: Vec<Job>) -> (Vec<Seen>, Vec<u8>) {
    let loader = Loader::new(jobs, Vec::new());
    assert_eq!(serve_stored(manifest, None, program, &loader), Ok(Ended::Shutdown));
    let state = loader.0.lock().expect("one thread");
    (state.seen.clone(), state.from_guest.clone())
}

/// What `key` reads.
fn opened(bytes: &[u8], key: &ReaderKey, content: Content) -> Vec<u8> {
    open(bytes.to_vec(), key, content).expect("it is sealed for this key")
}

fn claim_for(seen: &Seen, key: &ReaderKey) -> VerifiedClaim {
    let sealed = seen.done().claim.as_ref().expect("the job has a claim");
    let claim = opened(sealed, key, Content::PrivateClaim);
    SignedClaim::parse(&claim).expect("the claim parses").verify().expect("the claim is the instance's")
}

fn with_logs(logs: &str) -> String {
    MANIFEST.replace(r#""logs":"public""#, &format!(r#""logs":"{logs}""#))
}

fn refused(job: Job) -> String {
    let (seen, _) = run(MANIFEST, &load(ECHO), vec![job, Job::with_input(b"next")]);
    let JobDone { claim, outcome, detail, .. } = seen[0].done().clone();
    assert_eq!((outcome, claim), (JobOutcome::Refused, None), "{detail}");
    assert_eq!(seen[1].output, b"next", "the guest goes on");
    assert_eq!(seen[1].claim().claim().sequence, 0, "and its chain has no gap");
    detail
}

#[test]
fn what_a_private_job_gives_out_is_for_its_owner() {
    let input: Vec<u8> = CANARY.bytes().cycle().take(3_000_000).collect();
    let (seen, all) = run(MANIFEST, &load(ECHO), vec![private(&input)]);
    let [seen] = &seen[..] else { panic!("one job") };
    assert!(!holds(&all, CANARY));
    let JobDone { outcome, detail, usage, .. } = seen.done();
    assert_eq!((outcome, detail.as_str()), (&JobOutcome::Sealed, ""));
    let Usage { instantiate_us, run_us, .. } = *usage;
    assert_eq!(*usage, Usage { instantiate_us, run_us, ..Usage::default() }, "fuel tells of the input");

    assert!(opened(&seen.output, &reply_key(), Content::PrivateOutput) == input);
    let verified = claim_for(seen, &reply_key());
    let claim = verified.claim();
    let digest: [u8; 32] = Sha256::digest(&input).into();
    assert_eq!((claim.input.sha256, claim.input.bytes), (digest, 3_000_000));
    assert_eq!(claim.input, claim.output);
    assert_eq!(claim.outcome, Outcome::Exited { code: 0 });
    let transcript = opened(&seen.transcript, &reply_key(), Content::Transcript);
    let run = Run { component: claim.component, manifest: claim.manifest, sequence: 0 };
    verify_run(&transcript, &Root(claim.transcript.root), &run).expect("the transcript is the claim's");
}

/// The same job, not sealed: this is what would be seen.
#[test]
fn a_job_in_the_clear_shows_all_of_it() {
    let (_, all) = run(MANIFEST, &load(ECHO), vec![Job::with_input(CANARY.as_bytes())]);
    assert!(holds(&all, CANARY));
}

#[test]
fn nobody_else_opens_it_but_the_manifests_readers() {
    let reader = ReaderKey::generate([3; 32]);
    let digits: String = reader.public_key().iter().map(|byte| format!("{byte:02x}")).collect();
    let text = with_logs("sealed").replace(r#""readers":[]"#, &format!(r#""readers":["{digits}"]"#));
    let (seen, all) = run(&text, &load(SAYS_TWICE), vec![private(CANARY.as_bytes()), private(b"another")]);
    assert!(!holds(&all, CANARY));
    for key in [&reply_key(), &reader] {
        assert_eq!(opened(&seen[0].output, key, Content::PrivateOutput), CANARY.as_bytes());
        assert_eq!(opened(&seen[0].errors, key, Content::Log), CANARY.as_bytes());
        assert!(!opened(&seen[0].transcript, key, Content::Transcript).is_empty());
        assert_eq!(claim_for(&seen[0], key).claim().output.bytes, CANARY.len() as u64);
    }
    let other = open(seen[0].output.clone(), &ReaderKey::generate([4; 32]), Content::PrivateOutput);
    assert_eq!(other, Err(EnvelopeError::NotAReader { readers: 2 }));
    // One kind is not taken for another, nor one job for another.
    assert!(open(seen[0].output.clone(), &reply_key(), Content::Log).is_err());
    assert_eq!(opened(&seen[1].output, &reply_key(), Content::PrivateOutput), b"another");
    assert_eq!(claim_for(&seen[1], &reply_key()).claim().sequence, 1);
}

#[test]
fn logs_go_where_the_manifest_says() {
    let program = load(SAYS_TWICE);
    let (seen, all) = run(&with_logs("none"), &program, vec![private(CANARY.as_bytes())]);
    assert!(seen[0].errors.is_empty() && !holds(&all, CANARY));
    assert_eq!(claim_for(&seen[0], &reply_key()).claim().usage.error_output_bytes, CANARY.len() as u64);

    let (seen, all) = run(&with_logs("sealed"), &program, vec![private(CANARY.as_bytes())]);
    assert_eq!(opened(&seen[0].errors, &reply_key(), Content::Log), CANARY.as_bytes());
    assert!(!holds(&all, CANARY));

    let (seen, all) = run(&with_logs("public"), &program, vec![private(CANARY.as_bytes())]);
    assert_eq!(seen[0].errors, CANARY.as_bytes());
    assert!(holds(&all, CANARY), "as the author decided");
}

/// Of a job in the clear, too, logs are for the readers alone, and for nobody where there are none.
#[test]
fn sealed_logs_of_a_job_in_the_clear_are_for_the_readers() {
    let program = load(SAYS_TWICE);
    let job = || vec![Job::with_input(CANARY.as_bytes())];
    let (seen, _) = run(&with_logs("sealed"), &program, job());
    assert_eq!((seen[0].output.as_slice(), seen[0].errors.as_slice()), (CANARY.as_bytes(), &[][..]));
    let reader = ReaderKey::generate([3; 32]);
    let digits: String = reader.public_key().iter().map(|byte| format!("{byte:02x}")).collect();
    let text = with_logs("sealed").replace(r#""readers":[]"#, &format!(r#""readers":["{digits}"]"#));
    let (seen, _) = run(&text, &program, job());
    assert_eq!(seen[0].output, CANARY.as_bytes());
    assert_eq!(opened(&seen[0].errors, &reader, Content::Log), CANARY.as_bytes());
}

/// A log that nobody gets takes no credit, however long it is.
#[test]
fn a_long_log_for_nobody_does_not_stall_the_job() {
    let long = r#"(import "env" "memory" (memory 1))
        (import "wasi" "stderr" (func $stderr (result i32)))
        (import "wasi" "write-all" (func $write-all (param i32 i32 i32 i32)))
        (func (export "run") (result i32) (local $n i32) (local $to i32)
            (local.set $to (call $stderr))
            (local.set $n (i32.const 100))
            (loop $l
                (call $write-all (local.get $to) (i32.const 0) (i32.const 4096) (i32.const 8192))
                (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            i32.const 0)"#;
    let job = Job { credit_step: Some(1_000), ..Job::default() };
    let (seen, _) = run(&with_logs("none"), &load(long), vec![job]);
    assert_eq!(seen[0].done().outcome, JobOutcome::Exited { code: 0 });
    assert_eq!(seen[0].claim().claim().usage.error_output_bytes, 409_600);
}

/// How a job ended can be what was asked.
#[test]
fn how_it_ended_is_sealed_too() {
    let trap = format!("t{CANARY}");
    let (seen, all) = run(&with_logs("none"), &load(SAYS_TWICE), vec![private(trap.as_bytes())]);
    assert_eq!((&seen[0].done().outcome, seen[0].done().detail.as_str()), (&JobOutcome::Sealed, ""));
    assert_eq!(claim_for(&seen[0], &reply_key()).claim().outcome, Outcome::Trapped);
    assert!(!holds(&all, "unreachable") && !holds(&all, CANARY));
    let (seen, _) = run(MANIFEST, &load(SPIN), vec![private(b"")]);
    assert_eq!(seen[0].done().outcome, JobOutcome::Sealed);
    let expected = Outcome::LimitExceeded { limit: "limits.fuel".into() };
    assert_eq!(claim_for(&seen[0], &reply_key()).claim().outcome, expected);
}

#[test]
fn a_slow_loader_gets_all_of_it() {
    let input: Vec<u8> = CANARY.bytes().cycle().take(50_000).collect();
    let job = Job { credit_step: Some(100), ..private(&input) };
    let (seen, _) = run(&with_logs("sealed"), &load(ECHO), vec![job]);
    assert!(opened(&seen[0].output, &reply_key(), Content::PrivateOutput) == input);
    assert_eq!(opened(&seen[0].errors, &reply_key(), Content::Log), b"");
    claim_for(&seen[0], &reply_key());
}

#[test]
fn a_private_job_of_no_input_runs() {
    let (seen, _) = run(MANIFEST, &load(ECHO), vec![private(b"")]);
    assert_eq!(claim_for(&seen[0], &reply_key()).claim().input.bytes, 0);
    assert_eq!(opened(&seen[0].output, &reply_key(), Content::PrivateOutput), b"");
}

#[test]
fn wrong_envelopes_are_refused_by_name() {
    let good = sealed(&[&head(), CANARY.as_bytes()]);
    let detail = refused(of(b"a ledger that was never sealed".to_vec()));
    assert!(detail.starts_with("envelope: expected the bytes"), "{detail}");
    assert!(refused(of(Vec::new())).contains("expected the bytes"));
    assert!(refused(of(MAGIC.to_vec())).contains("expected a head of 10 bytes, found 8"));

    let others = Readers::new(&[reply_key().public_key()], [1; 32]).expect("a key of ours");
    let detail = refused(of(others.seal(Content::PrivateInput, [2; 32], &[&head()[..], b"x"].concat())));
    assert!(detail.contains("this key is none of theirs"), "{detail}");
    let mine = Readers::new(&[job_key().public_key()], [1; 32]).expect("a key of ours");
    let detail = refused(of(mine.seal(Content::Transcript, [2; 32], &head())));
    assert!(detail.contains("expected the input of a private job, found a transcript"), "{detail}");

    let detail = refused(of(good[..good.len() - 1].to_vec()));
    assert!(detail.contains("record 1 at byte") && detail.ends_with("cut off"), "{detail}");
    let mut changed = good.clone();
    changed[150] ^= 1;
    assert!(refused(of(changed)).contains("record 0 at byte 122: not what was sealed there"));
    assert!(refused(of([&good[..], b"x"].concat())).contains("expected its end"));
}

#[test]
fn what_is_no_input_of_a_job_is_refused_by_name() {
    let long = sealed(&[&head(), &vec![7; 4_000_001]]);
    let detail = refused(of(long));
    assert!(detail.contains("limits.input_bytes is 4000000, but there is more"), "{detail}");
    let stated = envelope_bytes_max(4_000_000 + 40) + 1;
    let detail = refused(Job { stated_bytes: Some(stated), ..private(b"x") });
    assert!(detail.contains("limits.input_bytes is 4000000, but the envelope has"), "{detail}");
    let detail = refused(of(sealed(&[b"RDBTJOB2 and then some more that is long enough"])));
    assert!(detail.starts_with("private input: expected"), "{detail}");
    assert!(refused(of(sealed(&[&head()[..39]]))).contains("found 39 bytes in all"));
    let nobody = JobHead { reply_key: [0; 32] }.encode();
    assert!(refused(of(sealed(&[&nobody, b"x"]))).contains("not a public key of X25519"));
}

/// A component that reads nothing is done before the end of the envelope turns out to be wrong.
#[test]
fn no_claim_is_made_of_an_envelope_that_turns_out_wrong() {
    let mut input = sealed(&[&head(), &vec![7; 2_000_000]]);
    let last = input.len() - 1;
    input[last] ^= 1;
    for fields in [NOTHING, ECHO] {
        let (seen, all) = run(MANIFEST, &load(fields), vec![of(input.clone()), private(b"next")]);
        assert_eq!((&seen[0].done().outcome, &seen[0].done().claim), (&JobOutcome::Refused, &None));
        assert!(!holds(&all, "\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}"));
        assert_eq!(claim_for(&seen[1], &reply_key()).claim().sequence, 0);
    }
}

/// Whose results leave as they come can be read while they come.
#[test]
fn output_opens_piece_by_piece() {
    let (seen, _) = run(MANIFEST, &load(ECHO), vec![private(&vec![9; 300_000])]);
    let mut opener = Opener::new(Arc::new(reply_key()), Content::PrivateOutput);
    let mut output = Vec::new();
    seen[0].output.chunks(777).for_each(|piece| opener.push(piece, &mut output).expect("it opens"));
    assert_eq!((opener.finish(), output.len()), (Ok(()), 300_000));
}

#[test]
fn sealed_bytes_in_a_job_in_the_clear_are_just_bytes() {
    let envelope = sealed(&[&head(), CANARY.as_bytes()]);
    let (seen, all) = run(MANIFEST, &load(ECHO), vec![Job::with_input(&envelope)]);
    assert_eq!(seen[0].output, envelope);
    assert!(!holds(&all, CANARY));
}
