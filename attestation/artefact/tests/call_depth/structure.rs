//! Components of many parts: what is not a function keeps its place, and each part of a composition has its share.

use attestation_artefact::CompileError;

use crate::harness::{Build, End, Everywhere, STACK_BYTES, binary, run};

/// A module whose `run` calls itself as often as its argument says, and then calls what it imports.
const RECURSE: &str = r#"(core module $recurse
    (import "next" "run" (func $next (param i64) (result i64)))
    (func $run (export "run") (param i64) (result i64)
        (if (i64.eqz (local.get 0)) (then (return (call $next (i64.const 0)))))
        (i64.add (i64.const 1) (call $run (i64.sub (local.get 0) (i64.const 1))))))"#;

/// A module whose `run` is the last.
const LAST: &str = r#"(core module $last (func $id (param i64) (result i64) (local.get 0))
    (func (export "run") (param i64) (result i64) (call $id (local.get 0))))"#;

const LIFT: &str = r#"(func (export "run") (param "n" u64) (result u64) (canon lift (core func $i "run")))"#;

#[test]
fn everything_in_a_module_keeps_its_place() {
    let program = binary(
        r#"(component
            (core module $a
                (memory (export "memory") 1) (data (i32.const 8) "\2a")
                (global (export "mutable") (mut i64) (i64.const 100))
                (global (export "constant") i32 (i32.const 8)))
            (core instance $a (instantiate $a))
            (core module $b
                (import "a" "memory" (memory 1))
                (import "a" "constant" (global $at i32))
                (import "a" "mutable" (global $shared (mut i64)))
                (table $t 3 funcref)
                (elem (table $t) (i32.const 1) func $double)
                (elem $later funcref (ref.func $add) (ref.null func))
                (global $own (mut i64) (i64.const 1000))
                (global $copy i32 (global.get $at))
                (global (export "exported") f64 (f64.const 1))
                (data (global.get $at) "\2b")
                (data $later "\05")
                (start $begin)
                (func $begin
                    (call $fill)
                    (global.set $shared (i64.add (global.get $shared) (i64.const 7))))
                (func $fill
                    (table.init $t $later (i32.const 0) (i32.const 0) (i32.const 1))
                    (memory.init $later (i32.const 16) (i32.const 0) (i32.const 1)))
                (func $double (param i64) (result i64) (i64.mul (local.get 0) (i64.const 2)))
                (func $add (param i64) (result i64)
                    (global.set $own (i64.add (global.get $own) (i64.const 1)))
                    (i64.add (global.get $own) (local.get 0)))
                (func (export "run") (param i64) (result i64)
                    (i64.add
                        (i64.add
                            (call_indirect (param i64) (result i64) (local.get 0) (i32.const 0))
                            (call_indirect (param i64) (result i64) (local.get 0) (i32.const 1)))
                        (i64.add
                            (global.get $shared)
                            (i64.add (i64.load8_u (global.get $copy)) (i64.load8_u (i32.const 16)))))))
            (core instance $i (instantiate $b (with "a" (instance $a))))
            (func (export "run") (param "n" u64) (result u64) (canon lift (core func $i "run"))))"#,
    );
    // add: 1001 + 3; double: 6; shared: 107; data: 43 and 5.
    assert_eq!(run(&program, STACK_BYTES, 3).end, End::Returned(1004 + 6 + 107 + 43 + 5));
}

#[test]
fn a_start_function_is_counted() {
    let program = binary(
        r#"(component
            (core module $m
                (func $f (call $f))
                (start $f)
                (func (export "run") (param i64) (result i64) (i64.const 1)))
            (core instance $i (instantiate $m))
            (func (export "run") (param "n" u64) (result u64) (canon lift (core func $i "run"))))"#,
    );
    assert_eq!(run(&program, STACK_BYTES, 0).end, End::CallDepth);
}

#[test]
fn instances_of_one_component_share_its_stack() {
    let program = binary(&format!(
        r#"(component {LAST} {RECURSE}
            (core instance $last (instantiate $last))
            (core instance $one (instantiate $recurse (with "next" (instance $last))))
            (core instance $two (instantiate $recurse (with "next" (instance $one))))
            (core instance $i (instantiate $recurse (with "next" (instance $two))))
            {LIFT})"#
    ));
    let chained = Everywhere::new(&program, STACK_BYTES).depth();
    let alone = flat_depth();
    assert!(chained.abs_diff(alone) <= 4, "{chained} and {alone}");
}

