//! Components from a few lines of text, compiled and run in three ways.

use core::pin::pin;
use core::task::{Context, Poll, Waker};

use attestation_artefact::{
    CALL_DEPTH_FUNCTION, CompileError, base_config, compile_for_linux, compile_for_linux_baseline,
    compile_for_pulley, max_wasm_stack_bytes,
};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store, StoreContextMut, Trap, WasmBacktrace};

/// Enough for everything that ends by itself.
const FUEL: u64 = 10_000_000_000;

/// A small accounted stack, so that tests reach its end soon.
pub(crate) const STACK_BYTES: u32 = 32 * 1024;

/// Ways to run a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    Native,
    Baseline,
    Interpreter,
}

impl Build {
    pub(crate) const ALL: [Self; 3] = [Self::Native, Self::Baseline, Self::Interpreter];

    pub(crate) fn compile(self, component: &[u8], stack_bytes: u32) -> Result<Vec<u8>, CompileError> {
        match self {
            Self::Native => compile_for_linux(component, stack_bytes),
            Self::Baseline => compile_for_linux_baseline(component, stack_bytes),
            Self::Interpreter => compile_for_pulley(component, stack_bytes),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Returned(u64),
    CallDepth,
    Trapped(Trap),
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) end: End,
    pub(crate) fuel: u64,
    /// Calls of `note`, whose argument it sums up.
    pub(crate) notes: (u64, u64),
}

/// What `note` sees of the machine's stack.
#[derive(Default)]
struct Host {
    notes: (u64, u64),
    highest: usize,
    lowest: Option<usize>,
}

impl Host {
    fn note(&mut self, value: u64) {
        let marker = 0u8;
        let here = (&raw const marker).addr();
        self.notes = (self.notes.0 + 1, self.notes.1.wrapping_add(value));
        self.highest = self.highest.max(here);
        self.lowest = Some(self.lowest.unwrap_or(here).min(here));
    }
}

/// A program that is ready to run.
pub(crate) struct Program {
    engine: Engine,
    component: Component,
    stack_bytes: u32,
    build: Build,
}

impl Program {
    pub(crate) fn new(build: Build, component: &[u8], stack_bytes: u32) -> Self {
        let artefact = build.compile(component, stack_bytes).expect("the component compiles");
        let mut config = base_config(stack_bytes);
        if build == Build::Interpreter {
            config.target("pulley64").expect("the engine has its interpreter");
        }
        let engine = Engine::new(&config).expect("the settings fit");
        // SAFETY: the bytes come from the compiler.
        let component =
            unsafe { Component::deserialize(&engine, artefact) }.expect("the artefact fits the engine");
        Self { engine, component, stack_bytes, build }
    }

    /// Calls the export `run`, which takes and returns a 64-bit number. The component may import `note`.
    pub(crate) fn run(&self, argument: u64) -> Run {
        let mut linker = Linker::new(&self.engine);
        let note = |mut store: StoreContextMut<'_, Host>, (value,): (u64,)| {
            store.data_mut().note(value);
            Ok(())
        };
        linker.root().func_wrap("note", note).expect("the name is free");
        let mut store = Store::new(&self.engine, Host::default());
        store.set_fuel(FUEL).expect("fuel is on");
        let result = wait(async {
            let instance = linker.instantiate_async(&mut store, &self.component).await?;
            let run = instance.get_typed_func::<(u64,), (u64,)>(&mut store, "run")?;
            run.call_async(&mut store, (argument,)).await
        });
        let fuel = FUEL - store.get_fuel().expect("fuel is on");
        let host = store.data();
        let used_bytes = host.highest - host.lowest.unwrap_or(host.highest);
        assert!(
            used_bytes < max_wasm_stack_bytes(self.stack_bytes),
            "{:?}: {used_bytes} bytes of stack",
            self.build
        );
        Run { end: end(result), fuel, notes: host.notes }
    }
}

/// Runs a component in all ways, with the same outcome.
pub(crate) fn run(component: &[u8], stack_bytes: u32, argument: u64) -> Run {
    Everywhere::new(component, stack_bytes).run(argument)
}

/// A component in all builds.
pub(crate) struct Everywhere(Vec<Program>);

impl Everywhere {
    pub(crate) fn new(component: &[u8], stack_bytes: u32) -> Self {
        Self::of(&Build::ALL, component, stack_bytes)
    }

    /// In these builds alone.
    pub(crate) fn of(builds: &[Build], component: &[u8], stack_bytes: u32) -> Self {
        Self(builds.iter().map(|build| Program::new(*build, component, stack_bytes)).collect())
    }

    pub(crate) fn run(&self, argument: u64) -> Run {
        let runs: Vec<_> = self.0.iter().map(|program| program.run(argument)).collect();
        for (program, run) in self.0.iter().zip(&runs) {
            assert_eq!(*run, runs[0], "{:?} is not {:?}", program.build, self.0[0].build);
        }
        runs[0].clone()
    }

    /// The largest argument with which the component returns, where `run` calls itself as often as its argument says.
    pub(crate) fn depth(&self) -> u64 {
        let returns = |argument| matches!(self.0[0].run(argument).end, End::Returned(_));
        let (mut good, mut bad) = (0, 1 << 20);
        assert!(returns(good) && !returns(bad));
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            if returns(middle) { good = middle } else { bad = middle }
        }
        assert!(matches!(self.run(good).end, End::Returned(_)));
        assert_eq!(self.run(bad).end, End::CallDepth);
        good
    }
}

/// A component of one core module, whose export `run` it lifts: `(param i64) (result i64)`. `$note` can be called.
pub(crate) fn component(module: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (import "note" (func $note (param "value" u64)))
            (core func $lowered (canon lower (func $note)))
            (core module $m
                (import "host" "note" (func $note (param i64)))
                {module})
            (core instance $host (export "note" (func $lowered)))
            (core instance $i (instantiate $m (with "host" (instance $host))))
            (func (export "run") (param "n" u64) (result u64) (canon lift (core func $i "run"))))"#
    );
    binary(&text)
}

pub(crate) fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| unreachable!("{error}\n{text}"))
}

fn end(result: wasmtime::Result<(u64,)>) -> End {
    let error = match result {
        Ok((value,)) => return End::Returned(value),
        Err(error) => error,
    };
    let innermost = error.downcast_ref::<WasmBacktrace>().and_then(|backtrace| backtrace.frames().first());
    let is_call_depth = innermost.and_then(|frame| frame.func_name()) == Some(CALL_DEPTH_FUNCTION);
    match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) if is_call_depth => End::CallDepth,
        Some(trap) => End::Trapped(*trap),
        None => unreachable!("{error:?}"),
    }
}

/// Nothing here waits for anything.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}
