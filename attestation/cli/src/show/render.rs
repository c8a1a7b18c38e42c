//! What was shown, for people and for programs.

use core::fmt::{self, Write};

use attestation_evidence::text::printable_line;
use serde::Serialize;

use super::{Field, Shown};
use crate::render::{Colours, Paint};

/// Columns of a field's name.
const NAME_COLUMNS: usize = 24;
/// Columns of a value; what is longer goes on below.
const VALUE_COLUMNS: usize = 72;

/// Everything as JSON: `{"verified": false, "items": […]}`.
#[must_use]
pub fn json(items: &[Shown]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        verified: bool,
        items: &'a [Shown],
    }
    let mut text = serde_json::to_string_pretty(&Document { verified: false, items }).unwrap_or_default();
    text.push('\n');
    text
}

/// One block per item, one line per field.
#[must_use]
pub fn table(items: &[Shown], colours: Colours) -> String {
    let mut text = String::new();
    // Writing to a `String` is infallible.
    let done = items.iter().try_for_each(|item| write_item(&mut text, item, Paint(colours)));
    debug_assert!(done.is_ok(), "a table failed to print");
    text.push_str("Nothing was verified: this is what the files say.\n");
    text
}

fn write_item(text: &mut String, item: &Shown, paint: Paint) -> fmt::Result {
    let Shown { file, title, within, bytes, .. } = item;
    let within: String = within.iter().rev().map(|wrapper| format!(", in {wrapper}")).collect();
    let title = paint.bold(&printable_line(&format!("{file}: {title}")));
    writeln!(text, "{title} ({bytes} bytes{})", printable_line(&within))?;
    if let Some(problem) = &item.problem {
        write_field(text, paint.red("does not parse"), "does not parse".len(), problem)?;
    }
    item.fields.iter().try_for_each(|field| write_named(text, field))?;
    writeln!(text)?;
    item.parts.iter().try_for_each(|part| write_item(text, part, paint))
}

fn write_named(text: &mut String, field: &Field) -> fmt::Result {
    let value = match &field.meaning {
        None => field.value.clone(),
        Some(meaning) => format!("{}  ({meaning})", field.value),
    };
    write_field(text, field.name.clone(), field.name.chars().count(), &value)
}

/// A name of so many columns, and a value in as many lines as it takes.
fn write_field(text: &mut String, name: String, columns: usize, value: &str) -> fmt::Result {
    let padding = " ".repeat(NAME_COLUMNS.saturating_sub(columns));
    let mut start = format!("  {name}{padding}");
    let value: Vec<char> = printable_line(value).chars().collect();
    if value.is_empty() {
        return writeln!(text, "{start}(empty)");
    }
    for line in value.chunks(VALUE_COLUMNS) {
        let line: String = line.iter().collect();
        writeln!(text, "{start}{line}")?;
        start = " ".repeat(NAME_COLUMNS + 2);
    }
    Ok(())
}
