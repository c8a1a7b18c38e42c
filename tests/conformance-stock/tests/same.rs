//! The outcomes are those that are written down, to the byte.

use std::path::PathBuf;
use std::{env, fs};

use tests_conformance_stock::run;
use tests_needs::Need;

const EXPECTED: &str = include_str!("../../conformance/expected.txt");

#[test]
fn outcomes_are_those_of_the_guest() {
    let Some(component) = env::var_os("REDOUBT_CONFORMANCE").map(PathBuf::from) else {
        return Need::Conformance.missing("REDOUBT_CONFORMANCE names no component");
    };
    let component = fs::read(component).expect("the component can be read");
    let mut output = String::new();
    for (input, status) in [("everything", 0), ("exit-with-code", 7)] {
        let root = tempfile::tempdir().expect("a folder");
        let ran = run(&component, input, root.path()).expect("it runs");
        output.push_str(&ran.output);
        assert_eq!(ran.status, status, "{output}");
    }
    for (found, expected) in output.lines().zip(EXPECTED.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(output, EXPECTED);
}
