//! What a component imports and exports, by name.

use anyhow::{Context as _, Result};
use wasmparser::{Parser, Payload};

/// The outer names of a component, each in the component's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct World {
    /// What it needs.
    pub(crate) imports: Vec<String>,
    /// What it offers.
    pub(crate) exports: Vec<String>,
}

impl World {
    /// Reads the names of a component. Nothing else is validated.
    pub(crate) fn of(component: &[u8]) -> Result<Self> {
        const WRONG: &str = "not a WebAssembly component";
        let mut world = Self::default();
        // Components and modules inside of it have worlds of their own.
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(component) {
            match payload.context(WRONG)? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(imports) if depth == 0 => {
                    for import in imports {
                        world.imports.push(import.context(WRONG)?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(exports) if depth == 0 => {
                    for export in exports {
                        world.exports.push(export.context(WRONG)?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(world)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component that imports and exports the function type-less instances `a:b/c` and `a:b/d`, with a module inside.
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0\
        \x01\x08\0asm\x01\0\0\0\
        \x07\x03\x01\x42\0\
        \x0a\x0a\x01\0\x05a:b/c\x05\0\
        \x0b\x0b\x01\0\x05a:b/d\x05\0\0";

    #[test]
    fn outer_names_are_found() {
        let world = World::of(COMPONENT).unwrap();
        assert_eq!(world, World { imports: vec!["a:b/c".to_owned()], exports: vec!["a:b/d".to_owned()] });
    }

    #[test]
    fn what_is_no_component_is_refused() {
        for wrong in [&b""[..], b"MZ", &COMPONENT[..COMPONENT.len() - 1]] {
            assert!(World::of(wrong).unwrap_err().to_string().contains("not a WebAssembly component"));
        }
    }
}
