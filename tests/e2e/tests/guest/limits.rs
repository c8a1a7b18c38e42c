//! Whatever a component does ends its job, and never the guest.

use std::io::{self, Read, Write};

use attestation_claim::Outcome;
use enclave_wire::boot::ExitCode;
use enclave_wire::control::{JobOutcome, encode_body};
use image_builder::{AppToml, ImageFile, Sources, build};
use sha2::{Digest, Sha256};

use crate::harness::components::{ECHO, MOODY, SPIN, component};
use crate::harness::{
    APP, JobResult, PATIENCE, Random, Site, build_image_as, rom, run_job, run_job_stating, run_job_to,
};

/// What must hold of a job.
type Judge = fn(&JobResult);

/// One guest goes through every way to end a job, with an honest job after each.
#[test]
fn every_end_of_a_job_leaves_the_guest_well() {
    let Some(rom) = rom() else { return };
    let app = with_limits(&[("fuel", 200_000_000), ("output_bytes", 100_000), ("input_bytes", 1_000_000)]);
    let guest = Site::new(&build_image_as(rom, MOODY, &app)).launch();
    let used_bytes = || guest.status(PATIENCE).expect("the guest answers").heap_used_bytes;
    let cases: [(&[u8], Judge); 8] = [
        (b"h", |job| job.assert_trapped(&["table"])),
        (b"b", JobResult::assert_success),
        (b"s", |job| job.assert_exceeded("limits.fuel")),
        (b"g", |job| job.assert_exceeded("limits.component_memory_bytes")),
        (b"o", |job| {
            job.assert_exceeded("limits.output_bytes");
            assert!((90_000..=100_000).contains(&job.output.len()), "{}", job.output.len());
            assert_eq!(job.claim().claim().output.bytes, job.output.len() as u64);
        }),
        (b"t", |job| {
            job.assert_trapped(&["unreachable", "backtrace", "ledger_overflow"]);
            assert_eq!(job.claim().claim().outcome, Outcome::Trapped);
        }),
        (b"x", |job| assert_eq!(job.done.outcome, JobOutcome::Exited { code: 7 })),
        (b"", JobResult::assert_success),
    ];
    // How much of the heap is used afterwards, without what was sent last: it is as long as the numbers in it are.
    let go_through_all = || {
        let mut sent_bytes = 0;
        for (input, judge) in cases {
            judge(&run_job(&guest, input));
            let honest = run_job(&guest, &Random(1).bytes(3));
            honest.assert_success();
            assert_eq!(honest.claim().claim().input.bytes, 3);
            sent_bytes = encode_body(&honest.done).len() as u64;
        }
        used_bytes() - sent_bytes
    };
    // Buffers grow once, to the largest frame.
    go_through_all();
    let used_before = go_through_all();
    assert_eq!(go_through_all(), used_before, "ended jobs leave nothing in the heap");
    assert!(guest.stop(PATIENCE).is_clean());
}

/// The component with the largest memory limit that a guest takes does everything that makes the guest allocate.
#[test]
fn no_job_exhausts_a_guest_that_was_just_large_enough() {
    let Some(rom) = rom() else { return };
    // Names that fill a trap's message many times over.
    let name = "n".repeat(90_000);
    let deep = format!(
        "(func ${name} (param i32) (if (local.get 0) (then (call ${name} (i32.sub (local.get 0) (i32.const 1)))))
            unreachable)
        (func $ledger_overflow (call ${name} (i32.const 30)))"
    );
    let fields = MOODY.replace("(func $ledger_overflow unreachable)", &deep);
    let limits = [("component_memory_bytes", largest_limit(rom, &fields)), ("wall_ms", 4_000)];
    let guest = Site::new(&build_image_as(rom, &fields, &with_limits(&limits))).launch();
    let input = Random(3).bytes(2 << 20);
    for mood in b"hbgot" {
        run_job(&guest, &[&[*mood][..], &input].concat());
        run_job(&guest, &[b"x", &input[..]].concat());
    }
    // Ends in time although it uses hardly any fuel: its time is spent in the host's functions.
    run_job(&guest, b"r").assert_exceeded("limits.wall_ms");
    run_job(&guest, b"").assert_success();
    assert!(guest.stop(PATIENCE).is_clean());
}

