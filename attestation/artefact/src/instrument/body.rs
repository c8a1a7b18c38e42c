//! Bodies of functions: what they take of the accounted stack, and the code that takes it and gives it back.

use alloc::vec::Vec;

use wasm_encoder::{BlockType, InstructionSink};
use wasmparser::{FunctionBody, Operator};

use crate::CompileError;
use crate::call_depth::{NATIVE_FACTOR, TRANSIENT_FRAME_BYTES};
use crate::instrument::FunctionFrame;
use crate::instrument::survey::FunctionSurvey;

/// Return address, frame pointer, registers that are saved for the caller, and the engine's own values.
const FRAME_BYTES: u32 = 48;

/// A slot, natively.
const SLOT_BYTES: u32 = 8;

/// Of how many operators the optimiser may keep one more byte: what is computed twice it computes once, and then
/// keeps longer.
const OPERATORS_PER_BYTE: u32 = 2;

/// The most of that: large functions are large because they have many cases, of which each has its own values.
const MAX_OPERATOR_BYTES: u32 = 2048;

/// What the engine's function between a caller that drops a resource and the resource's destructor takes.
pub(crate) const DESTRUCTOR_BYTES: u32 = 128;

/// A frame above this is allocated only when there is room for it; below, the compiled function allocates it and then
/// looks.
const LARGE_FRAME_BYTES: u32 = TRANSIENT_FRAME_BYTES / NATIVE_FACTOR;

/// How a function is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// Not at all: nothing that is counted can be above it on the stack.
    Not,
    /// At its entry.
    AtEntry {
        /// What it takes, in bytes.
        bytes: u32,
    },
    /// In a small function before it, because its own frame is large.
    Before {
        /// What it takes, in bytes.
        bytes: u32,
    },
}

impl Count {
    /// How to count `function`, in a component that has destructors or not.
    pub(super) fn of(function: &FunctionSurvey, has_destructors: bool) -> Self {
        let bytes = frame_bytes(function);
        let between = if has_destructors && function.calls_destructors { DESTRUCTOR_BYTES } else { 0 };
        match (bytes > LARGE_FRAME_BYTES, function.calls) {
            (true, _) => Self::Before { bytes: bytes.saturating_add(between) },
            (false, true) => Self::AtEntry { bytes: bytes.saturating_add(between) },
            (false, false) => Self::Not,
        }
    }
}

/// Bytes of accounted stack for one frame of `function`. Natively it may take [`NATIVE_FACTOR`] times that.
///
/// What the function has at once: parameters, locals, operands at their highest, results, and what its calls pass on
/// the stack; v128 takes two slots.
pub(super) fn frame_bytes(function: &FunctionSurvey) -> u32 {
    let values = function.slots.saturating_add(function.call_slots).saturating_mul(SLOT_BYTES);
    let shared = (function.operators / OPERATORS_PER_BYTE).min(MAX_OPERATOR_BYTES);
    FRAME_BYTES.saturating_add(values).saturating_add(shared)
}

/// What function number `original` may take natively where it is entered before it is accounted for, or never is.
pub(super) fn transient_frame(original: u32) -> FunctionFrame {
    FunctionFrame { original, native_bytes: u64::from(TRANSIENT_FRAME_BYTES) }
}

/// What `function` may take natively where it is accounted for.
pub(super) fn accounted_frame(original: u32, function: &FunctionSurvey) -> FunctionFrame {
    let native_bytes = u64::from(frame_bytes(function)) * u64::from(NATIVE_FACTOR);
    FunctionFrame { original, native_bytes }
}

/// Writes counted bodies for one core module.
pub(super) struct Counter {
    /// The global with the bytes that are left, and the first whose number is one higher than before.
    pub(super) global: u32,
    /// The function that traps.
    pub(super) exceeded: u32,
}

impl Counter {
    /// A body with nothing counted: only the numbers of globals change.
    pub(super) fn uncounted(&self, body: &FunctionBody<'_>) -> Result<Vec<u8>, CompileError> {
        let mut rewriting = Rewriting::start(self, body, None)?;
        rewriting.operators(body)?;
        Ok(rewriting.code)
    }

    /// A body that takes `bytes` and gives them back; `results` is the type of the function as a block.
    pub(super) fn counted(
        &self,
        body: &FunctionBody<'_>,
        bytes: u32,
        results: BlockType,
    ) -> Result<Vec<u8>, CompileError> {
        let mut rewriting = Rewriting::start(self, body, Some(bytes))?;
        self.take(bytes, &mut rewriting.code);
        InstructionSink::new(&mut rewriting.code).block(results);
        rewriting.operators(body)?;
        Ok(rewriting.code)
    }

