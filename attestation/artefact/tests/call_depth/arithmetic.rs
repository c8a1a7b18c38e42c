//! The same bits and the same fuel, whatever the processor has: numbers that are none, rounding, vectors, relaxed
//! vectors.

use attestation_artefact::CompileError;

use crate::harness::{Build, End, Everywhere, STACK_BYTES, component};

/// Special numbers, as bits: zeros, ones, infinities, numbers that are none with and without payload, the smallest,
/// the largest, halves, and what does not fit an integer.
const F32: [u32; 16] = [
    0,
    0x8000_0000,
    0x3f80_0000,
    0xbf80_0000,
    0x7f80_0000,
    0xff80_0000,
    0x7fc0_0000,
    0xffc1_2345,
    0x7f81_2345,
    1,
    0x7f7f_ffff,
    0x3f00_0000,
    0xc020_0000,
    0x4f00_0000,
    0xcf80_0001,
    0x4b80_0001,
];
const F64: [u64; 16] = [
    0,
    1 << 63,
    0x3ff0_0000_0000_0000,
    0xbff0_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0xfff8_1234_5678_9abc,
    0x7ff0_1234_5678_9abc,
    1,
    0x7fef_ffff_ffff_ffff,
    0x3fe0_0000_0000_0000,
    0xc004_0000_0000_0000,
    0x43e0_0000_0000_0000,
    0xc3e0_0000_0000_0001,
    0x4340_0000_0000_0001,
];

const FLOAT_UNARY: &str = "abs neg ceil floor trunc nearest sqrt";
const FLOAT_BINARY: &str = "add sub mul div min max copysign";
const INT_BINARY: &str =
    "add sub mul and or xor shl shr_s shr_u rotl rotr eq ne lt_s lt_u gt_s gt_u le_s ge_u";
const INT_UNARY: &str = "clz ctz popcnt eqz";
const TRUNCATIONS: &str = "i32.trunc_sat_f64_s i32.trunc_sat_f64_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u";
const CONVERSIONS: &str = "f64.convert_i64_s f64.convert_i64_u f32.convert_i64_s f32.convert_i64_u";
const VECTOR_UNARY: &str = "v128.not i8x16.abs i8x16.neg i8x16.popcnt i16x8.abs i32x4.abs i64x2.abs i64x2.neg \
    f32x4.abs f32x4.neg f32x4.sqrt f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest \
    f64x2.abs f64x2.neg f64x2.sqrt f64x2.ceil f64x2.floor f64x2.trunc f64x2.nearest \
    i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero \
    f32x4.convert_i32x4_s f32x4.convert_i32x4_u f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u \
    f32x4.demote_f64x2_zero f64x2.promote_low_f32x4 i16x8.extadd_pairwise_i8x16_s i32x4.extadd_pairwise_i16x8_u \
    i16x8.extend_high_i8x16_s i64x2.extend_low_i32x4_u \
    i32x4.relaxed_trunc_f32x4_s i32x4.relaxed_trunc_f32x4_u i32x4.relaxed_trunc_f64x2_s_zero \
    i32x4.relaxed_trunc_f64x2_u_zero";
const VECTOR_BINARY: &str = "v128.and v128.andnot v128.xor i8x16.add i8x16.add_sat_s i8x16.sub_sat_u i8x16.avgr_u \
    i8x16.min_s i8x16.max_u i8x16.swizzle i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u i16x8.narrow_i32x4_u \
    i16x8.mul i16x8.q15mulr_sat_s i16x8.extmul_high_i8x16_u i32x4.mul i32x4.dot_i16x8_s i32x4.max_u i64x2.mul \
    i64x2.lt_s i64x2.ge_s i8x16.gt_u f32x4.add f32x4.mul f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax \
    f64x2.add f64x2.mul f64x2.div f64x2.min f64x2.max f64x2.pmin f64x2.pmax f32x4.lt f64x2.ge \
    i8x16.relaxed_swizzle f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max \
    i16x8.relaxed_q15mulr_s i16x8.relaxed_dot_i8x16_i7x16_s";
const VECTOR_TERNARY: &str = "v128.bitselect \
    i8x16.relaxed_laneselect i16x8.relaxed_laneselect i32x4.relaxed_laneselect i64x2.relaxed_laneselect \
    i32x4.relaxed_dot_i8x16_i7x16_add_s";

/// These have no code that computes the same for processors without FMA.
const FUSED: &str = "f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd";

