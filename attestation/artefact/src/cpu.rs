//! The instruction set extensions that artefacts use, in the one table that compiler, engine and boot code share.

/// Output register of the CPUID instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuidRegister {
    /// EBX.
    Ebx,
    /// ECX.
    Ecx,
}

/// One instruction set extension and where CPUID reports it (AMD64 manual volume 3, appendix E; Intel SDM volume 2A,
/// table 3-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuFeature {
    /// Name for people and for the engine's run-time check.
    pub name: &'static str,
    /// The compiler flag that allows it.
    pub compiler_flag: &'static str,
    /// CPUID function, in EAX.
    pub leaf: u32,
    /// CPUID subfunction, in ECX.
    pub subleaf: u32,
    /// Register that holds the bit.
    pub register: CpuidRegister,
    /// Bit number.
    pub bit: u8,
}

/// What every artefact may use: the x86-64-v3 level without the parts that the compiler never emits (MOVBE, F16C).
///
/// The guest refuses to start on a processor that lacks one of them. AVX also needs OSXSAVE and the x87, SSE and AVX bits
/// of XCR0, which the guest sets itself.
pub const REQUIRED_CPU_FEATURES: &[CpuFeature] = &[
    feature("sse3", "has_sse3", 1, CpuidRegister::Ecx, 0),
    feature("ssse3", "has_ssse3", 1, CpuidRegister::Ecx, 9),
    feature("fma", "has_fma", 1, CpuidRegister::Ecx, 12),
    feature("sse4.1", "has_sse41", 1, CpuidRegister::Ecx, 19),
    feature("sse4.2", "has_sse42", 1, CpuidRegister::Ecx, 20),
    feature("popcnt", "has_popcnt", 1, CpuidRegister::Ecx, 23),
    feature("avx", "has_avx", 1, CpuidRegister::Ecx, 28),
    feature("bmi1", "has_bmi1", 7, CpuidRegister::Ebx, 3),
    feature("avx2", "has_avx2", 7, CpuidRegister::Ebx, 5),
    feature("bmi2", "has_bmi2", 7, CpuidRegister::Ebx, 8),
    feature("lzcnt", "has_lzcnt", 0x8000_0001, CpuidRegister::Ecx, 5),
];

/// Whether `name` is one of [`REQUIRED_CPU_FEATURES`].
#[must_use]
pub fn is_required_feature(name: &str) -> bool {
    REQUIRED_CPU_FEATURES.iter().any(|feature| feature.name == name)
}

const fn feature(
    name: &'static str,
    compiler_flag: &'static str,
    leaf: u32,
    register: CpuidRegister,
    bit: u8,
) -> CpuFeature {
    CpuFeature { name, compiler_flag, leaf, subleaf: 0, register, bit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_bits_are_unique() {
        for (index, a) in REQUIRED_CPU_FEATURES.iter().enumerate() {
            for b in &REQUIRED_CPU_FEATURES[index + 1..] {
                assert_ne!(a.name, b.name);
                assert_ne!((a.leaf, a.register, a.bit), (b.leaf, b.register, b.bit));
            }
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_table_agrees_with_the_standard_library() {
        let detected = [
            ("sse3", std::arch::is_x86_feature_detected!("sse3")),
            ("ssse3", std::arch::is_x86_feature_detected!("ssse3")),
            ("fma", std::arch::is_x86_feature_detected!("fma")),
            ("sse4.1", std::arch::is_x86_feature_detected!("sse4.1")),
            ("sse4.2", std::arch::is_x86_feature_detected!("sse4.2")),
            ("popcnt", std::arch::is_x86_feature_detected!("popcnt")),
            ("avx", std::arch::is_x86_feature_detected!("avx")),
            ("bmi1", std::arch::is_x86_feature_detected!("bmi1")),
            ("avx2", std::arch::is_x86_feature_detected!("avx2")),
            ("bmi2", std::arch::is_x86_feature_detected!("bmi2")),
            ("lzcnt", std::arch::is_x86_feature_detected!("lzcnt")),
        ];
        assert_eq!(detected.len(), REQUIRED_CPU_FEATURES.len());
        for (feature, (name, found)) in REQUIRED_CPU_FEATURES.iter().zip(detected) {
            assert_eq!(feature.name, name);
            assert_eq!(cpuid_bit(feature), found, "{name}");
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn cpuid_bit(feature: &CpuFeature) -> bool {
        let registers = core::arch::x86_64::__cpuid_count(feature.leaf, feature.subleaf);
        let register = match feature.register {
            CpuidRegister::Ebx => registers.ebx,
            CpuidRegister::Ecx => registers.ecx,
        };
        register >> feature.bit & 1 == 1
    }
}