/// The largest `component_memory_bytes`, within 64 KiB, with which the builder makes an image for [`APP`]'s guest.
fn largest_limit(rom: &[u8], fields: &str) -> u64 {
    let component = component(fields);
    let fits = |limit: u64| {
        let app = AppToml::parse(&with_limits(&[("component_memory_bytes", limit)])).expect("it is valid");
        build(Sources { component: &component, app: &app, rom }).is_ok()
    };
    let (mut fitting, mut refused) = (4 << 20, 60 << 20);
    assert!(fits(fitting) && !fits(refused));
    while refused - fitting > 64 << 10 {
        let middle = u64::midpoint(fitting, refused);
        *(if fits(middle) { &mut fitting } else { &mut refused }) = middle;
    }
    fitting
}

#[test]
fn a_guest_without_room_for_its_jobs_is_refused() {
    let Some(rom) = rom() else { return };
    let site = Site::new(&build_image_as(rom, MOODY, &with_limits(&[("component_memory_bytes", 20 << 20)])));
    site.change(ImageFile::Manifest, |bytes| {
        let text = String::from_utf8_lossy(bytes).replace("\"memory_mib\": 64", "\"memory_mib\": 48");
        *bytes = text.into_bytes();
    });
    let words =
        ["2 linear memories of up to 20971520 each", "to memory_mib", "limits.component_memory_bytes"];
    site.failed_launch().assert(ExitCode::Refused, &words);
}

#[test]
fn an_artefact_that_leaves_no_room_is_refused() {
    let Some(rom) = rom() else { return };
    let data = "x".repeat(20 << 20);
    let fields = format!(
        r#"(memory 400) (data (i32.const 0) "{data}") (func (export "run") (result i32) i32.const 0)"#
    );
    let app =
        with_limits(&[("component_memory_bytes", 28 << 20)]).replace("memory_mib = 64", "memory_mib = 256");
    let site = Site::new(&build_image_as(rom, &fields, &app));
    site.change(ImageFile::Manifest, |bytes| {
        let text = String::from_utf8_lossy(bytes).replace("\"memory_mib\": 256", "\"memory_mib\": 32");
        *bytes = text.into_bytes();
    });
    site.failed_launch().assert(ExitCode::Refused, &["expected a heap of at least", "to memory_mib"]);
}

#[test]
#[ignore = "long: 4 GiB pass the console under emulation"]
fn two_gibibytes_of_input_stream_through_a_small_guest() {
    let Some(rom) = rom() else { return };
    let bytes: u64 = 2 << 30;
    let app = with_limits(&[
        ("input_bytes", bytes),
        ("output_bytes", bytes),
        ("wall_ms", 1_800_000),
        ("fuel", u64::MAX >> 1),
    ]);
    let guest = Site::new(&build_image_as(rom, ECHO, &app)).launch();
    let mut input = Noise { random: Random(4), left: bytes, hash: Sha256::new() };
    let mut output = HashingSink(Sha256::new());
    let job = run_job_to(&guest, &mut input, bytes, &mut output);
    job.assert_success();
    let (sent, received): ([u8; 32], [u8; 32]) = (input.hash.finalize().into(), output.0.finalize().into());
    assert_eq!(sent, received);
    let signed = job.claim();
    let claim = signed.claim();
    assert_eq!((claim.input.bytes, claim.output.bytes), (bytes, bytes));
    assert_eq!((claim.input.sha256, claim.output.sha256), (sent, received));
    assert!(guest.stop(PATIENCE).is_clean());
}

/// Input that nobody keeps.
struct Noise {
    random: Random,
    left: u64,
    hash: Sha256,
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let bytes = &mut buffer[..room];
        bytes
            .chunks_mut(8)
            .for_each(|piece| piece.copy_from_slice(&self.random.next().to_le_bytes()[..piece.len()]));
        self.hash.update(&*bytes);
        self.left -= room as u64;
        Ok(room)
    }
}

/// Output of which only the digest is kept.
struct HashingSink(Sha256);

impl Write for HashingSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
        transcript: &mut io::sink(),
        receipts: None,
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
