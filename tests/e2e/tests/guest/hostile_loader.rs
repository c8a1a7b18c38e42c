//! A loader that breaks the control protocol. The guest ends and says why; it never does anything else.

use core::time::Duration;
use std::thread;

use enclave_wire::boot::ExitCode;
use enclave_wire::control::{CREDIT_WINDOW_BYTES, Credit, JobStart, encode_body};
use enclave_wire::frame::{BULK_BODY_BYTES, FRAME_BODY_MAX_BYTES, FRAME_MAGIC, Frame, FrameKind};
use image_builder::Image;
use loader_vmm::Guest;
use loader_vmm::session::JobEvent;

use crate::harness::components::{ECHO, MOODY, SPIN};
use crate::harness::{APP, Ending, Middle, Random, Site, To, build_image, build_image_as, rom, run_job};

#[test]
fn frames_that_nothing_asked_for() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, SPIN);
    let cases: [(Vec<Frame>, &str); 9] = [
        (vec![credit(9, 1)], "unexpected frame of kind 0x0084"),
        (vec![input(1, 10)], "unexpected frame of kind 0x0083"),
        (vec![frame(FrameKind::JOB_CANCEL, 3, b"")], "unexpected frame of kind 0x0085"),
        (vec![frame(FrameKind::PSP_RESPONSE, 0, &[0; 5000])], "unexpected frame of kind 0x0081"),
        (vec![frame(FrameKind::READY, 0, b"")], "unexpected frame of kind 0x0001"),
        (vec![frame(FrameKind(0x77), 0, b"")], "unexpected frame of kind 0x0077"),
        (vec![start(0, 0)], "job number: expected more than 0, found 0"),
        (vec![start(5, 0), start(6, 0)], "unexpected frame of kind 0x0082"),
        (vec![frame(FrameKind::JOB_START, 1, b"\xFF")], "frame of kind 0x0082 does not decode"),
    ];
    for (frames, reason) in cases {
        let host = DeafHost::launch(&image);
        frames.iter().for_each(|frame| host.middle.send(To::Guest, frame));
        host.ending().assert(ExitCode::DeviceFault, &[reason]);
    }
}

#[test]
fn input_and_credit_beyond_what_was_agreed() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, SPIN);
    let flood = (0..17).map(|_| input(1, BULK_BODY_BYTES));
    let cases: [(Vec<Frame>, &str); 3] = [
        (
            core::iter::once(start(1, 4 << 20)).chain(flood).collect(),
            "job 1: loader sent 65536 input bytes where 0 were allowed",
        ),
        (vec![start(1, 10), input(1, 11)], "job 1: loader sent 11 input bytes where 10 were allowed"),
        (vec![start(1, 0), credit(1, u64::MAX), credit(1, 1)], "job 1: output credit overflows"),
    ];
    for (frames, reason) in cases {
        let host = DeafHost::launch(&image);
        frames.iter().for_each(|frame| host.middle.send(To::Guest, frame));
        host.ending().assert(ExitCode::DeviceFault, &[reason]);
    }
}

/// A window of input, one byte in a frame, while the component reads nothing.
#[test]
fn input_in_the_smallest_frames_stays_within_the_window() {
    let Some(rom) = rom() else { return };
    let app =
        APP.replace("wall_ms = 30000", "wall_ms = 60000").replace("fuel = 10000000000", "fuel = 400000000");
    let mut site = Site::new(&build_image_as(rom, MOODY, &app));
    cut_input_into_bytes(&mut site);
    let input = [b"s", &Random(6).bytes(1 << 20)[..]].concat();
    let job = run_job(&site.launch(), &input);
    job.assert_exceeded("limits.fuel");
    let heap_bytes = job.done.usage.heap_peak_bytes;
    assert!(heap_bytes < 24 << 20, "the window is 1 MiB: {heap_bytes}");
    assert_eq!(job.claim().claim().input.bytes, input.len() as u64);
    // What the guest puts together comes out in order.
    let mut site = Site::new(&build_image(rom, ECHO));
    cut_input_into_bytes(&mut site);
    assert_eq!(run_job(&site.launch(), &input).output, input);
}

fn cut_input_into_bytes(site: &mut Site) {
    Middle::install(site, |to, frame| {
        if frame.kind != FrameKind::INPUT {
            return vec![(to, frame)];
        }
        let byte = |byte: &u8| (to, Frame { body: vec![*byte], ..frame });
        frame.body.iter().map(byte).collect()
    });
}

#[test]
fn bytes_that_are_no_frames() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    let body_bytes = u32::try_from(FRAME_BODY_MAX_BYTES + 1).expect("a frame's length has 32 bits");
    let too_long =
        [&FRAME_MAGIC.to_le_bytes()[..], &[0x83, 0, 1, 0, 0, 0], &body_bytes.to_le_bytes()].concat();
    let host = DeafHost::launch(&image);
    host.middle.send_raw(To::Guest, &too_long);
    let reason = format!("frame body: expected at most {FRAME_BODY_MAX_BYTES} bytes, found {body_bytes}");
    host.ending().assert(ExitCode::DeviceFault, &[&reason]);

    for seed in 1..=6 {
        let host = DeafHost::launch(&image);
        host.middle.send_raw(To::Guest, &Random(seed).bytes(20_000));
        host.ending().assert(ExitCode::DeviceFault, &["frame magic: expected 0x5244"]);
    }
}

