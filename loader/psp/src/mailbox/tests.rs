//! A guest talks to its PSP, honestly and not.

use attestation_evidence::sim::{verify_endorsement, verify_report};
use attestation_report::REPORT_BYTES;
use enclave_wire::psp::{KeyResponse, ReportResponse, ResponseStatus};

use super::*;
use crate::chip::CHIP_TCB;

const LAUNCH: Launch =
    Launch { measurement: [1; 48], host_data: [2; 32], policy: 0x3_0000, vmpl: 0, guest_svn: 3 };

struct Guest {
    vmpck: [u8; VMPCK_BYTES],
    index: u8,
    sequence: u64,
    psp: SoftwarePsp,
}

impl Guest {
    fn launch(launch: Launch, chip: &SimChip) -> Self {
        let (page, psp) = SoftwarePsp::launch(launch, chip).unwrap();
        Self { vmpck: page.vmpck[0], index: 0, sequence: 0, psp }
    }

    fn request(&self, message_type: MessageType, payload: &[u8]) -> Vec<u8> {
        let meta =
            MessageMeta { message_type, message_version: 1, sequence: self.sequence + 1, vmpck: self.index };
        seal_message(&self.vmpck, meta, payload).unwrap()
    }

    fn ask(&mut self, message_type: MessageType, payload: &[u8]) -> Vec<u8> {
        let reply = self.psp.handle(&self.request(message_type, payload));
        assert_eq!(reply.exit_info_2, ExitInfo2::SUCCESS);
        self.sequence += 2;
        let message_type = MessageType(message_type.0 + 1);
        let meta =
            MessageMeta { message_type, message_version: 1, sequence: self.sequence, vmpck: self.index };
        open_message(&self.vmpck, meta, &reply.page).unwrap()
    }

    fn report(&mut self, request: &ReportRequest) -> ReportResponse {
        ReportResponse::read_from_bytes(&self.ask(MessageType::REPORT_REQUEST, request.as_bytes())).unwrap()
    }

    fn key(&mut self, request: &KeyRequest) -> KeyResponse {
        KeyResponse::read_from_bytes(&self.ask(MessageType::KEY_REQUEST, request.as_bytes())).unwrap()
    }

    fn assert_refused(&mut self, page: &[u8], why: &str) {
        let reply = self.psp.handle(page);
        assert_eq!(reply.exit_info_2, ExitInfo2::FIRMWARE_INVALID_MESSAGE, "{why}");
        assert_eq!(reply.page, vec![0; MESSAGE_PAGE_BYTES], "{why}");
    }
}

fn chip() -> SimChip {
    SimChip::generate().unwrap()
}

fn report_request() -> ReportRequest {
    ReportRequest { report_data: [7; 64], vmpl: 0.into(), key_select: 0.into(), reserved: [0; 24] }
}

fn key_request() -> KeyRequest {
    KeyRequest {
        flags: 0.into(),
        reserved: 0.into(),
        guest_field_select: (KeyRequest::SELECT_POLICY | KeyRequest::SELECT_MEASUREMENT).into(),
        vmpl: 0.into(),
        guest_svn: 0.into(),
        tcb_version: 0.into(),
    }
}

#[test]
fn reports_verify_and_say_what_was_launched() {
    let chip = chip();
    let mut guest = Guest::launch(LAUNCH, &chip);
    for _ in 0..2 {
        let response = guest.report(&report_request());
        assert_eq!(response.status.get(), ResponseStatus::SUCCESS.0);
        assert_eq!(response.report_bytes.get() as usize, REPORT_BYTES);
        let report = *verify_report(&response.report, &chip.endorsement()).unwrap().report();
        assert_eq!((report.measurement, report.host_data), (LAUNCH.measurement, LAUNCH.host_data));
        assert_eq!((report.policy.get(), report.guest_svn.get()), (LAUNCH.policy, 3));
        assert_eq!((report.report_data, report.vmpl.get()), ([7; 64], 0));
        assert_eq!(report.chip_id, *chip.chip_id());
    }
    let reply = guest.psp.handle(&guest.request(MessageType::REPORT_REQUEST, report_request().as_bytes()));
    assert_eq!(verify_endorsement(&reply.certificates).unwrap().chip_id, *chip.chip_id());
}

