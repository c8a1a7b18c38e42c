//! What SEV-SNP measures, by VMM.
//!
//! Sources: QEMU `target/i386/sev.c` (`snp_populate_metadata_pages`, `sev_snp_launch_finish`). What Google's and Amazon's
//! VMMs do differently is published only as code that reproduces it: `sevsnpmeasure/guest.py` and `vmsa.py` of
//! virtee/sev-snp-measure 0.0.13.

use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU16;

use crate::launch::{Launch, Operations, Run, RunContents};
use crate::page::{Operation, PageType, Source};
use crate::rom::{Rom, SEV_TABLE};
use crate::section::{Section, SevSectionKind};
use crate::vmsa::{RESET_EIP, Vmsa};
use crate::{MEASUREMENT_BYTES, MeasureError, PAGE_BYTES, cpu};

/// Launch digest of a guest that starts from this ROM.
///
/// # Errors
/// The ROM is not one that the VMM would launch; see [`MeasureError`].
pub fn snp_launch_digest(rom: &[u8], profile: SnpProfile) -> Result<[u8; MEASUREMENT_BYTES], MeasureError> {
    Launch::snp(rom, profile).map(|launch| launch.measurement())
}

/// What the launch digest depends on besides the ROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnpProfile {
    /// Who launches.
    pub vmm: SnpVmm,
    /// Processors: each has a VMSA.
    pub vcpus: NonZeroU16,
    /// RDX at reset. Under QEMU the CPUID signature of the model that the guest is shown.
    pub cpu_signature: u32,
    /// `SEV_FEATURES` of the VMSA.
    pub sev_features: u64,
}

impl SnpProfile {
    /// QEMU 9.1 or later with `-bios`, `-smp 1`, `-cpu EPYC-v4`, and debug swap off.
    pub const QEMU: Self = Self::of(SnpVmm::Qemu, cpu::EPYC);
    /// Google Compute Engine, one processor.
    pub const GCE: Self = Self::of(SnpVmm::Gce, KVM_RESET_RDX);
    /// Amazon EC2, one processor. Guests that were launched before 2026 have 0 as their signature
    /// (virtee/sev-snp-measure#60).
    pub const EC2: Self = Self::of(SnpVmm::Ec2, KVM_RESET_RDX);

    const fn of(vmm: SnpVmm, cpu_signature: u32) -> Self {
        Self { vmm, vcpus: NonZeroU16::MIN, cpu_signature, sev_features: SNP_ACTIVE }
    }
}

impl fmt::Display for SnpProfile {
    /// One word for names of reference values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vmm, vcpus, cpu_signature, sev_features } = self;
        write!(f, "snp:{vmm}:vcpus={vcpus}:cpu={cpu_signature:#010x}:features={sev_features:#x}")
    }
}

/// RDX where the VMM has set no CPUID values before reset: Linux `kvm_vcpu_reset`.
const KVM_RESET_RDX: u32 = 0x600;
/// Bit 0 of `SEV_FEATURES`: AMD 24593 (APM volume 2), table B-4.
const SNP_ACTIVE: u64 = 1;

/// Who launches a SEV-SNP guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnpVmm {
    /// Upstream QEMU.
    Qemu,
    /// Google Compute Engine: sections of memory are not measured.
    Gce,
    /// Amazon EC2: the CPUID page comes after all other sections.
    Ec2,
}

impl fmt::Display for SnpVmm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Qemu => "qemu",
            Self::Gce => "gce",
            Self::Ec2 => "ec2",
        })
    }
}

/// Where a VMSA is measured: address -1, page-aligned, cut to 48 bits.
const VMSA_GPA: u64 = 0xFFFF_FFFF_F000;

/// Pages of the ROM in ascending order, then the sections of its SEV metadata, then the VMSAs.
pub(crate) fn runs<'a>(rom: &Rom<'a>, profile: SnpProfile) -> Result<Vec<Run<'a>>, MeasureError> {
    let sections = rom.sev_sections()?;
    let vmsas = vmsas(rom, profile)?;
    // A table of twelve bytes per section must not cost hundreds.
    let mut runs = Vec::with_capacity(sections.len().saturating_add(vmsas.len()).saturating_add(1));
    runs.push(Run {
        operations: update(PageType::Normal),
        source: Source::Rom,
        gpa: rom.gpa(),
        bytes: rom.bytes.len() as u64,
        contents: RunContents::File(0, rom.bytes),
    });
    let comes_last =
        |section: &Section<'_>| profile.vmm == SnpVmm::Ec2 && section.kind == SevSectionKind::CPUID.0;
    // Both groups in table order. Not sorted, which would take half as much again.
    for is_last in [false, true] {
        for (index, section) in sections.clone().enumerate() {
            if comes_last(&section) == is_last {
                runs.push(section_run(index, &section, profile.vmm)?);
            }
        }
    }
    runs.extend(vmsas);
    Ok(runs)
}

const fn update(page_type: PageType) -> Operations {
    Operations::One(Operation::SnpLaunchUpdate(page_type))
}

fn section_run<'a>(index: usize, section: &Section<'_>, vmm: SnpVmm) -> Result<Run<'a>, MeasureError> {
    let kind = SevSectionKind(section.kind);
    let page_type =
        page_type(section, vmm).map_err(|rule| MeasureError::Section { what: SEV_TABLE, index, rule })?;
    Ok(Run {
        operations: update(page_type),
        source: Source::SevSection { index, kind },
        gpa: section.gpa,
        bytes: section.bytes,
        contents: RunContents::Unmeasured,
    })
}

/// What a VMM makes of a section.
fn page_type(section: &Section<'_>, vmm: SnpVmm) -> Result<PageType, &'static str> {
    let one_page = section.bytes == PAGE_BYTES as u64;
    match SevSectionKind(section.kind) {
        SevSectionKind::MEMORY if vmm == SnpVmm::Gce => Ok(PageType::Unmeasured),
        // Kernel hashes are there only where QEMU is given a kernel: then it is another launch than those predicted here.
        SevSectionKind::MEMORY | SevSectionKind::SVSM_CALLING_AREA | SevSectionKind::KERNEL_HASHES => {
            Ok(PageType::Zero)
        }
        SevSectionKind::SECRETS if one_page => Ok(PageType::Secrets),
        SevSectionKind::CPUID if one_page => Ok(PageType::Cpuid),
        SevSectionKind::SECRETS | SevSectionKind::CPUID => Err("one page of secrets and one of CPUID values"),
        _ => Err("type 1 (memory), 2 (secrets), 3 (CPUID), 4 (SVSM calling area) or 0x10 (kernel hashes)"),
    }
}

fn vmsas<'a>(
    rom: &Rom<'_>,
    profile: SnpProfile,
) -> Result<impl ExactSizeIterator<Item = Run<'a>> + use<'a>, MeasureError> {
    // Nobody reads the address where nobody starts there.
    let ap_eip = if profile.vcpus.get() > 1 { rom.ap_reset()? } else { RESET_EIP };
    Ok((0..profile.vcpus.get()).map(move |vcpu| Run {
        operations: update(PageType::Vmsa),
        source: Source::Vmsa { vcpu },
        gpa: VMSA_GPA,
        bytes: PAGE_BYTES as u64,
        contents: RunContents::Vmsa(Vmsa { eip: if vcpu == 0 { RESET_EIP } else { ap_eip }, profile }),
    }))
}
