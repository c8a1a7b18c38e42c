//! Formats that begin in a way of their own.

use alloc::format;
use alloc::string::{String, ToString};

use attestation_bundle::{self as bundle, Bundle};
use attestation_claim::SignedClaim;
use attestation_corim::ReferenceManifest;
use attestation_evidence::Evidence;
use attestation_receipt::CONTENT_TYPE;
use attestation_report::{REPORT_BYTES, SIGNATURE_ALGORITHM_ECDSA_P384_SHA384, hcl, table, tpm};
use attestation_roughtime::Proof;
use attestation_x509::{Certificate, Crl};

use crate::{Items, Kind, RecogniseError};

/// CBOR tag 501: a CoRIM that nobody signed.
const CORIM_TAG: [u8; 3] = [0xD9, 0x01, 0xF5];
/// COSE_Sign1 of four, and a byte string whose length is in the next byte: the protected header.
const COSE_SIGN1: [u8; 3] = [0xD2, 0x84, 0x58];
/// The beginning of that header, a map of three: ES256, then the content type, whose 32 bytes follow.
const RECEIPT_HEADER: [u8; 6] = [0xA3, 0x01, 0x26, 0x03, 0x78, 0x20];
/// SPDM 1.1, GET_MEASUREMENTS with a signature, all measurements (DSP0274).
const SPDM_REQUEST: [u8; 4] = [0x11, 0xE0, 0x01, 0xFF];
/// Offset of the TEE type in a quote's header, and TDX.
const TDX_TEE_TYPE: [u8; 4] = [0x81, 0, 0, 0];
/// Offset of `SIGNATURE_ALGO` in a report of SEV-SNP.
const SNP_ALGORITHM_OFFSET: usize = 0x34;
/// Versions of SEV-SNP reports that may come: small numbers.
const SNP_VERSION_MAX: u32 = 16;
/// Signature and size of the specification event, which begins a crypto-agile log (TCG PFP, section 10.4.5).
const EVENT_LOG_SIGNATURE: &[u8] = b"Spec ID Event03\0";
/// Where that signature is: after PCR index, event type, SHA-1 digest and size.
const EVENT_LOG_SIGNATURE_OFFSET: usize = 32;

/// What bytes look like that are no text.
pub(crate) fn kind(bytes: &[u8]) -> Option<Kind> {
    if bytes.starts_with(&hcl::SIGNATURE) {
        return Some(Kind::HclReport);
    }
    if bytes.starts_with(&tpm::GENERATED.to_be_bytes()) {
        return Some(Kind::TpmQuote);
    }
    if bytes.starts_with(&SPDM_REQUEST) {
        return Some(Kind::SpdmReport);
    }
    if bytes.starts_with(&attestation_transcript::MAGIC) {
        return Some(Kind::Transcript);
    }
    if is_request(bytes) {
        return Some(Kind::Request);
    }
    if is_tdx_quote(bytes) {
        return Some(Kind::TdxQuote);
    }
    let signature = bytes.get(EVENT_LOG_SIGNATURE_OFFSET..);
    if signature.is_some_and(|rest| rest.starts_with(EVENT_LOG_SIGNATURE)) {
        return Some(Kind::EventLog);
    }
    // DER of a certificate or a list: a SEQUENCE of more than 127 bytes.
    if let [0x30, 0x81 | 0x82, ..] = bytes {
        return der_kind(bytes);
    }
    if bytes.starts_with(&CORIM_TAG) {
        return ReferenceManifest::decode(bytes).is_ok().then_some(Kind::ReferenceManifest);
    }
    if is_snp_report(bytes) && extended_report(bytes).is_none() {
        return Some(Kind::SnpReport);
    }
    if is_receipt(bytes) {
        return Some(Kind::Receipt);
    }
    if Evidence::decode(bytes).is_ok() {
        return Some(Kind::Evidence);
    }
    if SignedClaim::parse(bytes).is_ok() {
        return Some(Kind::Claim);
    }
    Proof::decode(bytes).is_ok().then_some(Kind::TimeProof)
}

/// By the content type, which claims do not have: so a receipt that is damaged further on is still one.
fn is_receipt(bytes: &[u8]) -> bool {
    let header = bytes.strip_prefix(&COSE_SIGN1).and_then(|rest| rest.get(1..));
    let content_type = header.and_then(|header| header.strip_prefix(&RECEIPT_HEADER));
    content_type.is_some_and(|rest| rest.starts_with(CONTENT_TYPE.as_bytes()))
}

/// CBOR: an array of five, which begins with a method and a scheme.
fn is_request(bytes: &[u8]) -> bool {
    let (method_bytes, rest) = match bytes {
        [0x85, length @ 0x61..=0x77, rest @ ..] => (usize::from(*length & 0x1F), rest),
        [0x85, 0x78, length, rest @ ..] => (usize::from(*length), rest),
        _ => return false,
    };
    rest.get(method_bytes..).is_some_and(|rest| rest.starts_with(b"\x64http"))
}

