//! Where a place in a rewritten component is in the original. Backtraces name the former; what people have is the latter.

use alloc::vec::Vec;
use core::ops::Range;

use wasmparser::{BinaryReader, Encoding, FunctionBody, Operator, Parser, Payload, TypeRef};

use crate::CompileError;
use crate::instrument::{Instrumented, instrument_with_frames};

/// Operators that take a function's part of the accounted stack, and the block around its body.
const TAKING: usize = 11;
const BLOCK: usize = 1;
/// Those that give it back.
const GIVING: usize = 4;

/// A place in a component as its author has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Bytes from the beginning of the component.
    pub offset: usize,
    /// Number of the function in its core module, imports included.
    pub function: u32,
}

/// Places in a component that was compiled with `call_stack_bytes`.
#[derive(Debug)]
pub struct Positions<'a> {
    original: &'a [u8],
    rewritten: Vec<u8>,
    /// In the order in which they stand in `rewritten`.
    functions: Vec<Function>,
}

#[derive(Debug)]
struct Function {
    rewritten: Range<usize>,
    original: Range<usize>,
    number: u32,
}

impl<'a> Positions<'a> {
    /// Of a component in binary form.
    ///
    /// # Errors
    /// Those of compiling it.
    pub fn of(component: &'a [u8], call_stack_bytes: u32) -> Result<Self, CompileError> {
        let Instrumented { bytes, modules, .. } = instrument_with_frames(component, call_stack_bytes)?;
        let originals = bodies(component)?;
        let mut functions = Vec::new();
        for (found, module) in bodies(&bytes)?.into_iter().zip(modules) {
            let number = module.original.and_then(|number| usize::try_from(number).ok());
            let Some(original) = number.and_then(|number| originals.get(number)) else { continue };
            for (rewritten, frame) in found.bodies.into_iter().zip(module.functions) {
                let defined = frame.original.checked_sub(original.imported_functions);
                let body = defined.and_then(|index| original.bodies.get(usize::try_from(index).ok()?));
                let Some(body) = body.cloned() else { continue };
                functions.push(Function { rewritten, original: body, number: frame.original });
            }
        }
        Ok(Self { original: component, rewritten: bytes, functions })
    }

    /// Where a place in the rewritten component is in the original; `None` in what was added.
    #[must_use]
    pub fn original(&self, offset: usize) -> Option<Position> {
        let after = self.functions.partition_point(|function| function.rewritten.end <= offset);
        let function = self.functions.get(after).filter(|function| function.rewritten.contains(&offset))?;
        let rewritten = operators(&self.rewritten, function.rewritten.clone())?;
        let original = operators(self.original, function.original.clone())?;
        let places = align(&rewritten, &original)?;
        let next = places.partition_point(|(rewritten, _)| *rewritten < offset);
        let (_, offset) = places.get(next).or(places.last())?;
        Some(Position { offset: *offset, function: function.number })
    }
}

/// Bodies of one core module's functions, as places in the component.
#[derive(Default)]
struct Bodies {
    imported_functions: u32,
    bodies: Vec<Range<usize>>,
}

