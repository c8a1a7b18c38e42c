//! Hands a target to libFuzzer.
#![expect(unsafe_code, reason = "libFuzzer is C++")]

use std::env;
use std::ffi::{CString, c_char, c_int};
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;
use std::sync::OnceLock;

// For the C++ that comes with it.
use libfuzzer_sys as _;

use crate::Target;

static TARGET: OnceLock<Target> = OnceLock::new();

unsafe extern "C" {
    // libFuzzer's own entry for programs that have a `main` already.
    fn LLVMFuzzerRunDriver(
        count: *mut c_int,
        arguments: *mut *mut *mut c_char,
        test_one: extern "C" fn(*const u8, usize) -> c_int,
    ) -> c_int;
}

/// Fuzzes, with the command line as libFuzzer understands it.
pub(crate) fn drive(target: Target) -> ExitCode {
    let longest = format!("-max_len={}", target.max_bytes).into_bytes();
    let given = env::args_os().map(OsStringExt::into_vec);
    let mut strings: Vec<CString> =
        given.chain([longest]).filter_map(|argument| CString::new(argument).ok()).collect();
    TARGET.get_or_init(|| target);

    let mut pointers: Vec<*mut c_char> =
        strings.drain(..).map(CString::into_raw).chain([core::ptr::null_mut()]).collect();
    let mut count = c_int::try_from(pointers.len() - 1).unwrap_or(0);
    let mut arguments = pointers.as_mut_ptr();
    // SAFETY: `count` strings and a null pointer, never freed, as C gives them to `main`.
    let code = unsafe { LLVMFuzzerRunDriver(&raw mut count, &raw mut arguments, test_one) };
    if code == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

extern "C" fn test_one(bytes: *const u8, count: usize) -> c_int {
    // SAFETY: libFuzzer passes `count` readable bytes and leaves them alone during the call.
    let input = if count == 0 { &[][..] } else { unsafe { core::slice::from_raw_parts(bytes, count) } };
    if let Some(target) = TARGET.get() {
        target.check(input);
    }
    0
}
