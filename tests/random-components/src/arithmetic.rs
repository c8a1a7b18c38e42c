//! Numeric instructions in a row, of which nothing is lost: what random modules compute they mostly throw away.
//!
//! Each takes what earlier ones gave, or the arguments at the beginning, and each result is folded into the checksum. None
//! of them traps.

use wasm_encoder::{Function, Instruction, ValType};

use crate::numbers::Numbers;
use crate::witness::{Places, argument};

/// Instructions in one component.
const STEPS: usize = 60;

/// Locals of each type, which operands come from and results go to.
const LOCALS: usize = 3;
const TYPES: [ValType; 5] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128];

/// A function without parameters and results.
pub(crate) fn arithmetic(places: &Places, numbers: &mut Numbers) -> Function {
    let count = u32::try_from(LOCALS).unwrap_or_default();
    let mut locals = TYPES.map(|ty| (count, ty)).to_vec();
    locals.push((1, ValType::V128));
    let mut body = Function::new(locals);
    let vector = local(TYPES.len() - 1, LOCALS);
    for (index, ty) in TYPES.into_iter().enumerate() {
        for number in 0..LOCALS {
            argument(ty, numbers, &mut body.instructions());
            body.instructions().local_set(local(index, number));
        }
    }
    // Components with fused instructions have no native code for processors that lack them.
    let groups = if numbers.once_in(4) { &GROUPS[..] } else { &GROUPS[..GROUPS.len() - 1] };
    for _ in 0..STEPS {
        let (takes, gives, instructions) = numbers.one_of(groups);
        for ty in takes {
            body.instructions().local_get(any_local(*ty, numbers));
        }
        body.instruction(&instructions[numbers.below(instructions.len())]);
        body.instructions().local_tee(any_local(gives, numbers));
        places.fold_value(gives, vector, &mut body.instructions());
    }
    body.instructions().end();
    body
}

fn any_local(ty: ValType, numbers: &mut Numbers) -> u32 {
    let index = TYPES.iter().position(|known| *known == ty).unwrap_or_default();
    local(index, numbers.below(LOCALS))
}

/// Number of a local among those of a type, which may be one more than the last.
fn local(ty: usize, number: usize) -> u32 {
    u32::try_from(ty * LOCALS + number).unwrap_or_default()
}

