//! What a text would make the reader build, and how much of it is too much.

use core::fmt;

use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// Most tables, lists and dots: a policy with every field waived has 114. Each is a node of a tree, up to 1.6 kB.
pub const TABLES_MAX: usize = 384;
/// Most levels of brackets and dots, one inside the other: a policy has three. The reader calls itself for each. Where
/// brackets do not match, this counts too few, and the reader's own limit of 80 holds.
pub const LEVELS_MAX: usize = 16;
/// Words and signs that any text may have: a policy has 1,400. Each is an entry in two lists, and with unlucky
/// neighbours a value in a third, up to 200 bytes.
pub const SIGNS_FREE: usize = 4096;
/// Bytes of text for each word and sign more: a list of chips, with a comment on each, has as many.
pub const SIGN_BYTES: usize = 24;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Brackets that open something or close nothing, and dots outside of texts, those of numbers included.
    Tables,
    /// Brackets and dots, one inside the other.
    Levels,
    /// All that a text consists of: words, texts, comments, spaces, and every sign between them.
    Signs,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tables => "tables, lists and dots",
            Self::Levels => "levels of brackets and dots",
            Self::Signs => "words and signs",
        })
    }
}

/// A text with more structure than is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected at most {limit} {counted}, found {found}; line {line} goes beyond")]
pub struct Excess {
    /// Of what there is too much.
    pub counted: Counted,
    /// Most of it.
    pub limit: usize,
    /// How much of it there is.
    pub found: usize,
    /// The line in which it becomes too much, the first being 1.
    pub line: usize,
}

/// Refuses a text with more structure than is read. Goes over it once and allocates nothing.
pub(crate) fn check(text: &str) -> Result<(), Excess> {
    let limits = Limits::of(text);
    let mut counts = Counts::default();
    let mut first = None;
    for token in Source::new(text).lex() {
        counts.add(token.kind());
        if first.is_none() {
            first = limits.exceeded_by(&counts).map(|counted| (counted, token.span().start()));
        }
    }
    let Some((counted, place)) = first else { return Ok(()) };
    let before = text.as_bytes().get(..place).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
    Err(Excess { counted, limit: limits.of_kind(counted), found: counts.of_kind(counted), line })
}

/// The most of each kind.
struct Limits {
    signs: usize,
}

impl Limits {
    fn of(text: &str) -> Self {
        Self { signs: SIGNS_FREE.saturating_add(text.len() / SIGN_BYTES) }
    }

    fn of_kind(&self, counted: Counted) -> usize {
        match counted {
            Counted::Tables => TABLES_MAX,
            Counted::Levels => LEVELS_MAX,
            Counted::Signs => self.signs,
        }
    }

    fn exceeded_by(&self, counts: &Counts) -> Option<Counted> {
        let kinds = [Counted::Levels, Counted::Tables, Counted::Signs];
        kinds.into_iter().find(|&counted| counts.of_kind(counted) > self.of_kind(counted))
    }
}

/// What there is up to some place.
#[derive(Default)]
struct Counts {
    signs: usize,
    tables: usize,
    /// Brackets that are open here.
    open: usize,
    /// Dots of the name that stands here.
    dots: usize,
    /// The most of both together so far.
    levels: usize,
}

