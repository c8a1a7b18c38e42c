//! The command lines of `measure` and `diff`.

use std::path::PathBuf;

use attestation_measure::CPU_MODELS;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

/// What to measure.
#[derive(Debug, Args)]
pub struct MeasureArguments {
    /// The ROM that guests are launched from.
    #[arg(value_name = "ROM")]
    pub rom: PathBuf,
    /// How they are launched.
    #[command(flatten)]
    pub launch: LaunchArguments,
    /// Print every page that enters the measurement, in order, with the measurement so far.
    #[arg(long)]
    pub explain: bool,
    /// Print JSON, with every value in full.
    #[arg(long)]
    pub json: bool,
    /// Also write the measurements to this file as reference values in CoRIM format.
    #[arg(long, value_name = "FILE")]
    pub corim: Option<PathBuf>,
}

/// What to compare.
#[derive(Debug, Args)]
pub struct DiffArguments {
    /// One ROM.
    #[arg(value_name = "A")]
    pub left: PathBuf,
    /// Another ROM.
    #[arg(value_name = "B")]
    pub right: PathBuf,
    /// How guests are launched from either.
    #[command(flatten)]
    pub launch: LaunchArguments,
    /// Print JSON, with every value in full.
    #[arg(long)]
    pub json: bool,
}

/// What measurements depend on besides the ROM.
#[derive(Debug, Clone, Args)]
pub struct LaunchArguments {
    /// Platform whose measurement is predicted.
    #[arg(long, value_enum, default_value_t = Tee::All)]
    pub tee: Tee,
    /// Who launches the guest.
    #[arg(long, value_enum, default_value_t = Vmm::Qemu)]
    pub vmm: Vmm,
    /// SEV-SNP: processors of the guest [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub vcpus: Option<u16>,
    /// SEV-SNP under QEMU: model after `-cpu` [default: EPYC-v4]
    #[arg(
        long,
        value_name = "MODEL",
        conflicts_with = "cpu_signature",
        hide_possible_values = true,
        value_parser = PossibleValuesParser::new(CPU_MODELS.map(|(name, _)| name))
    )]
    pub cpu: Option<String>,
    /// SEV-SNP: EDX at reset, in hexadecimal; under QEMU the CPUID signature of the model
    #[arg(long, value_name = "HEX", value_parser = cpu_signature)]
    pub cpu_signature: Option<u32>,
    /// SEV-SNP: SEV_FEATURES of the VMSA, in hexadecimal; 0x21 where the host turns debug swap on [default: 0x1]
    #[arg(long, value_name = "HEX", value_parser = hexadecimal)]
    pub guest_features: Option<u64>,
    /// TDX: order in which pages are added and measured [default: that of the VMM]
    #[arg(long, value_enum)]
    pub page_order: Option<PageOrderName>,
}

/// Platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tee {
    /// AMD SEV-SNP: launch digest
    Snp,
    /// Intel TDX: MRTD
    Tdx,
    /// Every platform that the VMM has
    All,
}

/// Virtual machine monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Vmm {
    /// Upstream QEMU: 9.1 or later for SEV-SNP, 10.1 or later for TDX
    Qemu,
    /// Google Compute Engine
    Gce,
    /// Amazon EC2: SEV-SNP only
    Ec2,
}

/// Order of operations on the pages of a TDX guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PageOrderName {
    /// Add a page and measure it, then the next: upstream QEMU
    Interleaved,
    /// Add all pages of a section, then measure them: Google, QEMU forks of before 10.1
    TwoPass,
}

fn hexadecimal(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    // `from_str_radix` takes a sign.
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u64::from_str_radix(digits, 16).ok().filter(|_| is_number);
    number.ok_or_else(|| "expected up to 16 hexadecimal digits, such as 0x21".to_owned())
}

fn cpu_signature(text: &str) -> Result<u32, String> {
    let number = hexadecimal(text).ok().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| "expected up to 8 hexadecimal digits, such as 0x00800f12".to_owned())
}

/// Shown after the help of `measure`.
pub const MEASURE_EXAMPLES: &str = "\
Exit status: 0 measured, 2 wrong usage, or a file that cannot be read or is no ROM.

Examples:
  What our launches measure to:
    redoubt-verify measure dist/redoubt.rom

  Four processors of a newer model; the host's kernel swaps debug registers:
    redoubt-verify measure dist/redoubt.rom --tee snp \\
        --vcpus 4 --cpu EPYC-Milan --guest-features 0x21

  Google's and Amazon's machines; Amazon's before 2026 started with EDX 0:
    redoubt-verify measure dist/redoubt.rom --vmm gce
    redoubt-verify measure dist/redoubt.rom --vmm ec2 --vcpus 2 --cpu-signature 0

  Why a measurement is what it is, page by page:
    redoubt-verify measure dist/redoubt.rom --tee tdx --explain | less

  Reference values for verifiers that read CoRIM:
    redoubt-verify measure dist/redoubt.rom --corim redoubt.corim";

/// Shown after the help of `diff`.
pub const DIFF_EXAMPLES: &str = "\
Exit status: 0 the measurements are equal, 1 one differs, 2 wrong usage, or a file that cannot be read or is no ROM.

Examples:
  Why this ROM does not measure to what that one does:
    redoubt-verify diff dist/redoubt.rom rebuilt/redoubt.rom

  The same as a program reads it:
    redoubt-verify diff old.rom new.rom --tee snp --json | jq '.comparisons[0].first'";
