//! What the guest puts into the ROM, free of file formats.

use alloc::string::String;
use alloc::vec::Vec;

/// Code and data of the guest with their places in the ROM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload<'a> {
    /// In the order of the file.
    pub pieces: Vec<Piece<'a>>,
    /// Where the guest starts in 16-bit real mode (plain VM, SNP). Must lie in executable reset code.
    pub real_mode_entry_gpa: u64,
    /// Where the guest starts in 32-bit protected mode (TDX). Must lie in executable reset code.
    pub protected_mode_entry_gpa: u64,
}

/// Bytes at a fixed place in the ROM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// For people, such as `.text`.
    pub name: String,
    /// Guest-physical address of the first byte.
    pub gpa: u64,
    /// The bytes.
    pub bytes: &'a [u8],
    /// Whether it is code.
    pub is_executable: bool,
}
