//! Whatever a component does ends its job, and never the guest.

use std::io;

use attestation_claim::Outcome;
use enclave_wire::control::JobOutcome;

use crate::harness::components::{MOODY, SPIN};
use crate::harness::{APP, JobResult, PATIENCE, Random, Site, build_image_as, rom, run_job, run_job_stating};

/// What must hold of a job.
type Judge = fn(&JobResult);

/// One guest goes through every way to end a job, with an honest job after each.
#[test]
fn every_end_of_a_job_leaves_the_guest_well() {
    let Some(rom) = rom() else { return };
    let app = with_limits(&[("fuel", 200_000_000), ("output_bytes", 100_000), ("input_bytes", 1_000_000)]);
    let guest = Site::new(&build_image_as(rom, MOODY, &app)).launch();
    let used_bytes = || guest.status(PATIENCE).expect("the guest answers").heap_used_bytes;
    let cases: [(&[u8], Judge); 6] = [
        (b"s", |job| job.assert_exceeded("limits.fuel")),
        (b"g", |job| job.assert_exceeded("limits.component_memory_bytes")),
        (b"o", |job| {
            job.assert_exceeded("limits.output_bytes");
            assert!((90_000..=100_000).contains(&job.output.len()), "{}", job.output.len());
            assert_eq!(job.claim().claim().output.bytes, job.output.len() as u64);
        }),
        (b"t", |job| {
            assert_eq!(job.done.outcome, JobOutcome::Trapped);
            for word in ["unreachable", "backtrace", "ledger_overflow"] {
                assert!(job.done.detail.contains(word), "{}", job.done.detail);
            }
            assert_eq!(job.claim().claim().outcome, Outcome::Trapped);
        }),
        (b"x", |job| assert_eq!(job.done.outcome, JobOutcome::Exited { code: 7 })),
        (b"", JobResult::assert_success),
    ];
    let go_through_all = || {
        for (input, judge) in cases {
            judge(&run_job(&guest, input));
            let honest = run_job(&guest, &Random(1).bytes(3));
            honest.assert_success();
            assert_eq!(honest.claim().claim().input.bytes, 3);
        }
    };
    // Buffers grow once, to the largest frame.
    go_through_all();
    let used_after_one_round = used_bytes();
    go_through_all();
    assert_eq!(used_bytes(), used_after_one_round, "ended jobs leave nothing in the heap");
    assert!(guest.stop(PATIENCE).is_clean());
}

#[test]
fn a_component_that_computes_for_ever_runs_out_of_time() {
    let Some(rom) = rom() else { return };
    let app = with_limits(&[("wall_ms", 300), ("fuel", u64::MAX >> 1)]);
    let guest = Site::new(&build_image_as(rom, SPIN, &app)).launch();
    let job = run_job(&guest, b"input that nobody reads");
    job.assert_exceeded("limits.wall_ms");
    assert_eq!(job.claim().claim().input.bytes, 23, "it is in the claim all the same");
    assert!((300_000..3_000_000).contains(&job.done.usage.run_us), "{:?}", job.done.usage);
    assert!(guest.stop(PATIENCE).is_clean());
}

#[test]
fn input_over_the_limit_is_refused_before_any_is_sent() {
    let Some(rom) = rom() else { return };
    let guest = Site::new(&build_image_as(rom, MOODY, APP)).launch();
    let refused = run_job_stating(&guest, &mut io::repeat(b'x'), 2 << 30);
    assert_eq!(refused.done.outcome, JobOutcome::Refused);
    assert!(refused.done.claim.is_none() && refused.sent_bytes == 0, "{refused:?}");
    for word in ["limits.input_bytes", "16777216", "2147483648"] {
        assert!(refused.done.detail.contains(word), "{}", refused.done.detail);
    }
    let honest = run_job(&guest, b"");
    honest.assert_success();
    assert_eq!(honest.claim().claim().sequence, 0, "a refused job leaves no gap in the chain");
}

#[test]
fn input_that_ends_early_cancels_the_job_alone() {
    let Some(rom) = rom() else { return };
    let guest = Site::new(&build_image_as(rom, MOODY, APP)).launch();
    let job = guest.run_job(loader_vmm::session::JobIo {
        input: &mut &b"short"[..],
        input_bytes: 1_000,
        output: &mut io::sink(),
        error_output: &mut io::sink(),
        progress: &mut |_| {},
    });
    assert!(job.expect_err("the input is short").to_string().contains("ended after 5"));
    run_job(&guest, b"").assert_success();
    assert!(guest.stop(PATIENCE).is_clean());
}

#[test]
fn a_running_job_does_not_keep_the_guest_from_stopping() {
    let Some(rom) = rom() else { return };
    let guest = Site::new(&build_image_as(rom, SPIN, APP)).launch();
    let mut job = guest.enqueue(0).expect("the guest lives");
    assert_eq!(job.next_event().expect("the guest lives"), loader_vmm::session::JobEvent::Started);
    let status = guest.status(PATIENCE).expect("a busy guest answers too");
    assert_eq!(status.running_job, Some(job.id()));
    assert!(guest.stop(PATIENCE).is_clean());
}

/// [`APP`] with other limits.
fn with_limits(limits: &[(&str, u64)]) -> String {
    let lines = APP.lines().map(|line| {
        let limit = limits.iter().find(|(name, _)| line.starts_with(name));
        limit.map_or_else(|| line.to_owned(), |(name, value)| format!("{name} = {value}"))
    });
    lines.collect::<Vec<_>>().join("\n")
}
