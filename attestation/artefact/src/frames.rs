//! Compares compiled frames with what is accounted for them.
//!
//! What a function has at once in WebAssembly does not bound what an optimising compiler keeps: it may compute a
//! value once for two uses that are far apart, and its allocator of stack slots is a heuristic. A component whose
//! frames outgrow the native stack is refused here, where its author sees it, so that the engine's own check of the
//! stack never ends a run.

mod prologue;

use object::{Object, ObjectSection};
use wasmtime_environ::component::{ComponentArtifacts, TrampolineIndex};
use wasmtime_environ::{
    Abi, DefinedFuncIndex, EntityRef, FuncKey, ModuleInternedTypeIndex, StaticModuleIndex, WasmValType,
};

use crate::CompileError;
use crate::call_depth::{ADAPTER_BYTES, NATIVE_FACTOR, TRAMPOLINE_BYTES};
use crate::instrument::{DESTRUCTOR_BYTES, Instrumented};

pub(crate) use prologue::Code;

/// Checks the frames of an artefact that was compiled from `instrumented`.
///
/// # Errors
/// [`CompileError::Frame`] and [`CompileError::GlueFrames`] say which are too large; [`CompileError::Settings`] that
/// the artefact is not as this engine makes them.
pub(crate) fn check(artefact: &[u8], code: Code, instrumented: &Instrumented) -> Result<(), CompileError> {
    let frames = Frames::read(artefact, code)?;
    frames.check_functions(instrumented)?;
    frames.check_adapters(instrumented)?;
    frames.check_trampolines(instrumented)
}

/// An artefact, as far as frames are concerned.
struct Frames<'a> {
    text: &'a [u8],
    contents: ComponentArtifacts,
    code: Code,
}

impl<'a> Frames<'a> {
    fn read(artefact: &'a [u8], code: Code) -> Result<Self, CompileError> {
        let file = object::File::parse(artefact).map_err(CompileError::settings)?;
        let section = |name: &str| {
            let section =
                file.section_by_name(name).ok_or_else(|| CompileError::settings("a section is missing"))?;
            section.data().map_err(CompileError::settings)
        };
        let contents = postcard::from_bytes(section(".wasmtime.info")?).map_err(CompileError::settings)?;
        Ok(Self { text: section(".text")?, contents, code })
    }

    fn check_functions(&self, instrumented: &Instrumented) -> Result<(), CompileError> {
        for (index, module) in instrumented.modules.iter().enumerate() {
            for (defined, allowed) in module.functions.iter().enumerate() {
                let (found, most) = (self.defined(index, defined)?, allowed.native_bytes);
                if found > most {
                    let (module, function) = (module.original.unwrap_or(u32::MAX), allowed.original);
                    return Err(CompileError::Frame { module, function, found, most });
                }
            }
        }
        Ok(())
    }

    /// Modules that come after the component's own are the adapters that the engine made.
    fn check_adapters(&self, instrumented: &Instrumented) -> Result<(), CompileError> {
        let mut found: u64 = 0;
        for (index, module) in self.contents.static_modules.iter().skip(instrumented.modules.len()) {
            for defined in 0..module.module.num_defined_funcs() {
                found = found.saturating_add(self.defined(index.index(), defined)?);
            }
        }
        limit("adapters between its components", found, ADAPTER_BYTES)
    }

    /// A destructor that is one of the engine's functions leads from one of these to the next.
    fn check_trampolines(&self, instrumented: &Instrumented) -> Result<(), CompileError> {
        let mut sum: u64 = 0;
        let mut largest_of_destructors: u64 = 0;
        for (index, &ty) in &self.contents.info.component.trampolines {
            let found = self.trampoline(index)?;
            sum = sum.saturating_add(found);
            if self.is_destructor(ty) {
                largest_of_destructors = largest_of_destructors.max(found);
            }
        }
        if !instrumented.has_destructors {
            return Ok(());
        }
        limit("calls of destructors", largest_of_destructors, DESTRUCTOR_BYTES * NATIVE_FACTOR)?;
        limit("imports and built-in functions together", sum, TRAMPOLINE_BYTES)
    }

    fn is_destructor(&self, ty: ModuleInternedTypeIndex) -> bool {
        let ty = self.contents.types[ty].unwrap_func();
        *ty.params() == [WasmValType::I32] && ty.results().is_empty()
    }

    fn defined(&self, module: usize, defined: usize) -> Result<u64, CompileError> {
        self.frame(FuncKey::DefinedWasmFunction(
            StaticModuleIndex::new(module),
            DefinedFuncIndex::new(defined),
        ))
    }

    fn trampoline(&self, index: TrampolineIndex) -> Result<u64, CompileError> {
        self.frame(FuncKey::ComponentTrampoline(Abi::Wasm, index))
    }

    fn frame(&self, key: FuncKey) -> Result<u64, CompileError> {
        let place = self.contents.table.func_loc(key);
        let function = place.and_then(|place| {
            let start = place.start as usize;
            self.text.get(start..start.checked_add(place.length as usize)?)
        });
        let frame = function.and_then(|function| self.code.frame_bytes(function));
        frame.ok_or_else(|| CompileError::settings(alloc::format!("the frame of {key:?} is not understood")))
    }
}

fn limit(what: &'static str, found: u64, most: u32) -> Result<(), CompileError> {
    let most = u64::from(most);
    if found > most { Err(CompileError::GlueFrames { what, found, most }) } else { Ok(()) }
}
