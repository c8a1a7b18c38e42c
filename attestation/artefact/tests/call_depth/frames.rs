//! Components whose compiled frames would outgrow what is accounted for them are refused by every compiler.

use attestation_artefact::CompileError;

use crate::harness::{Build, End, STACK_BYTES, binary, component, run};

/// Values that are cheap to say twice, and that the optimiser computes once and keeps.
fn shared_values(count: usize) -> Vec<u8> {
    let uses: String = (0..count)
        .map(|index| format!("(call $use (i64.popcnt (i64.mul (local.get 0) (i64.const {index}))))"))
        .collect();
    component(&format!(
        r#"(global $sum (mut i64) (i64.const 0))
        (func $use (param i64) (global.set $sum (i64.xor (global.get $sum) (local.get 0))))
        (func (export "run") (param i64) (result i64) {uses} {uses} (global.get $sum))"#
    ))
}

#[test]
fn a_frame_that_outgrows_its_account_is_refused() {
    for build in Build::ALL {
        let error = build.compile(&shared_values(1500), STACK_BYTES).map(drop).unwrap_err();
        let CompileError::Frame { module: 0, function: 2, found, most } = error else {
            unreachable!("{build:?}: {error}")
        };
        assert!(found > most, "{build:?}: {found} bytes, at most {most}");
    }
}

#[test]
fn some_shared_values_are_accounted_for() {
    assert_eq!(run(&shared_values(400), STACK_BYTES, 3).end, End::Returned(0));
}

#[test]
fn a_leaf_with_a_large_frame_is_counted() {
    // Values that all live at once, without a call: more than a leaf may have for nothing.
    let leaf = |locals: usize| {
        let loads: String = (1..=locals)
            .map(|index| format!("(local.set {index} (i64.load offset={} (i32.const 0)))", index * 8))
            .collect();
        let stores: String = (1..=locals)
            .map(|index| format!("(i64.store offset={} (i32.const 8) (local.get {index}))", index * 8))
            .collect();
        component(&format!(
            r#"(memory 1) (func (export "run") (param i64) (result i64) (local {})
                {loads} {stores} (local.get {locals}))"#,
            "i64 ".repeat(locals)
        ))
    };
    assert_eq!(run(&leaf(900), STACK_BYTES, 0).end, End::Returned(0));
    assert_eq!(run(&leaf(3000), STACK_BYTES, 0).end, End::Returned(0));
    assert_eq!(run(&leaf(5000), STACK_BYTES, 0).end, End::CallDepth);
}

#[test]
fn the_function_is_named_as_the_component_numbers_it() {
    let shared = |count: usize| {
        let uses: String = (0..count)
            .map(|index| format!("(call $use (i64.popcnt (i64.mul (local.get 0) (i64.const {index}))))"))
            .collect();
        format!(
            r#"(core module (import "a" "b" (func $import)) (func $use (param i64)) (func (param i64) {uses} {uses}))"#
        )
    };
    let small = "(core module (func $f call $f) (func call $f))";
    // Counters come before the modules of the outer and of an inner component, and the large function after all.
    let text = format!(
        "(component
            {small} (core instance (instantiate 0))
            (component {small} {small} (core instance (instantiate 0)))
            {small} {large})",
        large = shared(4000)
    );
    let error = Build::Native.compile(&binary(&text), STACK_BYTES).map(drop).unwrap_err();
    assert!(matches!(error, CompileError::Frame { module: 4, function: 2, .. }), "{error}");
}

#[test]
fn adapters_have_their_part_of_the_stack() {
    let composed = |count: usize| {
        let each = |text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<String>();
        let imports = each(&|index| format!(r#"(import "f{index}" (func $f{index} (param "s" string)))"#));
        let lowered = each(&|index| {
            format!(
                "(core func $l{index} (canon lower (func $f{index}) (memory (core memory $memory \"memory\"))))"
            )
        });
        let lifted = each(&|index| {
            format!(
                r#"(func (export "f{index}") (param "s" string) (canon lift (core func $i "f{index}")
                    (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))"#
            )
        });
        let functions = each(&|index| format!(r#"(func (export "f{index}") (param i32 i32))"#));
        let uses = each(&|index| format!(r#"(export "f{index}" (func $l{index}))"#));
        let core_imports = each(&|index| format!(r#"(import "l" "f{index}" (func (param i32 i32)))"#));
        let arguments = each(&|index| format!(r#"(with "f{index}" (func $first "f{index}"))"#));
        binary(&format!(
            r#"(component
                (component $first
                    (core module $m
                        (memory (export "memory") 1) {functions}
                        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
                    (core instance $i (instantiate $m)) {lifted})
                (component $second {imports}
                    (core module $memory (memory (export "memory") 1))
                    (core instance $memory (instantiate $memory)) {lowered}
                    (core instance $l {uses})
                    (core module $m {core_imports})
                    (core instance (instantiate $m (with "l" (instance $l)))))
                (instance $first (instantiate $first))
                (instance (instantiate $second {arguments})))"#
        ))
    };
    assert!(Build::Native.compile(&composed(50), STACK_BYTES).is_ok());
    let error = Build::Native.compile(&composed(800), STACK_BYTES).map(drop).unwrap_err();
    assert!(
        matches!(error, CompileError::GlueFrames { what: "adapters between its components", .. }),
        "{error}"
    );
}

#[test]
fn ways_into_the_engine_are_bounded_where_one_can_lead_to_the_next() {
    let importing = |count: usize, destructor: &str| {
        let each = |text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<String>();
        let parameters: String = (0..16).map(|index| format!("(param \"p{index}\" u64) ")).collect();
        binary(&format!(
            r#"(component {imports} {lowered}
                (core module $d (func (export "drop") (param i32)))
                (core instance $d (instantiate $d))
                (type (resource (rep i32) {destructor}))
                (core module $m {core_imports})
                (core instance $l {uses})
                (core instance (instantiate $m (with "l" (instance $l)))))"#,
            imports = each(&|index| format!("(import \"f{index}\" (func $f{index} {parameters}))")),
            lowered = each(&|index| format!("(core func $l{index} (canon lower (func $f{index})))")),
            core_imports =
                each(&|index| { format!(r#"(import "l" "f{index}" (func (param {})))"#, "i64 ".repeat(16)) }),
            uses = each(&|index| format!(r#"(export "f{index}" (func $l{index}))"#)),
        ))
    };
    let destructor = r#"(dtor (core func $d "drop"))"#;
    assert!(Build::Native.compile(&importing(20, destructor), STACK_BYTES).is_ok());
    assert!(Build::Native.compile(&importing(300, ""), STACK_BYTES).is_ok());
    let error = Build::Native.compile(&importing(300, destructor), STACK_BYTES).map(drop).unwrap_err();
    let what = "imports and built-in functions together";
    assert!(matches!(error, CompileError::GlueFrames { what: found, .. } if found == what), "{error}");
}
