//! Functions of many shapes, which call themselves until there is no room: the same depth and the same fuel
//! everywhere, and never more native stack than there is.

use proptest::prelude::*;

use crate::harness::{End, Everywhere, STACK_BYTES, component, run};

/// Declares locals from number `first`, sets them from parameter 0, and adds them up.
pub(crate) fn live_locals(first: usize, count: usize) -> (String, String, String) {
    let locals = format!("(local {})", "i64 ".repeat(count));
    let sets = (first..first + count).map(|index| {
        // A call lies between all of these values and their uses, and none can be computed again.
        format!("(local.set {index} (call $leaf (i64.add (local.get 0) (i64.const {index}))))")
    });
    let sum = (first..first + count)
        .fold("(i64.const 0)".to_owned(), |sum, index| format!("(i64.xor {sum} (local.get {index}))"));
    (locals, sets.collect(), sum)
}

const LEAF: &str = "(func $leaf (param i64) (result i64) (i64.mul (local.get 0) (i64.const 3)))";

/// Deep expressions are folded text, which its parser reads by recursion: flat text is not.
fn flat_sum(first: usize, count: usize) -> String {
    let add = (first..first + count).map(|index| format!("local.get {index} i64.xor "));
    format!("i64.const 0 {}", add.collect::<String>())
}

#[test]
fn locals() {
    for count in [0, 10, 100, 1000] {
        let (locals, sets, _) = live_locals(1, count);
        let program = component(&format!(
            r#"{LEAF} (func $run (export "run") (param i64) (result i64) {locals}
                (call $note (local.get 0))
                (if (i64.eqz (local.get 0)) (then (return (i64.const 0))))
                {sets}
                (call $run (i64.sub (local.get 0) (i64.const 1)))
                {sum} i64.xor)"#,
            sum = flat_sum(1, count)
        ));
        let depth = Everywhere::new(&program, 8 * STACK_BYTES).depth();
        let most = 8 * u64::from(STACK_BYTES) / (8 * count as u64 + 48);
        assert!(depth >= 10 && depth <= most, "{count} locals: {depth} of {most}");
    }
}

#[test]
fn thousands_of_locals() {
    let (locals, sets, _) = live_locals(1, 5000);
    let program = component(&format!(
        r#"{LEAF} (func $run (export "run") (param i64) (result i64) {locals}
            (call $note (local.get 0))
            (if (i64.eqz (local.get 0)) (then (return (i64.const 0))))
            {sets}
            (call $run (i64.sub (local.get 0) (i64.const 1)))
            {sum} i64.xor)"#,
        sum = flat_sum(1, 5000)
    ));
    let depth = Everywhere::new(&program, 1 << 20).depth();
    assert!((10..26).contains(&depth), "{depth}");
    // One frame is larger than the whole stack: the first call of it is one too many, and it does not begin.
    let run = run(&program, STACK_BYTES, 0);
    assert_eq!((run.end, run.notes.0), (End::CallDepth, 0));
}

#[test]
fn operands() {
    for (ty, value) in [("i32", "i32.wrap_i64"), ("f64", "f64.reinterpret_i64"), ("v128", "i64x2.splat")] {
        for count in [1, 30, 300] {
            // All of them are on the operand stack during the call.
            let back = match ty {
                "i32" => "i64.extend_i32_u",
                "f64" => "i64.reinterpret_f64",
                _ => "i64x2.extract_lane 1",
            };
            let pushes: String = (0..count)
                .map(|index| {
                    format!("(call $note (i64.const {index})) ({value} (call $leaf (local.get 0))) ")
                })
                .collect();
            let program = component(&format!(
                r#"{LEAF} (func $run (export "run") (param i64) (result i64) (local $sum i64)
                    (if (i64.eqz (local.get 0)) (then (return (i64.const 0))))
                    {pushes}
                    (local.set $sum (call $run (i64.sub (local.get 0) (i64.const 1))))
                    {pops}
                    (local.get $sum))"#,
                pops = format!("{back} local.get $sum i64.xor local.set $sum ").repeat(count)
            ));
            let depth = Everywhere::new(&program, 4 * STACK_BYTES).depth();
            let slot_bytes = if ty == "v128" { 16 } else { 8 };
            let most = 4 * u64::from(STACK_BYTES) / (slot_bytes * count as u64 + 48);
            assert!(depth >= 8 && depth <= most, "{count} {ty}: {depth} of {most}");
        }
    }
}

#[test]
fn parameters_and_results() {
    for count in [1, 40] {
        let types = "i64 ".repeat(count);
        let program = component(&format!(
            r#"(func $many (param i64 {types}) (result {types})
                (if (i64.eqz (local.get 0)) (then {gets} return))
                (call $many (i64.sub (local.get 0) (i64.const 1)) {gets}))
            (func (export "run") (param i64) (result i64)
                (call $many (local.get 0) {constants}) {drops})"#,
            gets = (1..=count).map(|index| format!("(local.get {index})")).collect::<String>(),
            constants = (1..=count).map(|index| format!("(i64.const {index})")).collect::<String>(),
            drops = "drop ".repeat(count - 1)
        ));
        let all = Everywhere::new(&program, STACK_BYTES);
        assert_eq!(all.run(3).end, End::Returned(1));
        let (depth, most) = (all.depth(), u64::from(STACK_BYTES) / (24 * count as u64 + 48));
        assert!(depth >= 10 && depth <= most, "{count}: {depth} of {most}");
    }
}

