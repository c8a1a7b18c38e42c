//! The ROM's binary: reset code, panic handler, choice of platform.
fn main() {}
