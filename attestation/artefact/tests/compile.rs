//! Compilation is a function of the component's bytes.
#![expect(clippy::expect_used, reason = "what cannot be set up fails the test")]

use attestation_artefact::{
    CALL_STACK_DEFAULT_BYTES, CompileError, ENGINE, compile, compile_for_linux, compile_for_linux_baseline,
    compile_for_pulley,
};
use object::{Object, ObjectSection};
use sha2::{Digest, Sha256};

/// Exercises floats, memory, SIMD and calls, so that most flags leave a trace in the code.
const SAMPLE: &str = r#"(component
    (core module $m
        (memory (export "memory") 1)
        (func $mean (param f64 f64) (result f64)
            (f64.div (f64.add (local.get 0) (local.get 1)) (f64.const 2)))
        (func (export "mix") (param i32 f64) (result f64)
            (f64.store (local.get 0) (call $mean (local.get 1) (f64.load offset=8 (local.get 0))))
            (v128.store offset=16 (local.get 0)
                (i32x4.mul (v128.load (local.get 0)) (v128.load offset=32 (local.get 0))))
            (f64.nearest (f64.convert_i32_u (i32.popcnt (i32.load (local.get 0)))))))
    (core instance $i (instantiate $m))
    (func (export "mix") (param "at" u32) (param "x" f64) (result f64)
        (canon lift (core func $i "mix"))))"#;

/// SHA-256 of the sample's artefact. When it changes, raise the tuning number at the end of `ENGINE`: artefacts made
/// before are no longer what this compiler makes.
const SAMPLE_SHA256: &str = "125e81e5dcb4b680b56ae91ad53089c65599c6d8ed68d5d525aabddc53c2edbf";

#[test]
fn the_same_component_gives_the_same_bytes() {
    assert!(artefact(SAMPLE) == artefact(SAMPLE));
}

#[test]
fn another_component_gives_other_bytes() {
    assert!(artefact(SAMPLE) != artefact(&SAMPLE.replace("offset=8", "offset=24")));
}

#[test]
fn artefact_bytes_are_pinned() {
    assert_eq!(hex::encode(Sha256::digest(artefact(SAMPLE))), SAMPLE_SHA256);
}

#[test]
fn the_artefact_is_labelled_with_the_engine_and_the_engine_with_its_version() {
    let artefact = artefact(SAMPLE);
    let engine = section(&artefact, ".wasmtime.engine").expect("the engine describes itself");
    for word in [ENGINE, "x86_64-unknown-none"] {
        assert!(engine.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
    }
    assert!(ENGINE.contains(&wasmtime_version()), "{}", wasmtime_version());
}

#[test]
fn linux_runs_the_guests_machine_code() {
    let guest = artefact(SAMPLE);
    let linux = compile_for_linux(&binary(SAMPLE), CALL_STACK_DEFAULT_BYTES).expect("the sample compiles");
    assert!(guest != linux);
    let guest_file = object::File::parse(&*guest).unwrap();
    let mut compared = 0;
    for name in guest_file.sections().filter_map(|section| section.name().ok().map(str::to_owned)) {
        if name != ".wasmtime.engine" {
            assert!(section(&guest, &name) == section(&linux, &name), "{name}");
            compared += 1;
        }
    }
    assert!(compared > 3);
    assert!(section(&guest, ".text").is_some_and(|text| !text.is_empty()));
}

#[test]
fn the_text_section_is_made_of_whole_pages() {
    let artefact = artefact(SAMPLE);
    let file = object::File::parse(&*artefact).unwrap();
    let (offset, bytes) = file.section_by_name(".text").unwrap().file_range().unwrap();
    assert_eq!((offset % 4096, bytes % 4096), (0, 0));
}

#[test]
fn what_is_no_component_is_refused() {
    let core_module = wat::parse_str("(module)").unwrap();
    let mut truncated = binary(SAMPLE);
    truncated.pop();
    for bytes in [b"".as_slice(), b"(component)", &core_module, &truncated] {
        assert!(matches!(compile(bytes, CALL_STACK_DEFAULT_BYTES), Err(CompileError::Component { .. })));
    }
}

#[test]
fn proposals_that_are_switched_off_are_refused() {
    for field in [
        "(memory 1 1 shared)",
        "(memory i64 1)",
        "(type (struct (field i32)))",
        "(func (param externref))",
        "(tag)",
        "(memory 1 (pagesize 1))",
    ] {
        let text = format!("(component (core module {field}))");
        assert!(
            matches!(compile(&binary(&text), CALL_STACK_DEFAULT_BYTES), Err(CompileError::Component { .. })),
            "{field}"
        );
    }
}

fn artefact(text: &str) -> Vec<u8> {
    compile(&binary(text), CALL_STACK_DEFAULT_BYTES).expect("the sample compiles")
}

fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's text is valid")
}

fn section<'a>(artefact: &'a [u8], name: &str) -> Option<&'a [u8]> {
    object::File::parse(artefact).ok()?.section_by_name(name)?.data().ok()
}

/// The version that this build is locked to.
fn wasmtime_version() -> String {
    let lock = include_str!("../../../Cargo.lock");
    let (_, after) =
        lock.split_once("name = \"wasmtime\"\nversion = \"").expect("the engine is in the lock file");
    format!("wasmtime {}", after.split('"').next().unwrap_or_default())
}

/// Without an instruction for it the engine calls a function, whose NaNs it leaves as the machine makes them.
#[test]
fn fused_multiplications_have_no_code_for_processors_without_them() {
    for operator in ["f32x4.relaxed_madd", "f32x4.relaxed_nmadd", "f64x2.relaxed_madd", "f64x2.relaxed_nmadd"]
    {
        let text = format!(
            "(component (component (core module $m
                (func (param v128) (result v128) ({operator} (local.get 0) (local.get 0) (local.get 0))))
                (core instance (instantiate $m))))"
        );
        let component = wat::parse_str(text).expect("the text is valid");
        let baseline = compile_for_linux_baseline(&component, CALL_STACK_DEFAULT_BYTES);
        assert_eq!(baseline, Err(CompileError::Fused), "{operator}");
        assert!(compile(&component, CALL_STACK_DEFAULT_BYTES).is_ok());
        assert!(compile_for_pulley(&component, CALL_STACK_DEFAULT_BYTES).is_ok());
    }
}
