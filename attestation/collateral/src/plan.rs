//! Which objects some evidence needs.

use attestation_bundle::Kind;
use attestation_report::{ProductLine, SigningKeyKind, SnpReport};
use attestation_x509::amd::KeyKind;

use crate::{ChipKey, Fmspc, NameError, PckCa, Request, RimId};

/// What to fetch, and what only whoever has the evidence can have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// To be fetched.
    pub requests: Vec<Request>,
    /// To be brought with the evidence: no service hands it out to everybody.
    pub brought: Vec<Kind>,
}

/// Evidence that says too little to plan for. Whoever supplied it is guilty, or who described it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Reports of version 2 do not say what chip they are from.
    #[error(
        "report of version {version}: expected the name of its product, found none; say which with --product"
    )]
    ProductUnknown {
        /// Version of the report.
        version: u32,
    },
    /// The report says otherwise.
    #[error("product: expected {named} as named, found {found} in the report")]
    ProductDiffers {
        /// As named.
        named: ProductLine,
        /// As reported.
        found: ProductLine,
    },
    /// No key, or one that is not defined.
    #[error("report SIGNING_KEY: expected 0 (VCEK) or 1 (VLEK), found {found}")]
    SigningKey {
        /// Number found.
        found: u32,
    },
    /// The report does not say whose certificate it needs.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// What a TDX quote says of its platform, in its PCK certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TdxPlatform {
    /// `FMSPC` of the SGX extensions.
    pub fmspc: Fmspc,
    /// Who issued the certificate.
    pub ca: PckCa,
}

/// For an SEV-SNP report. `named` is the product, where somebody says; reports of version 2 do not.
///
/// # Errors
/// The product is not known, or the report does not say which key signed it.
pub fn snp(report: &SnpReport, named: Option<ProductLine>) -> Result<Plan, PlanError> {
    let line = product(report, named)?;
    let crl = Request::AmdCrl { line };
    match report.signing_key() {
        SigningKeyKind::VCEK => {
            let vcek = Request::Vcek(ChipKey::of_report(report, line)?);
            let requests = vec![vcek, Request::VekChain { line, kind: KeyKind::Vcek }, crl];
            Ok(Plan { requests, brought: Vec::new() })
        }
        SigningKeyKind::VLEK => {
            let requests = vec![Request::VekChain { line, kind: KeyKind::Vlek }, crl];
            Ok(Plan { requests, brought: vec![Kind::Vek] })
        }
        SigningKeyKind(found) => Err(PlanError::SigningKey { found }),
    }
}

/// For a TDX quote that has its PCK certificate's chain in it.
#[must_use]
pub fn tdx(platform: TdxPlatform) -> Plan {
    let TdxPlatform { fmspc, ca } = platform;
    let requests =
        vec![Request::TcbInfo { fmspc }, Request::QeIdentity, Request::PckCrl { ca }, Request::RootCrl];
    Plan { requests, brought: Vec::new() }
}

/// For reports of NVIDIA's devices: the manifests of driver and VBIOS that they name, each once.
#[must_use]
pub fn nvidia(manifests: &[RimId]) -> Plan {
    let mut requests = Vec::new();
    for id in manifests {
        let request = Request::Rim { id: id.clone(), sha256: None };
        if !requests.contains(&request) {
            requests.push(request);
        }
    }
    Plan { requests, brought: Vec::new() }
}

impl Plan {
    /// Both, each object once.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for request in other.requests {
            if !self.requests.contains(&request) {
                self.requests.push(request);
            }
        }
        for kind in other.brought {
            if !self.brought.contains(&kind) {
                self.brought.push(kind);
            }
        }
        self
    }
}

fn product(report: &SnpReport, named: Option<ProductLine>) -> Result<ProductLine, PlanError> {
    let reported = report.cpuid().and_then(ProductLine::of_cpuid);
    match (reported, named) {
        (Some(found), Some(named)) if found != named => Err(PlanError::ProductDiffers { named, found }),
        (Some(line), _) | (None, Some(line)) => Ok(line),
        (None, None) => Err(PlanError::ProductUnknown { version: report.version.get() }),
    }
}
