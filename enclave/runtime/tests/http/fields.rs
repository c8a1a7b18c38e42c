//! Lists of fields: what may be in them, and who may change them.

use enclave_runtime::Outcome;

use crate::harness::{Script, TestHost, data, fields, run};

const IMPORTS: &str = r#"(import "wasi" "from-list" (func $from-list (param i32 i32 i32)))
    (import "wasi" "get" (func $get (param i32 i32 i32 i32)))
    (import "wasi" "has" (func $has (param i32 i32 i32) (result i32)))
    (import "wasi" "set" (func $set (param i32 i32 i32 i32 i32 i32)))
    (import "wasi" "delete" (func $delete (param i32 i32 i32 i32)))
    (import "wasi" "entries" (func $entries (param i32 i32)))
    (import "wasi" "clone" (func $clone (param i32) (result i32)))
    (import "wasi" "headers-out" (func $headers (param i32) (result i32)))
    (import "wasi" "response-headers" (func $response-headers (param i32) (result i32)))
    (import "wasi" "drop-fields" (func $drop-fields (param i32)))
    (import "wasi" "drop-outgoing-request" (func $drop-request (param i32)))"#;

/// A text at an address, as two arguments.
fn text(at: usize, text: &str) -> (String, String) {
    (data(at, text), format!("(i32.const {at}) (i32.const {})", text.len()))
}

/// 0 for success, or one more than the case of `header-error`.
const RESULT: &str = r#"(call $say (select (i32.add (i32.load8_u (i32.const 5001)) (i32.const 1)) (i32.const 0)
    (i32.load8_u (i32.const 5000))))"#;

fn append(fields: &str, name: &str, value: &str) -> String {
    format!("(call $append {fields} {name} {value} (i32.const 5000)) {RESULT}")
}

#[test]
fn names_and_values_that_break_a_message_are_refused() {
    let cases = [
        ("X-Fine", "yes", 0),
        ("", "empty", 1),
        ("a b", "blank", 1),
        ("a:", "colon", 1),
        ("x", "line\r\nbreak", 1),
        ("x", "nul\0", 1),
        ("Host", "a.example", 2),
        ("Transfer-Encoding", "chunked", 2),
        ("connection", "close", 2),
        ("content-length", "+5", 1),
        ("content-length", "", 1),
        ("content-length", "5", 0),
        ("content-length", "5", 1),
        ("content-length", "18446744073709551616", 1),
    ];
    let (mut datas, mut calls) = (String::new(), String::new());
    for (index, (name, value, _)) in cases.iter().enumerate() {
        let (name_data, name) = text(6000 + index * 64, name);
        let (value_data, value) = text(6032 + index * 64, value);
        datas += &(name_data + &value_data);
        calls += &append("(local.get $fields)", &name, &value);
    }
    let component = format!(
        r#"{IMPORTS} {datas}
        (func (export "run") (result i32) (local $fields i32)
            (local.set $fields (call $new-fields)) {calls}
            (call $say (call $await (call $send (call $request-with (i32.const 4096) (i32.const 11) (local.get $fields)))))
            i32.const 0)"#
    );
    let (report, host) =
        run(&component, TestHost::with([Script::refused(enclave_runtime::HttpFailure::TimeUnknown)]));
    let Outcome::Trapped { .. } = report.outcome else { panic!("a failure is no future: {report:?}") };
    let expected: String = cases.iter().map(|(_, _, code)| format!("{code}\n")).collect();
    assert_eq!(host.said(), expected);
}

