//! The command line of `redoubt-verify collateral`.

use std::path::PathBuf;

use attestation_collateral::{BaseUrl, Fmspc, PckCa, RimId};
use attestation_report::ProductLine;
use attestation_x509::Instant;
use clap::{Args, Subcommand, ValueEnum};

/// What to do.
#[derive(Debug, Subcommand)]
pub enum CollateralCommand {
    /// Fetch what is needed to verify some evidence, and keep it.
    #[command(after_help = FETCH_EXAMPLES)]
    Fetch(Box<FetchArguments>),
    /// Put evidence and everything that is needed to verify it into one file.
    #[command(after_help = BUNDLE_EXAMPLES)]
    Bundle(Box<BundleArguments>),
    /// List what is kept.
    List(ListArguments),
}

/// What to fetch, and from where.
#[derive(Debug, Args)]
pub struct FetchArguments {
    /// What it is about.
    #[command(flatten)]
    pub subject: SubjectArguments,
    /// Where from.
    #[command(flatten)]
    pub source: SourceArguments,
    /// Print what was done as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to bundle, and where to.
#[derive(Debug, Args)]
pub struct BundleArguments {
    /// What it is about.
    #[command(flatten)]
    pub subject: SubjectArguments,
    /// Where from.
    #[command(flatten)]
    pub source: SourceArguments,
    /// The bundle. It is written when everything is there, and not before.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Print what was done as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Whose files to list.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// Folder of what is kept; $REDOUBT_CACHE, or redoubt in the user's cache folder.
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Print the list as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Evidence, and what it does not say itself.
#[derive(Debug, Args)]
pub struct SubjectArguments {
    /// Reports, quotes, claims, and certificates that came with them. What a file is shows from its contents; where it does
    /// not, say so in front: event-log=ccel.bin, vtpm-signature=sig.bin, vtpm-pcrs=pcrs.bin.
    #[arg(value_name = "EVIDENCE")]
    pub evidence: Vec<String>,
    /// Product that a report of version 2 is from.
    #[arg(long, value_name = "LINE")]
    pub product: Option<Product>,
    /// FMSPC of a TDX platform, 12 hexadecimal digits; without a quote that says so.
    #[arg(long, value_name = "HEX", requires = "pck_ca")]
    pub fmspc: Option<Fmspc>,
    /// Who issued the PCK certificate of a TDX platform; without a quote that says so.
    #[arg(long, value_name = "CA", requires = "fmspc")]
    pub pck_ca: Option<Ca>,
    /// Manifest of a driver or VBIOS, instead of those that NVIDIA reports name; may be repeated.
    #[arg(long = "rim", value_name = "ID")]
    pub rims: Vec<RimId>,
}

/// Cache and services.
#[derive(Debug, Args)]
pub struct SourceArguments {
    /// Folder to keep answers in; $REDOUBT_CACHE, or redoubt in the user's cache folder.
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Ask nobody: only what is kept.
    #[arg(long, conflicts_with = "refresh")]
    pub offline: bool,
    /// Ask for everything, whatever is kept.
    #[arg(long)]
    pub refresh: bool,
    /// Time at which what is fetched has to hold, like 2026-04-06T00:00:00Z; now, without.
    #[arg(long, value_name = "TIME")]
    pub at: Option<Instant>,
    /// The longest to wait for a service that says "too many requests", for each object.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub wait: u64,
    /// Instead of the vendor's own, `https://kdsintf.amd.com`.
    #[arg(long, value_name = "URL")]
    pub kds_url: Option<BaseUrl>,
    /// Instead of the vendor's own, `https://api.trustedservices.intel.com`.
    #[arg(long, value_name = "URL")]
    pub pcs_url: Option<BaseUrl>,
    /// Instead of the vendor's own, `https://certificates.trustedservices.intel.com`.
    #[arg(long, value_name = "URL")]
    pub intel_certificates_url: Option<BaseUrl>,
    /// Instead of the vendor's own, `https://rim.attestation.nvidia.com`.
    #[arg(long, value_name = "URL")]
    pub rim_url: Option<BaseUrl>,
}

/// A product of AMD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Product {
    /// Third generation
    Milan,
    /// Fourth generation, with Bergamo and Siena
    Genoa,
    /// Fifth generation
    Turin,
}

impl From<Product> for ProductLine {
    fn from(product: Product) -> Self {
        match product {
            Product::Milan => Self::Milan,
            Product::Genoa => Self::Genoa,
            Product::Turin => Self::Turin,
        }
    }
}

/// An authority of Intel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ca {
    /// Intel SGX PCK Processor CA
    Processor,
    /// Intel SGX PCK Platform CA
    Platform,
}

impl From<Ca> for PckCa {
    fn from(ca: Ca) -> Self {
        match ca {
            Ca::Processor => Self::Processor,
            Ca::Platform => Self::Platform,
        }
    }
}

const FETCH_EXAMPLES: &str = "\
Exit status: 0 everything is there, 1 something is not to be had, 2 wrong usage or a file that cannot be used.
What is fetched is what was asked for, and verified by nobody yet: that is done with the evidence.

Examples:
  For a report of SEV-SNP; one of version 2 does not say what it is from:
    redoubt-verify collateral fetch report.bin
    redoubt-verify collateral fetch report-v2.bin --product milan

  For a TDX quote and the GPU beside it:
    redoubt-verify collateral fetch quote.bin gpu-report.bin gpu-chain.pem

  For a platform and a driver that are yet to be attested:
    redoubt-verify collateral fetch --fmspc 90c06f000000 --pck-ca platform \\
        --rim NV_GPU_DRIVER_GH100_535.104.05

  From a mirror of one's own:
    redoubt-verify collateral fetch report.bin --kds-url https://mirror.example/kds";

const BUNDLE_EXAMPLES: &str = "\
Exit status: 0 the bundle is written, 1 something is not to be had, 2 wrong usage or a file that cannot be used.

Examples:
  Everything to verify a report anywhere, at any later time:
    redoubt-verify collateral bundle report.bin --out evidence.bundle

  With the provider's VLEK, on a machine without network after `fetch`:
    redoubt-verify collateral bundle report.bin vlek.der --offline --out evidence.bundle

  A guest of Azure:
    redoubt-verify collateral bundle hcl.bin quote.bin vtpm-signature=sig.bin vtpm-pcrs=pcrs.bin \\
        --out evidence.bundle";
