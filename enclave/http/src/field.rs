//! Fields of heads and trailers (RFC 9110, section 5).

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A name and a value that may stand in a message: no way to write another line or another message with them.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    name: String,
    value: Vec<u8>,
}

/// What is no field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// Empty, or with bytes that a token has not, such as a space before the colon.
    #[error("field name: expected a token")]
    Name,
    /// With control characters, line breaks among them.
    #[error("field value: control character {found:#04x}")]
    Value {
        /// The byte.
        found: u8,
    },
}

impl Field {
    /// A field. The name is kept in lower case, the value without blanks around it, which belong to neither (RFC 9112,
    /// section 5.1).
    ///
    /// # Errors
    /// A byte that may not stand in it.
    pub fn new(name: &str, value: &[u8]) -> Result<Self, FieldError> {
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return Err(FieldError::Name);
        }
        if let Some(found) = value.iter().copied().find(|byte| !is_value_byte(*byte)) {
            return Err(FieldError::Value { found });
        }
        Ok(Self { name: name.to_ascii_lowercase(), value: trim_blanks(value).to_owned() })
    }

    /// In lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Any bytes but control characters; no blanks around.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }
}

/// Values are often secrets, such as passwords: they do not get into logs.
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} bytes", self.name, self.value.len())
    }
}

/// Fields in their order. A name may come several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<Field>);

impl Fields {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds one at the end.
    pub fn push(&mut self, field: Field) {
        self.0.push(field);
    }

    /// All of them.
    pub fn iter(&self) -> core::slice::Iter<'_, Field> {
        self.0.iter()
    }

    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values under a name in lower case.
    pub fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f [u8]> {
        self.0.iter().filter(move |field| field.name == name).map(Field::value)
    }

    /// The first value under a name in lower case.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// Whether a comma-separated list under this name has this word, in any case.
    pub(crate) fn lists(&self, name: &str, word: &str) -> bool {
        self.all(name).flat_map(items).any(|item| item.eq_ignore_ascii_case(word.as_bytes()))
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl<'f> IntoIterator for &'f Fields {
    type Item = &'f Field;
    type IntoIter = core::slice::Iter<'f, Field>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The items of a comma-separated list, without the blanks around them; empty ones included.
pub(crate) fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim_blanks)
}

pub(crate) fn trim_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// `tchar` of RFC 9110, section 5.6.2.
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Visible characters, blanks and bytes beyond ASCII (RFC 9110, section 5.5).
pub(crate) const fn is_value_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec;

    use super::*;

    #[test]
    fn names_are_tokens_in_lower_case() {
        assert_eq!(Field::new("X-Some_Thing!", b"1").unwrap().name(), "x-some_thing!");
        for bad in ["", " a", "a ", "a:", "a\r\nb", "a\0", "a(b", "é"] {
            assert_eq!(Field::new(bad, b"1"), Err(FieldError::Name), "{bad:?}");
        }
    }

    #[test]
    fn values_cannot_break_out_of_their_line() {
        assert_eq!(Field::new("a", b" \t x \t y\xFF \t").unwrap().value(), b"x \t y\xFF");
        assert_eq!(Field::new("a", b" ").unwrap().value(), b"");
        for byte in (0..=0x1F).chain([0x7F]).filter(|byte| *byte != b'\t') {
            let injected = [b'x', byte, b'y'];
            assert_eq!(Field::new("a", &injected), Err(FieldError::Value { found: byte }));
        }
    }

    #[test]
    fn lists_are_searched_over_all_lines() {
        let fields: Fields = [("connection", "a, Close"), ("x", "y"), ("connection", "z")]
            .map(|(n, v)| field(n, v))
            .into_iter()
            .collect();
        assert!(fields.lists("connection", "close") && fields.lists("connection", "z"));
        assert!(!fields.lists("connection", "y") && !fields.lists("connection", "clos"));
        assert_eq!(fields.all("connection").collect::<Vec<_>>(), vec![&b"a, Close"[..], b"z"]);
        assert_eq!((fields.first("x"), fields.first("w")), (Some(&b"y"[..]), None));
    }

    #[test]
    fn values_stay_out_of_debug_output() {
        assert_eq!(format!("{:?}", field("Authorization", "secret")), "authorization: 6 bytes");
    }

    fn field(name: &str, value: &str) -> Field {
        Field::new(name, value.as_bytes()).unwrap()
    }
}
