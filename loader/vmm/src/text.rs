//! Guest text on an operator's terminal.

use core::fmt::Write;

/// `text` with control characters escaped: the guest must not be able to move the cursor, set the window title or
/// fake lines of ours. Newlines and tabs stay.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        let is_safe = !is_risky(character) || matches!(character, '\n' | '\t');
        if is_safe {
            safe.push(character);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(safe, "{}", character.escape_unicode());
        }
    }
    safe
}

/// Control characters, and the marks that reorder text.
fn is_risky(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_shown_and_text_is_kept() {
        assert_eq!(printable("a\tb\nc é"), "a\tb\nc é");
        assert_eq!(printable("\u{1b}]0;x\u{7}"), "\\u{1b}]0;x\\u{7}");
        assert_eq!(printable("\u{202e}txt"), "\\u{202e}txt");
        assert_eq!(printable("line\r"), "line\\u{d}");
    }
}
