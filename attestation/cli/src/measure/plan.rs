//! Which launches a command line means.

use core::num::NonZeroU16;

use attestation_measure::{CPU_MODELS, PageOrder, SnpProfile, SnpVmm};

use super::arguments::{LaunchArguments, PageOrderName, Tee, Vmm};

/// One way to launch a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaunchWay {
    /// SEV-SNP.
    Snp(SnpProfile),
    /// TDX.
    Tdx(PageOrder),
}

/// Options that do not fit each other. Whoever typed them is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{option}: expected {expected}, found {found}\n  {next}")]
pub struct UsageError {
    option: &'static str,
    expected: &'static str,
    found: &'static str,
    next: &'static str,
}

/// The launches to predict, SEV-SNP first; at least one.
///
/// # Errors
/// An option that would change nothing: whoever gave it expects that it does.
pub fn plan(arguments: &LaunchArguments) -> Result<Vec<LaunchWay>, UsageError> {
    check(arguments)?;
    let mut ways = Vec::new();
    if arguments.tee != Tee::Tdx {
        ways.push(LaunchWay::Snp(snp_profile(arguments)));
    }
    if arguments.tee != Tee::Snp && arguments.vmm != Vmm::Ec2 {
        ways.push(LaunchWay::Tdx(page_order(arguments)));
    }
    Ok(ways)
}

fn check(arguments: &LaunchArguments) -> Result<(), UsageError> {
    let LaunchArguments { tee, vmm, vcpus, cpu, cpu_signature, guest_features, page_order } = arguments;
    let not_of_tdx = UsageError {
        option: "--tee tdx",
        expected: "options of TDX only",
        found: "one of SEV-SNP",
        next: "leave out --vcpus, --cpu, --cpu-signature and --guest-features: MRTD depends on none of them",
    };
    let of_snp = vcpus.is_some() || cpu.is_some() || cpu_signature.is_some() || guest_features.is_some();
    if *tee == Tee::Tdx && of_snp {
        return Err(not_of_tdx);
    }
    if *tee == Tee::Snp && page_order.is_some() {
        return Err(UsageError {
            option: "--tee snp",
            expected: "options of SEV-SNP only",
            found: "--page-order",
            next: "leave out --page-order: the launch digest does not depend on it",
        });
    }
    if *vmm == Vmm::Ec2 && (*tee == Tee::Tdx || page_order.is_some()) {
        return Err(UsageError {
            option: "--vmm ec2",
            expected: "--tee snp",
            found: "an option of TDX",
            next: "name another VMM: Amazon EC2 launches no TDX guests",
        });
    }
    if *vmm != Vmm::Qemu && cpu.is_some() {
        return Err(UsageError {
            option: "--cpu",
            expected: "--vmm qemu",
            found: "a VMM that does not put the model into EDX",
            next: "leave out --cpu, or state EDX with --cpu-signature",
        });
    }
    Ok(())
}

fn snp_profile(arguments: &LaunchArguments) -> SnpProfile {
    let base = match arguments.vmm {
        Vmm::Qemu => SnpProfile::QEMU,
        Vmm::Gce => SnpProfile::GCE,
        Vmm::Ec2 => SnpProfile::EC2,
    };
    let model = arguments.cpu.as_deref().and_then(|model| CPU_MODELS.iter().find(|(name, _)| *name == model));
    let signature = arguments.cpu_signature.or(model.map(|(_, signature)| *signature));
    SnpProfile {
        vcpus: arguments.vcpus.and_then(NonZeroU16::new).unwrap_or(base.vcpus),
        cpu_signature: signature.unwrap_or(base.cpu_signature),
        sev_features: arguments.guest_features.unwrap_or(base.sev_features),
        ..base
    }
}

fn page_order(arguments: &LaunchArguments) -> PageOrder {
    match (arguments.page_order, arguments.vmm) {
        (Some(PageOrderName::Interleaved), _) => PageOrder::Interleaved,
        (Some(PageOrderName::TwoPass), _) | (None, Vmm::Gce) => PageOrder::TwoPass,
        (None, Vmm::Qemu | Vmm::Ec2) => PageOrder::Interleaved,
    }
}

impl LaunchWay {
    /// `snp` or `tdx`.
    #[must_use]
    pub const fn tee(&self) -> &'static str {
        match self {
            Self::Snp(_) => "snp",
            Self::Tdx(_) => "tdx",
        }
    }

    /// What the platform calls its measurement.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Snp(_) => "SEV-SNP launch digest",
            Self::Tdx(_) => "TDX MRTD",
        }
    }

    /// The way of the launch, for people.
    #[must_use]
    pub fn description(&self) -> String {
        match self {
            Self::Snp(profile) => snp_description(profile),
            Self::Tdx(PageOrder::Interleaved) => {
                "each page measured when added (QEMU 10.1 or later)".to_owned()
            }
            Self::Tdx(PageOrder::TwoPass) => {
                "pages of a section added, then measured (Google, QEMU forks of before 10.1)".to_owned()
            }
        }
    }

    /// The way of the launch in one word.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Snp(profile) => profile.to_string(),
            Self::Tdx(order) => order.to_string(),
        }
    }
}

fn snp_description(profile: &SnpProfile) -> String {
    let SnpProfile { vmm, vcpus, cpu_signature, sev_features } = profile;
    let processor = match vmm {
        SnpVmm::Qemu => format!("CPU signature {cpu_signature:#010x}{}", in_parentheses(*cpu_signature)),
        SnpVmm::Gce | SnpVmm::Ec2 => format!("EDX {cpu_signature:#x}"),
    };
    let vmm = match vmm {
        SnpVmm::Qemu => "QEMU",
        SnpVmm::Gce => "Google Compute Engine",
        SnpVmm::Ec2 => "Amazon EC2",
    };
    let plural = if vcpus.get() == 1 { "" } else { "s" };
    format!("{vmm}, {vcpus} vCPU{plural}, {processor}, guest features {sev_features:#x}")
}

/// The model with this signature, whichever version of it.
fn in_parentheses(cpu_signature: u32) -> String {
    let model = CPU_MODELS.iter().find(|(_, signature)| *signature == cpu_signature);
    model.map(|(name, _)| format!(" ({name})")).unwrap_or_default()
}
