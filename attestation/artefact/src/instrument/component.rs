//! Components: adds the counter to each that instantiates core modules, and gives it to all of these.
//!
//! The counter's module and instance come first in a component, so that the numbers of all others rise by one.
//! Sections in which none of these numbers stands are copied.

use alloc::vec::Vec;

use wasm_encoder::{
    Alias, Component, ComponentAliasSection, ComponentExportKind, ComponentOuterAliasKind,
    ComponentSectionId, ConstExpr, ExportKind, ExportSection, GlobalSection, InstanceSection, Module,
    ModuleArg, ModuleSection, NestedComponentSection, RawSection,
};
use wasmparser::{
    BinaryReader, ComponentAlias, ComponentAliasSectionReader, ComponentOuterAliasKind as OuterAliasKind,
    Instance, InstanceSectionReader,
};

use crate::CompileError;
use crate::instrument::module::{self, COUNTER_TYPE};
use crate::instrument::survey::{ModuleSurvey, Survey};
use crate::instrument::{FunctionFrame, Instrumented, ModuleFrames};
use crate::sections::component_sections;

/// The argument with which a core module gets the counter, and the module that it imports it from.
pub(super) const COUNTER_MODULE: &str = "redoubt:call-depth";
/// The counter's name in there.
pub(super) const COUNTER_FIELD: &str = "left";
/// Numbers of the counter's module and instance.
const COUNTER_INDEX: u32 = 0;

/// Rewrites a component that `survey` found valid.
pub(super) fn rewrite(
    component: &[u8],
    survey: &Survey,
    call_stack_bytes: u32,
) -> Result<Instrumented, CompileError> {
    let mut rewriter = Rewriter {
        share_bytes: call_stack_bytes / survey.counters.max(1),
        has_destructors: survey.has_destructors,
        modules: survey.modules.iter().enumerate(),
        has_counter: survey.has_counter.iter(),
        open: Vec::new(),
        frames: Vec::new(),
    };
    let bytes = rewriter.component(component)?.finish();
    Ok(Instrumented { bytes, modules: rewriter.frames, has_destructors: survey.has_destructors })
}

struct Rewriter<'a> {
    /// What each counter starts with, in bytes.
    share_bytes: u32,
    has_destructors: bool,
    /// Core modules that are still to come.
    modules: core::iter::Enumerate<core::slice::Iter<'a, ModuleSurvey>>,
    /// Components that are still to come: whether each has a counter.
    has_counter: core::slice::Iter<'a, bool>,
    /// The same for those that are being written, outermost first.
    open: Vec<bool>,
    frames: Vec<ModuleFrames>,
}

impl Rewriter<'_> {
    /// Recursion ends: the survey has refused what is nested too deep.
    fn component(&mut self, original: &[u8]) -> Result<Component, CompileError> {
        let mut written = Component::new();
        let has_counter = self.has_counter.next().copied().unwrap_or(false);
        self.open.push(has_counter);
        if has_counter {
            self.add_counter(&mut written);
        }
        for section in component_sections(original) {
            let (id, data) = section?;
            self.section(id, data, &mut written)?;
        }
        self.open.pop();
        Ok(written)
    }

    fn section(&mut self, id: u8, data: &[u8], to: &mut Component) -> Result<(), CompileError> {
        if id == ComponentSectionId::CoreCustom as u8 {
            // Names of items, whose numbers change; whatever tools left.
        } else if id == ComponentSectionId::CoreModule as u8 {
            to.section(&ModuleSection(&self.module(data)?));
        } else if id == ComponentSectionId::Component as u8 {
            to.section(&NestedComponentSection(&self.component(data)?));
        } else if id == ComponentSectionId::CoreInstance as u8 {
            to.section(&self.core_instances(data)?);
        } else if id == ComponentSectionId::Alias as u8 {
            to.section(&self.aliases(data)?);
        } else {
            to.section(&RawSection { id, data });
        }
        Ok(())
    }

    fn add_counter(&mut self, to: &mut Component) {
        let mut globals = GlobalSection::new();
        globals.global(COUNTER_TYPE, &ConstExpr::i32_const(self.share_bytes.cast_signed()));
        let mut exports = ExportSection::new();
        exports.export(COUNTER_FIELD, ExportKind::Global, 0);
        let mut module = Module::new();
        module.section(&globals).section(&exports);
        to.section(&ModuleSection(&module));
        let mut instances = InstanceSection::new();
        instances.instantiate(COUNTER_INDEX, [] as [(&str, ModuleArg); 0]);
        to.section(&instances);
        self.frames.push(ModuleFrames { original: None, functions: Vec::new() });
    }

    fn module(&mut self, original: &[u8]) -> Result<Module, CompileError> {
        let Some((number, survey)) = self.modules.next() else {
            return Err(CompileError::component("more core modules than before"));
        };
        let (module, functions): (_, Vec<FunctionFrame>) =
            module::rewrite(original, survey, self.has_destructors)?;
        let original = Some(u32::try_from(number).unwrap_or(u32::MAX));
        self.frames.push(ModuleFrames { original, functions });
        Ok(module)
    }

    fn core_instances(&self, data: &[u8]) -> Result<InstanceSection, CompileError> {
        let mut section = InstanceSection::new();
        for instance in InstanceSectionReader::new(BinaryReader::new(data, 0))? {
            match instance? {
                Instance::Instantiate { module_index, args } => {
                    let own = args.iter().map(|argument| (argument.name, self.shifted(argument.index, 0)));
                    let with_counter = own.chain([(COUNTER_MODULE, COUNTER_INDEX)]);
                    let arguments: Vec<_> =
                        with_counter.map(|(name, instance)| (name, ModuleArg::Instance(instance))).collect();
                    section.instantiate(self.shifted(module_index, 0), arguments);
                }
                Instance::FromExports(exports) => {
                    let exports: Vec<_> = exports
                        .iter()
                        .map(|export| (export.name, export.kind.into(), export.index))
                        .collect();
                    section.export_items::<_, &str>(exports);
                }
            }
        }
        Ok(section)
    }

    fn aliases(&self, data: &[u8]) -> Result<ComponentAliasSection, CompileError> {
        let mut section = ComponentAliasSection::new();
        for alias in ComponentAliasSectionReader::new(BinaryReader::new(data, 0))? {
            section.alias(match alias? {
                ComponentAlias::InstanceExport { kind, instance_index, name } => {
                    let kind = ComponentExportKind::from(kind);
                    Alias::InstanceExport { instance: instance_index, kind, name }
                }
                ComponentAlias::CoreInstanceExport { kind, instance_index, name } => {
                    let instance = self.shifted(instance_index, 0);
                    Alias::CoreInstanceExport { instance, kind: kind.into(), name }
                }
                ComponentAlias::Outer { kind: OuterAliasKind::CoreModule, count, index } => {
                    let index = self.shifted(index, count);
                    Alias::Outer { kind: ComponentOuterAliasKind::CoreModule, count, index }
                }
                ComponentAlias::Outer { kind, count, index } => {
                    Alias::Outer { kind: kind.into(), count, index }
                }
            });
        }
        Ok(section)
    }

    /// The number of a core module or core instance in the component `levels_out` around the current one.
    fn shifted(&self, index: u32, levels_out: u32) -> u32 {
        let has_counter = self.open.iter().rev().nth(levels_out as usize).copied().unwrap_or(false);
        index.saturating_add(u32::from(has_counter))
    }
}
