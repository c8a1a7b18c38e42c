//! Azure's virtual TPM: the hardware's report or quote binds runtime data, the runtime data names an attestation key, the
//! key signs a TPM's quote over the verifier's nonce and the registers.
//!
//! Guests there cannot choose `REPORT_DATA`: what is fresh, and what they measured, only the quote says. The virtual TPM is
//! part of the paravisor, which the launch measurement covers.

use alloc::vec::Vec;

use attestation_report::hcl::HclReport;
use attestation_report::tpm::{PCR_COUNT, TpmQuote};
use attestation_signature::{Rsa2048Modulus, SignatureVerifier};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::trail::Stop;
use crate::{Code, Rejection, Trail, Verified};

/// Contents of a register of the SHA-256 bank.
pub type Pcr = [u8; 32];

/// What a guest of Azure hands out besides certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VtpmBundle<'a> {
    /// NV index 0x01400001.
    pub hcl_report: &'a [u8],
    /// `TPMS_ATTEST`.
    pub quote: &'a [u8],
    /// RSASSA-PKCS1-v1_5 with SHA-256 over the quote, big-endian.
    pub signature: &'a [u8],
    /// All 24 registers, in their order.
    pub pcrs: &'a [Pcr],
}

/// What the quote has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VtpmChallenge<'a> {
    /// `extraData` must be this.
    Nonce(&'a [u8]),
    /// Nobody asked: the quote is looked at, not relied on for freshness.
    NotPosed,
}

/// A virtual TPM that the hardware report vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vtpm {
    /// Registers that the quote covers: number and contents.
    pub pcrs: Vec<(usize, Pcr)>,
    /// JSON with Azure's keys and the configuration of the machine.
    pub runtime_data: Vec<u8>,
    /// `extraData` of the quote.
    pub nonce: Vec<u8>,
}

/// First stage: the parts of the blob, not yet believed, with a report of this type.
pub(crate) fn parse_hcl(bytes: &[u8], report_type: u32) -> Result<HclReport<'_>, Rejection> {
    let parsed = Trail::of(|trail| {
        let expected = "a hardware report and runtime data";
        let hcl = trail.unwrap(Code::Malformed, "HCL report", expected, HclReport::parse(bytes))?;
        let found = hcl.report_type;
        let is_of_type = found == report_type;
        trail.require(Code::Malformed, "HCL report: report type", report_type, found, is_of_type)?;
        Ok(hcl)
    });
    parsed.map(|(hcl, _)| hcl)
}

/// Adds the virtual TPM to evidence that is verified and says what its report binds.
pub(crate) fn verify_behind<E>(
    verified: Verified<E>,
    report_data: &[u8; 64],
    hcl: &HclReport<'_>,
    bundle: &VtpmBundle<'_>,
    challenge: VtpmChallenge<'_>,
    by: &dyn SignatureVerifier,
) -> Result<(E, Vtpm, Trail), Rejection> {
    let (evidence, mut trail) = verified.into_parts();
    match check(&mut trail, report_data, hcl, bundle, challenge, by) {
        Ok(vtpm) => Ok((evidence, vtpm, trail)),
        Err(_) => Err(Rejection::new(trail)),
    }
}

/// Second stage, under a report that is verified: runtime data, key, quote, registers.
fn check(
    trail: &mut Trail,
    report_data: &[u8; 64],
    hcl: &HclReport<'_>,
    bundle: &VtpmBundle<'_>,
    challenge: VtpmChallenge<'_>,
    by: &dyn SignatureVerifier,
) -> Result<Vtpm, Stop> {
    check_runtime_data(trail, report_data, hcl.runtime_data)?;
    let key = attestation_key(trail, hcl.runtime_data)?;
    let holds = by.rsa2048_pkcs1v15_sha256(&key, bundle.quote, bundle.signature);
    let found = if holds { "valid" } else { "not valid" };
    trail.require(Code::VtpmUnbound, "vTPM quote signature", "by HCLAkPub", found, holds)?;
    let quote = TpmQuote::parse(bundle.quote);
    let quote = trail.unwrap(Code::VtpmUnbound, "vTPM quote", "TPMS_ATTEST over PCRs", quote)?;
    if let VtpmChallenge::Nonce(nonce) = challenge {
        trail.require_bytes(Code::NonceMismatch, "vTPM quote extraData", nonce, quote.extra_data)?;
    }
    let pcrs = check_registers(trail, &quote, bundle.pcrs)?;
    trail.fact(Code::VtpmBound, "vTPM", "quote signed by the key that REPORT_DATA binds");
    Ok(Vtpm { pcrs, runtime_data: hcl.runtime_data.to_vec(), nonce: quote.extra_data.to_vec() })
}

