//! Instrumented components: what is kept, what is added, what is refused.

use proptest::prelude::*;
use wasmparser::{KnownCustom, Name, Parser, Payload, Validator};

use super::*;
use crate::config::WASM_FEATURES;
use crate::{CALL_DEPTH_FUNCTION, CALL_STACK_DEFAULT_BYTES};

/// Has most of what a component can have.
const VARIED: &str = r#"(component $outer
    (@custom "producers" "\00")
    (core module $m (@custom ".debug_line" "offsets") (@custom "producers" "\00")
        (import "host" "f" (func $host (param i32) (result i32)))
        (import "host" "g" (global i32))
        (type $two (func (param i32) (result i32 i64)))
        (memory (export "memory") 1) (data (i32.const 0) "a") (data $later "b")
        (table 2 4 funcref) (elem (i32.const 0) $pair) (elem declare func $run)
        (global $own (export "own") (mut i32) (global.get 0))
        (func $pair (type $two) (call $host (local.get 0)) (i64.const 1))
        (func $run (export "run") (param i32) (result i32)
            (block (br_if 1 (i32.const 3) (local.get 0)) drop)
            (global.set $own (i32.const 1))
            (drop (call $pair (local.get 0)))
            (return_call $host (global.get $own))))
    (core module $host
        (func (export "f") (param i32) (result i32) (local.get 0)) (global (export "g") i32 (i32.const 1)))
    (core instance $h (instantiate $host))
    (core instance $i (instantiate $m (with "host" (instance $h))))
    (component $inner
        (alias outer $outer $host (core module $aliased))
        (core instance $x (instantiate $aliased))
        (func (export "f") (param "x" u32) (result u32) (canon lift (core func $x "f"))))
    (instance $c (instantiate $inner))
    (export "c" (instance $c))
    (func (export "run") (param "x" u32) (result u32) (canon lift (core func $i "run"))))"#;

#[test]
fn what_comes_out_is_valid_and_always_the_same() {
    let once = instrumented(VARIED);
    validate(&once);
    assert!(once == instrumented(VARIED));
    let other = instrument(&binary(VARIED), CALL_STACK_DEFAULT_BYTES + 1024).unwrap();
    validate(&other);
    assert!(once != other);
}

#[test]
fn nothing_is_left_that_points_into_code() {
    let customs = customs(&instrumented(VARIED));
    assert_eq!(
        customs,
        ["name", "name"],
        "one for each core module with names; the component's own are gone"
    );
}

#[test]
fn functions_keep_their_names_and_one_is_added() {
    let names = function_names(&instrumented(VARIED));
    let expected = [(0, "host"), (1, "pair"), (2, "run"), (3, CALL_DEPTH_FUNCTION)];
    assert_eq!(names[0], expected.map(|(index, name)| (index, name.to_owned())));
}

#[test]
fn a_module_without_names_gets_one() {
    let text = r#"(component (core module (type (func)) (func (type 0) call 0)))"#;
    assert_eq!(function_names(&instrumented(text)), [vec![(1, CALL_DEPTH_FUNCTION.to_owned())]]);
}

#[test]
fn nobody_else_has_the_name() {
    let spoofed = |calls: &str| {
        format!(
            r#"(component (core module (func $f (@name "{CALL_DEPTH_FUNCTION}") {calls} unreachable) (func $g)))"#
        )
    };
    // In a module with a counter, and in one without, whose own function would look like the end of a stack.
    let counted = [(1, "g".to_owned()), (2, CALL_DEPTH_FUNCTION.to_owned())];
    assert_eq!(function_names(&instrumented(&spoofed("call $f"))), [Vec::from(counted)]);
    assert_eq!(function_names(&instrumented(&spoofed(""))), [vec![(1, "g".to_owned())]]);
}

#[test]
fn names_are_read_as_far_as_they_can_be() {
    let subsection = |id: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).unwrap();
        [&[id, length], content].concat()
    };
    // Function 0 twice, function 77 that is not there; after that a subsection that ends early.
    let functions = subsection(1, &[3, 0, 1, b'a', 0, 1, b'b', 77, 1, b'c']);
    let broken = [2, 9, 1];
    let mut module = wasm_encoder::Module::new();
    let mut types = wasm_encoder::TypeSection::new();
    types.ty().function([], []);
    let mut code = wasm_encoder::CodeSection::new();
    code.raw(&[0, 0x10, 0, 0x0b]);
    let data = [functions.as_slice(), &broken].concat().into();
    let names = wasm_encoder::CustomSection { name: "name".into(), data };
    module
        .section(&types)
        .section(wasm_encoder::FunctionSection::new().function(0))
        .section(&code)
        .section(&names);
    let mut component = wasm_encoder::Component::new();
    component.section(&wasm_encoder::ModuleSection(&module));
    let names = function_names(&instrument(&component.finish(), CALL_STACK_DEFAULT_BYTES).unwrap());
    // The parser refuses a list that is out of order as a whole, or takes the later name: either way the rest stays.
    assert_eq!(names[0].last(), Some(&(1, CALL_DEPTH_FUNCTION.to_owned())));
    assert!(names[0].iter().all(|(index, _)| *index < 2), "{names:?}");
}