#[test]
fn messages_out_of_order_change_nothing() {
    let mut guest = Guest::launch(LAUNCH, &chip());
    let first = guest.request(MessageType::REPORT_REQUEST, report_request().as_bytes());
    guest.report(&report_request());
    guest.assert_refused(&first, "replayed");
    for sequence in [0, 1, 3, u64::MAX - 1] {
        let honest = core::mem::replace(&mut guest.sequence, sequence);
        let page = guest.request(MessageType::REPORT_REQUEST, report_request().as_bytes());
        guest.sequence = honest;
        guest.assert_refused(&page, "skipped or repeated");
    }
    assert_eq!(guest.report(&report_request()).status.get(), 0, "the honest guest goes on");
}

#[test]
fn forged_messages_change_nothing() {
    let mut guest = Guest::launch(LAUNCH, &chip());
    let good = guest.request(MessageType::REPORT_REQUEST, report_request().as_bytes());
    for index in 0..0x60 + size_of::<ReportRequest>() {
        let mut forged = good.clone();
        forged[index] ^= 1;
        guest.assert_refused(&forged, "one bit");
    }
    guest.assert_refused(&good[..4095], "short page");
    guest.assert_refused(&[], "no page");
    let right_key = core::mem::take(&mut guest.vmpck);
    let page = guest.request(MessageType::REPORT_REQUEST, report_request().as_bytes());
    guest.assert_refused(&page, "wrong key");
    guest.vmpck = right_key;
    for (message_type, payload) in [
        (MessageType(1), report_request().as_bytes()),
        (MessageType::REPORT_RESPONSE, report_request().as_bytes()),
        (MessageType::REPORT_REQUEST, key_request().as_bytes()),
        (MessageType::KEY_REQUEST, &key_request().as_bytes()[1..]),
    ] {
        let page = guest.request(message_type, payload);
        guest.assert_refused(&page, "unknown or malformed");
    }
    assert_eq!(guest.report(&report_request()).status.get(), 0, "the honest guest goes on");
}

#[test]
fn report_parameters_are_checked() {
    let mut guest = Guest::launch(LAUNCH, &chip());
    let mut reserved = report_request();
    reserved.reserved[23] = 1;
    let cases = [
        (ReportRequest { vmpl: 4.into(), ..report_request() }, ResponseStatus::INVALID_PARAMETERS),
        (ReportRequest { key_select: 2.into(), ..report_request() }, ResponseStatus::INVALID_KEY_SELECTION),
        (ReportRequest { key_select: 3.into(), ..report_request() }, ResponseStatus::INVALID_PARAMETERS),
        (reserved, ResponseStatus::INVALID_PARAMETERS),
    ];
    for (request, status) in cases {
        let response = guest.report(&request);
        assert_eq!(response.status.get(), status.0);
        assert_eq!(response.report, [0; REPORT_BYTES]);
    }
    assert_eq!(guest.report(&ReportRequest { vmpl: 3.into(), ..report_request() }).status.get(), 0);
}

#[test]
fn a_less_privileged_guest_cannot_ask_for_more() {
    let (page, psp) = SoftwarePsp::launch(Launch { vmpl: 2, ..LAUNCH }, &chip()).unwrap();
    assert_eq!(page.vmpck[..2], [[0; 32]; 2]);
    assert!(page.vmpck[2..].iter().all(|key| *key != [0; 32]));
    let mut guest = Guest { vmpck: page.vmpck[2], index: 2, sequence: 0, psp };
    let too_high = guest.report(&ReportRequest { vmpl: 1.into(), ..report_request() });
    assert_eq!(too_high.status.get(), ResponseStatus::INVALID_PARAMETERS.0);
    assert_eq!(guest.key(&key_request()).status.get(), ResponseStatus::INVALID_PARAMETERS.0);
    assert_eq!(guest.report(&ReportRequest { vmpl: 2.into(), ..report_request() }).status.get(), 0);
    assert!(matches!(
        SoftwarePsp::launch(Launch { vmpl: 4, ..LAUNCH }, &chip()),
        Err(PspError::Vmpl { found: 4 })
    ));
}

