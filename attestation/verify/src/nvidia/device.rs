//! Second stage: the certificates of a device, up to a pinned root.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use attestation_signature::P384Point;
use attestation_x509::nvidia::DeviceFields;
use attestation_x509::{Certificate, pem};

use super::roots::{RootSet, Roots};
use crate::chain::{Chain, ChainProfile};
use crate::trail::Stop;
use crate::{Code, Rejection, Trail, Verified, Verifier};

/// Certificates in the chain of a device: firmware, boot ROM, provisioner, product, root. Shorter chains lack one.
pub const DEVICE_CHAIN_CERTIFICATES: usize = 5;

const PROFILE: ChainProfile = ChainProfile {
    name: "device chain",
    incomplete: Code::ChainIncomplete,
    untrusted_root: Code::ChainUntrustedRoot,
    signature: Code::CertificateSignatureInvalid,
    profile: Code::CertificateProfile,
    not_yet_valid: Code::CertificateNotYetValid,
    expired: Code::CertificateExpired,
};

/// What a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// It computes. It has a driver and a VBIOS.
    Gpu,
    /// It connects GPUs. It has a BIOS.
    Switch,
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gpu => "GPU",
            Self::Switch => "SWITCH",
        })
    }
}

/// What [`Verified`] holds for a device chain: whose keys these are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    kind: DeviceKind,
    fields: DeviceFields,
    key: P384Point,
    chain: Chain,
}

impl Device {
    /// Verifies a device chain alone: PEM, leaf first, root included.
    ///
    /// # Errors
    /// The first check that fails, with all before it.
    pub fn verify(
        chain: Option<&[u8]>,
        roots: &Roots<'_>,
        by: Verifier<'_>,
    ) -> Result<Verified<Self>, Rejection> {
        Verified::by(|trail| verify_chain(trail, chain, &roots.device, by))
    }

    /// GPU or switch.
    #[must_use]
    pub const fn kind(&self) -> DeviceKind {
        self.kind
    }

    /// Product as RIMs spell it: `GH100`, `GB100`, `LS10`.
    #[must_use]
    pub fn product(&self) -> String {
        self.fields.info.product.replace('_', "")
    }

    /// What the leaf says: product, serial number of the chip, firmware.
    #[must_use]
    pub const fn fields(&self) -> &DeviceFields {
        &self.fields
    }

    /// The key that signs reports.
    #[must_use]
    pub const fn key(&self) -> &P384Point {
        &self.key
    }

    /// Certificate of that key. It changes with the firmware.
    #[must_use]
    pub const fn leaf(&self) -> &Certificate {
        self.chain.leaf()
    }

    /// Certificates above it, up to the root. The first is the device's own and stays the same for its life.
    #[must_use]
    pub fn authorities(&self) -> &[Certificate] {
        self.chain.authorities()
    }
}

pub(super) fn verify_chain(
    trail: &mut Trail,
    chain: Option<&[u8]>,
    roots: &RootSet<'_>,
    by: Verifier<'_>,
) -> Result<Device, Stop> {
    let Some(bytes) = chain else {
        return Err(trail.stop(Code::ChainMissing, "device chain", "certificates as PEM", "none"));
    };
    let code = Code::CertificateEncoding;
    let list = trail.unwrap(code, "device chain: encoding", "PEM", pem::certificates(bytes))?;
    let mut certificates = Vec::new();
    for der in &list {
        let parsed = Certificate::parse(der);
        certificates.push(trail.unwrap(code, "device chain: encoding", "a certificate", parsed)?);
    }
    let (expected, found) = (DEVICE_CHAIN_CERTIFICATES, certificates.len());
    let is_whole = found == expected;
    trail.require(Code::ChainIncomplete, "device chain: certificates", expected, found, is_whole)?;
    // Linking would supply the root, and then there would be one authority too many.
    let last = certificates.last().filter(|last| last.is_self_issued());
    let found = if last.is_some() { "a root" } else { "none" };
    trail.require(Code::ChainIncomplete, "device chain: root", "a root", found, last.is_some())?;
    let root = roots.for_chain(certificates.last()).ok_or("none that can be read");
    let root = trail.unwrap(Code::ChainUntrustedRoot, "device chain: root", roots.names(), root)?;
    let chain = Chain::verify(trail, &PROFILE, certificates, &root, by)?;
    chain.check_validity(trail, &PROFILE, by.at)?;
    let device = read_leaf(trail, chain)?;
    let (expected, found) = ("an answer for each certificate", "none: the evidence has no place for them");
    trail.note(Code::RevocationUnchecked, "device chain: OCSP", expected, found, false);
    Ok(device)
}

/// What a leaf has to say so that it is one of NVIDIA's firmware on this chip.
fn read_leaf(trail: &mut Trail, chain: Chain) -> Result<Device, Stop> {
    let code = Code::CertificateProfile;
    let what = "device chain: extensions of the leaf";
    let fields = DeviceFields::read(chain.leaf());
    let fields = trail.unwrap(code, what, "those of a device", fields)?;
    let manufacturer = &fields.info.manufacturer;
    let is_nvidia = manufacturer == "NVIDIA";
    trail.require(code, "device chain: manufacturer", "NVIDIA", manufacturer, is_nvidia)?;
    let product = &fields.info.product;
    let kind = match product.as_bytes() {
        [b'G', ..] => Ok(DeviceKind::Gpu),
        [b'L', b'S', ..] => Ok(DeviceKind::Switch),
        _ => Err(product),
    };
    let kind = trail.unwrap(code, "device chain: product", "G… or LS…", kind)?;
    check_names(trail, &chain, product)?;
    // The key of the boot ROM: the leaf repeats it, so a leaf cannot be moved under the key of another device.
    if let (Some(device_key), Some(issuer)) = (&fields.device_key, chain.authorities().first()) {
        let is_same = device_key == issuer.key();
        let found = if is_same { "that key" } else { "another key" };
        let expected = format!("key of {}", issuer.subject());
        trail.require(code, "device chain: deviceID of the leaf", expected, found, is_same)?;
    }
    let key = chain.leaf().key();
    let key = *trail.unwrap(code, "device chain: key of the leaf", "P-384", key.p384().ok_or(key))?;
    Ok(Device { kind, fields, key, chain })
}

/// `GH100 A01 GSP FMC LF` under `GH100 A01 GSP BROM`.
fn check_names(trail: &mut Trail, chain: &Chain, product: &str) -> Result<(), Stop> {
    let code = Code::CertificateProfile;
    let common_name =
        |certificate: &Certificate| certificate.subject().common_name().map(ToString::to_string);
    let leaf = common_name(chain.leaf()).unwrap_or_default();
    let stem = leaf.strip_suffix(" FMC LF").filter(|stem| stem.split(' ').next() == Some(product));
    let expected = format!("{product} …, FMC LF");
    let stem = trail.unwrap(code, "device chain: name of the leaf", expected, stem.ok_or(&leaf))?;
    let expected = format!("{stem} BROM");
    let found = chain.authorities().first().and_then(common_name).unwrap_or_default();
    let is_expected = found == expected;
    trail.require(code, "device chain: name of the leaf's issuer", expected, found, is_expected)
}
