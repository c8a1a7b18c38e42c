//! The guest's talk with a PSP that lies, until it has an identity: what it ends with is what its manifest demands.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::OnceLock;

use attestation_evidence::{Platform, check_binding};
use attestation_manifest::parse_manifest;
use attestation_report::SnpReport;
use enclave_platform::{GuestRequest, Identity, PlatformError, Random, RandomSource};
use enclave_wire::psp::{
    ExitInfo2, KeyResponse, MESSAGE_PAGE_BYTES, MessageMeta, MessageType, PspReply, ReportRequest,
    ReportResponse, SecretsPage, open_message, peek_header, seal_message,
};
use enclave_x86::entropy::EntropyError;
use tests_fuzz::{Budget, Target, fixtures};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

const VMPCK: [u8; 32] = [0x56; 32];
/// Two exchanges of pages, payloads and certificates, and an identity with its evidence.
const EXCHANGES_BYTES: usize = 64 << 10;

fn main() -> ExitCode {
    let budget = Budget::with(EXCHANGES_BYTES);
    Target { name: "guest-boot", max_bytes: 2 * MESSAGE_PAGE_BYTES, budget, run }.drive()
}

fn run(input: &[u8]) {
    let Ok(manifest) = parse_manifest(fixtures::MANIFEST.as_bytes()) else { return };
    let Ok(mut random) = Random::new(Counter(1)) else { return };
    let mut secrets = SecretsPage::new_zeroed();
    secrets.version = 3.into();
    secrets.vmpck = [VMPCK; 4];
    let psp = LyingPsp { script: input };
    let bytes = fixtures::MANIFEST.as_bytes();
    let identity = match Identity::establish(psp, &mut secrets, bytes, &manifest, &mut random) {
        Ok(identity) => identity,
        Err(error) => return drop(error.to_string()),
    };
    assert_eq!(secrets.vmpck, [[0; 32]; 4], "keys are left in the secrets page");
    let report = SnpReport::parse(&identity.evidence.report);
    assert!(report.is_ok(), "{report:?}");
    let Ok(report) = report else { return };
    assert_eq!(check_binding(&report, &identity.evidence), Ok(()));
    assert_eq!((report.policy.get(), report.vmpl.get()), (0x3_0000, 0));
}

/// Seeds the generator; what is random is not the subject.
struct Counter(u64);

impl RandomSource for Counter {
    fn next_u64(&mut self) -> Result<u64, EntropyError> {
        self.0 = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
        Ok(self.0)
    }
}

/// Answers as the script says: honestly, with some bytes changed, busily, or with garbage.
struct LyingPsp<'a> {
    script: &'a [u8],
}

impl GuestRequest for LyingPsp<'_> {
    fn platform(&self) -> Platform {
        Platform::Simulated
    }

    fn guest_request(&mut self, page: &[u8]) -> Result<PspReply, PlatformError> {
        assert_eq!(page.len(), MESSAGE_PAGE_BYTES);
        let Some(([style, count], rest)) = self.script.split_first_chunk() else {
            return Err(PlatformError::KeyDestroyed);
        };
        let (answer, rest) = rest.split_at(usize::from(*count).min(rest.len()));
        self.script = rest;
        match style % 4 {
            0 => Ok(reply(ExitInfo2::SUCCESS, honest_page(page, answer), answer)),
            1 => Ok(reply(ExitInfo2::BUSY, Vec::new(), &[])),
            2 => Ok(reply(ExitInfo2::SUCCESS, answer.to_vec(), &[])),
            _ => Ok(PspReply::decode(answer)?),
        }
    }
}

fn reply(exit_info_2: ExitInfo2, page: Vec<u8>, certificates: &[u8]) -> PspReply {
    PspReply { exit_info_2, page, certificates: certificates.to_vec() }
}

/// The right answer to the request, then changed: of each three bytes two are a place and one is what happens there.
fn honest_page(page: &[u8], changes: &[u8]) -> Vec<u8> {
    let Ok(header) = peek_header(page) else { return Vec::new() };
    let message_type = MessageType(header.message_type);
    let meta = MessageMeta { message_type, message_version: 1, sequence: header.sequence.get(), vmpck: 0 };
    let opened = open_message(&VMPCK, meta, page);
    assert!(opened.is_ok(), "the guest's own message does not open: {opened:?}");
    let mut payload = opened.map(|request| answer_to(message_type, &request)).unwrap_or_default();
    for change in changes.chunks_exact(3) {
        let &[low, high, bits] = change else { continue };
        let place = usize::from(u16::from_le_bytes([low, high])) % payload.len().max(1);
        payload.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= bits);
    }
    let answer =
        MessageMeta { message_type: MessageType(message_type.0 + 1), sequence: meta.sequence + 1, ..meta };
    seal_message(&VMPCK, answer, &payload).unwrap_or_default()
}

/// Signed once: the guest does not check who signed.
fn honest_report() -> &'static SnpReport {
    static REPORT: OnceLock<SnpReport> = OnceLock::new();
    REPORT.get_or_init(fixtures::report)
}

fn answer_to(message_type: MessageType, request: &[u8]) -> Vec<u8> {
    if message_type == MessageType::KEY_REQUEST {
        return KeyResponse { key: [9; 32], ..KeyResponse::new_zeroed() }.as_bytes().to_vec();
    }
    let report_data = ReportRequest::read_from_bytes(request).map_or([0; 64], |request| request.report_data);
    let mut response = ReportResponse::new_zeroed();
    let report = SnpReport { report_data, ..*honest_report() };
    response.report.copy_from_slice(report.as_bytes());
    response.as_bytes().to_vec()
}
