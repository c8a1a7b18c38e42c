//! Evidence as NVIDIA's SDK serialises it: a JSON array with one object per device.
//!
//! Nothing in it is signed but what the report and the certificates sign themselves. What else it says is compared with
//! them, because who reads one and believes the other would be misled.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use attestation_report::spdm::NONCE_BYTES;
use base64ct::{Base64, Encoding};
use serde::Deserialize;

use super::machine::{DEVICES_MAX, verify_devices};
use super::{Challenge, Evidence, GpuEvidence, MachineEvidence, RimFiles, Roots};
use crate::trail::Stop;
use crate::{Code, Rejection, Trail, Verified, Verifier};

/// The longest evidence that is read. A device takes about 12.5 kB.
pub const SDK_EVIDENCE_MAX_BYTES: usize = DEVICES_MAX * 16 * 1024;

/// Bytes that are not evidence as the SDK writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdkError {
    /// Longer than that of any machine.
    #[error("evidence: expected at most {SDK_EVIDENCE_MAX_BYTES} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// Not the JSON.
    #[error(
        "evidence: expected a JSON array of at most {DEVICES_MAX} devices with known fields, found: {found}"
    )]
    Syntax {
        /// What the reader met.
        found: String,
    },
    /// A field that its meaning does not fit.
    #[error("device {position}, {field}: expected {expected}, found another value")]
    Field {
        /// Place of the device, from 0.
        position: usize,
        /// Which field.
        field: &'static str,
        /// Its form.
        expected: &'static str,
    },
}

/// Evidence of a machine, decoded and not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdkEvidence {
    devices: Vec<SdkDevice>,
}

/// One device of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdkDevice {
    /// `HOPPER`, `BLACKWELL`, `LS10`.
    pub arch: String,
    /// Device chain, PEM.
    pub chain: Vec<u8>,
    /// Request and response.
    pub report: Vec<u8>,
    /// What the request asked, by the account of the sender. Not what the verifier asked.
    pub nonce: [u8; NONCE_BYTES],
    /// Version of the driver, where the SDK says it.
    pub driver_version: Option<String>,
    /// Version of the VBIOS, where the SDK says it.
    pub vbios_version: Option<String>,
}

/// Fields that are not known are refused: skipping them would need recursion, for as deep as their author likes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<'a> {
    arch: &'a str,
    certificate: &'a str,
    evidence: &'a str,
    nonce: &'a str,
    driver_version: Option<&'a str>,
    vbios_version: Option<&'a str>,
    version: Option<&'a str>,
}

impl SdkEvidence {
    /// Reads the array.
    ///
    /// # Errors
    /// Too long, not the JSON, or a field that is not what it should be.
    pub fn parse(bytes: &[u8]) -> Result<Self, SdkError> {
        let found = bytes.len();
        if found > SDK_EVIDENCE_MAX_BYTES {
            return Err(SdkError::TooLong { found });
        }
        let syntax = |found| SdkError::Syntax { found };
        let entries: Vec<Entry<'_>> =
            serde_json::from_slice(bytes).map_err(|error| syntax(error.to_string()))?;
        if entries.len() > DEVICES_MAX {
            return Err(syntax(format!("{} devices", entries.len())));
        }
        let devices = entries.iter().enumerate().map(|(position, entry)| decode(position, entry));
        Ok(Self { devices: devices.collect::<Result<_, _>>()? })
    }

    /// Its devices, in their order.
    #[must_use]
    pub fn devices(&self) -> &[SdkDevice] {
        &self.devices
    }

    /// Verifies every device as [`verify_machine`](super::verify_machine) does, with the manifests that `rims` has for it,
    /// and that what the array says of it agrees with what it signed.
    ///
    /// # Errors
    /// The first check that fails, with all before it.
    pub fn verify<'a>(
        &'a self,
        rims: impl Fn(&SdkDevice) -> RimFiles<'a>,
        challenge: Challenge,
        roots: &Roots<'_>,
        by: Verifier<'_>,
    ) -> Result<Verified<MachineEvidence<'a>>, Rejection> {
        let evidence = |device: &'a SdkDevice| Evidence {
            report: Some(&device.report),
            chain: Some(&device.chain),
            rims: rims(device),
        };
        let evidence: Vec<Evidence<'a>> = self.devices.iter().map(evidence).collect();
        Verified::by(|trail| {
            let machine = verify_devices(trail, &evidence, challenge, roots, by)?;
            for (position, (device, verified)) in self.devices.iter().zip(machine.devices()).enumerate() {
                check_account(trail, position, device, verified)?;
            }
            Ok(machine)
        })
    }
}

fn decode(position: usize, entry: &Entry<'_>) -> Result<SdkDevice, SdkError> {
    let wrong = |field, expected| SdkError::Field { position, field, expected };
    let base64 = |field, text| Base64::decode_vec(text).map_err(|_| wrong(field, "base64"));
    if entry.version.is_some_and(|version| version != "1.0") {
        return Err(wrong("version", "1.0"));
    }
    Ok(SdkDevice {
        arch: entry.arch.to_string(),
        chain: base64("certificate", entry.certificate)?,
        report: base64("evidence", entry.evidence)?,
        nonce: read_nonce(entry.nonce).ok_or_else(|| wrong("nonce", "64 hexadecimal digits"))?,
        driver_version: entry.driver_version.map(ToString::to_string),
        vbios_version: entry.vbios_version.map(ToString::to_string),
    })
}

fn read_nonce(text: &str) -> Option<[u8; NONCE_BYTES]> {
    let mut nonce = [0; NONCE_BYTES];
    hex::decode_to_slice(text, &mut nonce).ok()?;
    Some(nonce)
}

fn check_account(
    trail: &mut Trail,
    position: usize,
    device: &SdkDevice,
    verified: &GpuEvidence<'_>,
) -> Result<(), Stop> {
    let (report, code) = (verified.report(), Code::Malformed);
    let what = format!("device {position}: nonce in the array");
    trail.require_bytes(Code::NonceMismatch, what, &report.request().nonce, &device.nonce)?;
    let product = verified.device().product();
    let arch = match product.get(..2) {
        Some("GH") => "HOPPER",
        Some("GB") => "BLACKWELL",
        _ => &product,
    };
    let what = format!("device {position}: arch");
    trail.require(code, what, arch, &device.arch, arch == device.arch)?;
    let fields = report.fields();
    let vbios = fields.vbios_version().map(|version| version.to_string());
    for (what, reported, said) in [
        ("driver_version", fields.driver_version(), &device.driver_version),
        ("vbios_version", vbios.as_deref(), &device.vbios_version),
    ] {
        let Some(said) = said else { continue };
        let expected = reported.unwrap_or("none");
        let what = format!("device {position}: {what}");
        trail.require(code, what, expected, said, Some(said.as_str()) == reported)?;
    }
    Ok(())
}
