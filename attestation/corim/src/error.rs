//! Why bytes are not taken as reference values.

/// A CoRIM that is not one of ours. Whoever handed it out is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorimError {
    /// More than reference values of ROMs take.
    #[error("corim {field}: expected 1 to {limit}, found {found}")]
    Length {
        /// What is counted.
        field: &'static str,
        /// Most.
        limit: usize,
        /// Found.
        found: usize,
    },
    /// The outermost tag is another. 18 is that of a signed CoRIM, which is not read here.
    #[error("corim: expected tag 501 (unsigned CoRIM), found {found}")]
    Tag {
        /// The tag.
        found: u64,
    },
    /// Not the nesting of maps and arrays that [`ReferenceManifest::encode`](crate::ReferenceManifest::encode) makes.
    #[error("corim: not the expected CBOR at byte {offset} of {part}")]
    Malformed {
        /// `file`, or `tag` for what lies in a byte string of it.
        part: &'static str,
        /// Where decoding stopped.
        offset: usize,
    },
    /// Each content has one deterministic encoding, with nothing beside it, and this is another.
    #[error(
        "corim: something beside reference values of one environment and digest, or not in deterministic encoding"
    )]
    NotDeterministic,
}
