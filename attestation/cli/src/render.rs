//! A verdict for people, and for programs.

use core::fmt::{self, Write};

use attestation_evidence::text::printable_line;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::check::{Check, SIMULATED, State, Verdict};

/// Whether escape sequences are welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// A terminal that shows them.
    On,
    /// A file, a pipe, or a reader who said no.
    Off,
}

/// Columns of a check's name.
const WHAT_COLUMNS: usize = 40;
/// Columns of an expected value that is shown on the same line as the found one.
const VALUE_COLUMNS: usize = 25;
/// Values longer than this go on lines of their own.
const LINE_COLUMNS: usize = 78;
/// Notes that are longer than this go on in the next line.
const NOTE_COLUMNS: usize = 94;
/// Hexadecimal digits from which on a value is abbreviated.
const LONG_DIGITS: usize = 32;

/// One line per check, then notes and the verdict. Values that agree are abbreviated; values that differ are shown in
/// full, one below the other.
#[must_use]
pub fn table(verdict: &Verdict, colours: Colours) -> String {
    let mut text = String::new();
    // Writing to a `String` is infallible.
    let done = write_table(&mut text, verdict, Paint(colours));
    debug_assert!(done.is_ok(), "a table failed to print");
    text
}

/// The whole verdict as JSON, nothing abbreviated.
#[must_use]
pub fn json(verdict: &Verdict) -> String {
    json_with(verdict, &Map::new())
}

/// The same, and what the verdict is about.
pub(crate) fn json_with(verdict: &Verdict, more: &Map<String, Value>) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        verdict: &'static str,
        #[serde(flatten)]
        details: &'a Verdict,
        #[serde(flatten)]
        more: &'a Map<String, Value>,
    }
    let document = Document { verdict: word(verdict), details: verdict, more };
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn word(verdict: &Verdict) -> &'static str {
    if verdict.is_accepted() { "accepted" } else { "refused" }
}

fn write_table(text: &mut String, verdict: &Verdict, paint: Paint) -> fmt::Result {
    writeln!(text, "      {:<WHAT_COLUMNS$}  {:<VALUE_COLUMNS$}  found", "check", "expected")?;
    for check in &verdict.checks {
        write_check(text, check, paint)?;
    }
    for note in &verdict.notes {
        write_note(text, note)?;
    }
    writeln!(text)?;
    if verdict.simulated {
        let warning = "SIMULATED: no hardware protected this run; whoever ran it could have forged all of it";
        writeln!(text, "{}", paint.red(warning))?;
    }
    let failures = verdict.failures().count();
    if verdict.is_accepted() {
        let holding = verdict.checks.iter().filter(|check| check.state == State::Holds).count();
        let waived = verdict.checks.iter().filter(|check| check.state == State::Waived).count();
        let waived = if waived == 0 { String::new() } else { format!(", {waived} waived by the policy") };
        writeln!(text, "{}: all {holding} checks hold{waived}", paint.green("ACCEPTED"))
    } else {
        let first = verdict.failures().next().map_or("no check was made", |check| &check.what);
        let total = verdict.checks.len();
        writeln!(text, "{}: {failures} of {total} checks failed, first: {first}", paint.red("REFUSED"))
    }
}

fn write_check(text: &mut String, check: &Check, paint: Paint) -> fmt::Result {
    let what = printable_line(&check.what);
    let mark = match check.state {
        State::Fails => return write_different(text, &paint.red("FAIL"), &what, check),
        State::Finding => return write_different(text, &paint.yellow("find"), &what, check),
        State::Fact => return writeln!(text, "info  {what:<WHAT_COLUMNS$}  {}", shortened(&check.found)),
        State::Waived => "    ".to_owned(),
        State::Holds => paint.green("ok  "),
    };
    let expected = abbreviated(&check.expected);
    let found = match abbreviated(&check.found) {
        platform if platform == SIMULATED => paint.red(SIMULATED),
        found => found,
    };
    writeln!(text, "{mark}  {what:<WHAT_COLUMNS$}  {expected:<VALUE_COLUMNS$}  {found}")
}

