//! Guest messages to and from the PSP: what is sealed opens, what is changed does not, and the rest is refused.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use enclave_wire::psp::{
    MESSAGE_HEADER_BYTES, MESSAGE_PAGE_BYTES, MESSAGE_PAYLOAD_MAX_BYTES, MessageMeta, MessageType, PspReply,
    open_message, peek_header, seal_message,
};
use tests_fuzz::{Budget, Target};
use zerocopy::IntoBytes;

const KEY: [u8; 32] = [0x4B; 32];
/// Sealing makes a page whatever the payload's length; a page and its changed copy are compared.
const PAGES_BYTES: usize = 4 * MESSAGE_PAGE_BYTES;

fn main() -> ExitCode {
    let max_bytes = 8 + MESSAGE_PAGE_BYTES + PspReply::CERTIFICATES_MAX_BYTES + 2;
    Target { name: "psp", max_bytes, budget: Budget::with(PAGES_BYTES), run }.drive()
}

/// The first byte chooses the reader; for one it is what gets sealed as well.
fn run(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else { return };
    match choice % 3 {
        0 => open(rest),
        1 => decode_reply(rest),
        _ => seal(rest),
    }
}

fn open(page: &[u8]) {
    let Ok(header) = peek_header(page) else { return };
    assert!(page.starts_with(header.as_bytes()));
    let meta = MessageMeta {
        message_type: MessageType(header.message_type),
        message_version: header.message_version,
        sequence: header.sequence.get(),
        vmpck: header.vmpck,
    };
    if let Ok(payload) = open_message(&KEY, meta, page) {
        // What follows the payload in a page belongs to nobody.
        let covered_bytes = MESSAGE_HEADER_BYTES + payload.len();
        let sealed = seal_message(&KEY, meta, &payload);
        assert!(sealed.is_ok_and(|sealed| sealed.get(..covered_bytes) == page.get(..covered_bytes)));
    }
}

fn decode_reply(body: &[u8]) {
    if let Ok(reply) = PspReply::decode(body) {
        assert!(reply.encode() == body);
        assert!(reply.certificates.len() <= PspReply::CERTIFICATES_MAX_BYTES);
    }
}

/// Five bytes choose what is changed and how; the rest is the payload.
fn seal(input: &[u8]) {
    let Some(([message_type, sequence, low, high, change], payload)) = input.split_first_chunk() else {
        return;
    };
    let (message_type, sequence) = (MessageType(*message_type), u64::from(*sequence));
    let meta = MessageMeta { message_type, message_version: 1, sequence, vmpck: 0 };
    let is_possible = (1..=MESSAGE_PAYLOAD_MAX_BYTES).contains(&payload.len());
    let sealed = seal_message(&KEY, meta, payload);
    assert_eq!(sealed.is_ok(), is_possible);
    let Ok(mut page) = sealed else { return };
    assert_eq!(page.len(), MESSAGE_PAGE_BYTES);
    assert!(open_message(&KEY, meta, &page).is_ok_and(|opened| opened == payload));
    let covered_bytes = MESSAGE_HEADER_BYTES + payload.len();
    let place = usize::from(u16::from_le_bytes([*low, *high])) % covered_bytes;
    page.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= (*change).max(1));
    assert!(open_message(&KEY, meta, &page).is_err(), "byte {place} does not count");
}
