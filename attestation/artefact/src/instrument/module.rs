//! Core modules: imports the counter, and writes their functions anew.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{
    BlockType, CodeSection, DataSection, ElementSection, ExportSection, FunctionSection, GlobalSection,
    GlobalType, ImportSection, Module, TableSection, TypeSection, ValType,
};
use wasmparser::{
    BinaryReader, CodeSectionReader, FuncType, FunctionSectionReader, Parser, Payload, TypeRef,
    TypeSectionReader,
};

use crate::instrument::FunctionFrame;
use crate::instrument::body::{Count, Counter, accounted_frame, transient_frame};
use crate::instrument::component::{COUNTER_FIELD, COUNTER_MODULE};
use crate::instrument::names::Names;
use crate::instrument::survey::ModuleSurvey;
use crate::sections::copy_section;
use crate::{CALL_DEPTH_FUNCTION, CompileError};

/// The global that each counted module imports, and the counter's module exports.
pub(super) const COUNTER_TYPE: GlobalType =
    GlobalType { val_type: ValType::I32, mutable: true, shared: false };

/// Rewrites the core module `module`, which `survey` is of. Returns what its functions may take natively as well.
pub(super) fn rewrite(
    module: &[u8],
    survey: &ModuleSurvey,
    has_destructors: bool,
) -> Result<(Module, Vec<FunctionFrame>), CompileError> {
    let mut contents = Contents::read(module)?;
    let counts: Vec<_> =
        survey.functions.iter().map(|function| Count::of(function, has_destructors)).collect();
    let is_counted = counts.iter().any(|count| *count != Count::Not);
    contents.names.keep_to(contents.function_count());
    let (mut rewritten, frames) = if is_counted {
        let plan = Plan::new(&mut contents, survey, counts)?;
        (plan.write(module)?, plan.frames(survey))
    } else {
        let functions = 0..contents.defined_count();
        (copy(module)?, functions.map(|index| transient_frame(contents.imported_functions + index)).collect())
    };
    if let Some(names) = contents.names.section() {
        rewritten.section(&names);
    }
    Ok((rewritten, frames))
}

/// All but the custom sections.
fn copy(module: &[u8]) -> Result<Module, CompileError> {
    let mut copied = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if !matches!(payload, Payload::CustomSection(_)) {
            copy_section(&mut copied, module, &payload)?;
        }
    }
    Ok(copied)
}

/// What has to be known of a module before it is written.
#[derive(Default)]
struct Contents<'a> {
    types: Vec<FuncType>,
    imported_functions: u32,
    imported_globals: u32,
    /// Types of the defined functions.
    functions: Vec<u32>,
    names: Names<'a>,
}

