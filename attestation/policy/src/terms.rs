//! What fields can demand.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;

use toml::Value;

pub use crate::rules::Term;

/// A bit, or something that is there or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It must not be.
    Forbidden,
    /// It must be.
    Required,
}

impl Presence {
    /// Whether it is as demanded.
    #[must_use]
    pub const fn allows(self, is_present: bool) -> bool {
        matches!((self, is_present), (Self::Forbidden, false) | (Self::Required, true))
    }
}

impl Term for Presence {
    const EXPECTED: &'static str = "\"required\" or \"forbidden\"";

    fn read(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "forbidden" => Some(Self::Forbidden),
            "required" => Some(Self::Required),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Forbidden => "forbidden".into(),
            Self::Required => "required".into(),
        }
    }
}

/// A number that must not be exceeded, or must be reached: the field's name says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound(pub u32);

impl Term for Bound {
    const EXPECTED: &'static str = "a number from 0 to 4294967295";

    fn read(value: &Value) -> Option<Self> {
        u32::try_from(value.as_integer()?).ok().map(Self)
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// Bits that must all be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mask(pub u64);

impl Term for Mask {
    const EXPECTED: &'static str = "a number whose bits are demanded, like 0x1";

    fn read(value: &Value) -> Option<Self> {
        u64::try_from(value.as_integer()?).ok().map(Self)
    }

    fn show(&self) -> String {
        format!("{:#x}", self.0)
    }
}

/// A version with a fixed number of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version<const N: usize>(pub [u8; N]);

impl<const N: usize> Term for Version<N> {
    const EXPECTED: &'static str =
        if N == 2 { "a version like \"1.55\"" } else { "a version like \"1.55.40\"" };

    fn read(value: &Value) -> Option<Self> {
        let parts: Option<Vec<u8>> = value.as_str()?.split('.').map(|part| part.parse().ok()).collect();
        parts?.try_into().ok().map(Self)
    }

    fn show(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        parts.join(".")
    }
}

/// Bytes of a fixed length, in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hex<const N: usize>(pub [u8; N]);

impl<const N: usize> Term for Hex<N> {
    const EXPECTED: &'static str = "hexadecimal digits of the field's length";

    fn read(value: &Value) -> Option<Self> {
        let digits = value.as_str()?.as_bytes();
        let (pairs, rest) = digits.as_chunks::<2>();
        if pairs.len() != N || !rest.is_empty() {
            return None;
        }
        let mut bytes = [0; N];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }

    fn show(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Words that people chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub String);

impl Term for Text {
    const EXPECTED: &'static str = "a text";

    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(|text| Self(text.into()))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// One of these. An empty list admits nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOf<T>(pub Vec<T>);

impl<T: PartialEq> OneOf<T> {
    /// Whether `value` is among them.
    pub fn allows(&self, value: &T) -> bool {
        self.0.contains(value)
    }
}

impl<T: Term> Term for OneOf<T> {
    const EXPECTED: &'static str = "a list of what is admitted, each in the field's form";

    fn read(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::read).collect::<Option<_>>().map(Self)
    }

    fn show(&self) -> String {
        if self.0.is_empty() {
            return "nothing: the list is empty".into();
        }
        self.0.iter().map(T::show).collect::<Vec<_>>().join(", ")
    }
}

/// Shows a list of anything that prints.
pub(crate) fn list(items: impl IntoIterator<Item = impl Display>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