/// Ways to leave a function, each of which gives back what was taken: otherwise some hundred calls would use up the
/// stack.
const EXITS: &[&str] = &[
    "(call $leaf (local.get 0))",
    "(return (call $leaf (local.get 0)))",
    "(br 0 (call $leaf (local.get 0)))",
    "(block (block (loop (br 3 (call $leaf (local.get 0)))))) unreachable",
    "(block (result i64) (br_table 0 1 0 (call $leaf (local.get 0)) (i32.wrap_i64 (local.get 0))))",
    "(block (result i64) (br_table 1 0 1 (call $leaf (local.get 0)) (i32.wrap_i64 (local.get 0))))",
    "(call $leaf (local.get 0)) (br_if 0 (i32.wrap_i64 (local.get 0))) (br_if 0 (i32.const 1))",
    "(if (result i64) (i64.eqz (local.get 0)) (then (return (call $leaf (local.get 0)))) (else (i64.const 1)))",
    "(loop (if (i64.eqz (local.get 0)) (then (return (i64.const 3)))) (call $note (i64.const 1)) (local.set 0 (i64.const 0)) (br 0)) unreachable",
    "(drop (call $leaf (i64.const 1))) (return_call $leaf (local.get 0))",
    "(drop (call $leaf (i64.const 1))) (return_call_indirect (param i64) (result i64) (local.get 0) (i32.const 0))",
    "(drop (call $leaf (i64.const 1))) (i64.const 1) (return) (drop) (br 0)",
];

#[test]
fn every_way_out_gives_back() {
    for large in [0, 2000] {
        let calls = (0..EXITS.len())
            .map(|index| format!("(drop (call $f{index} (i64.and (local.get 0) (i64.const 1))))"));
        let functions = EXITS.iter().enumerate().map(|(index, exit)| {
            format!("(func $f{index} (param i64) (result i64) (local {}) {exit})", "i64 ".repeat(large))
        });
        let program = component(&format!(
            r#"(table 1 funcref) (elem (i32.const 0) $leaf) {LEAF} {functions}
            (func (export "run") (param i64) (result i64)
                (loop
                    {calls}
                    (br_if 0 (i64.ne (i64.const 0) (local.tee 0 (i64.sub (local.get 0) (i64.const 1))))))
                (i64.const 4))"#,
            functions = functions.collect::<String>(),
            calls = calls.collect::<String>()
        ));
        assert_eq!(run(&program, STACK_BYTES, 3000).end, End::Returned(4));
    }
}

/// A function to call itself.
#[derive(Debug, Clone)]
struct Shape {
    locals: Vec<&'static str>,
    live: usize,
    operands: usize,
    exit: usize,
    pure_operators: usize,
}

impl Shape {
    fn any() -> impl Strategy<Value = Self> {
        let types = prop::sample::select(vec!["i32", "i64", "f32", "f64", "v128"]);
        let counts = (0..60_usize, 0..40_usize, 0..4_usize, 0..200_usize);
        (prop::collection::vec(types, 0..80), counts).prop_map(
            |(locals, (live, operands, exit, pure_operators))| Self {
                locals,
                live,
                operands,
                exit,
                pure_operators,
            },
        )
    }

    fn text(&self) -> String {
        let first_live = 1 + self.locals.len();
        let (live, sets, _) = live_locals(first_live, self.live);
        let pushes = "(call $leaf (local.get 0)) ".repeat(self.operands);
        // The same pure values before and after the call: the optimiser may keep them, or compute them again.
        let pure: String = (0..self.pure_operators)
            .map(|index| format!("(call $use (i64.popcnt (i64.mul (local.get 0) (i64.const {index}))))"))
            .collect();
        let recurse = "(call $run (i64.sub (local.get 0) (i64.const 1)))";
        let exit = ["", "return", "br 0", "(return_call $leaf)"][self.exit];
        format!(
            r#"{LEAF} (global $sum (mut i64) (i64.const 0))
            (func $use (param i64) (global.set $sum (i64.xor (global.get $sum) (local.get 0))))
            (func $run (export "run") (param i64) (result i64) (local {locals}) {live}
                (call $note (local.get 0))
                (if (i64.eqz (local.get 0)) (then (return (global.get $sum))))
                {sets} {pure} {pushes} {recurse} {pure}
                {xor} {sum} i64.xor {exit})"#,
            locals = self.locals.join(" "),
            xor = "i64.xor ".repeat(self.operands),
            sum = flat_sum(first_live, self.live)
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_shape_ends_at_one_call(shape in Shape::any()) {
        let all = Everywhere::new(&component(&shape.text()), STACK_BYTES);
        let depth = all.depth();
        prop_assert!(depth >= 3, "{depth}");
    }
}