impl Counts {
    fn add(&mut self, kind: TokenKind) {
        self.signs = self.signs.saturating_add(usize::from(kind != TokenKind::Eof));
        match kind {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {
                self.tables = self.tables.saturating_add(1);
                self.open = self.open.saturating_add(1);
                self.dots = 0;
            }
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                // The reader takes one that closes nothing for an empty table or list, and goes on.
                self.tables = self.tables.saturating_add(usize::from(self.open == 0));
                self.open = self.open.saturating_sub(1);
                self.dots = 0;
            }
            TokenKind::Dot => {
                self.tables = self.tables.saturating_add(1);
                self.dots = self.dots.saturating_add(1);
            }
            TokenKind::Equals | TokenKind::Comma | TokenKind::Newline => self.dots = 0,
            _ => {}
        }
        self.levels = self.levels.max(self.open.saturating_add(self.dots));
    }

    fn of_kind(&self, counted: Counted) -> usize {
        match counted {
            Counted::Tables => self.tables,
            Counted::Levels => self.levels,
            Counted::Signs => self.signs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is refused of `text`: the kind, most, found, and the line.
    fn excess(text: &str) -> Option<(Counted, usize, usize, usize)> {
        check(text).err().map(|excess| (excess.counted, excess.limit, excess.found, excess.line))
    }

    #[test]
    fn tables_lists_and_dots_are_bounded() {
        let lines = [
            ("[a]", 1),
            ("[[a]]", 2),
            ("a=[]", 1),
            ("a={}", 1),
            ("a.b=1", 1),
            (".=", 1),
            ("[..]", 3),
            ("a=0.5", 1),
            ("}", 1),
            ("{]]", 2),
        ];
        for (line, each) in lines {
            let most = format!("{line}\n").repeat(TABLES_MAX / each);
            assert_eq!(excess(&most), None, "{line}");
            let expected = (Counted::Tables, TABLES_MAX, TABLES_MAX + each, TABLES_MAX / each + 1);
            assert_eq!(excess(&format!("{most}{line}")), Some(expected), "{line}");
        }
    }

    #[test]
    fn levels_are_bounded() {
        for (open, close) in [("[", "]"), ("{a=", "}"), ("a.", "a=1"), (".", "")] {
            let nested = |levels: usize| format!("\nb=1\n{}{}", open.repeat(levels), close.repeat(levels));
            assert_eq!(excess(&nested(LEVELS_MAX)), None, "{open}");
            let expected = (Counted::Levels, LEVELS_MAX, LEVELS_MAX + 1, 3);
            assert_eq!(excess(&nested(LEVELS_MAX + 1)), Some(expected), "{open}");
        }
        let side_by_side = "a.b = [[1], [2], {c.d = 1.5, e.f = 2.5}]\n".repeat(LEVELS_MAX + 1);
        assert_eq!(excess(&side_by_side), None);
        let both = format!("a = {}b.c.d", "{x=".repeat(LEVELS_MAX - 2));
        assert_eq!(excess(&both), None);
        assert_eq!(excess(&format!("{both}.e")).map(|found| found.0), Some(Counted::Levels));
    }

    #[test]
    fn words_and_signs_are_bounded() {
        for sign in ["\n", "=", ","] {
            let most = SIGNS_FREE * SIGN_BYTES / (SIGN_BYTES - 1);
            assert_eq!(excess(&sign.repeat(most)), None, "{sign:?}");
            let beyond = (Counted::Signs, most, most + 1);
            let found =
                excess(&sign.repeat(most + 1)).map(|(counted, limit, found, _)| (counted, limit, found));
            assert_eq!(found, Some(beyond), "{sign:?}");
        }
        let lines = "a=1\n".repeat(SIGNS_FREE);
        let (counted, .., line) = excess(&lines).unwrap_or((Counted::Levels, 0, 0, 0));
        assert!(counted == Counted::Signs && (SIGNS_FREE / 4..SIGNS_FREE / 2).contains(&line), "{line}");
    }

    #[test]
    fn texts_and_comments_count_once() {
        let signs = "[{..=,}]".repeat(SIGNS_FREE);
        for (open, close) in
            [("a='", "'"), ("a=\"", "\""), ("a='''\n", "\n'''"), ("a=\"\"\"\n", "\n\"\"\""), ("# ", "")]
        {
            assert_eq!(excess(&format!("{open}{signs}{close}")), None, "{open}");
        }
        let long = format!("{}\n", "a".repeat(SIGN_BYTES)).repeat(SIGNS_FREE);
        assert_eq!(excess(&long), None, "long words are paid for");
    }

    #[test]
    fn messages_say_what_where_and_how_much() {
        let message = check(&"[a]\n".repeat(400)).map_err(|excess| excess.to_string());
        let expected = "expected at most 384 tables, lists and dots, found 400; line 385 goes beyond";
        assert_eq!(message, Err(expected.into()));
    }
}
