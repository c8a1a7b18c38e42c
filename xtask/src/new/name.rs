//! Names of projects: what Cargo, npm, WIT and `app.toml` all accept.

use core::str::FromStr;

use thiserror::Error;

/// The longest, which is that of `app.toml`.
const MAX_BYTES: usize = 64;

/// Names that mean something else to Rust: what every program can name already, and keywords.
const TAKEN: [&str; 46] = [
    "abstract", "alloc", "as", "async", "await", "become", "box", "break", "const", "continue", "core",
    "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in",
    "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "self", "static", "std", "struct", "super", "test", "trait", "true", "wasip2",
];

/// A name that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProjectName(String);

impl ProjectName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// No name for a project.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum NameError {
    #[error("expected at most {MAX_BYTES} characters, found {found}")]
    Long { found: usize },
    #[error("expected words of a-z and 0-9 that begin with a letter, joined by hyphens, such as my-job2")]
    Words,
    #[error("{found} means something else to Rust")]
    Taken { found: String },
}

impl FromStr for ProjectName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_BYTES {
            return Err(NameError::Long { found: text.len() });
        }
        if !text.split('-').all(is_word) {
            return Err(NameError::Words);
        }
        if TAKEN.contains(&text) {
            return Err(NameError::Taken { found: text.to_owned() });
        }
        Ok(Self(text.to_owned()))
    }
}

fn is_word(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_bites() {
        for good in ["a", "my-job", "a1-b2-c3", &"x".repeat(64)] {
            assert_eq!(good.parse::<ProjectName>().unwrap().as_str(), good);
        }
        assert_eq!("x".repeat(65).parse::<ProjectName>(), Err(NameError::Long { found: 65 }));
        let shapes = [
            "", "-", "a-", "-a", "a--b", "1a", "a-1", "My-Job", "my_job", "my job", "my.job", "../job",
            "/job", "jöb", "a/b", "a\nb", "a\0",
        ];
        for shape in shapes {
            assert_eq!(shape.parse::<ProjectName>(), Err(NameError::Words), "{shape:?}");
        }
        for taken in TAKEN {
            assert_eq!(taken.parse::<ProjectName>(), Err(NameError::Taken { found: taken.to_owned() }));
        }
        assert!("test-job".parse::<ProjectName>().is_ok());
    }
}
