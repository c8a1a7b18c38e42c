//! Engines with one fault each, and that a claim of such an engine is refuted.
//!
//! A faulty engine is played by a component in which one instruction stands for another: the claim says that it ran the
//! component of the number. Instructions are such as neither the witness nor `$Outside` uses, so that a fault is seen
//! only by what a random module computes with it.

use enclave_runtime::Tuning;
use tests_random_components::RandomComponent;
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent, utils};
use wasm_encoder::{Component, Instruction};
use wasmparser::Operator;

use crate::claims::Site;

/// Numbers that may be needed until one shows a fault.
const SEEDS_MAX: u64 = 300;

/// What the engine does instead; `None` for what it does well.
type Fault = fn(&Operator<'_>) -> Option<Instruction<'static>>;

const FAULTS: [(&str, Fault); 6] = [
    ("i32.xor", |operator| matches!(operator, Operator::I32Xor).then_some(Instruction::I32Or)),
    ("i64.rotr", |operator| matches!(operator, Operator::I64Rotr).then_some(Instruction::I64Rotl)),
    ("f32.min", |operator| matches!(operator, Operator::F32Min).then_some(Instruction::F32Max)),
    ("f64.nearest", |operator| matches!(operator, Operator::F64Nearest).then_some(Instruction::F64Ceil)),
    ("f32.copysign", |operator| matches!(operator, Operator::F32Copysign).then_some(Instruction::F32Sub)),
    ("i8x16.add", |operator| matches!(operator, Operator::I8x16Add).then_some(Instruction::I8x16Sub)),
];

#[test]
fn every_fault_refutes_a_claim() {
    for (name, fault) in FAULTS {
        let seed = (0..SEEDS_MAX).find(|seed| is_refuted(*seed, fault));
        println!("{name}: seed {seed:?}");
        assert!(seed.is_some(), "{name}: no claim of an engine with this fault is refuted");
    }
}

fn is_refuted(seed: u64, fault: Fault) -> bool {
    let random = RandomComponent::of(seed);
    let faulty = with_fault(&random.bytes, fault);
    // Even without the fault it is not the same file, because it is written anew.
    if faulty == with_fault(&random.bytes, |_| None) {
        return false;
    }
    let site = Site::new(seed, &random);
    let recorded = site.record_as(&faulty, Tuning::Guest).expect("it runs");
    let claim = site.sign(&recorded).expect("the run can be claimed");
    let verdict = site.replay(&claim, &recorded, Tuning::Interpreter).expect("it can be replayed");
    !verdict.is_equal()
}

fn with_fault(component: &[u8], fault: Fault) -> Vec<u8> {
    let mut faulty = Component::new();
    let parser = wasmparser::Parser::new(0);
    Faulty(fault).parse_component(&mut faulty, parser, component).expect("the component is valid");
    faulty.finish()
}

struct Faulty(Fault);

impl Reencode for Faulty {
    type Error = core::convert::Infallible;

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, Error<Self::Error>> {
        match (self.0)(&operator) {
            Some(other) => Ok(other),
            None => utils::instruction(self, operator),
        }
    }
}

impl ReencodeComponent for Faulty {}
