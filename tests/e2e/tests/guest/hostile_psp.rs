//! A host that plays with the guest's messages to its secure processor.

use std::sync::mpsc;

use enclave_wire::boot::ExitCode;
use enclave_wire::frame::{Frame, FrameKind};
use enclave_wire::psp::{
    ExitInfo2, MESSAGE_HEADER_BYTES, MESSAGE_PAGE_BYTES, MessageMeta, MessageType, PspReply, ReportRequest,
    VMPCK_BYTES, seal_message,
};
use zerocopy::IntoBytes;

use crate::harness::components::NOTHING;
use crate::harness::{Ending, Middle, PATIENCE, Site, To, build_image, rom, run_job};

/// What happens to a decoded answer on its way to the guest.
type ChangeReply = fn(&mut PspReply);
/// What happens to an answer on its way to the guest.
type ChangeFrame = fn(&mut Frame);
/// What happens to the bytes of an old answer.
type ChangeBytes = fn(&mut [u8]);

#[test]
fn answers_that_were_tampered_with() {
    let Some(rom) = rom() else { return };
    let forged = "guest message: authentication failed";
    let cases: [(ChangeReply, &str); 6] = [
        (|reply| reply.page[0] ^= 1, forged),
        (|reply| reply.page[MESSAGE_HEADER_BYTES + 40] ^= 1, forged),
        (|reply| reply.page[0x20] ^= 1, "guest message header, sequence"),
        (|reply| reply.page[0x34] ^= 1, "guest message header, "),
        (|reply| reply.page.fill(0), "guest message header, "),
        (|reply| reply.exit_info_2 = ExitInfo2(0x99), "guest request failed: exit information"),
    ];
    for (tamper, reason) in cases {
        let ending = boot_with(rom, move |frame| {
            let mut reply = PspReply::decode(&frame.body).expect("the loader's answer decodes");
            tamper(&mut reply);
            frame.body = reply.encode();
        });
        ending.assert(ExitCode::PlatformFault, &[reason]);
    }
}

#[test]
fn answers_that_are_none() {
    let Some(rom) = rom() else { return };
    let cases: [(ChangeFrame, &str); 4] = [
        (|frame| frame.body.truncate(100), "guest message: 100 bytes is not a possible length"),
        (|frame| frame.body.resize(8 + MESSAGE_PAGE_BYTES + 16_385, 0), "is not a possible length"),
        (|frame| frame.kind = FrameKind::SHUTDOWN, "unexpected frame of kind 0x0088"),
        (|frame| frame.kind = FrameKind::JOB_START, "unexpected frame of kind 0x0082"),
    ];
    for (change, reason) in cases {
        boot_with(rom, change).assert(ExitCode::PlatformFault, &[reason]);
    }
}

#[test]
fn an_answer_that_is_played_again() {
    let Some(rom) = rom() else { return };
    // Offsets in the body: 8 bytes of status, then the header with its sequence number at 0x20 and its type at 0x34.
    let disguises: [(ChangeBytes, &str); 3] = [
        (|_| {}, "guest message header, message type: expected 0x4, found 0x6"),
        (|body| body[8 + 0x34] = 4, "guest message header, sequence number: expected 0x4, found 0x2"),
        (
            |body| {
                body[8 + 0x34] = 4;
                body[8 + 0x20] = 4;
            },
            "guest message: authentication failed",
        ),
    ];
    for (disguise, reason) in disguises {
        let mut first = None;
        let ending = boot_with(rom, move |frame| match &first {
            None => first = Some(frame.body.clone()),
            Some(first) => {
                frame.body.clone_from(first);
                disguise(&mut frame.body);
            }
        });
        ending.assert(ExitCode::PlatformFault, &[reason]);
    }
}

