//! All of the guest's memory, as the first instruction of a workload finds it, and the secrets that must not be there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use enclave_wire::frame::{Frame, FrameKind};
use enclave_wire::layout::{BOOT_RAM_GPA, PAGE_BYTES};
use enclave_wire::psp::{
    KeyResponse, MessageMeta, MessageType, PspReply, SecretsPage, open_message, peek_header,
};
use zerocopy::FromBytes;

use super::code::exfiltrate;
use super::{attack, site};
use crate::harness::{APP, Middle, Site, rom};

/// In the manifest's environment, and so in the guest's memory: who does not find it finds nothing.
const CANARY: [u8; 32] = *b"canary-4f1d6b0e9a7c2d35-7b1e-end";
/// Keys are looked for by parts, because an allocator may have written over some of one.
const PART_BYTES: usize = 8;

/// Without VMPCK there is no report and no key request; without the platform key, no other manifest's keys.
#[test]
fn the_platform_key_and_every_vmpck_are_gone_before_the_first_workload_byte() {
    let Some(rom) = rom() else { return };
    let app = APP.replace("[env]", &format!("[env]\nCANARY = \"{}\"", String::from_utf8_lossy(&CANARY)));
    let mut code = exfiltrate().to_vec();
    code.extend_from_slice(&u32::to_le_bytes(64 << 20));
    let mut site = site(rom, &app, &code);
    let dump = site.path().join("memory");
    site = site.with_qemu(&["-debugcon", &format!("file:{}", dump.display())]);
    let secrets = watch_for_secrets(&mut site);
    attack(&site).assert_hostile();

    let memory = Memory::read(&dump);
    assert!(!memory.find(&CANARY).is_empty(), "the search works");
    let secrets = secrets.lock().expect("no thread panics");
    let names: Vec<_> = secrets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["VMPCK 0", "VMPCK 1", "VMPCK 2", "VMPCK 3", "platform key"]);
    for (name, key) in secrets.iter() {
        let found = memory.find(key);
        assert!(found.is_empty(), "parts of {name} are in the guest's memory at {found:x?}");
    }
}

/// Names and values of what the secure processor gives the guest, in that order, once it has.
type Secrets = Arc<Mutex<Vec<(String, [u8; 32])>>>;

/// Reads along as the host can: the secrets page that it makes, and with its keys the answers.
fn watch_for_secrets(site: &mut Site) -> Secrets {
    let secrets = Secrets::default();
    let (watched, run_dir) = (Arc::clone(&secrets), site.run_dir());
    Middle::install(site, move |to, frame| {
        let mut secrets = watched.lock().expect("no thread panics");
        if secrets.is_empty() {
            let page = read_secrets_page(&run_dir);
            let named = page.vmpck.iter().enumerate().map(|(index, key)| (format!("VMPCK {index}"), *key));
            secrets.extend(named);
        }
        let vmpck = secrets[0].1;
        secrets.extend(platform_key(&frame, &vmpck).map(|key| ("platform key".to_owned(), key)));
        vec![(to, frame)]
    });
    secrets
}

fn read_secrets_page(run_dir: &Path) -> SecretsPage {
    let files = fs::read_dir(run_dir).expect("the run folder is there");
    let mut paths = files.map(|entry| entry.expect("the run folder is readable").path());
    let is_page = |path: &Path| path.to_string_lossy().contains("sim-secrets-");
    let path = paths.find(|path| is_page(path)).expect("the secrets page is there until the guest is ready");
    SecretsPage::read_from_bytes(&fs::read(path).expect("the page is readable")).expect("one page")
}

/// The key in a frame with an answer to a key request.
fn platform_key(frame: &Frame, vmpck: &[u8; 32]) -> Option<[u8; 32]> {
    if frame.kind != FrameKind::PSP_RESPONSE {
        return None;
    }
    let reply = PspReply::decode(&frame.body).expect("the loader's answer decodes");
    let header = peek_header(&reply.page).expect("the answer has a header");
    let message_type = MessageType(header.message_type);
    if message_type != MessageType::KEY_RESPONSE {
        return None;
    }
    let meta = MessageMeta {
        message_type,
        message_version: header.message_version,
        sequence: header.sequence.get(),
        vmpck: header.vmpck,
    };
    let payload = open_message(vmpck, meta, &reply.page).expect("the answer opens");
    Some(KeyResponse::read_from_bytes(&payload).expect("a key response").key)
}

/// Pages by address; those that are missing are all zeros.
struct Memory(BTreeMap<u64, Vec<u8>>);

impl Memory {
    /// Reads what the hostile code gave away.
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).expect("the hostile code wrote something");
        let page_bytes = usize::try_from(PAGE_BYTES).expect("a page is small");
        let records = bytes.chunks_exact(8 + page_bytes);
        assert!(records.remainder().is_empty() && records.len() > 100, "{} records", records.len());
        let pages: BTreeMap<u64, Vec<u8>> = records
            .map(|record| {
                let (address, page) = record.split_first_chunk().expect("a record begins with an address");
                (u64::from_le_bytes(*address), page.to_vec())
            })
            .collect();
        assert!(pages.keys().all(|address| *address >= BOOT_RAM_GPA && address.is_multiple_of(PAGE_BYTES)));
        Self(pages)
    }

    /// Addresses at which a part of a key stands. A part that spans two pages is missed, its neighbours are not.
    fn find(&self, key: &[u8; 32]) -> Vec<u64> {
        let is_part = |bytes: &[u8]| key.chunks_exact(PART_BYTES).any(|part| part == bytes);
        let hits = self.0.iter().flat_map(|(address, page)| {
            let offsets = (0..).zip(page.windows(PART_BYTES));
            offsets.filter(|(_, bytes)| is_part(bytes)).map(move |(offset, _)| address + offset)
        });
        hits.collect()
    }
}
