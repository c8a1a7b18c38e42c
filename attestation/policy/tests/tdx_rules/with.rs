//! What the tests of rules share: the development preset with one field stated, and what became of it.

use attestation_policy::{Decision, Outcome, Policy, Preset};

/// The development preset, which waives all it can, with one field stated.
pub(crate) fn with(table: &str, key: &str, value: &str) -> Policy {
    let mut section = "";
    let lines = Preset::Development.text().lines().map(|line| {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        }
        let is_field = section == table && line.split(" =").next() == Some(key);
        if is_field { format!("{key} = {value}") } else { line.to_owned() }
    });
    let text: String = lines.map(|line| line + "\n").collect();
    assert!(text.contains(&format!("\n{key} = {value}\n")), "{table}.{key}");
    Policy::parse(&text).unwrap()
}

/// Every ruling on `field` came out so, and the decision with it.
pub(crate) fn assert_ruling(decision: &Decision, field: &str, outcome: &Outcome) {
    let rulings: Vec<_> =
        decision.rulings().iter().filter(|ruling| ruling.field.starts_with(field)).collect();
    assert!(!rulings.is_empty(), "{field}: no ruling");
    for ruling in rulings {
        assert_eq!(ruling.outcome, *outcome, "{ruling}");
        assert!(!ruling.expected.is_empty() && !ruling.found.is_empty(), "{ruling}");
    }
    assert_eq!(decision.is_accepted(), *outcome != Outcome::Fails, "{field}");
}
