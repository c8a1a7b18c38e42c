//! A scripted PSP, truthful and lying.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::cell::RefCell;

use enclave_wire::psp::peek_header;
use zerocopy::FromZeros;

use super::*;

const KEY: [u8; VMPCK_BYTES] = [0x5A; VMPCK_BYTES];

/// What the scripted PSP does with one request.
enum Act {
    Answer,
    Busy,
    Fail(u64),
    Replay(Vec<u8>),
    Tamper(usize),
    Status(u32),
    Short,
}

struct Script {
    acts: VecDeque<Act>,
    seen: Rc<RefCell<Vec<Vec<u8>>>>,
}

fn report_answer(request_page: &[u8], status: u32) -> Vec<u8> {
    let sequence = peek_header(request_page).unwrap().sequence.get();
    let mut response = ReportResponse::new_zeroed();
    response.status = U32::new(status);
    response.report = [7; attestation_report::REPORT_BYTES];
    let meta = MessageMeta {
        message_type: MessageType::REPORT_RESPONSE,
        message_version: 1,
        sequence: sequence + 1,
        vmpck: 0,
    };
    seal_message(&KEY, meta, response.as_bytes()).unwrap()
}

impl GuestRequest for Script {
    fn platform(&self) -> Platform {
        Platform::Simulated
    }

    fn guest_request(&mut self, page: &[u8]) -> Result<PspReply, PlatformError> {
        self.seen.borrow_mut().push(page.to_vec());
        let mut reply = PspReply {
            exit_info_2: ExitInfo2::SUCCESS,
            page: report_answer(page, 0),
            certificates: vec![1, 2],
        };
        match self.acts.pop_front().expect("the script covers every request") {
            Act::Answer => {}
            Act::Busy => reply.exit_info_2 = ExitInfo2::BUSY,
            Act::Fail(code) => reply.exit_info_2 = ExitInfo2(code),
            Act::Replay(page) => reply.page = page,
            Act::Tamper(index) => reply.page[index] ^= 1,
            Act::Status(status) => reply.page = report_answer(page, status),
            Act::Short => reply.page.truncate(100),
        }
        Ok(reply)
    }
}

type Seen = Rc<RefCell<Vec<Vec<u8>>>>;

fn messenger(acts: Vec<Act>) -> (Messenger<Script>, Seen) {
    messenger_at(0, acts)
}

fn messenger_at(vmpl: u32, acts: Vec<Act>) -> (Messenger<Script>, Seen) {
    let seen = Seen::default();
    let mut secrets = SecretsPage::new_zeroed();
    secrets.version = U32::new(2);
    secrets.vmpck = [[0xEE; VMPCK_BYTES]; 4];
    secrets.vmpck[vmpl as usize] = KEY;
    let script = Script { acts: acts.into(), seen: Rc::clone(&seen) };
    let messenger = Messenger::new(script, &mut secrets, vmpl).unwrap();
    assert_eq!(secrets.vmpck, [[0; VMPCK_BYTES]; 4], "all keys must be gone from the page");
    (messenger, seen)
}

#[test]
fn sequence_numbers_advance_by_two() {
    let (mut messenger, seen) = messenger(vec![Act::Answer, Act::Answer]);
    let (report, certificates) = messenger.report([1; 64], 0).unwrap();
    assert_eq!((report.len(), certificates), (1184, vec![1, 2]));
    messenger.report([1; 64], 0).unwrap();
    let sequences: Vec<u64> =
        seen.borrow().iter().map(|page| peek_header(page).unwrap().sequence.get()).collect();
    assert_eq!(sequences, [1, 3]);
}

