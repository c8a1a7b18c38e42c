//! The first pass: validates a component and learns what rewriting it needs to know in advance.

use alloc::vec::Vec;
use core::mem;

use wasmparser::{
    Encoding, FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator, OperatorsReader, Parser,
    Payload, TypeRef, ValType, ValidPayload, Validator, ValidatorResources, WasmModuleResources,
};

use crate::CompileError;
use crate::config::WASM_FEATURES;
use crate::instrument::height::{Height, results_of, slots};
use scopes::Scopes;

mod scopes;
mod types;

/// Arguments that every compiler passes in registers; machine code passes more, if not all of them are integers.
const REGISTER_ARGUMENTS: u32 = 4;

/// Results that every compiler passes in registers.
const REGISTER_RESULTS: u32 = 2;

/// What the first pass learns.
pub(super) struct Survey {
    /// Core modules in the order in which they stand, nested ones included.
    pub(super) modules: Vec<ModuleSurvey>,
    /// Components in the order in which they begin: whether each instantiates core modules itself.
    pub(super) has_counter: Vec<bool>,
    /// Counters that there are in one instance of the whole.
    pub(super) counters: u32,
    /// Whether one of its resources has a destructor.
    pub(super) has_destructors: bool,
}

/// A core module.
#[derive(Default)]
pub(super) struct ModuleSurvey {
    imported_functions: u32,
    /// Its defined functions.
    pub(super) functions: Vec<FunctionSurvey>,
}

/// A defined function.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FunctionSurvey {
    /// Parameters, locals, results and the highest operand stack, in slots of eight bytes.
    pub(super) slots: u32,
    /// Arguments and results of its largest call that do not fit in registers, in slots. They have an area of their
    /// own besides the operands that they are.
    pub(super) call_slots: u32,
    /// How many operators its body has.
    pub(super) operators: u32,
    /// Whether it calls anything and is on the stack meanwhile.
    pub(super) calls: bool,
    /// Whether such a call may reach a resource's destructor without a function of a core module between.
    pub(super) calls_destructors: bool,
}

/// Validates `component`, and surveys it.
pub(super) fn survey(component: &[u8]) -> Result<Survey, CompileError> {
    let mut validator = Validator::new_with_features(WASM_FEATURES);
    let mut parser = Parser::new(0);
    parser.set_features(WASM_FEATURES);
    let mut scopes = Scopes::default();
    let mut functions = Functions::default();
    for payload in parser.parse_all(component) {
        let payload = payload?;
        if let Payload::ComponentTypeSection(section) = &payload {
            types::check(component.get(section.range()).unwrap_or_default())?;
        }
        if let ValidPayload::Func(function, body) = validator.payload(&payload)? {
            functions.define(function, &body)?;
        }
        scopes.follow(&payload)?;
        functions.follow(payload)?;
    }
    let (has_counter, counters) = scopes.finish()?;
    let has_destructors = functions.has_destructors;
    if has_destructors && functions.tail_calls_destructors {
        return Err(CompileError::DestructorTailCall);
    }
    Ok(Survey { modules: functions.modules, has_counter, counters, has_destructors })
}

/// Surveys the functions of core modules.
#[derive(Default)]
struct Functions {
    modules: Vec<ModuleSurvey>,
    has_destructors: bool,
    tail_calls_destructors: bool,
    height: Height,
    allocations: FuncValidatorAllocations,
}

impl Functions {
    fn follow(&mut self, payload: Payload<'_>) -> Result<(), CompileError> {
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } => self.modules.push(ModuleSurvey::default()),
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if let (TypeRef::Func(_), Some(module)) = (import?.ty, self.modules.last_mut()) {
                        module.imported_functions = module.imported_functions.saturating_add(1);
                    }
                }
            }
            Payload::ComponentTypeSection(types) => {
                for ty in types {
                    let dtor = matches!(ty?, wasmparser::ComponentType::Resource { dtor: Some(_), .. });
                    self.has_destructors |= dtor;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn define(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
    ) -> Result<(), CompileError> {
        let mut survey =
            FunctionSurvey { slots: signature_and_locals(&function, body)?, ..FunctionSurvey::default() };
        let mut validator = function.into_validator(mem::take(&mut self.allocations));
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        self.height.restart();
        let mut operators = OperatorsReader::new(reader);
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            let results = results_of(&mut validator, &operator, offset);
            validator.op(offset, &operator)?;
            self.height.follow(&validator, results);
            survey.operators = survey.operators.saturating_add(1);
            self.classify(&operator, validator.resources(), &mut survey);
        }
        operators.finish()?;
        survey.slots = survey.slots.saturating_add(self.height.most());
        if let Some(module) = self.modules.last_mut() {
            module.functions.push(survey);
        }
        self.allocations = validator.into_allocations();
        Ok(())
    }

    fn classify(
        &mut self,
        operator: &Operator<'_>,
        resources: &ValidatorResources,
        survey: &mut FunctionSurvey,
    ) {
        let imported = self.modules.last().map_or(0, |module| module.imported_functions);
        let (type_index, may_be_import, is_tail) = match *operator {
            Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                let type_index = resources.type_index_of_function(function_index);
                (type_index, function_index < imported, matches!(operator, Operator::ReturnCall { .. }))
            }
            Operator::CallIndirect { type_index, .. } => (Some(type_index), true, false),
            Operator::ReturnCallIndirect { type_index, .. } => (Some(type_index), true, true),
            _ => return,
        };
        let ty = type_index.and_then(|type_index| resources.sub_type_at(type_index));
        let Some(ty) = ty.map(|ty| ty.unwrap_func()) else { return };
        let area =
            beyond(ty.params(), REGISTER_ARGUMENTS).saturating_add(beyond(ty.results(), REGISTER_RESULTS));
        survey.call_slots = survey.call_slots.max(area);
        // The type of `canon resource.drop`, which is an import or comes out of a table.
        let may_drop = may_be_import && ty.params() == [ValType::I32] && ty.results().is_empty();
        survey.calls |= !is_tail;
        survey.calls_destructors |= !is_tail && may_drop;
        self.tail_calls_destructors |= is_tail && may_drop;
    }
}

/// Slots of `values` after the first few, which are in registers.
fn beyond(values: &[ValType], in_registers: u32) -> u32 {
    values
        .iter()
        .fold(0, |total: u32, &value| total.saturating_add(slots(Some(value))))
        .saturating_sub(in_registers)
}

/// Slots of parameters, results and locals.
fn signature_and_locals(
    function: &FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'_>,
) -> Result<u32, CompileError> {
    let ty = function.resources.sub_type_at(function.ty).map(|ty| ty.unwrap_func());
    let values = ty.iter().flat_map(|ty| ty.params().iter().chain(ty.results()));
    let mut total = values.fold(0, |total: u32, &value| total.saturating_add(slots(Some(value))));
    for group in body.get_locals_reader()? {
        let (count, ty) = group?;
        total = total.saturating_add(count.saturating_mul(slots(Some(ty))));
    }
    Ok(total)
}