/// Of all core modules of a component, in the order in which they stand in it.
fn bodies(component: &[u8]) -> Result<Vec<Bodies>, CompileError> {
    let mut modules: Vec<Bodies> = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        match (payload?, modules.last_mut()) {
            (Payload::Version { encoding: Encoding::Module, .. }, _) => modules.push(Bodies::default()),
            (Payload::ImportSection(imports), Some(module)) => {
                for import in imports.into_imports() {
                    module.imported_functions += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            (Payload::CodeSectionEntry(body), Some(module)) => module.bodies.push(body.range()),
            _ => {}
        }
    }
    Ok(modules)
}

/// Operators of a body, and where they are.
fn operators(component: &[u8], body: Range<usize>) -> Option<Vec<(Operator<'_>, usize)>> {
    let reader = BinaryReader::new(component.get(body.clone())?, body.start);
    let operators = FunctionBody::new(reader).get_operators_reader().ok()?;
    operators.into_iter_with_offsets().collect::<Result<_, _>>().ok()
}

/// Places of the same operators in both, by how bodies are rewritten (`instrument/body.rs`); `None` when the one is not
/// what the other becomes.
fn align(
    rewritten: &[(Operator<'_>, usize)],
    original: &[(Operator<'_>, usize)],
) -> Option<Vec<(usize, usize)>> {
    let tail_calls = original.iter().filter(|(operator, _)| is_tail_call(operator)).count();
    let added = rewritten.len().checked_sub(original.len())?;
    let (gives_back, leading) = match added.checked_sub(GIVING * (tail_calls + 1) + 1) {
        _ if added == 0 => (false, 0),
        Some(leading @ (BLOCK | TAKING_AND_BLOCK)) => (true, leading),
        _ => return None,
    };
    let mut rest = rewritten.iter().skip(leading);
    let mut places = Vec::with_capacity(original.len());
    for (operator, offset) in original {
        if gives_back && is_tail_call(operator) {
            rest.nth(GIVING - 1)?;
        }
        let (found, place) = rest.next()?;
        let is_same = core::mem::discriminant(found) == core::mem::discriminant(operator)
            || matches!((operator, found), (Operator::Return, Operator::Br { .. }) if gives_back);
        if !is_same {
            return None;
        }
        places.push((*place, *offset));
    }
    Some(places)
}

const TAKING_AND_BLOCK: usize = TAKING + BLOCK;

const fn is_tail_call(operator: &Operator<'_>) -> bool {
    matches!(operator, Operator::ReturnCall { .. } | Operator::ReturnCallIndirect { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CALL_STACK_DEFAULT_BYTES;

    /// Functions of every form: without calls, with them, with returns and tail calls inside of blocks, and with a frame so
    /// large that it is counted before. Globals of its own, so that their numbers change.
    fn component() -> Vec<u8> {
        let locals = "i64 ".repeat(1100);
        let text = alloc::format!(
            r#"(component
                (core module $first (func (export "f") nop))
                (core module
                    (import "a" "f" (func $f))
                    (global $own (mut i32) (i32.const 7))
                    (func $leaf (result i32) (global.get $own))
                    (func $caller (param i32) (result i32)
                        (block (br_if 0 (local.get 0)) (return (i32.const 1)))
                        (call $f)
                        (global.set $own (i32.const 3))
                        (call $leaf))
                    (func $tail (param i32) (result i32)
                        (if (local.get 0) (then (drop (call $caller (i32.const 2)))))
                        (return_call $caller (i32.const 5)))
                    (func $large (local {locals}) (local.set 3 (i64.const 9)) (call $f))
                    (func $trap unreachable)))"#
        );
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn every_operator_is_found_where_it_was() {
        let component = component();
        let positions = Positions::of(&component, CALL_STACK_DEFAULT_BYTES).unwrap();
        let mut seen = [0; 7];
        for function in &positions.functions {
            let originals = operators(&component, function.original.clone()).unwrap();
            let rewritten = operators(&positions.rewritten, function.rewritten.clone()).unwrap();
            let Some(places) = align(&rewritten, &originals) else { continue };
            seen[usize::try_from(function.number).unwrap()] += 1;
            assert_eq!(places.len(), originals.len());
            for (place, offset) in places {
                let expected = Position { offset, function: function.number };
                assert_eq!(positions.original(place), Some(expected));
            }
            // Where something was added, what comes next counts.
            let first = originals[0].1;
            let entry = positions.original(rewritten[0].1).unwrap();
            assert_eq!(entry.offset, first);
            let end = positions.original(function.rewritten.end - 1).unwrap();
            assert_eq!(end.offset, originals.last().unwrap().1);
        }
        // The second module imports a function; the first one's only has number 0.
        assert_eq!(seen, [1, 1, 1, 1, 1, 1, 0]);
    }

    #[test]
    fn what_was_added_is_nowhere() {
        let component = component();
        let positions = Positions::of(&component, CALL_STACK_DEFAULT_BYTES).unwrap();
        assert_eq!(positions.original(0), None);
        assert_eq!(positions.original(usize::MAX), None);
        let ranges = bodies(&positions.rewritten).unwrap();
        let all = ranges.iter().map(|module| module.bodies.len()).sum::<usize>();
        let known = ranges.iter().flat_map(|module| &module.bodies);
        let lost = known.filter(|body| positions.original(body.start + 1).is_none()).count();
        assert!(
            lost >= 2 && lost < all,
            "the function that traps, and the one before the large one: {lost} of {all}"
        );
    }

    #[test]
    fn no_component_has_no_positions() {
        assert!(Positions::of(b"", CALL_STACK_DEFAULT_BYTES).is_err());
        assert!(Positions::of(&component(), 1).is_err());
    }
}
