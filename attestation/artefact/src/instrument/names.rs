//! The names of functions, which a trap's backtrace shows and by which the runtime knows an exceeded call depth.

use alloc::collections::BTreeMap;

use wasm_encoder::{NameMap, NameSection};
use wasmparser::{CustomSectionReader, KnownCustom, Name};

use crate::CALL_DEPTH_FUNCTION;

/// The names in a core module.
#[derive(Default)]
pub(super) struct Names<'a> {
    module: Option<&'a str>,
    functions: BTreeMap<u32, &'a str>,
}

impl<'a> Names<'a> {
    /// Takes in a custom section if it has names; like the engine as far as it can be read, the later of two names.
    pub(super) fn read(&mut self, section: &CustomSectionReader<'a>) {
        let KnownCustom::Name(subsections) = section.as_known() else { return };
        for subsection in subsections {
            let read = match subsection {
                Ok(Name::Module { name, .. }) => {
                    self.module = Some(name);
                    true
                }
                Ok(Name::Function(functions)) => functions.into_iter().all(|naming| {
                    naming.is_ok_and(|naming| {
                        self.functions.insert(naming.index, naming.name);
                        true
                    })
                }),
                Ok(_) => true,
                Err(_) => false,
            };
            if !read {
                return;
            }
        }
    }

    /// Forgets names of functions that are not there, and the reserved one: nobody else may seem to be that function.
    pub(super) fn keep_to(&mut self, function_count: u32) {
        self.functions.retain(|&index, name| index < function_count && *name != CALL_DEPTH_FUNCTION);
    }

    /// Gives `copy` the name of `original`, if that has one.
    pub(super) fn copy(&mut self, original: u32, copy: u32) {
        if let Some(&name) = self.functions.get(&original) {
            self.functions.insert(copy, name);
        }
    }

    pub(super) fn set(&mut self, function: u32, name: &'a str) {
        self.functions.insert(function, name);
    }

    /// The section, if there is anything to say.
    pub(super) fn section(&self) -> Option<NameSection> {
        if self.module.is_none() && self.functions.is_empty() {
            return None;
        }
        let mut section = NameSection::new();
        if let Some(name) = self.module {
            section.module(name);
        }
        let mut functions = NameMap::new();
        for (&index, name) in &self.functions {
            functions.append(index, name);
        }
        section.functions(&functions);
        Some(section)
    }
}
