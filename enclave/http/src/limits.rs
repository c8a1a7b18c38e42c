//! What a peer may make us hold.

/// Bounds on a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes from the start line to the empty line, both included. All interim responses before a final one count too.
    pub head_bytes: usize,
    /// Fields.
    pub fields: usize,
    /// Bytes of a request's target.
    pub target_bytes: usize,
}

impl HeadLimits {
    /// What browsers, proxies and servers have in common: 16 KiB, 100 fields, targets of 8 KiB (RFC 9110, section 4.1,
    /// asks for at least 8,000 bytes).
    pub const DEFAULT: Self = Self { head_bytes: 16 << 10, fields: 100, target_bytes: 8 << 10 };
}

/// Bounds on a body and what comes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes of content.
    pub body_bytes: u64,
    /// Bytes of a chunk's first line: its size and its extensions, which are read over.
    pub chunk_line_bytes: usize,
    /// Bytes of the trailer section, the empty line included.
    pub trailer_bytes: usize,
    /// Trailer fields.
    pub trailers: usize,
}

impl BodyLimits {
    /// Any length; what surrounds it is short.
    pub const DEFAULT: Self =
        Self { body_bytes: u64::MAX, chunk_line_bytes: 256, trailer_bytes: 4 << 10, trailers: 32 };
}
