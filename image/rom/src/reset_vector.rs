//! The last 16 bytes below 4 GiB: one jump for 16-bit real mode, one for 32-bit protected mode.
//!
//! The first three instructions have the same encoding in both modes. Processors of a plain VM and of an SNP guest
//! start here in real mode, those of a TD in protected mode.

/// Address of the first instruction of every x86 processor.
pub(crate) const RESET_VECTOR_GPA: u64 = 0xFFFF_FFF0;
/// Bytes of the vector; one byte before 4 GiB stays filler.
pub(crate) const RESET_VECTOR_BYTES: usize = 15;

/// Code that goes to `real_mode_entry_gpa` or to `protected_mode_entry_gpa`, by CR0.PE.
///
/// Both must lie in the last 64 KiB below 4 GiB, which is what a real-mode jump reaches.
pub(crate) fn reset_vector(
    real_mode_entry_gpa: u64,
    protected_mode_entry_gpa: u64,
) -> [u8; RESET_VECTOR_BYTES] {
    let [p0, p1, p2, p3, ..] = protected_mode_entry_gpa.wrapping_sub(RESET_VECTOR_GPA + 12).to_le_bytes();
    let [r0, r1, ..] = real_mode_entry_gpa.wrapping_sub(RESET_VECTOR_GPA + 15).to_le_bytes();
    [
        0x0F, 0x20, 0xC0, // mov eax, cr0
        0xA8, 0x01, // test al, 1
        0x74, 0x05, // jz: skip the 32-bit jump
        0xE9, p0, p1, p2, p3, // 32-bit: jmp rel32
        0xE9, r0, r1, // 16-bit: jmp rel16
    ]
}

#[cfg(test)]
mod tests {
    use super::reset_vector;

    #[test]
    fn jumps_are_relative_to_their_ends() {
        let code = reset_vector(0xFFFF_F000, 0xFFFF_F123);
        let rel32 = i32::from_le_bytes(code[8..12].try_into().unwrap());
        assert_eq!(0xFFFF_FFFC + i64::from(rel32), 0xFFFF_F123);
        let rel16 = i16::from_le_bytes(code[13..15].try_into().unwrap());
        assert_eq!(0xFFFF + i32::from(rel16), 0xF000);
    }

    #[test]
    fn opening_is_the_same_in_both_modes() {
        assert_eq!(reset_vector(0, 0)[..8], [0x0F, 0x20, 0xC0, 0xA8, 0x01, 0x74, 0x05, 0xE9]);
    }
}