#[test]
fn a_module_of_leaves_is_copied() {
    let module =
        r#"(core module (global i32 (i32.const 1)) (func (export "f") (result i32) (global.get 0)))"#;
    let text = format!("(component {module} (core instance (instantiate 0)))");
    let once = instrumented(&text);
    let leaf = modules(&once)[1].clone();
    assert!(leaf == modules(&binary(&text))[0]);
}

#[test]
fn stacks_out_of_bounds_are_refused() {
    for found in [0, CALL_STACK_MIN_BYTES - 1, CALL_STACK_MAX_BYTES + 1, u32::MAX] {
        assert_eq!(instrument(&binary(VARIED), found), Err(CompileError::CallStack { found }));
    }
    for bytes in [CALL_STACK_MIN_BYTES, CALL_STACK_MAX_BYTES] {
        validate(&instrument(&binary(VARIED), bytes).unwrap());
    }
}

#[test]
fn core_modules_and_components_as_values_are_refused() {
    let inner = "(component $c) (core module $m)";
    let instance = r#"(import "i" (instance $i (export "m" (core module)) (export "c" (component))))"#;
    for (text, sort, how) in [
        (r#"(import "m" (core module))"#.to_owned(), "a core module", "imported"),
        (r#"(import "c" (component))"#.to_owned(), "a component", "imported"),
        (format!(r#"{inner} (export "m" (core module $m))"#), "a core module", "exported"),
        (format!(r#"{inner} (export "c" (component $c))"#), "a component", "exported"),
        (format!(r#"{inner} (instance (export "m" (core module $m)))"#), "a core module", "passed on"),
        (
            format!(r#"{inner} (instance (instantiate $c (with "c" (component $c))))"#),
            "a component",
            "passed on",
        ),
        (
            format!(r#"{instance} (alias export $i "m" (core module))"#),
            "a core module",
            "taken from an instance",
        ),
        (format!(r#"{instance} (alias export $i "c" (component))"#), "a component", "taken from an instance"),
    ] {
        let refused = instrument(&binary(&format!("(component {text})")), CALL_STACK_DEFAULT_BYTES);
        assert_eq!(refused, Err(CompileError::Indirect { sort, how }), "{text}");
    }
}

#[test]
fn too_many_instances_are_refused() {
    let with_instances = |count: usize| {
        let inner = "(component $c (core module $m) (core instance (instantiate $m)) (core instance (instantiate $m)))";
        binary(&format!("(component {inner} {})", "(instance (instantiate $c))".repeat(count)))
    };
    validate(&instrument(&with_instances(8), CALL_STACK_DEFAULT_BYTES).unwrap());
    let refused = instrument(&with_instances(9), CALL_STACK_DEFAULT_BYTES);
    assert_eq!(refused, Err(CompileError::Instances { found: 9, most: 8 }));
}

#[test]
fn instances_that_double_at_each_level_are_counted_without_making_them() {
    let mut inner = "(component $c (core module $m) (core instance (instantiate $m)))".to_owned();
    for _ in 0..12 {
        // An alias of the component counts like the component.
        inner = format!(
            "(component $c {inner} (alias outer 0 0 (component $d)) (instance (instantiate $c)) (instance (instantiate $d)))"
        );
    }
    let refused = instrument(&binary(&inner), CALL_STACK_DEFAULT_BYTES);
    assert_eq!(refused, Err(CompileError::Instances { found: 1 << 12, most: 8 }));
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| binary(&format!("{}{}", "(component ".repeat(depth), ")".repeat(depth)));
    assert!(instrument(&nested(MAX_NESTING), CALL_STACK_DEFAULT_BYTES).is_ok());
    let refused = instrument(&nested(MAX_NESTING + 1), CALL_STACK_DEFAULT_BYTES);
    assert_eq!(refused, Err(CompileError::Nesting { most: MAX_NESTING }));
}

#[test]
fn types_are_not_read_by_recursion_without_end() {
    for list in [0x41, 0x42] {
        // A section of one type, a list of one declaration, which is a type: a list of one declaration, and so on.
        let nested = |depth: usize| {
            let lists = [[list, 1, 1]].repeat(depth).concat();
            let mut component = wasm_encoder::Component::new();
            let data = [[1].as_slice(), &lists, &[0x7f]].concat();
            component.section(&wasm_encoder::RawSection { id: 7, data: &data });
            instrument(&component.finish(), CALL_STACK_DEFAULT_BYTES)
        };
        validate(&nested(MAX_NESTING).unwrap());
        for depth in [MAX_NESTING + 1, 1_000_000] {
            assert_eq!(nested(depth), Err(CompileError::Nesting { most: MAX_NESTING }));
        }
    }
    let varied = r#"(component
        (type (component
            (type $i (instance (type $r (record (field "a" u8))) (export "r" (type (eq $r)))))
            (import "i" (instance (type $i)))
            (core type (module (import "a" "b" (func))))
            (type (func (param "x" u32) (result string)))
            (export "f" (func (type 1)))))
        (type $list (list string))
        (type (instance (alias outer 1 $list (type $l)) (export "l" (type (eq $l))))))"#;
    validate(&instrumented(varied));
}

#[test]
fn the_counters_argument_is_reserved() {
    let name = component::COUNTER_MODULE;
    let text = format!(
        r#"(component (core module $a (global (export "left") (mut i32) (i32.const -1)))
            (core instance $a (instantiate $a))
            (core module $b (import "{name}" "left" (global (mut i32))))
            (core instance (instantiate $b (with "{name}" (instance $a)))))"#
    );
    let refused = instrument(&binary(&text), CALL_STACK_DEFAULT_BYTES);
    assert_eq!(refused, Err(CompileError::Reserved { name: name.to_owned() }));
}

#[test]
fn what_is_no_component_is_refused() {
    for bytes in [b"".to_vec(), b"\0asm".to_vec(), wat::parse_str("(module)").unwrap()] {
        assert!(matches!(instrument(&bytes, CALL_STACK_DEFAULT_BYTES), Err(CompileError::Component { .. })));
    }
}

proptest! {
    #[test]
    fn damaged_components_are_refused_or_come_out_valid(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        let mut bytes = binary(VARIED);
        for (index, byte, how) in damage {
            let index = index.index(bytes.len());
            match how {
                0 => bytes[index] = byte,
                1 => bytes.insert(index, byte),
                _ => drop(bytes.remove(index)),
            }
        }
        if let Ok(bytes) = instrument(&bytes, CALL_STACK_DEFAULT_BYTES) {
            prop_assert!(Validator::new_with_features(WASM_FEATURES).validate_all(&bytes).is_ok());
        }
    }

    #[test]
    fn any_bytes_are_refused_or_come_out_valid(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [wasm_encoder::Component::HEADER.as_slice(), &bytes].concat();
        if let Ok(bytes) = instrument(&bytes, CALL_STACK_DEFAULT_BYTES) {
            prop_assert!(Validator::new_with_features(WASM_FEATURES).validate_all(&bytes).is_ok());
        }
    }
}

fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| unreachable!("{error}\n{text}"))
}

fn instrumented(text: &str) -> Vec<u8> {
    instrument(&binary(text), CALL_STACK_DEFAULT_BYTES).unwrap()
}

fn validate(bytes: &[u8]) {
    Validator::new_with_features(WASM_FEATURES).validate_all(bytes).unwrap();
}

/// Names of the custom sections, in order.
fn customs(component: &[u8]) -> Vec<String> {
    let payloads = Parser::new(0).parse_all(component).map(Result::unwrap);
    payloads
        .filter_map(|payload| match payload {
            Payload::CustomSection(section) => Some(section.name().to_owned()),
            _ => None,
        })
        .collect()
}

/// The names in each section of names.
fn function_names(component: &[u8]) -> Vec<Vec<(u32, String)>> {
    let mut all = Vec::new();
    for payload in Parser::new(0).parse_all(component).map(Result::unwrap) {
        let Payload::CustomSection(section) = payload else { continue };
        let KnownCustom::Name(subsections) = section.as_known() else { continue };
        let functions = subsections.into_iter().filter_map(|subsection| match subsection.unwrap() {
            Name::Function(functions) => Some(functions),
            _ => None,
        });
        let names = functions.flatten().map(Result::unwrap);
        all.push(names.map(|naming| (naming.index, naming.name.to_owned())).collect());
    }
    all
}

/// The core modules of a component.
fn modules(component: &[u8]) -> Vec<Vec<u8>> {
    let payloads = Parser::new(0).parse_all(component).map(Result::unwrap);
    payloads
        .filter_map(|payload| match payload {
            Payload::ModuleSection { unchecked_range, .. } => Some(component[unchecked_range].to_vec()),
            _ => None,
        })
        .collect()
}
