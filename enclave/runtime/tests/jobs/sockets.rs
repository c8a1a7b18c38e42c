//! Sockets may be imported, and must not be used.

use enclave_runtime::{Outcome, RuntimeError, inspect};

use crate::harness::{LIMITS, TestHost, run_with, trap_message};

fn component(call: &str) -> Vec<u8> {
    wat::parse_str(include_str!("sockets.wat").replace("CALL", call)).expect("the test's text is valid")
}

#[test]
fn whoever_imports_sockets_and_leaves_them_alone_runs() {
    let (report, _) = run_with(&component(""), &LIMITS, TestHost::default());
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
}

/// The harness runs everything once more from its transcript, natively and by the interpreter.
#[test]
fn a_call_traps_and_names_the_function() {
    for (call, name) in [
        ("(drop (call $instance-network))", "`wasi:sockets/instance-network@0.2.0#instance-network`"),
        (
            "(call $create-tcp-socket (i32.const 1) (i32.const 0))",
            "`wasi:sockets/tcp-create-socket@0.2.0#create-tcp-socket`",
        ),
    ] {
        let (report, _) = run_with(&component(call), &LIMITS, TestHost::default());
        let message = trap_message(&report.outcome);
        assert!(message.contains(name) && message.contains("offers no sockets"), "{message}");
    }
}

#[test]
fn nobody_has_a_socket_to_call_a_method_of() {
    let (report, _) =
        run_with(&component("(drop (call $subscribe (i32.const 1)))"), &LIMITS, TestHost::default());
    assert!(trap_message(&report.outcome).contains("unknown handle index 1"), "{:?}", report.outcome);
}

#[test]
fn imports_that_trap_are_named_before_anything_runs() {
    let inspected = inspect(&component("")).unwrap();
    let names = ["network", "instance-network", "tcp", "tcp-create-socket"];
    assert_eq!(inspected.trapping_imports, names.map(|name| format!("wasi:sockets/{name}@0.2.0")));
}

#[test]
fn other_versions_and_other_kinds_of_imports_stay_refused() {
    let text = include_str!("sockets.wat").replace("CALL", "");
    let later = text.replace("wasi:sockets/tcp@0.2.0", "wasi:sockets/tcp@0.3.0");
    let names = vec!["wasi:sockets/tcp@0.3.0".to_owned()];
    assert_eq!(inspect(&wat::parse_str(later).unwrap()), Err(RuntimeError::UnsupportedImports { names }));
    let function = r#"(component (import "wasi:sockets/tcp@0.2.0" (func)))"#;
    let module = r#"(component (import "wasi:sockets/tcp@0.2.0" (instance (export "m" (core module)))))"#;
    for text in [function, module] {
        let error = inspect(&wat::parse_str(text).unwrap()).unwrap_err();
        assert!(matches!(error, RuntimeError::Mismatch { .. }), "{error}");
    }
}
