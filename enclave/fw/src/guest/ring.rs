//! What the cryptographic library asks of the machine that it runs on.

use enclave_x86::cpu::cpuid;

/// EBX of leaf 0 for "GenuineIntel".
const INTEL: u32 = u32::from_le_bytes(*b"Genu");
/// A bit of EDX that means this in the answer, and something else in CPUID.
const IS_INTEL: u32 = 1 << 30;

/// Tells `ring` what the processor can do, once, before it chooses among its implementations.
///
/// This symbol takes the place of a C function of `ring` that executes CPUID itself. In a confidential guest that
/// instruction is intercepted, and every intercepted instruction that the guest did not mean to execute ends it; so
/// all questions to the processor go through one place.
///
/// The layout is that function's: EDX and ECX of leaf 1, EBX and ECX of leaf 7. It would take the bits of AVX away where
/// the registers are not switched on; here boot has done that. Those of AVX-512 it would take away as well: this
/// version of `ring` does not look at them.
#[unsafe(export_name = "ring_core_0_17_14__OPENSSL_cpuid_setup")]
extern "C" fn cpuid_setup(features: &mut [u32; 4]) {
    let (first, seventh) = (cpuid(1, 0), cpuid(7, 0));
    let intel = if cpuid(0, 0).ebx == INTEL { IS_INTEL } else { 0 };
    *features = [first.edx & !IS_INTEL | intel, first.ecx, seventh.ebx, seventh.ecx];
}
