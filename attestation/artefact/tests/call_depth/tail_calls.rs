//! Tail calls take no stack, however many there are; what surrounds them is counted.

use crate::harness::{End, Everywhere, STACK_BYTES, binary, component, run};

/// More than any call depth that the stack allows.
const TIMES: u64 = 20_000;

#[test]
fn functions_that_only_end_in_calls() {
    let program = component(
        r#"(func $run (export "run") (param i64) (result i64)
            (if (i64.eqz (local.get 0)) (then (return (i64.const 5))))
            (return_call $other (i64.sub (local.get 0) (i64.const 1))))
        (func $other (param i64) (result i64)
            (if (i64.eqz (local.get 0)) (then (return (i64.const 6))))
            (return_call $run (i64.sub (local.get 0) (i64.const 1))))"#,
    );
    assert_eq!(run(&program, STACK_BYTES, TIMES).end, End::Returned(5));
    assert_eq!(run(&program, STACK_BYTES, TIMES + 1).end, End::Returned(6));
}

#[test]
fn functions_that_call_before_they_end_in_a_call() {
    let program = component(
        r#"(type $f (func (param i64) (result i64)))
        (table 1 funcref) (elem (i32.const 0) $run)
        (func $leaf (param i64) (result i64) (i64.sub (local.get 0) (i64.const 1)))
        (func $run (export "run") (type $f)
            (if (i64.eqz (local.get 0)) (then (return (i64.const 5))))
            (block (br_if 0 (i64.eqz (i64.and (local.get 0) (i64.const 1))))
                (return_call_indirect (type $f) (call $leaf (local.get 0)) (i32.const 0)))
            (return_call $run (call $leaf (local.get 0))))"#,
    );
    assert_eq!(run(&program, STACK_BYTES, TIMES).end, End::Returned(5));
}

#[test]
fn calls_that_end_in_another_module() {
    let body = "(if (i64.eqz (local.get 0)) (then (return (i64.const 5))))
        (call $work) (return_call_indirect (type $f) (i64.sub (local.get 0) (i64.const 1))";
    let program = binary(&format!(
        r#"(component
            (core module $table (table (export "t") 2 funcref))
            (core instance $table (instantiate $table))
            (core module $m
                (type $f (func (param i64) (result i64)))
                (import "table" "t" (table 2 funcref))
                (elem (i32.const 0) $run)
                (func $work)
                (func $run (export "run") (type $f) {body} (i32.const 1))))
            (core module $n
                (type $f (func (param i64) (result i64)))
                (import "table" "t" (table 2 funcref))
                (elem (i32.const 1) $back)
                (func $work)
                (func $back (type $f) {body} (i32.const 0))))
            (core instance $a (instantiate $m (with "table" (instance $table))))
            (core instance $b (instantiate $n (with "table" (instance $table))))
            (func (export "run") (param "n" u64) (result u64) (canon lift (core func $a "run"))))"#
    ));
    assert_eq!(run(&program, STACK_BYTES, TIMES).end, End::Returned(5));
}

#[test]
fn arguments_on_the_stack() {
    // Thirty do not fit in registers: the area of arguments grows and shrinks from call to call.
    let many = "i64 ".repeat(30);
    let gets: String = (0..29).map(|index| format!("(local.get {index})")).collect();
    let program = component(&format!(
        r#"(func $few (export "run") (param i64) (result i64)
            (if (i64.eqz (local.get 0)) (then (return (i64.const 5))))
            (call $note (local.get 0))
            {copies} (return_call $many (i64.sub (local.get 0) (i64.const 1))))
        (func $many (param {many}) (result i64)
            (if (i64.eqz (local.get 29)) (then (return (i64.add (local.get 0) (local.get 28)))))
            (call $note (local.get 0))
            {gets} (return_call $swapped (i64.sub (local.get 29) (i64.const 1))))
        (func $swapped (param {many}) (result i64) (return_call $few (local.get 29)))"#,
        copies = "(local.get 0)".repeat(29)
    ));
    let run = run(&program, STACK_BYTES, TIMES);
    assert_eq!((run.end, run.notes.0), (End::Returned(5), TIMES));
}

#[test]
fn functions_with_large_frames() {
    let (locals, sets, sum) = crate::shapes::live_locals(1, 2000);
    let program = component(&format!(
        r#"(func $leaf (param i64) (result i64) (i64.mul (local.get 0) (i64.const 3)))
        (func $run (export "run") (param i64) (result i64) {locals}
            (if (i64.eqz (local.get 0)) (then (return (i64.const 5))))
            {sets} (drop (call $leaf {sum}))
            (return_call $run (i64.sub (local.get 0) (i64.const 1))))"#
    ));
    assert_eq!(run(&program, STACK_BYTES, 500).end, End::Returned(5));
}

#[test]
fn recursion_through_tail_calls_is_counted() {
    let program = component(
        r#"(func $run (export "run") (param i64) (result i64)
            (if (i64.eqz (local.get 0)) (then (return (i64.const 5))))
            (i64.add (i64.const 1) (call $hop (i64.sub (local.get 0) (i64.const 1)))))
        (func $hop (param i64) (result i64) (return_call $run (local.get 0)))"#,
    );
    let depth = Everywhere::new(&program, STACK_BYTES).depth();
    assert!(depth > 100 && depth < 1000, "{depth}");
}