fn der_kind(bytes: &[u8]) -> Option<Kind> {
    if Certificate::parse(bytes).is_ok() {
        return Some(Kind::Certificate);
    }
    Crl::parse(bytes).is_ok().then_some(Kind::RevocationList)
}

/// Version 3 (SGX), 4 or 5, and the TEE type of TDX where version 3 has a reserved field.
fn is_tdx_quote(bytes: &[u8]) -> bool {
    let version = bytes.first_chunk::<2>().map(|bytes| u16::from_le_bytes(*bytes));
    matches!(version, Some(4..=9)) && bytes.get(4..8) == Some(&TDX_TEE_TYPE)
}

/// A small version, and the only signature algorithm there is or else exactly the size of a report.
fn is_snp_report(bytes: &[u8]) -> bool {
    let number =
        |offset: usize| bytes.get(offset..)?.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes));
    let is_version = number(0).is_some_and(|version| (1..=SNP_VERSION_MAX).contains(&version));
    let algorithm = number(SNP_ALGORITHM_OFFSET);
    let is_signed = algorithm == Some(SIGNATURE_ALGORITHM_ECDSA_P384_SHA384);
    is_version && (is_signed || bytes.len() == REPORT_BYTES)
}

/// A report with the table of certificates that an extended guest request returns.
pub(crate) fn extended_report(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (report, rest) = bytes.split_at_checked(REPORT_BYTES)?;
    let entries = table::entries(rest).ok()?;
    let has_certificates = is_snp_report(report) && entries.count() > 0;
    has_certificates.then_some((report, rest))
}

const _: () = assert!(CONTENT_TYPE.len() == 0x20, "the length is in the header");

/// What an item of a bundle is without being looked at; `None` for certificates and lists, which are read like files.
const fn bundle_kind(kind: bundle::Kind) -> Option<Kind> {
    Some(match kind {
        bundle::Kind::Evidence => Kind::Evidence,
        bundle::Kind::SnpReport => Kind::SnpReport,
        bundle::Kind::HclReport => Kind::HclReport,
        bundle::Kind::VtpmQuote => Kind::TpmQuote,
        bundle::Kind::VtpmSignature => Kind::TpmSignature,
        bundle::Kind::VtpmPcrs => Kind::TpmRegisters,
        bundle::Kind::TdxQuote => Kind::TdxQuote,
        bundle::Kind::EventLog => Kind::EventLog,
        bundle::Kind::NvidiaReport => Kind::SpdmReport,
        bundle::Kind::TcbInfo => Kind::TcbInfo,
        bundle::Kind::QeIdentity => Kind::QeIdentity,
        bundle::Kind::Rim => Kind::Rim,
        _ => return None,
    })
}

/// The first bytes, for a message.
pub(crate) fn start(bytes: &[u8]) -> String {
    let start: String = bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{} bytes that begin with {start}", bytes.len())
}

impl Items {
    /// Every item of a bundle, and its time; `None` when it is no bundle.
    pub(crate) fn read_bundle(&mut self, bytes: &[u8]) -> Option<Result<(), RecogniseError>> {
        let bundle = Bundle::decode(bytes).ok()?;
        Some(self.unwrap("bundle", |items| {
            items.push(Kind::BundleTime, bundle.at.to_string().as_bytes())?;
            for item in &bundle.items {
                match bundle_kind(item.kind) {
                    Some(kind) => items.push(kind, item.contents)?,
                    None => items.unwrap(item.kind.name(), |items| items.read(item.contents))?,
                }
            }
            Ok(())
        }))
    }

    pub(crate) fn read_extended_report(&mut self, report: &[u8], rest: &[u8]) -> Result<(), RecogniseError> {
        self.unwrap("extended guest report", |items| {
            items.push(Kind::SnpReport, report)?;
            let entries = table::entries(rest).map_err(|error| items.malformed(error))?;
            for entry in entries {
                items.unwrap("certificate table", |items| items.read(entry.bytes))?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that is cut off behind the content type, and a claim's.
    #[test]
    fn receipts_are_told_by_their_content_type() {
        let file = |content_type: &str| {
            [&COSE_SIGN1[..], &[75], &RECEIPT_HEADER, content_type.as_bytes(), b"rest"].concat()
        };
        assert_eq!(kind(&file(CONTENT_TYPE)), Some(Kind::Receipt));
        assert_eq!(kind(&file("application/redoubt-claims+cbor!")), None);
        let whole = file(CONTENT_TYPE);
        assert_eq!(kind(&whole[..whole.len() - 5]), None);
    }
}
