//! The one tuning of the engine, used where artefacts are compiled and where they run.

use alloc::string::String;
use core::num::NonZeroUsize;

use wasmtime::{Config, ModuleVersionStrategy, WasmBacktraceDetails, WasmFeatures};

use crate::{ENGINE, async_stack_bytes, max_wasm_stack_bytes};

/// Frames in the backtrace of a trap.
const BACKTRACE_FRAMES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(31);

/// What a component may be made of: WebAssembly 2.0 and the later proposals that compilers emit today and that leave
/// execution deterministic. No threads, no garbage collection, no exceptions, no 64-bit memories.
pub(crate) const WASM_FEATURES: WasmFeatures = WasmFeatures::WASM2
    .difference(WasmFeatures::GC_TYPES)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::COMPONENT_MODEL);

const _: () = assert!(ENGINE.len() <= 255, "the engine takes a name of at most 255 bytes");

/// The tuning that compiler and runtime must share; the engine refuses an artefact of another one,
/// and one that is labelled with another [`ENGINE`].
///
/// Nothing in it depends on the machine, the environment or on virtual memory: bounds are checked by code, traps are
/// calls, and the base of a linear memory never moves, so the runtime reserves a memory's whole range at once.
#[must_use]
pub fn base_config(call_stack_bytes: u32) -> Config {
    let mut config = Config::new();
    config.wasm_features(WasmFeatures::all(), false).wasm_features(WASM_FEATURES, true);
    config.relaxed_simd_deterministic(true).concurrency_support(false);
    config.signals_based_traps(false).memory_init_cow(false);
    config
        .memory_reservation(0)
        .memory_guard_size(0)
        .guard_before_linear_memory(false)
        .memory_may_move(false);
    config.consume_fuel(true).epoch_interruption(false);
    config
        .max_wasm_stack(max_wasm_stack_bytes(call_stack_bytes))
        .async_stack_size(async_stack_bytes(call_stack_bytes))
        .async_stack_zeroing(false);
    config.debug_info(false).debug_symbols(false).native_unwind_info(false);
    let version = ModuleVersionStrategy::Custom(String::from(ENGINE));
    if config.module_version(version).is_err() {
        unreachable!("the name is short enough: asserted above")
    }
    config
        .generate_address_map(true)
        .wasm_backtrace_max_frames(Some(BACKTRACE_FRAMES))
        .wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config
}