#[test]
fn lists_are_changed_read_and_copied() {
    let (name_data, name) = text(6000, "X-Name");
    let (other_data, other) = text(6010, "other");
    let (one_data, one) = text(6020, "one");
    let (two_data, two) = text(6030, "two");
    let list = "(local.get $fields)";
    let has = |fields: &str, name: &str| format!("(call $say (call $has {fields} {name}))");
    let count = |fields: &str| {
        format!("(call $entries {fields} (i32.const 5100)) (call $say (i32.load (i32.const 5104)))")
    };
    let component = format!(
        r#"{IMPORTS} {name_data} {other_data} {one_data} {two_data}
        (func (export "run") (result i32) (local $fields i32) (local $copy i32)
            (local.set $fields (call $new-fields))
            {} {} {} {} {}
            (call $get {list} {name} (i32.const 5100))
            (call $say (i32.load (i32.const 5104)))
            (call $print (i32.load offset=8 (i32.load (i32.const 5100))) (i32.load offset=12 (i32.load (i32.const 5100))))
            (local.set $copy (call $clone {list}))
            (call $delete {list} {name} (i32.const 5000)) {RESULT}
            {} {} {}
            (i32.store (i32.const 5200) (i32.const 6020)) (i32.store (i32.const 5204) (i32.const 3))
            (call $set (local.get $copy) {name} (i32.const 5200) (i32.const 1) (i32.const 5000)) {RESULT}
            {}
            i32.const 0)"#,
        append(list, &name, &one),
        append(list, &name, &two),
        append(list, &other, &one),
        has(list, &name),
        count(list),
        has(list, &name),
        count(list),
        count("(local.get $copy)"),
        count("(local.get $copy)"),
    );
    let (report, host) = run(&component, TestHost::default());
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(host.said(), "0\n0\n0\n1\n3\n2\ntwo0\n0\n1\n3\n0\n2\n");
}

/// Those of messages, sent or received; a copy can be changed again.
#[test]
fn the_fields_of_messages_are_immutable() {
    let (name_data, name) = text(6000, "x");
    let response = Script {
        head: Ok(enclave_runtime::HttpResponse {
            status: enclave_http::StatusCode::OK,
            fields: fields(&[("x", "1"), ("connection", "close"), ("content-length", "0")]),
        }),
        ..Script::ok("")
    };
    let component = format!(
        r#"{IMPORTS} {name_data}
        (func (export "run") (result i32) (local $request i32) (local $fields i32)
            (local.set $request (call $request (i32.const 4096) (i32.const 11)))
            (local.set $fields (call $headers (local.get $request)))
            {} (call $delete (local.get $fields) {name} (i32.const 5000)) {RESULT}
            (call $set (local.get $fields) {name} (i32.const 0) (i32.const 0) (i32.const 5000)) {RESULT}
            (local.set $fields (call $clone (local.get $fields))) {}
            (local.set $fields (call $response-headers (call $await (call $send (local.get $request)))))
            {} (call $entries (local.get $fields) (i32.const 5100)) (call $say (i32.load (i32.const 5104)))
            i32.const 0)"#,
        append("(local.get $fields)", &name, &name),
        append("(local.get $fields)", &name, &name),
        append("(local.get $fields)", &name, &name),
    );
    let (report, host) = run(&component, TestHost::with([response]));
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    assert_eq!(host.said(), "3\n3\n3\n0\n3\n2\n", "of the response's three fields one is the connection's");
}

#[test]
fn a_list_from_a_list_is_checked_as_a_whole() {
    let from = |pairs: &[(&str, &str)]| {
        let (mut datas, mut stores) = (String::new(), String::new());
        for (index, (name, value)) in pairs.iter().enumerate() {
            datas += &data(6000 + index * 64, name);
            datas += &data(6032 + index * 64, value);
            for (offset, number) in
                [(0, 6000 + index * 64), (4, name.len()), (8, 6032 + index * 64), (12, value.len())]
            {
                stores +=
                    &format!("(i32.store (i32.const {}) (i32.const {number}))", 5200 + index * 16 + offset);
            }
        }
        let component = format!(
            r#"{IMPORTS} {datas}
            (func (export "run") (result i32)
                {stores}
                (call $from-list (i32.const 5200) (i32.const {}) (i32.const 5100))
                (if (i32.load8_u (i32.const 5100))
                    (then (call $say (i32.load8_u (i32.const 5104))) (return (i32.const 1))))
                (call $entries (i32.load (i32.const 5104)) (i32.const 5100)) (call $say (i32.load (i32.const 5104)))
                i32.const 0)"#,
            pairs.len()
        );
        run(&component, TestHost::default()).1.said().to_owned()
    };
    assert_eq!(from(&[]), "0\n");
    assert_eq!(from(&[("a", "1"), ("A", "2")]), "2\n");
    assert_eq!(from(&[("a", "1"), ("a b", "2")]), "0\n");
    assert_eq!(from(&[("a", "1"), ("upgrade", "x")]), "1\n");
    assert_eq!(from(&[("content-length", "1"), ("content-length", "1")]), "0\n");
}
