//! The core module that calls a random one, and writes a checksum of all that came of it.
//!
//! Everything that can be seen of the random module goes into the checksum bit by bit: what its functions return, its
//! globals, its memories. It leaves after each call, so that a run which ends in the next one has said something too.

use std::collections::BTreeSet;

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, ImportSection, InstructionSink, MemArg, Module, TypeSection, ValType,
};

use crate::arithmetic;
use crate::exports::Exports;
use crate::numbers::Numbers;

/// What is folded into the checksum by rotation and multiplication, which every bit of it survives.
const MULTIPLIER: i64 = 0x2545_F491_4F6C_DD1D;
const ROTATION: i64 = 23;

/// Most calls of the random module's functions.
const CALLS_MAX: usize = 4;

/// Bits of floats that implementations differ in: quiet and signalling NaNs with something in them, of both signs;
/// infinities, zeros, the smallest and the largest.
const F32: [u32; 10] = [
    0x7FC0_0000,
    0xFFC0_0001,
    0x7FA0_1234,
    0xFF80_0001,
    0x7F80_0000,
    0xFF80_0000,
    0x8000_0000,
    0x0000_0001,
    0x7F7F_FFFF,
    0x4F00_0000,
];
const F64: [u64; 10] = [
    0x7FF8_0000_0000_0000,
    0xFFF8_0000_0000_0001,
    0x7FF4_0000_1234_5678,
    0xFFF0_0000_0000_0001,
    0x7FF0_0000_0000_0000,
    0xFFF0_0000_0000_0000,
    0x8000_0000_0000_0000,
    0x0000_0000_0000_0001,
    0x7FEF_FFFF_FFFF_FFFF,
    0x43E0_0000_0000_0000,
];
const INTEGERS: [i64; 6] = [0, 1, -1, 7, i32::MIN as i64, i64::MIN];

/// Functions of the outside, which are the first of the imports in this order.
#[derive(Clone, Copy)]
enum Outside {
    Now,
    Random,
    Input,
    Output,
    Error,
    Exit,
}

impl Outside {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Now, "now"),
        (Self::Random, "random"),
        (Self::Input, "input"),
        (Self::Output, "output"),
        (Self::Error, "error"),
        (Self::Exit, "exit"),
    ];

    /// Number of the first function that is none of these.
    const COUNT: u32 = 6;

    const fn index(self) -> u32 {
        self as u32
    }
}

/// The module for a random one that exports `exports`.
pub(crate) fn witness(exports: &Exports, numbers: &mut Numbers) -> Vec<u8> {
    let calls: Vec<usize> = match exports.functions.len() {
        0 => Vec::new(),
        count => (0..=numbers.below(CALLS_MAX)).map(|_| numbers.below(count)).collect(),
    };
    // No import may be there twice.
    let functions: BTreeSet<usize> = calls.iter().copied().collect();
    let functions = functions.into_iter().collect();
    Witness { exports, numbers, calls, functions, types: TypeSection::new(), next_type: 0 }.write()
}

struct Witness<'a> {
    exports: &'a Exports,
    numbers: &'a mut Numbers,
    /// Which of the random module's functions are called, in order.
    calls: Vec<usize>,
    /// Those that are imported for that, in order.
    functions: Vec<usize>,
    types: TypeSection,
    next_type: u32,
}

impl Witness<'_> {
    fn write(mut self) -> Vec<u8> {
        let imports = self.imports();
        let first_own = Outside::COUNT + count(self.functions.len());
        let (fold, state, arithmetic_index, run) = (first_own, first_own + 1, first_own + 2, first_own + 3);
        let mut functions = FunctionSection::new();
        let own: [(&[ValType], &[ValType]); 4] =
            [(&[ValType::I64], &[]), (&[], &[]), (&[], &[]), (&[], &[ValType::I32])];
        for (parameters, results) in own {
            functions.function(self.add_type(parameters, results));
        }
        let checksum = count(self.exports.globals.len());
        let mut globals = GlobalSection::new();
        let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
        globals.global(ty, &ConstExpr::i64_const(MULTIPLIER));
        let mut names = ExportSection::new();
        names.export("run", ExportKind::Func, run);
        let mut code = CodeSection::new();
        let places = Places { checksum, fold, state };
        code.function(&places.fold_function()).function(&places.state_function(self.exports));
        code.function(&arithmetic::arithmetic(&places, self.numbers));
        code.function(&self.run_function(&places, arithmetic_index));
        let mut module = Module::new();
        module.section(&self.types).section(&imports).section(&functions).section(&globals);
        module.section(&names).section(&code);
        module.finish()
    }

    fn add_type(&mut self, parameters: &[ValType], results: &[ValType]) -> u32 {
        self.types.ty().function(parameters.iter().copied(), results.iter().copied());
        self.next_type += 1;
        self.next_type - 1
    }

    fn imports(&mut self) -> ImportSection {
        let mut imports = ImportSection::new();
        for (function, name) in Outside::ALL {
            let ty = match function {
                Outside::Now | Outside::Random | Outside::Input => self.add_type(&[], &[ValType::I64]),
                Outside::Output | Outside::Error => self.add_type(&[ValType::I64], &[]),
                Outside::Exit => self.add_type(&[ValType::I32], &[]),
            };
            imports.import("outside", name, EntityType::Function(ty));
        }
        for index in self.functions.clone() {
            let function = &self.exports.functions[index];
            let ty = self.add_type(&function.parameters, &function.results);
            imports.import("random", &function.name, EntityType::Function(ty));
        }
        for (name, ty) in &self.exports.globals {
            imports.import("random", name, EntityType::Global(*ty));
        }
        for (name, ty) in &self.exports.memories {
            imports.import("random", name, EntityType::Memory(*ty));
        }
        imports
    }

    /// Calls, and ends with an exit code that follows from the checksum.
    fn run_function(&mut self, places: &Places, arithmetic: u32) -> Function {
        let mut body = Function::new([(1, ValType::V128)]);
        body.instructions().call(arithmetic).global_get(places.checksum).call(Outside::Output.index());
        for &called in &self.calls {
            let function = &self.exports.functions[called];
            for parameter in &function.parameters {
                argument(*parameter, self.numbers, &mut body.instructions());
            }
            let place = self.functions.iter().position(|imported| *imported == called);
            body.instructions().call(Outside::COUNT + count(place.expect("what is called is imported")));
            for result in function.results.iter().rev() {
                places.fold_value(*result, 0, &mut body.instructions());
            }
            body.instructions().call(places.state).global_get(places.checksum).call(Outside::Output.index());
        }
        let code = &mut body.instructions();
        places.fold_nan(code);
        code.global_get(places.checksum).call(Outside::Output.index());
        code.global_get(places.checksum).call(Outside::Error.index());
        code.global_get(places.checksum).i64_const(8).i64_shr_u().i32_wrap_i64().i32_const(255).i32_and();
        code.global_get(places.checksum).i32_wrap_i64().i32_const(1).i32_and();
        // One half returns; the other exits with the code, which has to be dropped when it is not asked for.
        code.if_(BlockType::FunctionType(Outside::Exit.index()));
        code.call(Outside::Exit.index()).else_().drop().end();
        code.global_get(places.checksum).i64_const(1).i64_shr_u().i32_wrap_i64().i32_const(1).i32_and().end();
        body
    }
}

