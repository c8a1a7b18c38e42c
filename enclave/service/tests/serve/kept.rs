//! What a guest keeps from one job to the next, what it seals, and what it shows.

use attestation_evidence::Evidence;
use attestation_manifest::manifest_digest;
use enclave_runtime::Program;
use enclave_wire::control::JobOutcome;

use crate::components::load_component;
use crate::loader::{Job, Loader, MANIFEST, Seen, run_jobs, serve_loader};
use crate::script::Script;

fn program(script: &Script) -> Program {
    load_component(&script.component())
}

fn words(seen: &Seen) -> String {
    String::from_utf8(seen.output.clone()).expect("it is text")
}

#[test]
fn the_next_job_finds_what_the_last_one_wrote() {
    let script = Script::new().open("a").increment("runs", 1).get("note").set("note", "here").list(false);
    let seen = run_jobs(&program(&script), vec![Job::default(), Job::default()]);
    assert_eq!(words(&seen[0]), "opened\nsum 1\nnone\ndone\nkeys runs note\n");
    assert_eq!(words(&seen[1]), "opened\nsum 2\nvalue here\ndone\nkeys runs note\n");
    for seen in &seen {
        assert_eq!(seen.verify_transcript().entries, 6, "five answers and the end");
    }
}

/// Nothing is taken back.
#[test]
fn a_job_that_traps_has_written_what_it_wrote() {
    let script = Script::new().open("a").increment("runs", 1).code("unreachable");
    let seen = run_jobs(&program(&script), vec![Job::default(), Job::default()]);
    for (seen, sum) in seen.iter().zip(1..) {
        assert_eq!(seen.done().outcome, JobOutcome::Trapped);
        assert_eq!(words(seen), format!("opened\nsum {sum}\n"));
    }
}

#[test]
fn the_manifest_says_how_much_is_kept() {
    let value = "v".repeat(2900);
    let script = Script::new().open("a").set("k", &value).set("l", &value).set("k", "").set("l", &value);
    let seen = &run_jobs(&program(&script), vec![Job::default()])[0];
    let refused =
        "other: storage.key_value_bytes of the manifest is 4096: 3862 are taken, and this takes 3093";
    assert_eq!(words(seen), format!("opened\ndone\n{refused}\ndone\ndone\n"));
}

#[test]
fn a_component_seals_for_itself() {
    let script = Script::new().seal("notes", 7, "text").unseal("notes", 7).unseal("note", 7);
    let script = script.unseal("notes", 8).flip(60).unseal("notes", 7);
    let seen = &run_jobs(&program(&script), vec![Job::default()])[0];
    let said = words(seen);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[..2], ["sealed 75 bytes", "counter 7 text"]);
    assert!(
        lines[2].starts_with("invalid: sealed blob: expected one for component, context \"note\""),
        "{said}"
    );
    assert!(lines[3].starts_with("invalid: sealed blob: expected counter 8 or more, found 7"), "{said}");
    assert!(lines[4].starts_with("invalid: sealed blob: not sealed by this image"), "{said}");
    assert_eq!(seen.verify_transcript().entries, 6);
}

#[test]
fn a_component_shows_the_evidence_that_the_guest_announced() {
    let loader = Loader::new(vec![Job::default()], Vec::new());
    serve_loader(&program(&Script::new().manifest().attestation()), &loader).expect("it serves");
    let state = loader.0.lock().expect("one thread");
    let announced = &state.ready.as_ref().expect("it was ready").evidence;
    assert!(Evidence::decode(announced).is_ok());
    let mut expected = manifest_digest(MANIFEST.as_bytes()).to_vec();
    expected.extend_from_slice(format!("\n{} bytes\n", announced.len()).as_bytes());
    assert_eq!(state.seen[0].output, expected);
}
