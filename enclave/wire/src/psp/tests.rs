//! Messages that open, and all those that must not.

use super::*;

const META: MessageMeta =
    MessageMeta { message_type: MessageType::REPORT_REQUEST, message_version: 1, sequence: 0x0102, vmpck: 0 };

#[test]
fn messages_open_only_as_what_they_are() {
    let key = [7; 32];
    let page = seal_message(&key, META, b"payload").unwrap();
    assert_eq!(page.len(), MESSAGE_PAGE_BYTES);
    assert_eq!(open_message(&key, META, &page).unwrap(), b"payload");
    assert_eq!(open_message(&[8; 32], META, &page), Err(MessageError::Authentication));
    let wrong = MessageMeta { sequence: 0x0103, ..META };
    assert!(matches!(
        open_message(&key, wrong, &page),
        Err(MessageError::Header { field: "sequence number", .. })
    ));
}

#[test]
fn every_meaningful_byte_is_protected() {
    let key = [7; 32];
    let page = seal_message(&key, META, b"payload").unwrap();
    for index in 0..MESSAGE_HEADER_BYTES + b"payload".len() {
        let mut forged = page.clone();
        forged[index] ^= 1;
        assert!(open_message(&key, META, &forged).is_err(), "byte {index:#x} is not protected");
    }
}

#[test]
fn impossible_lengths_are_refused() {
    let key = [7; 32];
    assert!(seal_message(&key, META, &[]).is_err());
    assert!(seal_message(&key, META, &[0; MESSAGE_PAYLOAD_MAX_BYTES + 1]).is_err());
    let page = seal_message(&key, META, b"payload").unwrap();
    for cut in 0..MESSAGE_HEADER_BYTES + 7 {
        assert!(open_message(&key, META, &page[..cut]).is_err());
    }
    assert!(PspReply::decode(&[0; 8 + MESSAGE_PAGE_BYTES - 1]).is_err());
    let reply = PspReply { exit_info_2: ExitInfo2::BUSY, page, certificates: alloc::vec![9; 5] };
    assert_eq!(PspReply::decode(&reply.encode()).unwrap(), reply);
}
