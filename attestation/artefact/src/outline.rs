//! A component without its code: all that can be said of it before it is compiled, in no time.
//!
//! Every function's body is a trap. Types, imports, exports, memories and tables are the original's, so whatever the
//! engine says of those is true of the original.

use alloc::vec::Vec;

use wasm_encoder::{
    CodeSection, Component, ComponentSectionId, Module, ModuleSection, NestedComponentSection, RawSection,
};
use wasmparser::{Parser, Payload};

use crate::CompileError;
use crate::instrument;
use crate::sections::{component_sections, copy_section};

/// No locals, `unreachable`, `end`: valid for every type of function.
const TRAP: [u8; 3] = [0x00, 0x00, 0x0B];

/// The outline of a component in binary form.
///
/// # Errors
/// [`CompileError::Component`] for bytes that are not a valid component, code included, and
/// [`CompileError::Nesting`] for components too deep in one another.
pub fn outline(component: &[u8]) -> Result<Vec<u8>, CompileError> {
    instrument::validate(component)?;
    Ok(outline_component(component)?.finish())
}

/// Recursion ends: what is nested too deep was refused.
fn outline_component(original: &[u8]) -> Result<Component, CompileError> {
    let mut outlined = Component::new();
    for section in component_sections(original) {
        let (id, data) = section?;
        if id == ComponentSectionId::CoreModule as u8 {
            outlined.section(&ModuleSection(&outline_module(data)?));
        } else if id == ComponentSectionId::Component as u8 {
            outlined.section(&NestedComponentSection(&outline_component(data)?));
        } else if id != ComponentSectionId::CoreCustom as u8 {
            outlined.section(&RawSection { id, data });
        }
    }
    Ok(outlined)
}

fn outline_module(original: &[u8]) -> Result<Module, CompileError> {
    let mut outlined = Module::new();
    for payload in Parser::new(0).parse_all(original) {
        match payload? {
            Payload::CodeSectionStart { count, .. } => {
                let mut code = CodeSection::new();
                for _ in 0..count {
                    code.raw(&TRAP);
                }
                outlined.section(&code);
            }
            Payload::CodeSectionEntry(_) | Payload::CustomSection(_) => {}
            other => copy_section(&mut outlined, original, &other)?,
        }
    }
    Ok(outlined)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &str = r#"(component
        (core module $m
            (memory (export "memory") 3)
            (table 7 funcref)
            (func $deep (param i64) (result f64) (local v128) (f64.const 1) (return))
            (func (export "run") (result i32) (drop (call $deep (i64.const 1))) i32.const 0)
            (data (i32.const 0) "data"))
        (component (core module (func (result i32) i32.const 0)))
        (core instance $i (instantiate $m))
        (func (export "run") (result u32) (canon lift (core func $i "run"))))"#;

    #[test]
    fn all_but_the_code_stays() {
        let original = wat::parse_str(COMPONENT).unwrap();
        let outlined = outline(&original).unwrap();
        let bodies = |bytes: &[u8]| -> Vec<Vec<u8>> {
            let payloads = Parser::new(0).parse_all(bytes).map(Result::unwrap);
            let body = |payload| match payload {
                Payload::CodeSectionEntry(body) => Some(body.as_bytes().to_vec()),
                _ => None,
            };
            payloads.filter_map(body).collect()
        };
        assert_eq!(bodies(&outlined), [TRAP; 3]);
        assert!(bodies(&original).iter().all(|body| *body != TRAP));
        // The engine says the same of both.
        let engine = wasmtime::Engine::default();
        let said = |bytes: &[u8]| {
            let component = wasmtime::component::Component::from_binary(&engine, bytes).unwrap();
            let required = component.resources_required().unwrap();
            let exports = component.component_type().exports(&engine).len();
            (
                required.num_memories,
                required.max_initial_memory_size,
                required.max_initial_table_size,
                exports,
            )
        };
        assert_eq!(said(&outlined), said(&original));
        assert_eq!(said(&outlined), (1, Some(3), Some(7), 1));
    }

    #[test]
    fn what_is_no_component_has_no_outline() {
        let mut wrong = wat::parse_str(COMPONENT).unwrap();
        let at = wrong.windows(2).position(|bytes| bytes == [0x42, 0x01]).expect("i64.const 1");
        wrong[at] = 0x41;
        assert!(matches!(outline(&wrong), Err(CompileError::Component { .. })), "code is looked at");
        assert!(matches!(outline(b"\0asm"), Err(CompileError::Component { .. })));
        let module = wat::parse_str("(module)").unwrap();
        assert!(matches!(outline(&module), Err(CompileError::Component { .. })));
    }
}
