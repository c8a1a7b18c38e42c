//! Policies, explained: what each field demands, and what it is about.

use core::fmt::{self, Write};

use attestation_evidence::text::printable_line;
use attestation_policy::{Described, Policy, Rule};
use serde::Serialize;

/// Columns of a line.
const LINE_COLUMNS: usize = 98;
/// Columns by which what belongs to a field is moved in.
const INDENT: usize = 4;

/// One block per field.
#[must_use]
pub fn table(policy: &Policy) -> String {
    let mut text = String::new();
    // Writing to a `String` is infallible.
    let done = write_policy(&mut text, policy);
    debug_assert!(done.is_ok(), "a policy failed to print");
    text
}

/// The same as JSON: `{"name": …, "fields": [{"field", "demands" or "waived", "about"}]}`.
#[must_use]
pub fn json(policy: &Policy) -> String {
    #[derive(Serialize)]
    struct Document {
        name: String,
        fields: Vec<Field>,
    }
    #[derive(Serialize)]
    struct Field {
        field: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        demands: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        waived: Option<String>,
        about: &'static str,
    }
    let fields = policy.describe().into_iter().map(|Described { field, rule, about }| {
        let (demands, waived) = match rule {
            Rule::Stated(value) => (Some(value), None),
            Rule::Waived { reason } => (None, Some(reason)),
        };
        Field { field, demands, waived, about }
    });
    let document = Document { name: policy.name.clone(), fields: fields.collect() };
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn write_policy(text: &mut String, policy: &Policy) -> fmt::Result {
    writeln!(text, "policy {}\n", printable_line(&policy.name))?;
    for Described { field, rule, about } in policy.describe() {
        let demand = match rule {
            Rule::Stated(value) => format!("= {value}"),
            Rule::Waived { reason } => format!("waived: {reason}"),
        };
        write_wrapped(text, 0, &format!("{field} {demand}"))?;
        write_wrapped(text, INDENT, about)?;
    }
    Ok(())
}

/// Words in lines of [`LINE_COLUMNS`]; a word that is longer than a line gets its own.
fn write_wrapped(text: &mut String, indent: usize, words: &str) -> fmt::Result {
    let start = " ".repeat(indent);
    let mut line = start.clone();
    for word in printable_line(words).split(' ') {
        let is_full = line.trim_start().len() + word.len() + indent >= LINE_COLUMNS;
        if is_full && !line.trim_start().is_empty() {
            writeln!(text, "{}", line.trim_end())?;
            line = " ".repeat(indent + INDENT);
        }
        line.push_str(word);
        line.push(' ');
    }
    writeln!(text, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use attestation_policy::Preset;

    use super::*;

    #[test]
    fn every_field_is_there_with_its_reason() {
        for preset in Preset::ALL {
            let policy = Policy::parse(preset.text()).unwrap();
            let text = table(&policy);
            let document: serde_json::Value = serde_json::from_str(&json(&policy)).unwrap();
            let fields = document["fields"].as_array().unwrap();
            assert_eq!(fields.len(), policy.describe().len());
            for field in policy.describe() {
                assert!(text.contains(&field.field), "{}", field.field);
            }
            assert!(text.lines().all(|line| line.len() <= 110), "{text}");
        }
        let strict = table(&Policy::parse(Preset::Strict.text()).unwrap());
        assert!(
            strict.contains("snp.guest_policy.debug = forbidden\n    The host may read the guest's memory."),
            "{strict}"
        );
        assert!(strict.contains("snp.chip.chip_ids = nothing: the list is empty"), "{strict}");
    }
}