/// `REPORT_DATA` is the SHA-256 of the JSON, and zeros.
fn check_runtime_data(trail: &mut Trail, report_data: &[u8; 64], runtime_data: &[u8]) -> Result<(), Stop> {
    let mut expected = [0; 64];
    let digest = Sha256::digest(runtime_data);
    expected.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    trail.require_bytes(Code::VtpmUnbound, "REPORT_DATA", &expected, report_data)
}

#[derive(Deserialize)]
struct RuntimeData<'a> {
    #[serde(borrow)]
    keys: Vec<JsonWebKey<'a>>,
}

#[derive(Deserialize)]
struct JsonWebKey<'a> {
    kid: &'a str,
    kty: &'a str,
    e: &'a str,
    n: &'a str,
}

const KEY_ID: &str = "HCLAkPub";

/// The one RSA key with 2048 bits named `HCLAkPub`.
fn attestation_key(trail: &mut Trail, runtime_data: &[u8]) -> Result<Rsa2048Modulus, Stop> {
    let (code, what) = (Code::VtpmUnbound, "runtime data");
    let data = serde_json::from_slice::<RuntimeData<'_>>(runtime_data);
    let data = trail.unwrap(code, what, "JSON with keys", data)?;
    let mut named = data.keys.iter().filter(|key| key.kid == KEY_ID);
    let key = match (named.next(), named.next()) {
        (Some(key), None) => read_key(key),
        _ => Err("another number of them"),
    };
    trail.unwrap(code, "runtime data, HCLAkPub", "one RSA key with 2048 bits, exponent AQAB", key)
}

fn read_key(key: &JsonWebKey<'_>) -> Result<Rsa2048Modulus, &'static str> {
    if key.kty != "RSA" || key.e != "AQAB" {
        return Err("another kind of key");
    }
    let mut modulus: Rsa2048Modulus = [0; _];
    let decoded =
        Base64UrlUnpadded::decode(key.n, &mut modulus).map_err(|_| "no base64url of that length")?;
    if decoded.len() != size_of::<Rsa2048Modulus>() {
        return Err("another length");
    }
    if decoded.first().is_none_or(|byte| *byte < 0x80) {
        return Err("a modulus of fewer bits");
    }
    Ok(modulus)
}

/// The digest in the quote is that of the selected registers, one behind the other.
fn check_registers(
    trail: &mut Trail,
    quote: &TpmQuote<'_>,
    registers: &[Pcr],
) -> Result<Vec<(usize, Pcr)>, Stop> {
    let count = registers.len();
    let what = "number of PCRs";
    trail.require(Code::VtpmUnbound, what, PCR_COUNT, count, count == PCR_COUNT)?;
    let selected: Vec<(usize, Pcr)> = registers
        .iter()
        .copied()
        .enumerate()
        .filter(|(index, _)| {
            quote.selected.checked_shr(u32::try_from(*index).unwrap_or(u32::MAX)).unwrap_or(0) & 1 == 1
        })
        .collect();
    let mut hash = Sha256::new();
    selected.iter().for_each(|(_, register)| hash.update(register));
    let digest = hash.finalize();
    trail.require_bytes(Code::VtpmUnbound, "vTPM quote pcrDigest", &digest, quote.pcr_digest)?;
    Ok(selected)
}
