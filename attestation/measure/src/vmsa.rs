//! A processor's register state as a VMM sets it up, which SNP measures.
//!
//! Source of the layout: AMD 24593 (APM volume 2), table B-4 "VMSA Layout". Values: APM volume 2, table 14-1 "Initial
//! Processor State", with what KVM and the VMMs change of it as virtee/sev-snp-measure 0.0.13 `sevsnpmeasure/vmsa.py` has it.

use crate::{PAGE_BYTES, SnpProfile, SnpVmm};

/// Address of the first processor's first instruction.
pub(crate) const RESET_EIP: u32 = 0xFFFF_FFF0;

/// Register state of one processor at launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vmsa {
    /// Address of the first instruction.
    pub eip: u32,
    /// What the rest depends on.
    pub profile: SnpProfile,
}

/// Attributes of a present, accessed, writable data segment.
const DATA: u16 = 0x93;
/// The same, not accessed yet.
const DATA_NOT_ACCESSED: u16 = 0x92;
/// Attributes of a present, accessed, readable code segment.
const CODE: u16 = 0x9B;
/// The same, not accessed yet.
const CODE_NOT_ACCESSED: u16 = 0x9A;
const LDT: u16 = 0x82;
/// 32-bit, busy.
const TSS: u16 = 0x8B;
/// 16-bit, busy.
const TSS_16: u16 = 0x83;

/// Registers that depend on nothing.
const REGISTERS: [(usize, u64); 7] = [
    (0x0D0, 0x1000),      // EFER: SVME, set by KVM
    (0x148, 0x40),        // CR4: MCE, set by KVM
    (0x158, 0x10),        // CR0: ET
    (0x160, 0x400),       // DR7
    (0x168, 0xFFFF_0FF0), // DR6
    (0x170, 0x2),         // RFLAGS
    (0x3E8, 0x1),         // XCR0
];
const RIP: usize = 0x178;
const G_PAT: usize = 0x268;
const RDX: usize = 0x310;
const SEV_FEATURES: usize = 0x3B0;
const MXCSR: usize = 0x408;
const X87_FCW: usize = 0x410;

/// What VMMs do differently.
struct Quirks {
    code: u16,
    stack: u16,
    tss: u16,
    g_pat: u64,
    mxcsr: u64,
    x87_fcw: u64,
}

impl Vmsa {
    /// The page that is measured.
    #[must_use]
    pub fn page(&self) -> [u8; PAGE_BYTES] {
        let mut page = [0; PAGE_BYTES];
        let Quirks { code, stack, tss, g_pat, mxcsr, x87_fcw } = self.quirks();
        let code_base = u64::from(self.eip & 0xFFFF_0000);
        // Offset, selector, attributes, base. Every limit is 0xFFFF.
        let segments: [(usize, u16, u16, u64); 10] = [
            (0x000, 0, DATA, 0),              // ES
            (0x010, 0xF000, code, code_base), // CS
            (0x020, 0, stack, 0),             // SS
            (0x030, 0, DATA, 0),              // DS
            (0x040, 0, DATA, 0),              // FS
            (0x050, 0, DATA, 0),              // GS
            (0x060, 0, 0, 0),                 // GDTR
            (0x070, 0, LDT, 0),               // LDTR
            (0x080, 0, 0, 0),                 // IDTR
            (0x090, 0, tss, 0),               // TR
        ];
        for (offset, selector, attributes, base) in segments {
            let fields = u64::from(selector) | (u64::from(attributes) << 16) | (0xFFFF << 32);
            write(&mut page, offset, fields);
            write(&mut page, offset.saturating_add(8), base);
        }
        let others = [
            (RIP, u64::from(self.eip & 0xFFFF)),
            (G_PAT, g_pat),
            (RDX, self.profile.cpu_signature.into()),
            (SEV_FEATURES, self.profile.sev_features),
            (MXCSR, mxcsr),
            (X87_FCW, x87_fcw),
        ];
        REGISTERS.into_iter().chain(others).for_each(|(offset, value)| write(&mut page, offset, value));
        page
    }

    const fn quirks(&self) -> Quirks {
        // APM volume 2, §7.8.2: the PAT's reset value.
        let reset_pat = 0x0007_0406_0007_0406;
        match self.profile.vmm {
            SnpVmm::Qemu => {
                Quirks { code: CODE, stack: DATA, tss: TSS, g_pat: reset_pat, mxcsr: 0x1F80, x87_fcw: 0x037F }
            }
            SnpVmm::Gce => {
                Quirks { code: CODE, stack: DATA, tss: TSS, g_pat: 0x0007_0106, mxcsr: 0, x87_fcw: 0 }
            }
            SnpVmm::Ec2 => Quirks {
                code: if self.eip == RESET_EIP { CODE_NOT_ACCESSED } else { CODE },
                stack: DATA_NOT_ACCESSED,
                tss: TSS_16,
                g_pat: reset_pat,
                mxcsr: 0,
                x87_fcw: 0,
            },
        }
    }
}

fn write(page: &mut [u8; PAGE_BYTES], offset: usize, value: u64) {
    page.iter_mut().skip(offset).zip(value.to_le_bytes()).for_each(|(to, from)| *to = from);
}
