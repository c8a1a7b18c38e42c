//! Text from files, guests and hosts on a person's terminal.
//!
//! Whoever wrote it must not be able to move the cursor, set the window's title, fake lines of ours, or show digits in
//! another order than they stand in.

use alloc::string::String;

/// `text` with what a terminal obeys, hides or reorders escaped as `\u{…}`. Newlines and tabs stay.
#[must_use]
pub fn printable(text: &str) -> String {
    escaped(text, |character| matches!(character, '\n' | '\t'))
}

/// [`printable`] for a value within a line: newlines and tabs are escaped as well.
#[must_use]
pub fn printable_line(text: &str) -> String {
    escaped(text, |_| false)
}

fn escaped(text: &str, is_welcome: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_risky(character) && !is_welcome(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Control characters, and what Unicode has for reordering text and for letters that nobody sees.
fn is_risky(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' // soft hyphen
                | '\u{61c}' // Arabic letter mark
                | '\u{180e}' // Mongolian vowel separator
                | '\u{200b}'..='\u{200f}' // zero width, and marks of direction
                | '\u{2028}'..='\u{202e}' // separators of lines, embeddings and overrides of direction
                | '\u{2060}'..='\u{206f}' // invisible operators, isolates
                | '\u{feff}' // byte order mark
                | '\u{fff9}'..='\u{fffb}' // annotations
                | '\u{e0000}'..='\u{e007f}' // tags
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_shown_and_text_is_kept() {
        assert_eq!(printable("a\tb\nc é 漢"), "a\tb\nc é 漢");
        assert_eq!(printable_line("a\tb\nc é 漢"), "a\\u{9}b\\u{a}c é 漢");
        assert_eq!(printable("\u{1b}]0;x\u{7}"), "\\u{1b}]0;x\\u{7}");
        assert_eq!(printable("line\r\u{9b}2J"), "line\\u{d}\\u{9b}2J");
    }

    #[test]
    fn nothing_reorders_or_hides() {
        let marks = ('\u{200b}'..='\u{200f}').chain('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}');
        for mark in marks.chain(['\u{ad}', '\u{61c}', '\u{2028}', '\u{2060}', '\u{feff}', '\u{e0041}']) {
            let text = String::from(mark);
            assert_eq!(printable(&text), alloc::format!("\\u{{{:x}}}", u32::from(mark)));
            assert_eq!(printable_line(&text), printable(&text));
        }
    }

    #[test]
    fn what_is_printable_stays_as_it_is() {
        let once = printable_line("\u{202e}a\nb");
        assert_eq!(printable(&once), once);
    }
}
