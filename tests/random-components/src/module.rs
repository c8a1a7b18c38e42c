//! Random core modules, of everything that the project's engine permits and nothing that it refuses.

use arbitrary::Unstructured;
use wasm_encoder::AbstractHeapType;
use wasm_encoder::reencode::{Error, Reencode};
use wasm_smith::{Config, Module};

use crate::numbers::Numbers;

/// Bytes from which a module is made. When they are used up, what follows is as small as can be.
const RAW_BYTES: usize = 6000;

/// Of memories, in bytes. What grows may grow to more.
const MEMORY_BYTES: u64 = 4 * 65536;

/// Steps after which a module of those that end by themselves traps, as loops and calls count them.
const STEPS: [u32; 3] = [10, 1000, 50_000];

/// A core module that exports all it has, under names that may be anything.
pub(crate) fn random_module(numbers: &mut Numbers) -> Vec<u8> {
    loop {
        let config = config(numbers);
        // The others end by the engine's limits, or because they have no loop.
        let steps = numbers.once_in(4).then(|| numbers.one_of(&STEPS));
        let bytes = numbers.bytes(RAW_BYTES);
        // Some beginnings lead nowhere: there are others.
        let Ok(mut module) = Module::new(config, &mut Unstructured::new(&bytes)) else { continue };
        if steps.is_none_or(|steps| module.ensure_termination(steps).is_ok()) {
            return without_externref(&module.to_bytes());
        }
    }
}

/// Proposals are those of `attestation_artefact::base_config`; a test compares.
fn config(numbers: &mut Numbers) -> Config {
    let imports = wat::parse_str(include_str!("outside.wat")).expect("the text is valid");
    Config {
        available_imports: Some(imports),
        export_everything: true,
        min_funcs: 4,
        max_funcs: 16,
        min_types: 3,
        max_types: 12,
        min_globals: 1,
        max_globals: 8,
        min_memories: 1,
        max_memories: 2,
        max_memory32_bytes: MEMORY_BYTES,
        min_tables: 1,
        max_tables: 3,
        max_table_elements: 2000,
        max_data_segments: 6,
        max_element_segments: 6,
        max_instructions: numbers.one_of(&[30, 100, 300]),
        // With it, code goes on where it would have trapped, and so computes more.
        disallow_traps: !numbers.once_in(3),
        // Where there is no maximum, growth goes as far as the job's limit and ends the job there.
        memory_max_size_required: false,
        allow_start_export: numbers.once_in(4),
        canonicalize_nans: false,
        bulk_memory_enabled: true,
        extended_const_enabled: true,
        multi_value_enabled: true,
        reference_types_enabled: true,
        relaxed_simd_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        simd_enabled: true,
        tail_call_enabled: true,
        custom_descriptors_enabled: false,
        custom_page_sizes_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        shared_everything_threads_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}

/// The same module with references to functions in the place of those to what is outside, which the engine refuses
/// together with garbage collection, and without which the generator makes no references at all.
fn without_externref(module: &[u8]) -> Vec<u8> {
    let mut written = wasm_encoder::Module::new();
    let parser = wasmparser::Parser::new(0);
    FunctionsOnly.parse_core_module(&mut written, parser, module).expect("the generator makes valid modules");
    written.finish()
}

struct FunctionsOnly;

impl Reencode for FunctionsOnly {
    type Error = core::convert::Infallible;

    fn abstract_heap_type(
        &mut self,
        value: wasmparser::AbstractHeapType,
    ) -> Result<AbstractHeapType, Error<Self::Error>> {
        Ok(match AbstractHeapType::from(value) {
            AbstractHeapType::Extern => AbstractHeapType::Func,
            other => other,
        })
    }
}
