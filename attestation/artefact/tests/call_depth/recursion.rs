//! Each way in which functions can call one another without end.

use crate::harness::{End, Everywhere, STACK_BYTES, binary, component, run};

/// The body of a function that makes `call` with one less than its argument, until that is zero. `callee` is an
/// operand after it.
fn counting_down(call: &str, callee: &str) -> String {
    format!(
        r"(if (result i64) (i64.eqz (local.get 0))
            (then (i64.const 7))
            (else (i64.add (i64.const 1) ({call} (i64.sub (local.get 0) (i64.const 1)) {callee}))))"
    )
}

#[test]
fn a_function_that_calls_itself() {
    let body = counting_down("call $run", "");
    let program = component(&format!(r#"(func $run (export "run") (param i64) (result i64) {body})"#));
    let all = Everywhere::new(&program, STACK_BYTES);
    assert_eq!(all.run(5).end, End::Returned(12));
    let depth = all.depth();
    assert!(depth > 100 && depth < 1000, "{depth}");
    let twice = Everywhere::new(&program, 2 * STACK_BYTES).depth();
    assert!(twice.abs_diff(2 * depth) <= 2, "{twice} is about twice {depth}");
}

#[test]
fn a_limit_counts_bytes_that_are_in_use_and_not_calls() {
    // 64 is far from the end; a million calls, one after another, are one at a time.
    let body = counting_down("call $down", "");
    let program = component(&format!(
        r#"(func $down (param i64) (result i64) {body})
        (func (export "run") (param i64) (result i64) (local $sum i64)
            (loop $again
                (local.set $sum (i64.add (local.get $sum) (call $down (i64.const 64))))
                (br_if $again (i64.ne (i64.const 0) (local.tee 0 (i64.sub (local.get 0) (i64.const 1))))))
            (local.get $sum))"#
    ));
    assert_eq!(run(&program, STACK_BYTES, 3000).end, End::Returned(3000 * 71));
}

#[test]
fn functions_that_call_one_another() {
    let (there, back) = (counting_down("call $back", ""), counting_down("call $run", ""));
    let program = component(&format!(
        r#"(func $run (export "run") (param i64) (result i64) {there})
        (func $back (param i64) (result i64) {back})"#
    ));
    let depth = Everywhere::new(&program, STACK_BYTES).depth();
    assert!(depth > 100, "{depth}");
}

#[test]
fn calls_through_a_table() {
    let body = counting_down("call_indirect (type $f)", "(i32.const 0)");
    let program = component(&format!(
        r#"(type $f (func (param i64) (result i64)))
        (table 1 funcref) (elem (i32.const 0) $run)
        (func $run (export "run") (type $f) {body})"#
    ));
    let depth = Everywhere::new(&program, STACK_BYTES).depth();
    assert!(depth > 100, "{depth}");
}

#[test]
fn modules_that_call_one_another_share_one_stack() {
    let text = |there: &str| {
        format!(
            r#"(component
            (core module $table (table (export "t") 2 funcref))
            (core module $m
                (type $f (func (param i64) (result i64)))
                (import "table" "t" (table 2 funcref))
                (elem (i32.const 0) $run)
                (func $run (export "run") (type $f) {there}))
            (core instance $table (instantiate $table))
            (core instance $a (instantiate $m (with "table" (instance $table))))
            (core module $n
                (type $f (func (param i64) (result i64)))
                (import "table" "t" (table 2 funcref))
                (import "a" "run" (func $other (type $f)))
                (elem (i32.const 1) $back)
                (func $back (type $f) {back}))
            (core instance $b (instantiate $n (with "table" (instance $table)) (with "a" (instance $a))))
            (func (export "run") (param "n" u64) (result u64) (canon lift (core func $a "run"))))"#,
            back = counting_down("call $other", "")
        )
    };
    let depth = |entry: &str| {
        let there = counting_down("call_indirect (type $f)", entry);
        Everywhere::new(&binary(&text(&there)), STACK_BYTES).depth()
    };
    let (one, both) = (depth("(i32.const 0)"), depth("(i32.const 1)"));
    assert!(both.abs_diff(one) <= one / 10, "{both} across two modules is about {one} in one");
}

#[test]
fn the_smallest_and_the_largest_stack() {
    let body = counting_down("call $run", "");
    let program = component(&format!(r#"(func $run (export "run") (param i64) (result i64) {body})"#));
    for stack_bytes in
        [attestation_artefact::CALL_STACK_MIN_BYTES, attestation_artefact::CALL_STACK_MAX_BYTES]
    {
        let depth = Everywhere::new(&program, stack_bytes).depth();
        assert!(depth > u64::from(stack_bytes) / 200, "{depth} calls in {stack_bytes} bytes");
    }
}

#[test]
fn an_end_by_something_else_is_seen_as_such() {
    let program = component(
        r#"(memory 1)
        (func $f (param i64) (result i64) (if (i64.eq (local.get 0) (i64.const 1)) (then unreachable))
            (i64.div_u (i64.const 1) (i64.load (i32.wrap_i64 (local.get 0)))))
        (func (export "run") (param i64) (result i64) (call $note (local.get 0)) (call $f (local.get 0)))"#,
    );
    let all = Everywhere::new(&program, STACK_BYTES);
    let ends = [0, 1, 1 << 17].map(|argument| all.run(argument).end);
    use wasmtime::Trap::{IntegerDivisionByZero, MemoryOutOfBounds, UnreachableCodeReached};
    let expected = [IntegerDivisionByZero, UnreachableCodeReached, MemoryOutOfBounds].map(End::Trapped);
    assert_eq!(ends, expected);
}
