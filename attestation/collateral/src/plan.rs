//! Which objects some evidence needs.
//!
//! Evidence is read and not believed here: what a forged report asks for is fetched, and then does not fit it.

use attestation_bundle::Kind;
use attestation_report::spdm::{FieldId, MeasurementReport};
use attestation_report::tdx::{CertificationDataType, Quote};
use attestation_report::{ProductLine, SigningKeyKind, SnpReport};
use attestation_x509::amd::KeyKind;
use attestation_x509::intel::{PckFields, Role};
use attestation_x509::{Certificate, X509Error, pem};

use crate::names::beginning;
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
    /// The quote has no PCK certificate in it, and none came with it.
    #[error("quote: expected certification data of type 5 or a PCK chain beside it, found type {found}")]
    PckMissing {
        /// Type found.
        found: u16,
    },
    /// Not a PCK certificate.
    #[error("PCK certificate: {0}")]
    Pck(#[from] X509Error),
    /// Which authority issued it is not known.
    #[error("PCK certificate, issuer: expected the Intel SGX PCK Platform or Processor CA, found {found:?}")]
    PckIssuer {
        /// Its name, or the beginning.
        found: String,
    },
    /// A device whose manifests' names are not known.
    #[error("NVIDIA report, {field}: expected {expected}, found {found:?}; say which manifests with --rim")]
    Device {
        /// Which field.
        field: &'static str,
        /// What names are known for.
        expected: &'static str,
        /// What stands there, or its beginning.
        found: String,
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

impl TdxPlatform {
    /// What a quote says of its platform; `brought` is PEM of the PCK chain, where it came beside the quote.
    ///
    /// # Errors
    /// There is no PCK certificate, or it is not one as Intel issues them.
    pub fn of_quote(quote: &Quote<'_>, brought: Option<&[u8]>) -> Result<Self, PlanError> {
        let data = quote.signature_data.certification_data;
        let is_inside = data.data_type == CertificationDataType::PCK_CHAIN;
        let chain = if is_inside { Some(data.bytes) } else { brought };
        let chain = chain.ok_or(PlanError::PckMissing { found: data.data_type.0 })?;
        // A list that is read has a first certificate.
        let leaf = pem::certificates(chain)?.into_iter().next().unwrap_or_default();
        let leaf = Certificate::parse(&leaf)?;
        let fmspc = Fmspc(PckFields::read(&leaf)?.fmspc);
        match Role::of(leaf.issuer())? {
            Role::PlatformCa => Ok(Self { fmspc, ca: PckCa::Platform }),
            Role::ProcessorCa => Ok(Self { fmspc, ca: PckCa::Processor }),
            _ => Err(PlanError::PckIssuer { found: beginning(&leaf.issuer().to_string()) }),
        }
    }
}

/// Names of the manifests of driver and VBIOS that a GPU of the Hopper line reports; `leaf` is its certificate.
///
/// Spec: "RIM Service, API Documentation", "RIM ID Naming Convention". Names of other lines' manifests are not known here.
///
/// # Errors
/// Another device, or a version that has no place in a name.
pub fn rims_of(report: &MeasurementReport<'_>, leaf: &Certificate) -> Result<[RimId; 2], PlanError> {
    const LINE: &str = "GH100";
    let subject = leaf.subject().common_name().unwrap_or_default();
    if subject.split(' ').next() != Some(LINE) {
        let (field, expected, found) = ("device", LINE, beginning(subject));
        return Err(PlanError::Device { field, expected, found });
    }
    let fields = report.fields();
    let text = |field, id: FieldId| {
        let missing = PlanError::Device { field, expected: "text", found: String::new() };
        fields.text(id).map(str::to_ascii_uppercase).ok_or(missing)
    };
    let driver = text("driver version", FieldId::DRIVER_VERSION)?;
    let project = text("project", FieldId::PROJECT)?;
    let project_sku = text("project SKU", FieldId::PROJECT_SKU)?;
    let chip_sku = text("chip SKU", FieldId::CHIP_SKU)?;
    let unknown = PlanError::Device { field: "VBIOS version", expected: "a version", found: String::new() };
    let vbios = fields.vbios_version().ok_or(unknown)?.to_string().replace('.', "").to_ascii_uppercase();
    Ok([
        format!("NV_GPU_DRIVER_{LINE}_{driver}").parse()?,
        format!("NV_GPU_VBIOS_{project}_{project_sku}_{chip_sku}_{vbios}").parse()?,
    ])
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
