//! The component of `tests/conformance`: its outcomes are those that are written down, here and wherever else it runs, and
//! no function of any interface is forgotten.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use enclave_runtime::{InputRead, Outcome};
use tests_needs::Need;

use crate::harness::{LIMITS, TestHost, run_with};

const EXPECTED: &str = include_str!("../../../../tests/conformance/expected.txt");
const LEFT_OUT: &str = include_str!("../../../../tests/conformance/left-out.txt");

/// The harness runs everything once more from its transcript: as it was, for any processor, and by the interpreter.
#[test]
fn outcomes_are_those_that_are_written_down() {
    let Some(component) = env::var_os("REDOUBT_CONFORMANCE").map(PathBuf::from) else {
        return Need::Conformance.missing("REDOUBT_CONFORMANCE names no component");
    };
    let component = fs::read(component).unwrap();
    let mut output = String::new();
    for (input, code) in [("everything", 0), ("exit-with-code", 7)] {
        let host = TestHost {
            input: vec![InputRead::Bytes(input.into())].into(),
            wall_ns: Some(1_700_000_000_000_000_000),
            tick_ns: 100_000,
            look_ns: 1_000,
            ..TestHost::default()
        };
        let (report, host) = run_with(&component, &LIMITS, host);
        output.push_str(&String::from_utf8_lossy(&host.stdout));
        let errors = String::from_utf8_lossy(&host.stderr);
        assert_eq!(report.outcome, Outcome::Exited { code }, "{output}\n{errors}");
    }
    for (found, expected) in output.lines().zip(EXPECTED.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(output, EXPECTED);
}

#[test]
fn every_function_is_called_or_says_why_not() {
    let names = |text: &'static str| -> Vec<&str> {
        text.lines().map(|line| line.split_once(": ").expect("a name and what is said of it").0).collect()
    };
    let (called, left_out) = (names(EXPECTED), names(LEFT_OUT));
    let mut accounted = BTreeSet::new();
    for name in called.into_iter().chain(left_out) {
        assert!(accounted.insert(name.to_owned()), "{name} is there twice");
    }
    let functions = offered_functions();
    assert!(functions.len() > 100, "{functions:?}");
    let forgotten: Vec<_> = functions.difference(&accounted).collect();
    let unknown: Vec<_> = accounted.difference(&functions).collect();
    assert!(forgotten.is_empty() && unknown.is_empty(), "forgotten: {forgotten:?}, unknown: {unknown:?}");
}

/// Every function that a component may import, as `package:name/interface#resource.function`, from the text of the
/// interfaces.
fn offered_functions() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("wit");
    let world = fs::read_to_string(folder.join("outside.wit")).expect("the interfaces are there");
    let imports = world.lines().filter_map(|line| line.trim().strip_prefix("import ")?.split_once('@'));
    let imports: BTreeSet<&str> = imports.map(|(name, _)| name).collect();
    let mut functions = BTreeSet::new();
    for file in fs::read_dir(folder.join("deps")).expect("the interfaces are there") {
        let text = fs::read_to_string(file.expect("the interfaces are there").path())
            .expect("the interfaces are there");
        functions.extend(
            functions_of(&text).into_iter().filter(|(interface, _)| imports.contains(interface.as_str())),
        );
    }
    functions.into_iter().map(|(interface, function)| format!("{interface}#{function}")).collect()
}

/// Interfaces and functions of one package. Each function is on a line of its own; what is unstable nobody offers.
fn functions_of(text: &str) -> Vec<(String, String)> {
    let (mut package, mut blocks, mut functions, mut unstable) = ("", Vec::new(), Vec::new(), false);
    for line in text.lines().map(|line| line.split("//").next().unwrap_or_default().trim()) {
        let name = line.split(['(', ':', ' ', '{']).next().unwrap_or_default().trim_start_matches('%');
        if let Some(rest) = line.strip_prefix("package ") {
            package = rest.split(['@', ';']).next().unwrap_or_default();
        } else if line.starts_with("@unstable") {
            unstable = true;
        } else if line.ends_with('{') {
            blocks.push(line.trim_end_matches('{').trim().to_owned());
        } else if line.starts_with('}') {
            blocks.pop();
        } else if name == "constructor" || line.contains(": func(") || line.contains(": static func(") {
            let interface = blocks[0].strip_prefix("interface ").expect("the interfaces are there");
            let resource = blocks.get(1).and_then(|block| block.strip_prefix("resource "));
            let function = resource.map_or(name.to_owned(), |resource| format!("{resource}.{name}"));
            if !core::mem::take(&mut unstable) {
                functions.push((format!("{package}/{interface}"), function));
            }
        }
    }
    functions
}