impl<'a> Contents<'a> {
    fn read(module: &'a [u8]) -> Result<Self, CompileError> {
        let mut contents = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(types) => {
                    for ty in types.into_iter_err_on_gc_types() {
                        contents.types.push(ty?);
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        match import?.ty {
                            TypeRef::Func(_) => contents.imported_functions += 1,
                            TypeRef::Global(_) => contents.imported_globals += 1,
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(functions) => {
                    contents.functions = functions.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::CustomSection(section) => contents.names.read(&section),
                _ => {}
            }
        }
        Ok(contents)
    }

    fn defined_count(&self) -> u32 {
        count(self.functions.len())
    }

    fn function_count(&self) -> u32 {
        self.imported_functions.saturating_add(self.defined_count())
    }
}

/// How a module will be written.
struct Plan {
    counter: Counter,
    functions: Vec<Function>,
    /// Functions with large frames, which get numbers of their own after the one that traps.
    large: Vec<Large>,
    first_large: u32,
    imported_functions: u32,
    added_types: Vec<Vec<ValType>>,
    exceeded_type: u32,
}

/// A defined function.
struct Function {
    count: Count,
    parameters: u32,
    results: BlockType,
}

/// A function with a large frame.
#[derive(Clone, Copy)]
struct Large {
    /// Which of the defined functions it is.
    defined: usize,
    type_index: u32,
}

impl Plan {
    fn new(
        contents: &mut Contents<'_>,
        survey: &ModuleSurvey,
        counts: Vec<Count>,
    ) -> Result<Self, CompileError> {
        if counts.len() != contents.functions.len() {
            return Err(CompileError::component("the code section does not have every function"));
        }
        let exceeded = contents.function_count();
        let mut blocks = Blocks::new(&contents.types)?;
        let exceeded_type = blocks.type_of(&[]);
        let mut functions = Vec::with_capacity(survey.functions.len());
        let mut large = Vec::new();
        let first_large = exceeded.saturating_add(1);
        for (defined, (&type_index, count)) in contents.functions.iter().zip(counts).enumerate() {
            let ty = contents.types.get(type_index as usize);
            let ty = ty.ok_or_else(|| CompileError::component("a function has no type"))?;
            let results = if count == Count::Not { BlockType::Empty } else { blocks.of_results(ty)? };
            functions.push(Function { count, parameters: self::count(ty.params().len()), results });
            if matches!(count, Count::Before { .. }) {
                let original = contents.imported_functions.saturating_add(self::count(defined));
                contents.names.copy(original, first_large.saturating_add(self::count(large.len())));
                large.push(Large { defined, type_index });
            }
        }
        contents.names.set(exceeded, CALL_DEPTH_FUNCTION);
        Ok(Self {
            counter: Counter { global: contents.imported_globals, exceeded },
            functions,
            large,
            first_large,
            imported_functions: contents.imported_functions,
            added_types: blocks.added,
            exceeded_type,
        })
    }

    /// What the functions may take natively, in the order in which [`Self::write`] defines them.
    fn frames(&self, survey: &ModuleSurvey) -> Vec<FunctionFrame> {
        let number = |defined| self.imported_functions.saturating_add(count(defined));
        let own =
            self.functions.iter().zip(&survey.functions).enumerate().map(|(defined, (function, survey))| {
                match function.count {
                    Count::AtEntry { .. } => accounted_frame(number(defined), survey),
                    Count::Not | Count::Before { .. } => transient_frame(number(defined)),
                }
            });
        let large = self.large.iter().filter_map(|large| {
            survey.functions.get(large.defined).map(|survey| accounted_frame(number(large.defined), survey))
        });
        own.chain([transient_frame(self.counter.exceeded)]).chain(large).collect()
    }

    fn write(&self, module: &[u8]) -> Result<Module, CompileError> {
        let mut written = Module::new();
        let mut shift = Shift { first: self.counter.global };
        let mut has_import = false;
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            match &payload {
                Payload::TypeSection(types) => {
                    written.section(&self.types(types.clone(), &mut shift)?);
                }
                Payload::ImportSection(imports) => {
                    let mut section = ImportSection::new();
                    shift.parse_import_section(&mut section, imports.clone())?;
                    written.section(import_counter(&mut section));
                    has_import = true;
                }
                Payload::FunctionSection(functions) => {
                    if !has_import {
                        written.section(import_counter(&mut ImportSection::new()));
                    }
                    written.section(&self.functions(functions.clone(), &mut shift)?);
                }
                Payload::CodeSectionStart { range, .. } => {
                    written.section(&self.code(module.get(range.clone()).unwrap_or_default())?);
                }
                Payload::CodeSectionEntry(_) | Payload::CustomSection(_) => {}
                other => shift.write(other, module, &mut written)?,
            }
        }
        Ok(written)
    }

    fn types(&self, original: TypeSectionReader<'_>, shift: &mut Shift) -> Result<TypeSection, CompileError> {
        let mut types = TypeSection::new();
        shift.parse_type_section(&mut types, original)?;
        for results in &self.added_types {
            types.ty().function([], results.iter().copied());
        }
        Ok(types)
    }

    fn functions(
        &self,
        original: FunctionSectionReader<'_>,
        shift: &mut Shift,
    ) -> Result<FunctionSection, CompileError> {
        let mut functions = FunctionSection::new();
        shift.parse_function_section(&mut functions, original)?;
        functions.function(self.exceeded_type);
        for large in &self.large {
            functions.function(large.type_index);
        }
        Ok(functions)
    }

    fn code(&self, section: &[u8]) -> Result<CodeSection, CompileError> {
        let bodies = CodeSectionReader::new(BinaryReader::new(section, 0))?;
        let bodies = bodies.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut code = CodeSection::new();
        let mut next_large = self.first_large;
        for (function, body) in self.functions.iter().zip(&bodies) {
            match function.count {
                Count::Not => code.raw(&self.counter.uncounted(body)?),
                Count::AtEntry { bytes } => code.raw(&self.counter.counted(body, bytes, function.results)?),
                Count::Before { bytes } => {
                    let before = self.counter.before(next_large, function.parameters, bytes);
                    next_large = next_large.saturating_add(1);
                    code.raw(&before)
                }
            };
        }
        code.raw(&self.counter.exceeded());
        for large in &self.large {
            if let (Some(body), Some(function)) =
                (bodies.get(large.defined), self.functions.get(large.defined))
                && let Count::Before { bytes } = function.count
            {
                code.raw(&self.counter.taken_before(body, bytes, function.results)?);
            }
        }
        Ok(code)
    }
}

/// The counter is the last of the imports, so that only numbers of defined globals change.
fn import_counter(imports: &mut ImportSection) -> &ImportSection {
    imports.import(COUNTER_MODULE, COUNTER_FIELD, COUNTER_TYPE)
}

/// Types of blocks that become whole bodies.
struct Blocks {
    /// Types without parameters, by their results.
    known: BTreeMap<Vec<ValType>, u32>,
    added: Vec<Vec<ValType>>,
    next: u32,
}

impl Blocks {
    fn new(types: &[FuncType]) -> Result<Self, CompileError> {
        let mut known = BTreeMap::new();
        for (index, ty) in types.iter().enumerate().filter(|(_, ty)| ty.params().is_empty()) {
            known.entry(results(ty)?).or_insert(count(index));
        }
        Ok(Self { known, added: Vec::new(), next: count(types.len()) })
    }

