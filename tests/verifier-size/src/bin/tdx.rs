//! TDX alone.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![cfg_attr(target_os = "none", expect(unsafe_code, reason = "the linker finds the entry point by its name"))]

use tests_verifier_size::tdx;

tests_verifier_size::program!(tdx());
