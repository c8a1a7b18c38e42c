//! What a blob is for.

use alloc::format;
use alloc::string::String;
use core::fmt;

/// The longest context of a component's own blobs.
pub const CONTEXT_MAX_BYTES: usize = 64;

/// Longer than [`CONTEXT_MAX_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("context: expected at most {CONTEXT_MAX_BYTES} bytes, found {found}")]
pub struct ContextTooLong {
    /// Bytes of the text.
    pub found: usize,
}

/// What a component calls one kind of its blobs. Whoever sees a blob can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a>(&'a str);

impl<'a> Context<'a> {
    /// Takes any text that is short enough, the empty one too.
    ///
    /// # Errors
    /// [`ContextTooLong`].
    pub const fn new(text: &'a str) -> Result<Self, ContextTooLong> {
        if text.len() > CONTEXT_MAX_BYTES {
            return Err(ContextTooLong { found: text.len() });
        }
        Ok(Self(text))
    }
}

/// What a blob is for. It opens for nothing else.
///
/// A kind's number is part of the format, and is not used again when its kind goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose<'a> {
    /// What the component seals for itself.
    Component(Context<'a>),
    /// What a guest stores for its component: keys, values and files, in one blob, so that they are of one time.
    Storage,
}

const COMPONENT: u8 = 1;
const STORAGE: u8 = 2;

impl<'a> Purpose<'a> {
    pub(crate) const fn kind(self) -> u8 {
        match self {
            Self::Component(_) => COMPONENT,
            Self::Storage => STORAGE,
        }
    }

    pub(crate) const fn context(self) -> &'a [u8] {
        match self {
            Self::Component(context) => context.0.as_bytes(),
            Self::Storage => &[],
        }
    }
}

impl fmt::Display for Purpose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&describe(self.kind(), self.context()))
    }
}

/// What a blob says of itself, in a form that is safe to print.
pub(crate) fn describe(kind: u8, context: &[u8]) -> String {
    match kind {
        STORAGE if context.is_empty() => "storage".into(),
        STORAGE => format!("storage, context \"{}\"", context.escape_ascii()),
        COMPONENT => format!("component, context \"{}\"", context.escape_ascii()),
        _ => format!("purpose number {kind}, context \"{}\"", context.escape_ascii()),
    }
}