    fn of_results(&mut self, ty: &FuncType) -> Result<BlockType, CompileError> {
        let results = results(ty)?;
        Ok(match *results {
            [] => BlockType::Empty,
            [result] => BlockType::Result(result),
            _ => BlockType::FunctionType(self.type_of(&results)),
        })
    }

    /// The number of the type without parameters and with these results.
    fn type_of(&mut self, results: &[ValType]) -> u32 {
        if let Some(&index) = self.known.get(results) {
            return index;
        }
        let index = self.next;
        self.next = self.next.saturating_add(1);
        self.added.push(results.to_vec());
        self.known.insert(results.to_vec(), index);
        index
    }
}

fn results(ty: &FuncType) -> Result<Vec<ValType>, CompileError> {
    Ok(ty.results().iter().map(|&result| Shift { first: 0 }.val_type(result)).collect::<Result<_, _>>()?)
}

/// Makes room among the globals: the counter comes between those that are imported and those that are defined.
struct Shift {
    first: u32,
}

impl Reencode for Shift {
    type Error = core::convert::Infallible;

    fn global_index(&mut self, global: u32) -> Result<u32, Error> {
        Ok(if global >= self.first { global.saturating_add(1) } else { global })
    }
}

impl Shift {
    /// Writes a section in which nothing changes but numbers of globals.
    fn write(&mut self, payload: &Payload<'_>, module: &[u8], to: &mut Module) -> Result<(), CompileError> {
        match payload {
            Payload::TableSection(tables) => {
                let mut section = TableSection::new();
                self.parse_table_section(&mut section, tables.clone())?;
                to.section(&section);
            }
            Payload::GlobalSection(globals) => {
                let mut section = GlobalSection::new();
                self.parse_global_section(&mut section, globals.clone())?;
                to.section(&section);
            }
            Payload::ExportSection(exports) => {
                let mut section = ExportSection::new();
                self.parse_export_section(&mut section, exports.clone())?;
                to.section(&section);
            }
            Payload::ElementSection(elements) => {
                let mut section = ElementSection::new();
                self.parse_element_section(&mut section, elements.clone())?;
                to.section(&section);
            }
            Payload::DataSection(data) => {
                let mut section = DataSection::new();
                self.parse_data_section(&mut section, data.clone())?;
                to.section(&section);
            }
            _ => copy_section(to, module, payload)?,
        }
        Ok(())
    }
}

/// Entries of a section, which fit in 32 bits: they were validated.
fn count(entries: usize) -> u32 {
    u32::try_from(entries).unwrap_or(u32::MAX)
}