/// Depth of a component with one instance.
fn flat_depth() -> u64 {
    let program = binary(&format!(
        r#"(component {LAST} {RECURSE}
            (core instance $last (instantiate $last))
            (core instance $i (instantiate $recurse (with "next" (instance $last))))
            {LIFT})"#
    ));
    Everywhere::new(&program, STACK_BYTES).depth()
}

/// Two components side by side, of which the second calls the first; both use the module of the outermost.
fn composed(second: &str) -> Vec<u8> {
    binary(&format!(
        r#"(component $outer {LAST} {RECURSE}
            (component $first
                (alias outer $outer $last (core module $last))
                (alias outer $outer $recurse (core module $recurse))
                (core instance $last (instantiate $last))
                (core instance $i (instantiate $recurse (with "next" (instance $last))))
                {LIFT})
            (component $second
                (import "next" (func $next (param "n" u64) (result u64)))
                (core func $next (canon lower (func $next)))
                (core instance $next (export "run" (func $next)))
                (alias outer $outer $recurse (core module $recurse))
                (core instance $i (instantiate $recurse (with "next" (instance $next))))
                {LIFT})
            (instance $first (instantiate $first))
            {second})"#
    ))
}

#[test]
fn components_in_a_component_have_equal_shares() {
    let program = composed(
        r#"(instance $second (instantiate $second (with "next" (func $first "run"))))
        (alias export $second "run" (func $run)) (export "run" (func $run))"#,
    );
    let (half, whole) = (Everywhere::new(&program, STACK_BYTES).depth(), flat_depth());
    assert!((2 * half).abs_diff(whole) <= 4, "{half} is half of {whole}");
}

#[test]
fn an_instance_more_is_a_share_less() {
    let program = composed(
        r#"(instance $second (instantiate $second (with "next" (func $first "run"))))
        (instance $third (instantiate $second (with "next" (func $second "run"))))
        (alias export $third "run" (func $run)) (export "run" (func $run))"#,
    );
    let (third, whole) = (Everywhere::new(&program, STACK_BYTES).depth(), flat_depth());
    assert!((3 * third).abs_diff(whole) <= 6, "{third} is a third of {whole}");
}

/// A resource whose destructor makes the next and drops it with `$drop_next`, as often as its representation says.
fn resource(drop_next: &str) -> Vec<u8> {
    binary(&format!(
        r#"(component
            (import "note" (func $note (param "value" u64)))
            (core func $note (canon lower (func $note)))
            (core instance $host (export "note" (func $note)))
            (core module $m
                (import "host" "note" (func $note (param i64)))
                (type $new (func (param i32) (result i32)))
                (type $drop (func (param i32)))
                (table (export "t") 2 funcref)
                (func $destroy (export "destroy") (param i32)
                    (call $note (i64.const 1))
                    (if (i32.eqz (local.get 0)) (then (return)))
                    ({drop_next} (type $drop)
                        (call_indirect (type $new) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))
                        (i32.const 1)))
                (func (export "run") (param i64) (result i64)
                    (call $destroy (i32.wrap_i64 (local.get 0)))
                    (i64.const 9)))
            (core instance $i (instantiate $m (with "host" (instance $host))))
            (type $r (resource (rep i32) (dtor (core func $i "destroy"))))
            (core func $new (canon resource.new $r))
            (core func $drop (canon resource.drop $r))
            (core module $fill
                (import "r" "t" (table 2 funcref))
                (import "r" "new" (func $new (param i32) (result i32)))
                (import "r" "drop" (func $drop (param i32)))
                (elem (i32.const 0) $new $drop))
            (alias core export $i "t" (core table $t))
            (core instance $r (export "t" (table $t)) (export "new" (func $new)) (export "drop" (func $drop)))
            (core instance (instantiate $fill (with "r" (instance $r))))
            {LIFT})"#
    ))
}

#[test]
fn destructors_that_drop_the_next_resource() {
    let depth = Everywhere::new(&resource("call_indirect"), STACK_BYTES).depth();
    assert!(depth > 50 && depth < u64::from(STACK_BYTES) / 176, "{depth}");
}

#[test]
fn a_tail_call_to_a_destructor_is_refused() {
    for build in Build::ALL {
        let refused = build.compile(&resource("return_call_indirect"), STACK_BYTES);
        assert_eq!(refused, Err(CompileError::DestructorTailCall));
    }
}
