//! What can be asked for: addresses, limits, names in the cache.
//!
//! Spec: AMD publication 57230, "KDS Interface"; Intel "API Documentation, Provisioning Certification Service" version 4,
//! sections "Get Revocation List", "Get TDX TCB Info", "Get TDX Quoting Enclave Identity"; NVIDIA "RIM Service Public API",
//! "Get RIM by ID".

use core::fmt;

use attestation_bundle::Kind;
use attestation_report::ProductLine;
use attestation_x509::amd::KeyKind;
use attestation_x509::{CERTIFICATE_MAX_BYTES, CRL_MAX_BYTES};

use crate::{ChipKey, Endpoints, Fmspc, PckCa, RimId, Service};

/// Base64 of the longest RIM, and the fields around it.
const RIM_ANSWER_MAX_BYTES: usize = 192 * 1024;
const _: () =
    assert!(RIM_ANSWER_MAX_BYTES >= Kind::Rim.max_bytes() / 3 * 4 + 4096, "a RIM in base64 fits its answer");

/// An object of a vendor's service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// A chip's certificate. Kept for ever: the key of a chip and a TCB does not change.
    Vcek(ChipKey),
    /// ASK or ASVK, and ARK.
    VekChain {
        /// Product.
        line: ProductLine,
        /// ASK for VCEKs, ASVK for VLEKs.
        kind: KeyKind,
    },
    /// What an ARK has revoked. Kept until its `nextUpdate`.
    AmdCrl {
        /// Product.
        line: ProductLine,
    },
    /// Levels of firmware of a platform. Kept until its `nextUpdate`.
    TcbInfo {
        /// Platform.
        fmspc: Fmspc,
    },
    /// Identity of the TD quoting enclave. Kept until its `nextUpdate`.
    QeIdentity,
    /// What a PCK CA has revoked. Kept until its `nextUpdate`.
    PckCrl {
        /// Which CA.
        ca: PckCa,
    },
    /// What the Intel SGX Root CA has revoked. Kept until its `nextUpdate`.
    RootCrl,
    /// A reference integrity manifest. Vendors issue other contents under the same name, so without a digest it is asked for
    /// again after some days, and with one it is kept for ever.
    Rim {
        /// Name.
        id: RimId,
        /// SHA-256 of the manifest, where it has to be this one.
        sha256: Option<[u8; 32]>,
    },
}

impl Request {
    /// Who is asked.
    #[must_use]
    pub const fn service(&self) -> Service {
        match self {
            Self::Vcek(_) | Self::VekChain { .. } | Self::AmdCrl { .. } => Service::Kds,
            Self::TcbInfo { .. } | Self::QeIdentity | Self::PckCrl { .. } => Service::Pcs,
            Self::RootCrl => Service::IntelCertificates,
            Self::Rim { .. } => Service::Rim,
        }
    }

    /// The whole address.
    #[must_use]
    pub fn url(&self, endpoints: &Endpoints) -> String {
        format!("{}{}", endpoints.of(self.service()), self.path())
    }

    fn path(&self) -> String {
        match self {
            Self::Vcek(key) => vcek_path(key),
            Self::VekChain { line, kind: KeyKind::Vcek } => format!("/vcek/v1/{line}/cert_chain"),
            Self::VekChain { line, kind: KeyKind::Vlek } => format!("/vlek/v1/{line}/cert_chain"),
            Self::AmdCrl { line } => format!("/vcek/v1/{line}/crl"),
            Self::TcbInfo { fmspc } => format!("/tdx/certification/v4/tcb?fmspc={fmspc}"),
            Self::QeIdentity => "/tdx/certification/v4/qe/identity".into(),
            Self::PckCrl { ca } => {
                format!("/sgx/certification/v4/pckcrl?ca={}&encoding=der", ca.parameter())
            }
            Self::RootCrl => "/IntelSGXRootCA.der".into(),
            Self::Rim { id, .. } => format!("/v1/rim/{id}"),
        }
    }