#[test]
fn keys_survive_a_reboot_and_bind_what_is_selected() {
    let chip = chip();
    let key_of = |launch: Launch, request: &KeyRequest| {
        let response = Guest::launch(launch, &chip).key(request);
        assert_eq!(response.status.get(), 0);
        response.key
    };
    let key = key_of(LAUNCH, &key_request());
    assert_eq!(key, key_of(LAUNCH, &key_request()));
    assert_eq!(key, key_of(Launch { host_data: [9; 32], guest_svn: 8, ..LAUNCH }, &key_request()));
    assert_ne!(key, key_of(Launch { measurement: [9; 48], ..LAUNCH }, &key_request()));
    assert_ne!(key, key_of(Launch { policy: 0x7_0000, ..LAUNCH }, &key_request()));
    assert_ne!(key, key_of(LAUNCH, &KeyRequest { vmpl: 1.into(), ..key_request() }));
    assert_ne!(key, Guest::launch(LAUNCH, &SimChip::generate().unwrap()).key(&key_request()).key);

    let nothing = KeyRequest { guest_field_select: 0.into(), ..key_request() };
    let other = Launch { measurement: [9; 48], policy: 0, ..LAUNCH };
    assert_eq!(key_of(LAUNCH, &nothing), key_of(other, &nothing));
    let select_svn_and_tcb = KeyRequest { guest_field_select: 0x30.into(), ..key_request() };
    let old = key_of(LAUNCH, &select_svn_and_tcb);
    assert_ne!(old, key_of(LAUNCH, &KeyRequest { guest_svn: 3.into(), ..select_svn_and_tcb }));
    assert_ne!(old, key_of(LAUNCH, &KeyRequest { tcb_version: CHIP_TCB.into(), ..select_svn_and_tcb }));
}

#[test]
fn key_parameters_are_checked() {
    let mut guest = Guest::launch(LAUNCH, &chip());
    let newer_microcode = CHIP_TCB + (1 << 56);
    let cases = [
        (KeyRequest { guest_svn: 4.into(), ..key_request() }, ResponseStatus::INVALID_PARAMETERS),
        (
            KeyRequest { tcb_version: newer_microcode.into(), ..key_request() },
            ResponseStatus::INVALID_PARAMETERS,
        ),
        // Smaller as a number, newer in one part.
        (KeyRequest { tcb_version: 11.into(), ..key_request() }, ResponseStatus::INVALID_PARAMETERS),
        (KeyRequest { vmpl: 4.into(), ..key_request() }, ResponseStatus::INVALID_PARAMETERS),
        (KeyRequest { reserved: 1.into(), ..key_request() }, ResponseStatus::INVALID_PARAMETERS),
        (KeyRequest { guest_field_select: 0x40.into(), ..key_request() }, ResponseStatus::INVALID_PARAMETERS),
        (KeyRequest { flags: 8.into(), ..key_request() }, ResponseStatus::INVALID_PARAMETERS),
        (KeyRequest { flags: 6.into(), ..key_request() }, ResponseStatus::INVALID_PARAMETERS),
        (KeyRequest { flags: 1.into(), ..key_request() }, ResponseStatus::INVALID_KEY_SELECTION),
        (KeyRequest { flags: 4.into(), ..key_request() }, ResponseStatus::INVALID_KEY_SELECTION),
    ];
    for (request, status) in cases {
        let response = guest.key(&request);
        assert_eq!(response.status.get(), status.0, "{request:?}");
        assert_eq!(response.key, [0; 32]);
    }
}
