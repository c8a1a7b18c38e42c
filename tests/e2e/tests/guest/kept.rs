//! What the guest keeps from one job to the next, what it seals and shows, and that such runs replay.

use std::io;

use image_builder::{AppToml, Sources, build};
use loader_replay::{Claimed, KeptFiles, Pieces, Tuning, replay};

use crate::harness::{APP, JobResult, PATIENCE, Site, rom, run_job};
use crate::script::Script;

/// Says what the transcript says of files.
pub(crate) fn assert_replays(job: &JobResult, component: &[u8], input: &[u8]) -> Option<KeptFiles> {
    let claimed = Claimed::read(job.claim_bytes()).expect("the claim is whole");
    let mut files = None;
    for tuning in [Tuning::Guest, Tuning::Baseline, Tuning::Interpreter] {
        let input = Box::new(io::Cursor::new(input.to_vec()));
        let (output, error_output) = (Box::new(io::sink()), Box::new(io::sink()));
        let transcript = job.transcript.clone();
        let pieces = Pieces { component, transcript, input, output, error_output, tuning };
        let verdict = replay(&claimed, pieces).unwrap_or_else(|error| panic!("{tuning:?}: {error}"));
        assert!(verdict.is_equal(), "{tuning:?}: {verdict:?}");
        files = verdict.files;
    }
    files
}

#[test]
fn jobs_keep_seal_and_show() {
    let Some(rom) = rom() else { return };
    let value = "v".repeat(65_536);
    let script = Script::new().open("a").increment("runs", 1).set("large", &value).get("large").list(false);
    let script = script.get_many(&["runs", "none"]).set_many(&["x", "1", "y", "2"]).delete_many(&["x", "y"]);
    let script = script.seal("notes", 7, &value[..60_000]).unseal("notes", 7).unseal("notes", 8);
    let component = script
        .flip(2000)
        .unseal("notes", 7)
        .attestation()
        .newest_receipt()
        .receipt_opening()
        .not_yet()
        .component();
    let app = AppToml::parse(&format!("{APP}[storage]\nkey_value_bytes = 131072\n")).expect("it is valid");
    let image = build(Sources { component: &component, app: &app, rom }).expect("an image");
    let guest = Site::new(&image).launch();
    let jobs = [run_job(&guest, b""), run_job(&guest, b"")];
    assert!(guest.stop(PATIENCE).is_clean());
    for (job, runs) in jobs.iter().zip(1..) {
        job.assert_success();
        let said = String::from_utf8_lossy(&job.output);
        let shown = "v".repeat(200);
        let kept = format!(
            "opened\nsum {runs}\ndone\nvalue {shown}\nkeys runs large\nruns {runs}\nnone\ndone\ndone\n\
             sealed 60071 bytes\ncounter 7 {shown}\ninvalid: sealed blob: expected counter 8 or more, found 7"
        );
        assert!(said.starts_with(&kept), "{said}");
        assert_eq!(said.matches("invalid: sealed blob: not sealed by this image").count(), 1, "{said}");
        assert_eq!(said.matches("which this release does not have").count(), 2, "{said}");
        assert_eq!(said.matches("invalid: no HTTPS exchange of this run is over yet").count(), 2, "{said}");
        assert_replays(job, &component, b"");
    }
}
