//! Components whose compiled frames would outgrow what is accounted for them are refused by every compiler.

use attestation_artefact::CompileError;

use crate::harness::{Build, End, STACK_BYTES, component, run};

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
        let error = build.compile(&shared_values(1500), STACK_BYTES).unwrap_err();
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
