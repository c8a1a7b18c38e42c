//! Objects of Intel's Provisioning Certification Service.

use attestation_x509::{Crl, Instant};
use serde::Deserialize;

use super::{Holds, ObjectError, expect};
use crate::chain_header::read_chain;
use crate::{Fmspc, PckCa};

const ROOT: &str = "Intel SGX Root CA";
const TCB_SIGNER: &str = "Intel SGX TCB Signing";
/// ECDSA P-256, r and s, in hexadecimal.
const SIGNATURE_DIGITS: usize = 128;

#[derive(Deserialize)]
struct TcbInfoAnswer {
    #[serde(rename = "tcbInfo")]
    tcb_info: TcbInfo,
    signature: String,
}

#[derive(Deserialize)]
struct TcbInfo {
    fmspc: String,
    #[serde(flatten)]
    head: Head,
}

#[derive(Deserialize)]
struct QeIdentityAnswer {
    #[serde(rename = "enclaveIdentity")]
    identity: Head,
    signature: String,
}

/// What both structures begin with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    id: String,
    version: u32,
    issue_date: String,
    next_update: String,
}

/// TCB info version 3 of TDX for this platform.
pub(super) fn check_tcb_info(body: &[u8], fmspc: Fmspc, chain: &[u8]) -> Result<Holds, ObjectError> {
    let answer: TcbInfoAnswer = serde_json::from_slice(body).map_err(ObjectError::json("TCB info"))?;
    expect("TCB info fmspc", &fmspc.to_string(), &answer.tcb_info.fmspc.to_ascii_lowercase())?;
    check_signature(&answer.signature)?;
    check_chain(chain, TCB_SIGNER)?;
    answer.tcb_info.head.check("TDX", 3)
}

/// Identity version 2 of the TD quoting enclave.
pub(super) fn check_qe_identity(body: &[u8], chain: &[u8]) -> Result<Holds, ObjectError> {
    let answer: QeIdentityAnswer = serde_json::from_slice(body).map_err(ObjectError::json("QE identity"))?;
    check_signature(&answer.signature)?;
    check_chain(chain, TCB_SIGNER)?;
    answer.identity.check("TD_QE", 2)
}

/// The list of this PCK CA.
pub(super) fn check_pck_crl(body: &[u8], ca: PckCa, chain: &[u8]) -> Result<Holds, ObjectError> {
    check_chain(chain, ca.common_name())?;
    check_crl(body, ca.common_name())
}

/// The root's list.
pub(super) fn check_root_crl(body: &[u8]) -> Result<Holds, ObjectError> {
    check_crl(body, ROOT)
}

impl Head {
    fn check(&self, id: &str, version: u32) -> Result<Holds, ObjectError> {
        expect("id", id, &self.id)?;
        expect("version", &version.to_string(), &self.version.to_string())?;
        let (from, until) = (self.issue_date.parse::<Instant>()?, self.next_update.parse::<Instant>()?);
        Ok(Holds::Between { from, until })
    }
}

fn check_signature(digits: &str) -> Result<(), ObjectError> {
    let is_signature =
        digits.len() == SIGNATURE_DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_signature {
        return Ok(());
    }
    Err(ObjectError::field("signature", format!("{SIGNATURE_DIGITS} hexadecimal digits"), digits))
}

/// Who signed, and the root.
fn check_chain(chain: &[u8], signer: &str) -> Result<(), ObjectError> {
    let chain = read_chain(chain)?;
    let [leaf, root] = chain.as_slice() else {
        return Err(ObjectError::field("certificates of the issuer chain", "2", chain.len().to_string()));
    };
    for (field, expected, certificate) in
        [("issuer chain, leaf", signer, leaf), ("issuer chain, root", ROOT, root)]
    {
        expect(field, expected, certificate.subject().common_name().unwrap_or("no common name"))?;
    }
    Ok(())
}

fn check_crl(body: &[u8], issuer: &str) -> Result<Holds, ObjectError> {
    let crl = Crl::parse(body)?;
    expect("CRL issuer", issuer, crl.issuer().common_name().unwrap_or("no common name"))?;
    Ok(Holds::of_crl(&crl))
}