type Group = (&'static [ValType], ValType, &'static [Instruction<'static>]);

/// What instructions take, what they give, and which they are; fused ones last.
const GROUPS: [Group; 21] = {
    use Instruction::*;
    use ValType as T;
    [
        (
            &[T::I32, T::I32],
            T::I32,
            &[
                I32Add, I32Sub, I32Mul, I32And, I32Or, I32Xor, I32Shl, I32ShrS, I32ShrU, I32Rotl, I32Rotr,
                I32Eq, I32Ne, I32LtS, I32LtU, I32GtS, I32GtU, I32LeS, I32LeU, I32GeS, I32GeU,
            ],
        ),
        (&[T::I32], T::I32, &[I32Clz, I32Ctz, I32Popcnt, I32Eqz, I32Extend8S, I32Extend16S]),
        (
            &[T::I64, T::I64],
            T::I64,
            &[I64Add, I64Sub, I64Mul, I64And, I64Or, I64Xor, I64Shl, I64ShrS, I64ShrU, I64Rotl, I64Rotr],
        ),
        (
            &[T::I64, T::I64],
            T::I32,
            &[I64Eq, I64Ne, I64LtS, I64LtU, I64GtS, I64GtU, I64LeS, I64LeU, I64GeS, I64GeU],
        ),
        (&[T::I64], T::I64, &[I64Clz, I64Ctz, I64Popcnt, I64Extend8S, I64Extend16S, I64Extend32S]),
        (&[T::F32, T::F32], T::F32, &[F32Add, F32Sub, F32Mul, F32Div, F32Min, F32Max, F32Copysign]),
        (&[T::F32], T::F32, &[F32Abs, F32Neg, F32Ceil, F32Floor, F32Trunc, F32Nearest, F32Sqrt]),
        (&[T::F32, T::F32], T::I32, &[F32Eq, F32Ne, F32Lt, F32Gt, F32Le, F32Ge]),
        (&[T::F64, T::F64], T::F64, &[F64Add, F64Sub, F64Mul, F64Div, F64Min, F64Max, F64Copysign]),
        (&[T::F64], T::F64, &[F64Abs, F64Neg, F64Ceil, F64Floor, F64Trunc, F64Nearest, F64Sqrt]),
        (&[T::F64, T::F64], T::I32, &[F64Eq, F64Ne, F64Lt, F64Gt, F64Le, F64Ge]),
        (&[T::F32], T::I64, &[I64TruncSatF32S, I64TruncSatF32U]),
        (&[T::F64], T::I32, &[I32TruncSatF64S, I32TruncSatF64U]),
        (&[T::I64], T::F32, &[F32ConvertI64S, F32ConvertI64U]),
        (&[T::I32], T::F64, &[F64ConvertI32S, F64ConvertI32U]),
        (&[T::F64], T::F32, &[F32DemoteF64]),
        (&[T::F32], T::F64, &[F64PromoteF32]),
        (
            &[T::V128, T::V128],
            T::V128,
            &[
                I8x16Swizzle,
                I8x16Add,
                I8x16AddSatS,
                I8x16SubSatU,
                I8x16MinS,
                I8x16AvgrU,
                I8x16NarrowI16x8S,
                I16x8Mul,
                I16x8Q15MulrSatS,
                I16x8ExtMulHighI8x16U,
                I32x4DotI16x8S,
                I32x4Mul,
                I32x4MaxU,
                I64x2Mul,
                I64x2GtS,
                V128AndNot,
                F32x4Add,
                F32x4Sub,
                F32x4Mul,
                F32x4Div,
                F32x4Min,
                F32x4Max,
                F32x4PMin,
                F32x4PMax,
                F32x4Lt,
                F64x2Add,
                F64x2Sub,
                F64x2Mul,
                F64x2Div,
                F64x2Min,
                F64x2Max,
                F64x2PMin,
                F64x2PMax,
                F64x2Ne,
                I8x16RelaxedSwizzle,
                F32x4RelaxedMin,
                F32x4RelaxedMax,
                F64x2RelaxedMin,
                F64x2RelaxedMax,
                I16x8RelaxedQ15mulrS,
                I16x8RelaxedDotI8x16I7x16S,
            ],
        ),
        (
            &[T::V128],
            T::V128,
            &[
                I8x16Abs,
                I8x16Popcnt,
                I16x8ExtAddPairwiseI8x16S,
                I32x4Neg,
                I64x2Abs,
                F32x4Ceil,
                F32x4Nearest,
                F32x4Sqrt,
                F32x4Neg,
                F64x2Floor,
                F64x2Trunc,
                F64x2Sqrt,
                F64x2Abs,
                I32x4TruncSatF32x4S,
                I32x4TruncSatF32x4U,
                I32x4TruncSatF64x2SZero,
                I32x4TruncSatF64x2UZero,
                F32x4ConvertI32x4U,
                F64x2ConvertLowI32x4S,
                F32x4DemoteF64x2Zero,
                F64x2PromoteLowF32x4,
                I32x4RelaxedTruncF32x4S,
                I32x4RelaxedTruncF32x4U,
                I32x4RelaxedTruncF64x2SZero,
                I32x4RelaxedTruncF64x2UZero,
            ],
        ),
        (
            &[T::V128, T::V128, T::V128],
            T::V128,
            &[V128Bitselect, I8x16RelaxedLaneselect, I64x2RelaxedLaneselect, I32x4RelaxedDotI8x16I7x16AddS],
        ),
        (
            &[T::V128, T::V128, T::V128],
            T::V128,
            &[F32x4RelaxedMadd, F32x4RelaxedNmadd, F64x2RelaxedMadd, F64x2RelaxedNmadd],
        ),
    ]
};
