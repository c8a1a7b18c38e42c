//! NVIDIA: which of the items are of use, and the way from bytes to the policy.

use attestation_recognise::{Item, Kind};
use attestation_report::spdm::{MeasurementReport, NONCE_BYTES};
use attestation_verify::nvidia::{Challenge, Evidence, RimFiles, SdkDevice, SdkEvidence, verify_machine};
use attestation_x509::{Certificate, pem};

use super::{Question, decide};
use crate::check::Verdict;

/// One report, with the certificates of its device among the items.
pub(super) fn report(verdict: &mut Verdict, bytes: &[u8], question: &Question<'_>) {
    let Some(challenge) = challenge(verdict, question) else { return };
    let chain = device_chain(question.items);
    let evidence = Evidence { report: Some(bytes), chain: chain.as_deref(), rims: rims(question.items) };
    let outcome = verify_machine(&[evidence], challenge, &question.roots.nvidia, question.verifier());
    decide(verdict, outcome, |evidence| question.policy.decide_nvidia(evidence));
}

/// The list of NVIDIA's SDK: each device with report and certificates.
pub(super) fn sdk(verdict: &mut Verdict, bytes: &[u8], question: &Question<'_>) {
    let Some(challenge) = challenge(verdict, question) else { return };
    match SdkEvidence::parse(bytes) {
        Ok(list) => {
            let rims = |_: &SdkDevice| rims(question.items);
            let outcome = list.verify(rims, challenge, &question.roots.nvidia, question.verifier());
            decide(verdict, outcome, |evidence| question.policy.decide_nvidia(evidence));
        }
        Err(error) => verdict.fail("evidence list", "as NVIDIA's SDK writes it", error),
    }
}

/// The nonce that a device answered, before anybody has verified that it did.
pub(super) fn nonce(item: &Item) -> Option<[u8; NONCE_BYTES]> {
    match item.kind {
        Kind::SpdmReport => MeasurementReport::parse(&item.bytes).ok().map(|report| report.request().nonce),
        Kind::NvidiaEvidence => {
            SdkEvidence::parse(&item.bytes).ok()?.devices().first().map(|device| device.nonce)
        }
        _ => None,
    }
}

fn challenge(verdict: &mut Verdict, question: &Question<'_>) -> Option<Challenge> {
    match question.challenge.map(<[u8; NONCE_BYTES]>::try_from) {
        None => Some(Challenge::NotPosed),
        Some(Ok(nonce)) => Some(Challenge::Nonce(nonce)),
        Some(Err(_)) => {
            let found = format!("{} bytes", question.challenge.unwrap_or_default().len());
            verdict.fail("challenge", "a nonce of 32 bytes", found);
            None
        }
    }
}

/// The certificates in their order, as the PEM in which devices hand them out; without AMD's and Intel's.
fn device_chain(items: &[Item]) -> Option<Vec<u8>> {
    let certificates = items.iter().filter(|item| item.kind == Kind::Certificate && is_nvidia(&item.bytes));
    let list: Vec<&[u8]> = certificates.map(|item| item.bytes.as_slice()).collect();
    if list.is_empty() { None } else { pem::encode(&list) }
}

fn is_nvidia(bytes: &[u8]) -> bool {
    Certificate::parse(bytes).is_ok_and(|certificate| certificate.issuer().to_string().contains("O=NVIDIA"))
}

/// Of the manifests at hand, by the name that each gives itself: verification compares that with the report.
fn rims(items: &[Item]) -> RimFiles<'_> {
    let mut files = RimFiles::default();
    for item in items.iter().filter(|item| item.kind == Kind::Rim) {
        let is_driver = item.bytes.windows(DRIVER_TAG.len()).any(|window| window == DRIVER_TAG);
        let place = if is_driver { &mut files.driver } else { &mut files.vbios };
        *place = Some(&item.bytes);
    }
    files
}

/// `tagId` of the manifest of a driver begins so.
const DRIVER_TAG: &[u8] = b"NV_GPU_DRIVER_";