    /// Whether the answer is JSON; others are DER or PEM.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        matches!(self, Self::TcbInfo { .. } | Self::QeIdentity | Self::Rim { .. })
    }

    /// The longest answer that is read.
    #[must_use]
    pub const fn body_max_bytes(&self) -> usize {
        match self {
            Self::Vcek(_) => CERTIFICATE_MAX_BYTES,
            Self::VekChain { .. } | Self::QeIdentity => 32 * 1024,
            Self::AmdCrl { .. } | Self::PckCrl { .. } | Self::RootCrl => CRL_MAX_BYTES,
            Self::TcbInfo { .. } => 128 * 1024,
            Self::Rim { .. } => RIM_ANSWER_MAX_BYTES,
        }
    }

    /// The header that brings the chain of who signed the object.
    #[must_use]
    pub const fn chain_header(&self) -> Option<&'static str> {
        match self {
            Self::TcbInfo { .. } => Some("TCB-Info-Issuer-Chain"),
            Self::QeIdentity => Some("SGX-Enclave-Identity-Issuer-Chain"),
            Self::PckCrl { .. } => Some("SGX-PCK-CRL-Issuer-Chain"),
            _ => None,
        }
    }

    /// What the object is in a bundle, and what the chain that comes with it is.
    #[must_use]
    pub const fn kinds(&self) -> (Kind, Option<Kind>) {
        match self {
            Self::Vcek(_) => (Kind::Vek, None),
            Self::VekChain { .. } => (Kind::AmdChain, None),
            Self::AmdCrl { .. } => (Kind::AmdCrl, None),
            Self::TcbInfo { .. } => (Kind::TcbInfo, Some(Kind::TcbInfoChain)),
            Self::QeIdentity => (Kind::QeIdentity, Some(Kind::QeIdentityChain)),
            Self::PckCrl { .. } => (Kind::PckCrl, Some(Kind::PckCrlChain)),
            Self::RootCrl => (Kind::RootCrl, None),
            Self::Rim { .. } => (Kind::Rim, None),
        }
    }

    /// Name in the cache: chip and TCB, never the certificate, which is another one after each request.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Vcek(key) => {
                let tcb = key.tcb();
                let fmc = tcb.fmc.map(|fmc| format!("-fmc{fmc}")).unwrap_or_default();
                let id = hex::encode(key.hardware_id());
                let (line, boot_loader, tee, snp) = (key.line(), tcb.boot_loader, tcb.tee, tcb.snp);
                format!("vcek-{line}-{id}{fmc}-bl{boot_loader}-tee{tee}-snp{snp}-ucode{}", tcb.microcode)
            }
            Self::VekChain { line, kind: KeyKind::Vcek } => format!("vcek-chain-{line}"),
            Self::VekChain { line, kind: KeyKind::Vlek } => format!("vlek-chain-{line}"),
            Self::AmdCrl { line } => format!("crl-{line}"),
            Self::TcbInfo { fmspc } => format!("tdx-tcb-info-{fmspc}"),
            Self::QeIdentity => "tdx-qe-identity".into(),
            Self::PckCrl { ca } => format!("pck-crl-{}", ca.parameter()),
            Self::RootCrl => "root-ca-crl".into(),
            Self::Rim { id, sha256: None } => format!("rim-{id}"),
            Self::Rim { id, sha256: Some(digest) } => format!("rim-{id}-{}", hex::encode(digest)),
        }
    }
}

/// For people.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vcek(key) => {
                let id = hex::encode(key.hardware_id().get(..4).unwrap_or_default());
                write!(f, "VCEK of {} chip {id}…", key.line())
            }
            Self::VekChain { line, kind: KeyKind::Vcek } => write!(f, "ASK and ARK of {line}"),
            Self::VekChain { line, kind: KeyKind::Vlek } => write!(f, "ASVK and ARK of {line}"),
            Self::AmdCrl { line } => write!(f, "CRL of {line}"),
            Self::TcbInfo { fmspc } => write!(f, "TDX TCB info of {fmspc}"),
            Self::QeIdentity => f.write_str("TDX QE identity"),
            Self::PckCrl { ca } => write!(f, "CRL of the PCK {} CA", ca.parameter()),
            Self::RootCrl => f.write_str("CRL of the Intel SGX Root CA"),
            Self::Rim { id, .. } => write!(f, "RIM {id}"),
        }
    }
}

/// Parameters are decimal. Turin's chips have a version number more, which comes first.
fn vcek_path(key: &ChipKey) -> String {
    let (line, tcb, id) = (key.line(), key.tcb(), hex::encode(key.hardware_id()));
    let fmc = tcb.fmc.map(|fmc| format!("fmcSPL={fmc}&")).unwrap_or_default();
    let (boot_loader, tee, snp, microcode) = (tcb.boot_loader, tcb.tee, tcb.snp, tcb.microcode);
    format!("/vcek/v1/{line}/{id}?{fmc}blSPL={boot_loader}&teeSPL={tee}&snpSPL={snp}&ucodeSPL={microcode}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_specifications() {
        let fmspc = Fmspc([0x90, 0xC0, 0x6F, 0, 0, 0]);
        let id: RimId = "NV_GPU_DRIVER_GH100_535.104.05".parse().unwrap();
        let line = ProductLine::Genoa;
        for (request, url) in [
            (
                Request::VekChain { line, kind: KeyKind::Vcek },
                "https://kdsintf.amd.com/vcek/v1/Genoa/cert_chain",
            ),
            (
                Request::VekChain { line, kind: KeyKind::Vlek },
                "https://kdsintf.amd.com/vlek/v1/Genoa/cert_chain",
            ),
            (Request::AmdCrl { line }, "https://kdsintf.amd.com/vcek/v1/Genoa/crl"),
            (
                Request::TcbInfo { fmspc },
                "https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=90c06f000000",
            ),
            (Request::QeIdentity, "https://api.trustedservices.intel.com/tdx/certification/v4/qe/identity"),
            (
                Request::PckCrl { ca: PckCa::Platform },
                "https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
            ),
            (Request::RootCrl, "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"),
            (
                Request::Rim { id, sha256: Some([0; 32]) },
                "https://rim.attestation.nvidia.com/v1/rim/NV_GPU_DRIVER_GH100_535.104.05",
            ),
        ] {
            assert_eq!(request.url(&Endpoints::default()), url);
        }
    }
}
