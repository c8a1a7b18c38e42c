//! Processor models of QEMU, by CPUID signature.

/// Models of QEMU's `target/i386/cpu.c` (`builtin_x86_defs`) that SEV-SNP guests run on, each with its signature. Versions
/// of a model differ in features only.
pub const CPU_MODELS: [(&str, u32); 21] = [
    ("EPYC", EPYC),
    ("EPYC-v1", EPYC),
    ("EPYC-v2", EPYC),
    ("EPYC-IBPB", EPYC),
    ("EPYC-v3", EPYC),
    ("EPYC-v4", EPYC),
    ("EPYC-v5", EPYC),
    ("EPYC-Rome", ROME),
    ("EPYC-Rome-v1", ROME),
    ("EPYC-Rome-v2", ROME),
    ("EPYC-Rome-v3", ROME),
    ("EPYC-Rome-v4", ROME),
    ("EPYC-Rome-v5", ROME),
    ("EPYC-Milan", MILAN),
    ("EPYC-Milan-v1", MILAN),
    ("EPYC-Milan-v2", MILAN),
    ("EPYC-Milan-v3", MILAN),
    ("EPYC-Genoa", GENOA),
    ("EPYC-Genoa-v1", GENOA),
    ("EPYC-Genoa-v2", GENOA),
    ("EPYC-Turin", TURIN),
];

pub(crate) const EPYC: u32 = cpu_signature(23, 1, 2);
const ROME: u32 = cpu_signature(23, 49, 0);
const MILAN: u32 = cpu_signature(25, 1, 1);
const GENOA: u32 = cpu_signature(25, 17, 0);
const TURIN: u32 = cpu_signature(26, 0, 0);

/// CPUID `Fn0000_0001_EAX` (AMD 24594, APM volume 3, appendix E.3.2) of these numbers as people write them.
#[must_use]
pub const fn cpu_signature(family: u8, model: u8, stepping: u8) -> u32 {
    let base_family = if family < 0xF { family } else { 0xF };
    let [extended_family, base_family, model, stepping] =
        [(family.saturating_sub(0xF)) as u32, base_family as u32, model as u32, stepping as u32];
    extended_family << 20 | (model >> 4) << 16 | base_family << 8 | (model & 0xF) << 4 | stepping & 0xF
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_hardware() {
        // CPUID dumps: Naples 00800F12, Rome 00830F10, Milan 00A00F11, Genoa 00A10F11, Turin 00B00F21.
        assert_eq!(EPYC, 0x0080_0F12);
        assert_eq!(cpu_signature(0x17, 0x31, 0), 0x0083_0F10);
        assert_eq!(MILAN, 0x00A0_0F11);
        assert_eq!(cpu_signature(0x19, 0x11, 1), 0x00A1_0F11);
        assert_eq!(cpu_signature(0x1A, 0x02, 1), 0x00B0_0F21);
        assert_eq!(cpu_signature(6, 0x0F, 0xB), 0x06FB);
    }
}