#[test]
fn requests_go_out_under_the_key_of_the_vmpl() {
    for vmpl in 0..4_u8 {
        let (mut messenger, seen) = messenger_at(vmpl.into(), vec![Act::Answer]);
        // The script answers what opens under `KEY` only; its answer names VMPCK 0.
        let _ = messenger.report([1; 64], vmpl.into());
        let page = seen.borrow()[0].clone();
        let meta = MessageMeta {
            message_type: MessageType::REPORT_REQUEST,
            message_version: 1,
            sequence: 1,
            vmpck: vmpl,
        };
        assert!(open_message(&KEY, meta, &page).is_ok());
    }
    let script = Script { acts: VecDeque::new(), seen: Seen::default() };
    let mut secrets = SecretsPage::new_zeroed();
    secrets.version = U32::new(2);
    secrets.vmpck = [KEY; 4];
    assert!(matches!(Messenger::new(script, &mut secrets, 4), Err(PlatformError::SecretsPage { .. })));
    assert_eq!(secrets.vmpck, [[0; VMPCK_BYTES]; 4]);
}

#[test]
fn busy_repeats_identical_bytes() {
    let (mut messenger, seen) = messenger(vec![Act::Busy, Act::Busy, Act::Answer]);
    messenger.report([1; 64], 0).unwrap();
    let seen = seen.borrow();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|page| *page == seen[0]));
}

#[test]
fn busy_for_ever_ends() {
    let acts = (0..REQUEST_ATTEMPTS).map(|_| Act::Busy).collect();
    let (mut messenger, _) = messenger(acts);
    assert_eq!(messenger.report([1; 64], 0), Err(PlatformError::Busy { attempts: REQUEST_ATTEMPTS }));
    assert_eq!(messenger.report([1; 64], 0), Err(PlatformError::KeyDestroyed));
}

#[test]
fn any_other_failure_destroys_the_key() {
    for act in
        [Act::Fail(1), Act::Fail(0x16), Act::Fail(1 << 32), Act::Tamper(0), Act::Tamper(0x70), Act::Short]
    {
        let (mut messenger, seen) = messenger(vec![act]);
        assert!(messenger.report([1; 64], 0).is_err());
        assert_eq!(messenger.report([1; 64], 0), Err(PlatformError::KeyDestroyed));
        assert_eq!(seen.borrow().len(), 1, "nothing may go out under a destroyed key");
    }
}

#[test]
fn replayed_answers_are_refused() {
    let first_request = {
        let (mut messenger, seen) = messenger(vec![Act::Answer]);
        messenger.report([1; 64], 0).unwrap();
        seen.borrow()[0].clone()
    };
    let old_answer = report_answer(&first_request, 0);
    let (mut messenger, _) = messenger(vec![Act::Answer, Act::Replay(old_answer)]);
    messenger.report([1; 64], 0).unwrap();
    assert!(matches!(messenger.report([1; 64], 0), Err(PlatformError::Message(_))));
}

#[test]
fn the_request_itself_is_no_answer() {
    let (mut messenger, seen) = messenger(vec![Act::Answer, Act::Answer]);
    messenger.report([1; 64], 0).unwrap();
    let own = seen.borrow()[0].clone();
    let meta =
        MessageMeta { message_type: MessageType::REPORT_RESPONSE, message_version: 1, sequence: 2, vmpck: 0 };
    assert!(open_message(&KEY, meta, &own).is_err());
}

#[test]
fn a_refusing_status_is_named() {
    let (mut messenger, _) = messenger(vec![Act::Status(0x27)]);
    assert_eq!(
        messenger.report([1; 64], 0),
        Err(PlatformError::Status { request: "report", found: ResponseStatus::INVALID_KEY_SELECTION })
    );
}

#[test]
fn destroyed_and_foreign_secrets_pages_are_refused() {
    for key in [[0; VMPCK_BYTES], [0xFF; VMPCK_BYTES]] {
        let mut secrets = SecretsPage::new_zeroed();
        secrets.version = U32::new(2);
        secrets.vmpck[0] = key;
        let script = Script { acts: VecDeque::new(), seen: Seen::default() };
        assert!(matches!(Messenger::new(script, &mut secrets, 0), Err(PlatformError::SecretsPage { .. })));
    }
    let script = Script { acts: VecDeque::new(), seen: Seen::default() };
    assert!(matches!(
        Messenger::new(script, &mut SecretsPage::new_zeroed(), 0),
        Err(PlatformError::SecretsPage { .. })
    ));
}