/// Frames of every kind with random bodies: whatever the guest makes of them, it ends in good order or names the fault.
#[test]
fn random_frames() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    for seed in 1..=12 {
        let mut random = Random(seed);
        let host = DeafHost::launch(&image);
        for _ in 0..random.below(60) {
            let kind = FrameKind(0x80 + u16::try_from(random.below(10)).expect("small"));
            let body_bytes = [0, 1, 9, 300, FRAME_BODY_MAX_BYTES][random.below(5)];
            let body = match random.below(3) {
                0 => random.bytes(body_bytes),
                1 => encode_body(&JobStart {
                    input_bytes: random.next() >> random.below(64),
                    wall_ns: random.next(),
                    receipts: false,
                    private: random.below(2) == 0,
                }),
                _ => encode_body(&Credit { bytes: random.next() >> random.below(64) }),
            };
            let job = u32::try_from(random.below(4)).expect("small");
            host.middle.send(To::Guest, &Frame { kind, job, body });
        }
        host.middle.send(To::Guest, &frame(FrameKind::SHUTDOWN, 0, b""));
        let ending = host.ending();
        let is_good = matches!(ending.code, Some(ExitCode::Shutdown | ExitCode::DeviceFault));
        assert!(is_good, "seed {seed}: {}\n{}", ending.message, ending.log);
    }
}

#[test]
fn a_host_that_hangs_up_in_the_middle_of_a_job() {
    let Some(rom) = rom() else { return };
    let mut site = Site::new(&build_image(rom, SPIN));
    let middle = Middle::install(&mut site, |to, frame| vec![(to, frame)]);
    let guest = site.launch();
    let mut job = guest.enqueue(0).expect("the guest lives");
    assert_eq!(job.next_event().expect("the guest lives"), JobEvent::Started);
    middle.hang_up();
    let error = job.next_event().expect_err("the guest cannot be heard").to_string();
    assert!(error.contains("the control stream closed"), "{error}");
    assert!(guest.end().is_some(), "the loader does not leave a guest that it cannot reach");
}

#[test]
fn a_guest_that_is_killed_in_the_middle_of_a_job() {
    let Some(rom) = rom() else { return };
    let site = Site::new(&build_image(rom, SPIN));
    let guest = site.launch();
    let mut job = guest.enqueue(0).expect("the guest lives");
    assert_eq!(job.next_event().expect("the guest lives"), JobEvent::Started);
    guest.kill();
    let error = job.next_event().expect_err("the guest is gone").to_string();
    assert!(error.contains("the loader killed the guest"), "{error}");
}

#[test]
fn a_slow_reader_of_output_gets_it_all() {
    let Some(rom) = rom() else { return };
    let mut site = Site::new(&build_image(rom, ECHO));
    // Credit arrives byte by byte for the first kilobyte, and only then in full.
    let mut trickled = 0;
    Middle::install(&mut site, move |to, frame| {
        if frame.kind != FrameKind::OUTPUT_CREDIT || trickled > 0 {
            return vec![(to, frame)];
        }
        trickled = 1024;
        let rest = CREDIT_WINDOW_BYTES - trickled;
        let single = (0..trickled).map(|_| (to, credit(frame.job, 1)));
        single.chain([(to, credit(frame.job, rest))]).collect()
    });
    let guest = site.launch();
    let input = Random(7).bytes(3_000_000);
    assert!(run_job(&guest, &input).output == input);
}

/// More output than a socket holds is under way meanwhile: whoever carries it must hold it back and not drop it.
#[test]
fn a_loader_that_reads_nothing_for_a_while_gets_it_all() {
    let Some(rom) = rom() else { return };
    let mut site = Site::new(&build_image(rom, MOODY));
    let mut has_paused = false;
    Middle::install(&mut site, move |to, frame| {
        if frame.kind == FrameKind::OUTPUT && !has_paused {
            has_paused = true;
            thread::sleep(Duration::from_millis(500));
        }
        vec![(to, frame)]
    });
    let job = run_job(&site.launch(), b"o");
    job.assert_exceeded("limits.output_bytes");
    assert_eq!(job.claim().claim().output.bytes, job.output.len() as u64);
    assert!(job.output.len() > 16_000_000, "{} bytes", job.output.len());
}

/// A host whose loader hears nothing more of the guest once it is ready, so that only the guest can be who ends it.
struct DeafHost {
    site: Site,
    middle: Middle,
    guest: Guest,
}

impl DeafHost {
    #[track_caller]
    fn launch(image: &Image) -> Self {
        let mut site = Site::new(image);
        let mut is_ready = false;
        let middle = Middle::install(&mut site, move |to, frame| {
            let is_heard = to == To::Guest || !is_ready;
            is_ready |= frame.kind == FrameKind::READY;
            if is_heard { vec![(to, frame)] } else { Vec::new() }
        });
        let guest = site.launch();
        Self { site, middle, guest }
    }

    #[track_caller]
    fn ending(&self) -> Ending {
        self.site.wait_end(&self.guest)
    }
}

fn frame(kind: FrameKind, job: u32, body: &[u8]) -> Frame {
    Frame { kind, job, body: body.to_vec() }
}

fn start(job: u32, input_bytes: u64) -> Frame {
    frame(
        FrameKind::JOB_START,
        job,
        &encode_body(&JobStart { input_bytes, wall_ns: 0, receipts: false, private: false }),
    )
}

fn credit(job: u32, bytes: u64) -> Frame {
    frame(FrameKind::OUTPUT_CREDIT, job, &encode_body(&Credit { bytes }))
}

fn input(job: u32, bytes: usize) -> Frame {
    frame(FrameKind::INPUT, job, &vec![b'x'; bytes])
}
