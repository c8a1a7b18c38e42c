//! The SEV-SNP launch digest under QEMU.

use sha2::{Digest, Sha384};

use crate::rom::{Rom, Section, page_addresses};
use crate::vmsa::vmsa_page;
use crate::{MEASUREMENT_BYTES, MeasureError};

/// What the launch digest depends on besides the ROM. One processor: a second one would add a VMSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnpProfile {
    /// CPUID signature of the model that QEMU shows the guest; it is in RDX at reset.
    pub cpu_signature: u32,
    /// `SEV_FEATURES` of the VMSA.
    pub sev_features: u64,
}

impl SnpProfile {
    /// QEMU 9.1 or later with `-bios`, `-smp 1`, `-cpu EPYC-v4`, and debug swap off.
    pub const QEMU: Self = Self { cpu_signature: 0x80_0F12, sev_features: 0x1 };
}

/// Launch digest of a guest that starts from this ROM: its pages in ascending order, then the sections of its SEV
/// metadata in table order, then the VMSA.
///
/// # Errors
/// The ROM is not one that QEMU would launch; see [`MeasureError`].
pub fn snp_launch_digest(rom: &[u8], profile: SnpProfile) -> Result<[u8; MEASUREMENT_BYTES], MeasureError> {
    let rom = Rom::parse(rom)?;
    let mut digest = LaunchDigest([0; MEASUREMENT_BYTES]);
    for (gpa, page) in rom.pages() {
        digest.add(PageType::Normal, gpa, &sha384(page));
    }
    for (index, section) in rom.sev_sections()?.iter().enumerate() {
        let page_type = page_type(section, index)?;
        for gpa in page_addresses(section.gpa, section.bytes) {
            digest.add(page_type, gpa, &[0; MEASUREMENT_BYTES]);
        }
    }
    digest.add(PageType::Vmsa, VMSA_GPA, &sha384(&vmsa_page(profile)));
    Ok(digest.0)
}

/// Where the VMSA is measured: address -1, page-aligned, cut to 48 bits.
const VMSA_GPA: u64 = 0xFFFF_FFFF_F000;
/// Length field of `PAGE_INFO`.
const PAGE_INFO_BYTES: u16 = 0x70;

/// `PAGE_TYPE` of `PAGE_INFO`.
#[derive(Clone, Copy)]
#[repr(u8)]
enum PageType {
    Normal = 1,
    Vmsa = 2,
    Zero = 3,
    Secrets = 5,
    Cpuid = 6,
}

/// The chain over `PAGE_INFO` structures.
struct LaunchDigest([u8; MEASUREMENT_BYTES]);

impl LaunchDigest {
    fn add(&mut self, page_type: PageType, gpa: u64, contents: &[u8; MEASUREMENT_BYTES]) {
        let mut hash = Sha384::new();
        hash.update(self.0);
        hash.update(contents);
        hash.update(PAGE_INFO_BYTES.to_le_bytes());
        // Type; not an initial migration image; no permissions for VMPL 3, 2 and 1; reserved.
        hash.update([page_type as u8, 0, 0, 0, 0, 0]);
        hash.update(gpa.to_le_bytes());
        self.0 = hash.finalize().into();
    }
}

/// What QEMU makes of a section of SEV metadata (`snp_populate_metadata_pages`).
fn page_type(section: &Section<'_>, index: usize) -> Result<PageType, MeasureError> {
    let broken = |rule| MeasureError::Section { what: "SEV metadata", index, rule };
    let one_page = section.bytes == crate::PAGE_BYTES as u64;
    match section.kind {
        1 => Ok(PageType::Zero),
        2 if one_page => Ok(PageType::Secrets),
        3 if one_page => Ok(PageType::Cpuid),
        2 | 3 => Err(broken("one page of secrets and one of CPUID values")),
        // Type 4 (calling area of an SVSM) and 0x10 (kernel hashes) mean another guest than ours.
        _ => Err(broken("type 1 (memory), 2 (secrets) or 3 (CPUID)")),
    }
}

fn sha384(bytes: &[u8]) -> [u8; MEASUREMENT_BYTES] {
    Sha384::digest(bytes).into()
}