/// A second message under one (key, sequence) pair would give the key stream away.
#[test]
fn busy_for_ever_and_the_request_never_changes() {
    let Some(rom) = rom() else { return };
    let mut site = Site::new(&build_image(rom, NOTHING));
    let (tell, told) = mpsc::channel();
    Middle::install(&mut site, move |to, frame| {
        if frame.kind != FrameKind::PSP_REQUEST {
            return vec![(to, frame)];
        }
        tell.send(frame.body).expect("the test listens");
        vec![(To::Guest, busy())]
    });
    site.failed_launch().assert(ExitCode::PlatformFault, &["the host was busy 1000 times in a row"]);
    let requests: Vec<_> = told.try_iter().collect();
    assert_eq!(requests.len(), 1000);
    assert!(requests.iter().all(|request| *request == requests[0]));
}

#[test]
fn busy_for_a_while_costs_only_time() {
    let Some(rom) = rom() else { return };
    let mut site = Site::new(&build_image(rom, NOTHING));
    let mut busy_times = 0;
    Middle::install(&mut site, move |to, frame| {
        if frame.kind == FrameKind::PSP_REQUEST && busy_times < 20 {
            busy_times += 1;
            return vec![(To::Guest, busy())];
        }
        vec![(to, frame)]
    });
    run_job(&site.launch(), b"").assert_success();
}

#[test]
fn certificates_of_the_hosts_choice_are_noticed_by_the_loader() {
    let Some(rom) = rom() else { return };
    let ending = boot_with(rom, |frame| frame.body.extend_from_slice(b"more"));
    assert!(ending.message.contains("the guest shows evidence that does not hold"), "{}", ending.message);
}

/// After boot the keys are gone, and the secure processor answers nobody who lacks them.
#[test]
fn a_request_without_the_key_is_refused() {
    let Some(rom) = rom() else { return };
    let mut site = Site::new(&build_image(rom, NOTHING));
    let (tell, told) = mpsc::channel();
    let mut is_ready = false;
    let middle = Middle::install(&mut site, move |to, frame| {
        is_ready |= frame.kind == FrameKind::READY;
        if is_ready && frame.kind == FrameKind::PSP_RESPONSE {
            tell.send(PspReply::decode(&frame.body)).expect("the test listens");
            return Vec::new();
        }
        vec![(to, frame)]
    });
    let guest = site.launch();
    for sequence in [1, 5] {
        let page = report_request_under([0; VMPCK_BYTES], sequence);
        middle.send(To::Loader, &Frame { kind: FrameKind::PSP_REQUEST, job: 0, body: page });
        let reply = told.recv_timeout(PATIENCE).expect("the loader answers").expect("the answer decodes");
        assert_eq!(reply.exit_info_2, ExitInfo2::FIRMWARE_INVALID_MESSAGE);
        assert_eq!(reply.page, vec![0; MESSAGE_PAGE_BYTES]);
    }
    run_job(&guest, b"").assert_success();
}

/// Boots with every answer of the secure processor changed.
fn boot_with(rom: &[u8], mut change: impl FnMut(&mut Frame) + Send + 'static) -> Ending {
    let mut site = Site::new(&build_image(rom, NOTHING));
    Middle::install(&mut site, move |to, mut frame| {
        if frame.kind == FrameKind::PSP_RESPONSE {
            change(&mut frame);
        }
        vec![(to, frame)]
    });
    site.failed_launch()
}

fn busy() -> Frame {
    let page = vec![0; MESSAGE_PAGE_BYTES];
    let reply = PspReply { exit_info_2: ExitInfo2::BUSY, page, certificates: Vec::new() };
    Frame { kind: FrameKind::PSP_RESPONSE, job: 0, body: reply.encode() }
}

fn report_request_under(key: [u8; VMPCK_BYTES], sequence: u64) -> Vec<u8> {
    let request =
        ReportRequest { report_data: [7; 64], vmpl: 0.into(), key_select: 0.into(), reserved: [0; 24] };
    let message_type = MessageType::REPORT_REQUEST;
    let meta = MessageMeta { message_type, message_version: 1, sequence, vmpck: 0 };
    seal_message(&key, meta, request.as_bytes()).expect("a report request fits")
}