    /// A body that gives back `bytes` which were taken by [`before`](Self::before).
    pub(super) fn taken_before(
        &self,
        body: &FunctionBody<'_>,
        bytes: u32,
        results: BlockType,
    ) -> Result<Vec<u8>, CompileError> {
        let mut rewriting = Rewriting::start(self, body, Some(bytes))?;
        InstructionSink::new(&mut rewriting.code).block(results);
        rewriting.operators(body)?;
        Ok(rewriting.code)
    }

    /// The body of a function that takes `bytes` and goes on to `function` with its own `parameters`.
    pub(super) fn before(&self, function: u32, parameters: u32, bytes: u32) -> Vec<u8> {
        let mut code = Vec::from(NO_LOCALS);
        self.take(bytes, &mut code);
        let mut sink = InstructionSink::new(&mut code);
        for parameter in 0..parameters {
            sink.local_get(parameter);
        }
        sink.return_call(function).end();
        code
    }

    /// The body of the function that traps.
    pub(super) fn exceeded(&self) -> Vec<u8> {
        let mut code = Vec::from(NO_LOCALS);
        InstructionSink::new(&mut code).unreachable().end();
        code
    }

    fn take(&self, bytes: u32, code: &mut Vec<u8>) {
        let mut sink = InstructionSink::new(code);
        sink.global_get(self.global).i32_const(bytes.cast_signed()).i32_lt_u();
        sink.if_(BlockType::Empty).call(self.exceeded).unreachable().end();
        sink.global_get(self.global).i32_const(bytes.cast_signed()).i32_sub().global_set(self.global);
    }

    fn give_back(&self, bytes: u32, code: &mut Vec<u8>) {
        let mut sink = InstructionSink::new(code);
        sink.global_get(self.global).i32_const(bytes.cast_signed()).i32_add().global_set(self.global);
    }
}

/// A function's declaration of no locals, binary format, section 5.5.13.
const NO_LOCALS: [u8; 1] = [0];

/// A body that is being written. What does not change is copied as it stands.
///
/// Where something is to be given back, the body becomes a block, so that a branch out of it goes where the original
/// left the function, with the same number.
struct Rewriting<'a> {
    counter: &'a Counter,
    original: &'a [u8],
    code: Vec<u8>,
    copied_bytes: usize,
    give_back: Option<u32>,
    /// Blocks that are open around the next operator, the function's own not among them.
    depth: u32,
}

impl<'a> Rewriting<'a> {
    /// Copies the declarations of locals.
    fn start(
        counter: &'a Counter,
        body: &FunctionBody<'a>,
        give_back: Option<u32>,
    ) -> Result<Self, CompileError> {
        let original = body.as_bytes();
        let mut rewriting =
            Self { counter, original, code: Vec::new(), copied_bytes: 0, give_back, depth: 0 };
        let operators = body.get_binary_reader_for_operators()?;
        rewriting.copy_to(operators.original_position().saturating_sub(body.range().start))?;
        Ok(rewriting)
    }

    fn operators(&mut self, body: &FunctionBody<'_>) -> Result<(), CompileError> {
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            let start = offset.saturating_sub(body.range().start);
            let end = operators.original_position().saturating_sub(body.range().start);
            self.operator(&operator, start, end)?;
        }
        self.copy_to(self.original.len())
    }

    fn operator(&mut self, operator: &Operator<'_>, start: usize, end: usize) -> Result<(), CompileError> {
        let first_shifted = self.counter.global;
        match (operator, self.give_back) {
            (Operator::GlobalGet { global_index }, _) if *global_index >= first_shifted => {
                self.replace(start, end)?.global_get(global_index.saturating_add(1));
            }
            (Operator::GlobalSet { global_index }, _) if *global_index >= first_shifted => {
                self.replace(start, end)?.global_set(global_index.saturating_add(1));
            }
            (Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. }, _) => {
                self.depth = self.depth.saturating_add(1);
            }
            (Operator::Return, Some(_)) => {
                let out = self.depth;
                self.replace(start, end)?.br(out);
            }
            (Operator::ReturnCall { .. } | Operator::ReturnCallIndirect { .. }, Some(bytes)) => {
                self.copy_to(start)?;
                self.counter.give_back(bytes, &mut self.code);
            }
            (Operator::End, Some(bytes)) if self.depth == 0 => {
                self.copy_to(end)?;
                self.counter.give_back(bytes, &mut self.code);
                InstructionSink::new(&mut self.code).end();
            }
            (Operator::End, _) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        Ok(())
    }

    /// Leaves out what stands between `start` and `end`.
    fn replace(&mut self, start: usize, end: usize) -> Result<InstructionSink<'_>, CompileError> {
        self.copy_to(start)?;
        self.copied_bytes = end;
        Ok(InstructionSink::new(&mut self.code))
    }

    fn copy_to(&mut self, end: usize) -> Result<(), CompileError> {
        let Some(part) = self.original.get(self.copied_bytes..end) else {
            return Err(CompileError::component("a function body ends early"));
        };
        self.code.extend_from_slice(part);
        self.copied_bytes = end;
        Ok(())
    }
}
