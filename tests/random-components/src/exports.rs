//! What a random module exports, as far as a witness can use it.

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{GlobalType, MemoryType, ValType};
use wasmparser::types::EntityType;
use wasmparser::{Validator, WasmFeatures};

/// Named functions, globals and memories.
#[derive(Debug, Default)]
pub(crate) struct Exports {
    pub(crate) functions: Vec<ExportedFunction>,
    pub(crate) globals: Vec<(String, GlobalType)>,
    pub(crate) memories: Vec<(String, MemoryType)>,
}

/// A function that can be called.
#[derive(Debug)]
pub(crate) struct ExportedFunction {
    pub(crate) name: String,
    pub(crate) parameters: Vec<ValType>,
    pub(crate) results: Vec<ValType>,
}

impl Exports {
    /// Those of a valid module, in their order.
    pub(crate) fn of(module: &[u8]) -> Self {
        let types = Validator::new_with_features(WasmFeatures::all())
            .validate_all(module)
            .expect("the generator makes valid modules");
        let types = types.as_ref();
        let mut exports = Self::default();
        for (name, ty) in types.core_exports().into_iter().flatten() {
            let name = name.to_owned();
            match ty {
                EntityType::Func(id) => {
                    let ty = types[id].unwrap_func();
                    let (parameters, results) = (encoded(ty.params()), encoded(ty.results()));
                    exports.functions.push(ExportedFunction { name, parameters, results });
                }
                EntityType::Global(ty) => {
                    let ty = RoundtripReencoder.global_type(ty).expect("the type is of a kind that we write");
                    exports.globals.push((name, ty));
                }
                EntityType::Memory(ty) => {
                    let ty = RoundtripReencoder.memory_type(ty).expect("the type is of a kind that we write");
                    exports.memories.push((name, ty));
                }
                _ => {}
            }
        }
        exports
    }
}

fn encoded(types: &[wasmparser::ValType]) -> Vec<ValType> {
    let types = types.iter().map(|ty| RoundtripReencoder.val_type(*ty));
    types.collect::<Result<_, _>>().expect("the types are of kinds that we write")
}