/// Numbers of what the functions of a witness share.
pub(crate) struct Places {
    checksum: u32,
    fold: u32,
    state: u32,
}

impl Places {
    /// Folds its argument into the checksum.
    fn fold_function(&self) -> Function {
        let mut body = Function::new([]);
        let code = &mut body.instructions();
        code.global_get(self.checksum).local_get(0).i64_xor().i64_const(ROTATION).i64_rotl();
        code.i64_const(MULTIPLIER).i64_mul().global_set(self.checksum).end();
        body
    }

    /// Folds globals and memories.
    fn state_function(&self, exports: &Exports) -> Function {
        let (vector, at, left) = (0, 1, 2);
        let mut body = Function::new([(1, ValType::V128), (2, ValType::I32)]);
        let code = &mut body.instructions();
        for (index, (_, ty)) in exports.globals.iter().enumerate() {
            code.global_get(count(index));
            self.fold_value(ty.val_type, vector, code);
        }
        for memory in 0..count(exports.memories.len()) {
            let load = MemArg { offset: 0, align: 3, memory_index: memory };
            code.memory_size(memory).i32_const(16).i32_shl().local_set(left).i32_const(0).local_set(at);
            code.block(BlockType::Empty).loop_(BlockType::Empty);
            code.local_get(at).local_get(left).i32_ge_u().br_if(1);
            code.local_get(at).i64_load(load).call(self.fold);
            code.local_get(at).i32_const(8).i32_add().local_set(at).br(0).end().end();
        }
        code.end();
        body
    }

    /// Folds what is on the stack, with `vector` for a local that is free.
    pub(crate) fn fold_value(&self, ty: ValType, vector: u32, code: &mut InstructionSink<'_>) {
        match ty {
            ValType::I32 => code.i64_extend_i32_u(),
            ValType::I64 => code,
            ValType::F32 => code.i32_reinterpret_f32().i64_extend_i32_u(),
            ValType::F64 => code.i64_reinterpret_f64(),
            ValType::V128 => {
                code.local_tee(vector).i64x2_extract_lane(0).call(self.fold);
                code.local_get(vector).i64x2_extract_lane(1)
            }
            ValType::Ref(_) => code.ref_is_null().i64_extend_i32_u(),
        };
        code.call(self.fold);
    }

    /// A NaN that is made at run time: processors differ in its sign, and so no run that comes so far is right without
    /// the engine's care for that.
    fn fold_nan(&self, code: &mut InstructionSink<'_>) {
        code.global_get(self.checksum).i64_const(1).i64_or().f64_convert_i64_u().f64_neg().f64_sqrt();
        self.fold_value(ValType::F64, 0, code);
    }
}

/// Puts an argument on the stack: special, random, or from outside.
pub(crate) fn argument(ty: ValType, numbers: &mut Numbers, code: &mut InstructionSink<'_>) {
    let is_from_outside = numbers.once_in(3);
    let outside = numbers.one_of(&[Outside::Now, Outside::Random, Outside::Input]).index();
    let is_special = numbers.once_in(2);
    let (random, special) = (numbers.next(), numbers.one_of(&INTEGERS));
    let integer = if is_special { special } else { random.cast_signed() };
    if is_from_outside {
        code.call(outside);
    } else {
        match (ty, is_special) {
            (ValType::F32, true) => code.i64_const(i64::from(numbers.one_of(&F32))),
            (ValType::F64, true) => code.i64_const(numbers.one_of(&F64).cast_signed()),
            _ => code.i64_const(integer),
        };
    }
    match ty {
        ValType::I32 => code.i32_wrap_i64(),
        ValType::I64 => code,
        ValType::F32 => code.i32_wrap_i64().f32_reinterpret_i32(),
        ValType::F64 => code.f64_reinterpret_i64(),
        ValType::V128 => code.i64x2_splat(),
        ValType::Ref(ty) => code.drop().ref_null(ty.heap_type),
    };
}

fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}
