//! The first processor's register state as KVM and QEMU set it up, which SNP measures.
//!
//! Source: AMD 24593 (APM volume 2), table B-4 "VMSA Layout"; values as observed by `sev-snp-measure`.

use crate::{PAGE_BYTES, SnpProfile};

/// Address of the first instruction.
const RESET_EIP: u32 = 0xFFFF_FFF0;

/// Attributes of a present, accessed, writable data segment.
const DATA: u16 = 0x93;
/// Attributes of a present, accessed, readable code segment.
const CODE: u16 = 0x9B;
const LDT: u16 = 0x82;
const BUSY_TSS: u16 = 0x8B;

/// Offset, selector, attributes, base. Every limit is 0xFFFF.
const SEGMENTS: [(usize, u16, u16, u64); 10] = [
    (0x000, 0, DATA, 0),                               // ES
    (0x010, 0xF000, CODE, RESET_EIP as u64 & !0xFFFF), // CS
    (0x020, 0, DATA, 0),                               // SS
    (0x030, 0, DATA, 0),                               // DS
    (0x040, 0, DATA, 0),                               // FS
    (0x050, 0, DATA, 0),                               // GS
    (0x060, 0, 0, 0),                                  // GDTR
    (0x070, 0, LDT, 0),                                // LDTR
    (0x080, 0, 0, 0),                                  // IDTR
    (0x090, 0, BUSY_TSS, 0),                           // TR
];

/// Registers that do not depend on the profile.
const REGISTERS: [(usize, u64); 11] = [
    (0x0D0, 0x1000),                    // EFER: SVME, set by KVM
    (0x148, 0x40),                      // CR4: MCE, set by KVM
    (0x158, 0x10),                      // CR0: ET
    (0x160, 0x400),                     // DR7
    (0x168, 0xFFFF_0FF0),               // DR6
    (0x170, 0x2),                       // RFLAGS
    (0x178, RESET_EIP as u64 & 0xFFFF), // RIP
    (0x268, 0x0007_0406_0007_0406),     // G_PAT
    (0x3E8, 0x1),                       // XCR0
    (0x408, 0x1F80),                    // MXCSR
    (0x410, 0x037F),                    // x87 FCW
];
const RDX: usize = 0x310;
const SEV_FEATURES: usize = 0x3B0;

/// The page that is measured.
pub(crate) fn vmsa_page(profile: SnpProfile) -> [u8; PAGE_BYTES] {
    let mut page = [0; PAGE_BYTES];
    for (offset, selector, attributes, base) in SEGMENTS {
        let fields = u64::from(selector) | (u64::from(attributes) << 16) | (0xFFFF << 32);
        write(&mut page, offset, fields);
        write(&mut page, offset.saturating_add(8), base);
    }
    let of_profile = [(RDX, profile.cpu_signature.into()), (SEV_FEATURES, profile.sev_features)];
    for (offset, value) in REGISTERS.into_iter().chain(of_profile) {
        write(&mut page, offset, value);
    }
    page
}

fn write(page: &mut [u8; PAGE_BYTES], offset: usize, value: u64) {
    page.iter_mut().skip(offset).zip(value.to_le_bytes()).for_each(|(to, from)| *to = from);
}