/// Folds the bits of every operation on every pair of numbers into one number.
fn program(operations: &str) -> Vec<u8> {
    let bytes =
        F64.iter().flat_map(|bits| bits.to_le_bytes()).chain(F32.iter().flat_map(|bits| bits.to_le_bytes()));
    let data: String = bytes.map(|byte| format!("\\{byte:02x}")).collect();
    component(&format!(
        r#"(memory 1) (data (i32.const 0) "{data}")
        (global $sum (mut i64) (i64.const 0))
        (func $fold (param i64)
            (global.set $sum (i64.xor (i64.rotl (global.get $sum) (i64.const 5)) (local.get 0))))
        (func $fold_vector (param v128)
            (call $fold (i64x2.extract_lane 0 (local.get 0)))
            (call $fold (i64x2.extract_lane 1 (local.get 0))))
        (func $all (param $a i32) (param $b i32) {operations})
        (func (export "run") (param i64) (result i64) (local $a i32) (local $b i32)
            (loop $outer
                (local.set $b (i32.const 0))
                (loop $inner
                    (call $all (local.get $a) (local.get $b))
                    (br_if $inner (i32.lt_u (local.tee $b (i32.add (local.get $b) (i32.const 4))) (i32.const 176))))
                (br_if $outer (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 4))) (i32.const 176))))
            (global.get $sum))"#
    ))
}

fn each(operations: &str, text: impl Fn(&str) -> String) -> String {
    operations.split_whitespace().map(text).collect()
}

fn check(operations: &str) {
    check_in(&Build::ALL, operations);
}

fn check_in(builds: &[Build], operations: &str) {
    let run = Everywhere::of(builds, &program(operations), STACK_BYTES).run(0);
    assert!(matches!(run.end, End::Returned(sum) if sum != 0), "{run:?}");
}

#[test]
fn floats() {
    let of = |ty: &str, bits: &str| {
        let extend = if ty == "f32" { "i64.extend_i32_u" } else { "" };
        let fold = |value: String| {
            let value = format!("({bits}.reinterpret_{ty} {value})");
            if extend.is_empty() {
                format!("(call $fold {value})")
            } else {
                format!("(call $fold ({extend} {value}))")
            }
        };
        let (a, b) = (format!("({ty}.load (local.get $a))"), format!("({ty}.load (local.get $b))"));
        each(FLOAT_UNARY, |name| fold(format!("({ty}.{name} {a})")))
            + &each(FLOAT_BINARY, |name| fold(format!("({ty}.{name} {a} {b})")))
    };
    let (load, bits) = ("(f64.load (local.get $a))", "i64.reinterpret_f64");
    let truncations = each(TRUNCATIONS, |name| {
        let value = format!("({name} {load})");
        if name.starts_with("i32") {
            format!("(call $fold (i64.extend_i32_u {value}))")
        } else {
            format!("(call $fold {value})")
        }
    });
    let conversions = each(CONVERSIONS, |name| {
        let value = format!("({name} (i64.load (local.get $a)))");
        let value = if name.starts_with("f32") { format!("(f64.promote_f32 {value})") } else { value };
        format!("(call $fold ({bits} {value}))")
    });
    let demotion = format!("(call $fold (i64.extend_i32_u (i32.reinterpret_f32 (f32.demote_f64 {load}))))");
    check(&(of("f32", "i32") + &of("f64", "i64") + &truncations + &conversions + &demotion));
}

#[test]
fn integers() {
    let (a, b) = ("(i64.load (local.get $a))", "(i64.load (local.get $b))");
    let is_test = |name: &str| ["eq", "ne", "lt", "gt", "le", "ge"].iter().any(|test| name.starts_with(test));
    let fold = |name: &str, value: String| {
        if is_test(name) {
            format!("(call $fold (i64.extend_i32_u {value}))")
        } else {
            format!("(call $fold {value})")
        }
    };
    check(
        &(each(INT_UNARY, |name| fold(name, format!("(i64.{name} {a})")))
            + &each(INT_BINARY, |name| fold(name, format!("(i64.{name} {a} {b})")))),
    );
}

#[test]
fn vectors() {
    let vector = |local: &str| format!("(v128.load (local.get {local}))");
    let (a, b) = (vector("$a"), vector("$b"));
    check(
        &(each(VECTOR_UNARY, |name| format!("(call $fold_vector ({name} {a}))"))
            + &each(VECTOR_BINARY, |name| format!("(call $fold_vector ({name} {a} {b}))"))
            + &each(VECTOR_TERNARY, |name| format!("(call $fold_vector ({name} {a} {b} (v128.not {a})))"))),
    );
}

#[test]
fn fused_multiplications() {
    let (a, b) = ("(v128.load (local.get $a))", "(v128.load (local.get $b))");
    let operations = each(FUSED, |name| format!("(call $fold_vector ({name} {a} {b} (v128.not {a})))"));
    check_in(&[Build::Native, Build::Interpreter], &operations);
    let refused = Build::Baseline.compile(&program(&operations), STACK_BYTES);
    assert!(matches!(refused, Err(CompileError::Fused)), "{:?}", refused.err());
}
