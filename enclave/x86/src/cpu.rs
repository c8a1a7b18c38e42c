//! Processor features and control registers.

use core::arch::x86_64::{__cpuid_count, CpuidResult};

use x86_64::registers::control::{Cr4, Cr4Flags};
use x86_64::registers::xcontrol::{XCr0, XCr0Flags};

/// A register that CPUID returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuidRegister {
    /// EAX.
    Eax,
    /// EBX.
    Ebx,
    /// ECX.
    Ecx,
    /// EDX.
    Edx,
}

/// One feature bit of CPUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuidBit {
    /// Name for people, as in the processor manuals.
    pub name: &'static str,
    /// Leaf.
    pub leaf: u32,
    /// Sub-leaf.
    pub subleaf: u32,
    /// Register.
    pub register: CpuidRegister,
    /// Bit number.
    pub bit: u8,
}

/// What the guest itself needs, whatever the workload was compiled for. XSAVE comes first: without it AVX cannot be
/// switched on.
pub const GUEST_FEATURES: [CpuidBit; 4] = [
    CpuidBit { name: "XSAVE", leaf: 1, subleaf: 0, register: CpuidRegister::Ecx, bit: 26 },
    CpuidBit { name: "RDRAND", leaf: 1, subleaf: 0, register: CpuidRegister::Ecx, bit: 30 },
    CpuidBit { name: "NX", leaf: 0x8000_0001, subleaf: 0, register: CpuidRegister::Edx, bit: 20 },
    CpuidBit { name: "AVX", leaf: 1, subleaf: 0, register: CpuidRegister::Ecx, bit: 28 },
];

/// What a guest with more than 1 GiB of RAM needs on top: the boot page tables map the rest with such pages.
pub const GIB_PAGES: CpuidBit = CpuidBit {
    name: "1 GiB pages (PDPE1GB), which memory_mib above 1024 needs",
    leaf: 0x8000_0001,
    subleaf: 0,
    register: CpuidRegister::Edx,
    bit: 26,
};

/// Runs CPUID; leaves above the maximum of their range read as zero instead of as some other leaf.
#[must_use]
pub fn cpuid(leaf: u32, subleaf: u32) -> CpuidResult {
    let range = leaf & 0xC000_0000;
    if leaf > __cpuid_count(range, 0).eax {
        return CpuidResult { eax: 0, ebx: 0, ecx: 0, edx: 0 };
    }
    __cpuid_count(leaf, subleaf)
}

/// Whether the processor reports a feature.
#[must_use]
pub fn has(feature: CpuidBit) -> bool {
    let result = cpuid(feature.leaf, feature.subleaf);
    let register = match feature.register {
        CpuidRegister::Eax => result.eax,
        CpuidRegister::Ebx => result.ebx,
        CpuidRegister::Ecx => result.ecx,
        CpuidRegister::Edx => result.edx,
    };
    register & (1 << feature.bit) != 0
}

/// Switches SSE and AVX state on. Call once, after [`GUEST_FEATURES`] were found present.
pub fn enable_avx() {
    // SAFETY: the caller checked XSAVE; setting OSXSAVE changes no memory.
    unsafe { Cr4::update(|flags| flags.insert(Cr4Flags::OSXSAVE)) }
    // SAFETY: OSXSAVE is set and the caller checked AVX, so bits 0 to 2 are valid together.
    unsafe { XCr0::write(XCr0Flags::X87 | XCr0Flags::SSE | XCr0Flags::AVX) }
}

/// Waits for ever, by an instruction that no hypervisor has to emulate.
pub fn park() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
