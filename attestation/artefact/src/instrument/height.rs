//! How much the operand stack of a function takes at most.

use alloc::vec::Vec;

use wasmparser::{FuncValidator, Operator, ValType, WasmModuleResources};

/// Follows the validator's operand stack, in slots of eight bytes.
#[derive(Default)]
pub(super) struct Height {
    /// Slots up to and including each operand.
    sums: Vec<u32>,
    most: u32,
}

impl Height {
    /// The most slots since the start.
    pub(super) fn most(&self) -> u32 {
        self.most
    }

    pub(super) fn restart(&mut self) {
        self.sums.clear();
        self.most = 0;
    }

    /// Follows an operator that the validator has just seen and that leaves `results` operands of its own.
    pub(super) fn follow<T: WasmModuleResources>(
        &mut self,
        validator: &FuncValidator<T>,
        results: Option<u32>,
    ) {
        let height = validator.operand_stack_height() as usize;
        // Below the results is what was there before: nothing but the top changes.
        let unchanged = results.map_or(0, |results| height.saturating_sub(results as usize));
        self.sums.truncate(unchanged);
        while self.sums.len() < height {
            let operand = validator.get_operand_type(height - self.sums.len() - 1).flatten();
            let below = self.sums.last().copied().unwrap_or(0);
            self.sums.push(below.saturating_add(slots(operand)));
        }
        self.most = self.most.max(self.sums.last().copied().unwrap_or(0));
    }
}

/// Operands that an operator leaves, as the validator sees it before the operator.
pub(super) fn results_of<T: WasmModuleResources>(
    validator: &mut FuncValidator<T>,
    operator: &Operator<'_>,
    offset: usize,
) -> Option<u32> {
    operator.operator_arity(&validator.visitor(offset)).map(|(_, results)| results)
}

/// Slots of a value; one of unknown type is in code that is never reached, and takes the most.
pub(super) fn slots(ty: Option<ValType>) -> u32 {
    match ty {
        Some(ValType::V128) | None => 2,
        Some(_) => 1,
    }
}
