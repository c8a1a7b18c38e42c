//! TOML that makes its reader hold as much as it may: for each kind of structure, as much as is not refused.

use attestation_toml::{ReadError, read};
use serde::de::IgnoredAny;

/// Longer than what any of these comes to, and shorter than what the targets try.
const LONG: usize = 12 << 10;

/// Texts by what is in them.
#[must_use]
pub fn worst() -> Vec<(&'static str, String)> {
    // A table each, and then words as long as there is room.
    let tables = most("", |number| format!("{number:x}.{number:x}=0\n"));
    vec![
        (
            "dots",
            most(&tables, |number| {
                format!(
                    "x{number:x}=1
"
                )
            }),
        ),
        ("deep-names", most("", |number| format!("k{number}{}=0\n", ".c".repeat(15)))),
        ("empty-names", most("", |number| format!("{number:x}.=0\n"))),
        ("headers", most("", |number| format!("[{number:x}]\na=0\n"))),
        ("lists-of-tables", most("", |_| "[[a]]\na=0\n".into())),
        ("tables-in-list", most("a=[", |_| "{=0},".into())),
        ("full-tables", most("a=[", |_| "{a=0,b=0,c=0,d=0,e=0,f=0},".into())),
        ("lists", most("a=[", |_| "[0],".into())),
        ("lines", most("", |number| format!("{number:x}=1\n"))),
        ("numbers", most("a=[", |_| "1,".into())),
        ("texts", most("a=[", |_| "0,''".into())),
        ("unopened", most("a=[", |_| "}".into())),
        ("signs", most("", |_| "=".into())),
        ("long-line", format!("name = \"{}", "n".repeat(LONG))),
        ("long-key", format!("{} = 1", "n".repeat(LONG))),
        ("long-text", format!("name = '{}'\nargs = 5", "\"".repeat(LONG))),
        ("wrong-escapes", format!("name = \"{}\"", r"\q".repeat(LONG / 2))),
        ("wrong-list", most("version = [", |_| "1,'\"',".into()) + "]"),
    ]
}

/// `start` and as many pieces as are read.
fn most(start: &str, piece: impl Fn(usize) -> String) -> String {
    let text = |pieces: usize| (0..pieces).fold(start.to_owned(), |text, number| text + &piece(number));
    let is_refused = |pieces: usize| matches!(read::<IgnoredAny>(&text(pieces)), Err(ReadError::Excess(_)));
    let (mut fewest, mut beyond) = (0, LONG);
    while beyond - fewest > 1 {
        let middle = usize::midpoint(fewest, beyond);
        if is_refused(middle) { beyond = middle } else { fewest = middle }
    }
    text(fewest)
}
