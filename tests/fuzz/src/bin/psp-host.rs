//! The software PSP against a hostile guest: it answers what is in order, and nothing else changes anything.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use enclave_wire::psp::{
    ExitInfo2, MESSAGE_PAGE_BYTES, MessageMeta, MessageType, PspReply, SecretsPage, open_message,
    seal_message,
};
use loader_psp::{Launch, PspError, SimChip, SoftwarePsp};
use tests_fuzz::{Budget, Target};

/// Requests per input: a report is signed in milliseconds.
const REQUESTS_MAX: usize = 4;
/// Pages of request and reply, certificates, and what a signature takes; the PSP lives through all requests.
const PSP_BYTES: usize = 64 << 10;

fn main() -> ExitCode {
    let max_bytes = 2 * MESSAGE_PAGE_BYTES;
    Target { name: "psp-host", max_bytes, budget: Budget::with(PSP_BYTES), run }.drive()
}

/// Endorsing a chip takes longer than everything else here, so one launched guest gets all inputs: sequence numbers
/// only ever matter as "the next one".
static GUEST: Mutex<Option<Guest>> = Mutex::new(None);

fn run(mut input: &[u8]) {
    let mut guest = GUEST.lock().unwrap_or_else(PoisonError::into_inner);
    if guest.is_none() {
        *guest = launch().ok();
    }
    let Some(guest) = guest.as_mut() else { return };
    for _ in 0..REQUESTS_MAX {
        let Some(rest) = guest.request(input) else { return };
        input = rest;
    }
}

fn launch() -> Result<Guest, PspError> {
    let launch = Launch { measurement: [1; 48], host_data: [2; 32], policy: 0x3_0000, vmpl: 0, guest_svn: 0 };
    let (secrets, psp) = SoftwarePsp::launch(launch, &SimChip::generate()?)?;
    Ok(Guest { secrets, psp, sequences: [0; 4] })
}

struct Guest {
    secrets: SecretsPage,
    psp: SoftwarePsp,
    /// The last answered sequence number under each key.
    sequences: [u64; 4],
}

impl Guest {
    /// Six bytes say what the request looks like; the payload follows them.
    fn request<'a>(&mut self, input: &'a [u8]) -> Option<&'a [u8]> {
        let ([style, message_type, vmpck, skipped, low, high], rest) = input.split_first_chunk()?;
        let payload_bytes = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (payload, rest) = rest.split_at(payload_bytes);
        let index = usize::from(vmpck % 4);
        let key = self.secrets.vmpck.get(index)?;
        let last = self.sequences.get_mut(index)?;
        let meta = MessageMeta {
            message_type: MessageType(*message_type),
            message_version: 1 + style / 0x80,
            sequence: last.wrapping_add(1).wrapping_add((*skipped).into()),
            vmpck: *vmpck % 4,
        };
        let is_sealed = style % 2 == 0;
        let sealed = if is_sealed { seal_message(key, meta, payload).ok() } else { None };
        let reply = self.psp.handle(sealed.as_deref().unwrap_or(payload));
        check(&reply);
        if reply.exit_info_2 == ExitInfo2::SUCCESS {
            assert!(is_sealed && *skipped == 0 && meta.message_version == 1, "answered {meta:?}");
            let answer_type = MessageType(message_type + 1);
            let answer = MessageMeta { message_type: answer_type, sequence: *last + 2, ..meta };
            assert!(open_message(key, answer, &reply.page).is_ok());
            *last += 2;
        }
        Some(rest)
    }
}

fn check(reply: &PspReply) {
    assert_eq!(reply.page.len(), MESSAGE_PAGE_BYTES);
    assert!(reply.certificates.len() <= PspReply::CERTIFICATES_MAX_BYTES);
    assert!(PspReply::decode(&reply.encode()).is_ok_and(|decoded| decoded == *reply));
}
