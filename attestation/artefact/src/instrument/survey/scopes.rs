//! Components inside components: where counters are needed, how many there will be, and whether they can be had.
//!
//! A core module gets its counter where it is instantiated, in the component that does so. That works as long as core
//! modules and components are instantiated in the component that defines them or inside of it; what is imported,
//! exported or passed on is refused. Tools that compose components pass instances and functions.

use alloc::vec::Vec;

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, Encoding, Instance,
    Payload,
};

use crate::CompileError;
use crate::instrument::component::COUNTER_MODULE;
use crate::instrument::{MAX_COUNTERS, MAX_NESTING};

/// Follows the payloads of a component.
#[derive(Default)]
pub(super) struct Scopes {
    /// What is being read, outermost first: components, and perhaps a core module in the last of them.
    open: Vec<Scope>,
    has_counter: Vec<bool>,
    /// Counters in an instance of the outermost component.
    counters: u32,
}

enum Scope {
    Module,
    Component(Component),
}

/// A component that is being read.
struct Component {
    /// Its number in the order in which components begin.
    ordinal: usize,
    /// Its component index space: how many counters an instance of each has.
    components: Vec<u32>,
    /// Counters of the component instances in it.
    nested_counters: u32,
}

impl Scopes {
    /// Per component, in the order in which they begin, whether it instantiates core modules; and how many counters
    /// there are in one instance of the whole.
    pub(super) fn finish(self) -> Result<(Vec<bool>, u32), CompileError> {
        let (found, most) = (self.counters, MAX_COUNTERS);
        if found > most {
            return Err(CompileError::Instances { found, most });
        }
        Ok((self.has_counter, found))
    }

    /// Follows a payload that was found valid.
    pub(super) fn follow(&mut self, payload: &Payload<'_>) -> Result<(), CompileError> {
        match payload {
            Payload::Version { encoding, .. } => self.begin(*encoding),
            Payload::End(_) => {
                self.end();
                Ok(())
            }
            Payload::InstanceSection(instances) => {
                instances.clone().into_iter().try_for_each(|instance| self.core_instance(&instance?))
            }
            Payload::ComponentInstanceSection(instances) => {
                instances.clone().into_iter().try_for_each(|instance| self.instance(&instance?))
            }
            Payload::ComponentAliasSection(aliases) => {
                aliases.clone().into_iter().try_for_each(|alias| self.alias(&alias?))
            }
            Payload::ComponentImportSection(imports) => {
                imports.clone().into_iter().try_for_each(|import| allow(import?.ty.kind(), "imported"))
            }
            Payload::ComponentExportSection(exports) => {
                exports.clone().into_iter().try_for_each(|export| allow(export?.kind, "exported"))
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, encoding: Encoding) -> Result<(), CompileError> {
        let scope = match encoding {
            Encoding::Module if self.open.is_empty() => {
                return Err(CompileError::component("expected a component, found a core module"));
            }
            Encoding::Module => Scope::Module,
            Encoding::Component if self.open.len() >= MAX_NESTING => {
                return Err(CompileError::Nesting { most: MAX_NESTING });
            }
            Encoding::Component => {
                let ordinal = self.has_counter.len();
                self.has_counter.push(false);
                Scope::Component(Component { ordinal, components: Vec::new(), nested_counters: 0 })
            }
        };
        self.open.push(scope);
        Ok(())
    }

    fn end(&mut self) {
        let Some(Scope::Component(ended)) = self.open.pop() else { return };
        let own = self.has_counter.get(ended.ordinal).map_or(0, |&has_counter| u32::from(has_counter));
        let counters = ended.nested_counters.saturating_add(own);
        match self.component(0) {
            Some(outer) => outer.components.push(counters),
            None => self.counters = counters,
        }
    }

    fn core_instance(&mut self, instance: &Instance<'_>) -> Result<(), CompileError> {
        let Instance::Instantiate { args, .. } = instance else { return Ok(()) };
        if let Some(reserved) = args.iter().find(|argument| argument.name == COUNTER_MODULE) {
            return Err(CompileError::Reserved { name: reserved.name.into() });
        }
        if let Some(ordinal) = self.component(0).map(|component| component.ordinal)
            && let Some(has_counter) = self.has_counter.get_mut(ordinal)
        {
            *has_counter = true;
        }
        Ok(())
    }

    fn instance(&mut self, instance: &ComponentInstance<'_>) -> Result<(), CompileError> {
        match instance {
            ComponentInstance::Instantiate { component_index, args } => {
                args.iter().try_for_each(|argument| allow(argument.kind, "passed on"))?;
                let counters = self.counters_of(0, *component_index);
                if let Some(component) = self.component(0) {
                    component.nested_counters = component.nested_counters.saturating_add(counters);
                }
                Ok(())
            }
            ComponentInstance::FromExports(exports) => {
                exports.iter().try_for_each(|export| allow(export.kind, "passed on"))
            }
        }
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) -> Result<(), CompileError> {
        match alias {
            ComponentAlias::InstanceExport { kind, .. } => allow(*kind, "taken from an instance"),
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                let counters = self.counters_of(*count as usize, *index);
                if let Some(component) = self.component(0) {
                    component.components.push(counters);
                }
                Ok(())
            }
            ComponentAlias::Outer { .. } | ComponentAlias::CoreInstanceExport { .. } => Ok(()),
        }
    }

    /// Counters in an instance of a component. One that is not there, which validation excludes, has too many.
    fn counters_of(&mut self, levels_out: usize, index: u32) -> u32 {
        let known = self.component(levels_out).and_then(|component| component.components.get(index as usize));
        known.copied().unwrap_or(u32::MAX)
    }

    fn component(&mut self, levels_out: usize) -> Option<&mut Component> {
        let place = self.open.len().checked_sub(levels_out.checked_add(1)?)?;
        match self.open.get_mut(place)? {
            Scope::Component(component) => Some(component),
            Scope::Module => None,
        }
    }
}

fn allow(kind: ComponentExternalKind, how: &'static str) -> Result<(), CompileError> {
    let sort = match kind {
        ComponentExternalKind::Module => "a core module",
        ComponentExternalKind::Component => "a component",
        ComponentExternalKind::Func
        | ComponentExternalKind::Value
        | ComponentExternalKind::Type
        | ComponentExternalKind::Instance => return Ok(()),
    };
    Err(CompileError::Indirect { sort, how })
}