/// Broken between words, so that [`NOTE_COLUMNS`] hold it; a word that is longer has a line of its own.
fn write_note(text: &mut String, note: &str) -> fmt::Result {
    let (mut label, mut line) = ("note", String::new());
    for word in shortened(note).split(' ') {
        if !line.is_empty() && line.chars().count() + word.chars().count() >= NOTE_COLUMNS {
            writeln!(text, "{label:<4}  {line}")?;
            (label, line) = ("", String::new());
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(text, "{label:<4}  {line}")
}

/// Both sides in full, one below the other, and the code where there is one.
fn write_different(text: &mut String, mark: &str, what: &str, check: &Check) -> fmt::Result {
    match &check.code {
        Some(code) if !what.contains(code) => writeln!(text, "{mark}  {what}: {}", printable_line(code))?,
        _ => writeln!(text, "{mark}  {what}")?,
    }
    write_long(text, "expected", &check.expected)?;
    write_long(text, "found", &check.found)
}

/// A value in full, broken so that 100 columns hold it.
fn write_long(text: &mut String, label: &str, value: &str) -> fmt::Result {
    let value: Vec<char> = printable_line(value).chars().collect();
    let mut label = label;
    for line in value.chunks(LINE_COLUMNS) {
        let line: String = line.iter().collect();
        writeln!(text, "      {label:<8}  {line}")?;
        label = "";
    }
    Ok(())
}

/// Long digests lose their middle, and so does what is too long all the same.
fn abbreviated(value: &str) -> String {
    let short = shortened(value);
    let count = short.chars().count();
    if count <= VALUE_COLUMNS {
        return short;
    }
    let half = VALUE_COLUMNS / 2;
    short.chars().take(half).chain(['…']).chain(short.chars().skip(count - half)).collect()
}

fn shortened(value: &str) -> String {
    value
        .split(' ')
        .map(|token| short_digest(token).unwrap_or_else(|| printable_line(token)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Head and tail of a long digest; `None` for anything else.
fn short_digest(token: &str) -> Option<String> {
    let is_digest = token.len() >= LONG_DIGITS && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    let head = token.get(..8).filter(|_| is_digest)?;
    let tail = token.get(token.len().checked_sub(8)?..)?;
    Some(format!("{head}…{tail}"))
}

/// Text with colours, where they are welcome.
#[derive(Clone, Copy)]
pub(crate) struct Paint(pub(crate) Colours);

impl Paint {
    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self.0 {
            Colours::On => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Colours::Off => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(found: &str) -> Verdict {
        let mut verdict = Verdict::default();
        verdict.compare("measurement", "ab".repeat(48), found);
        verdict.compare("name in the manifest", "ledger-audit", "ledger-audit");
        verdict.note("nothing more");
        verdict
    }

    #[test]
    fn equal_digests_are_short_and_different_ones_are_whole() {
        let good = table(&verdict(&"ab".repeat(48)), Colours::Off);
        assert!(good.contains("abababab…abababab"), "{good}");
        assert!(good.ends_with("ACCEPTED: all 2 checks hold\n"), "{good}");
        let other = "cd".repeat(48);
        let bad = table(&verdict(&other), Colours::Off);
        assert!(bad.replace(['\n', ' '], "").contains(&other), "{bad}");
        assert!(bad.ends_with("REFUSED: 1 of 2 checks failed, first: measurement\n"), "{bad}");
        for line in good.lines().chain(bad.lines()) {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }

    #[test]
    fn colours_lines_and_the_order_of_letters_are_ours_only() {
        for hostile in ['\u{1b}', '\u{7}', '\u{202e}', '\u{2066}', '\u{200e}', '\u{61c}', '\u{200b}'] {
            let mut verdict = verdict(&format!("ab{hostile}cd"));
            verdict.compare("same", format!("x{hostile}\nok"), format!("x{hostile}\nok"));
            verdict.note(format!("{hostile}\nACCEPTED"));
            let plain = table(&verdict, Colours::Off);
            assert!(!plain.contains(hostile) && !plain.contains("\nACCEPTED"), "{plain}");
            assert!(plain.contains(&format!("ab{}cd", hostile.escape_unicode())), "{plain}");
        }
        let simulated = Verdict { simulated: true, ..verdict(&"ab".repeat(48)) };
        let coloured = table(&simulated, Colours::On);
        assert!(coloured.contains("\u{1b}[1;31mSIMULATED"), "{coloured}");
        assert!(coloured.contains("\u{1b}[32mACCEPTED"), "{coloured}");
    }

    #[test]
    fn json_is_whole() {
        let document: Value = serde_json::from_str(&json(&verdict("cd"))).unwrap();
        assert_eq!(document["verdict"], "refused");
        assert_eq!(document["checks"][0]["expected"], "ab".repeat(48));
        assert_eq!(document["checks"][0]["ok"], false);
        assert_eq!(document["notes"][0], "nothing more");
    }

    #[test]
    fn no_checks_are_no_reason_to_accept() {
        assert!(!Verdict::default().is_accepted());
        assert!(table(&Verdict::default(), Colours::Off).contains("REFUSED"));
    }
}
