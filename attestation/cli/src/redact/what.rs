//! Words for parts of a receipt.

use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;

use attestation_receipt::{BodySide, CHUNK_BYTES, Disclosure, Kind, SignedReceipt, Value};

/// Words for leaves.
const LEAVES: [(&str, Kind); 11] = [
    ("method", Kind::Method),
    ("scheme", Kind::Scheme),
    ("authority", Kind::Authority),
    ("path", Kind::PathWithQuery),
    ("request-fields", Kind::RequestField),
    ("request-body", Kind::RequestBody),
    ("request-trailers", Kind::RequestTrailer),
    ("status", Kind::Status),
    ("response-fields", Kind::ResponseField),
    ("response-body", Kind::ResponseBody),
    ("response-trailers", Kind::ResponseTrailer),
];
/// Words before the name of a field.
const FIELDS: [(&str, Kind); 4] = [
    ("request-field", Kind::RequestField),
    ("request-trailer", Kind::RequestTrailer),
    ("response-field", Kind::ResponseField),
    ("response-trailer", Kind::ResponseTrailer),
];

/// A part of a receipt, as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// All leaves of a kind; of bodies also what is in them.
    Leaves(Kind),
    /// All fields or trailers with this name, in lower case.
    Field(Kind, String),
    /// These bytes of a body.
    Bytes(BodySide, RangeInclusive<u64>),
    /// The server's certificates.
    Certificates,
    /// The guest's evidence.
    Evidence,
}

/// A word that means nothing. Whoever typed it is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected method, scheme, authority, path, request-fields, request-field:NAME, request-body, request-trailers, \
     status, response-fields, response-field:NAME, response-body, response-body:FROM-TO, response-trailers, certificates \
     or evidence"
)]
pub struct WhatError;

impl FromStr for What {
    type Err = WhatError;

    fn from_str(word: &str) -> Result<Self, WhatError> {
        match word {
            "certificates" => return Ok(Self::Certificates),
            "evidence" => return Ok(Self::Evidence),
            _ => {}
        }
        if let Some((_, kind)) = LEAVES.iter().find(|(known, _)| *known == word) {
            return Ok(Self::Leaves(*kind));
        }
        let (before, after) = word.split_once(':').ok_or(WhatError)?;
        if let Some((_, kind)) = FIELDS.iter().find(|(known, _)| *known == before) {
            let name = after.to_ascii_lowercase();
            return if name.is_empty() { Err(WhatError) } else { Ok(Self::Field(*kind, name)) };
        }
        let side = match before {
            "request-body" => BodySide::Request,
            "response-body" => BodySide::Response,
            _ => return Err(WhatError),
        };
        let (from, to) = after.split_once('-').ok_or(WhatError)?;
        let [from, to] = [number(from)?, number(to)?];
        if from <= to { Ok(Self::Bytes(side, from..=to)) } else { Err(WhatError) }
    }
}

/// Digits only: no sign, no space.
fn number(digits: &str) -> Result<u64, WhatError> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().map_err(|_| WhatError) } else { Err(WhatError) }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaves(kind) => f.write_str(word_of(&LEAVES, *kind)),
            Self::Field(kind, name) => write!(f, "{}:{name}", word_of(&FIELDS, *kind)),
            Self::Bytes(side, range) => {
                write!(f, "{}:{}-{}", word_of(&LEAVES, side.kind()), range.start(), range.end())
            }
            Self::Certificates => f.write_str("certificates"),
            Self::Evidence => f.write_str("evidence"),
        }
    }
}

fn word_of(words: &[(&'static str, Kind)], kind: Kind) -> &'static str {
    words.iter().find(|(_, known)| *known == kind).map_or("leaf", |(word, _)| word)
}

impl What {
    /// Whether `--hide` of it takes this away. Chunks go with the leaf of their body.
    pub(super) fn hides(&self, disclosure: &Disclosure) -> bool {
        match (self, disclosure) {
            (Self::Leaves(kind), Disclosure::Leaf(leaf)) => leaf.value.kind() == *kind,
            (Self::Leaves(kind), Disclosure::Chunk(chunk)) => chunk.body.kind() == *kind,
            (Self::Field(kind, name), Disclosure::Leaf(leaf)) => {
                leaf.value.kind() == *kind && field_name(&leaf.value).is_some_and(|found| found == name)
            }
            (Self::Bytes(side, range), Disclosure::Chunk(chunk)) => {
                chunk.body == *side && overlaps(chunk.index, range)
            }
            _ => false,
        }
    }

    /// Whether `--show` of it leaves this. Bytes of a body cannot be shown without its leaf.
    pub(super) fn shows(&self, disclosure: &Disclosure) -> bool {
        let is_leaf_of =
            |side: &BodySide| disclosure.as_leaf().is_some_and(|leaf| leaf.value.kind() == side.kind());
        self.hides(disclosure) || matches!(self, Self::Bytes(side, _) if is_leaf_of(side))
    }

    /// Whether the receipt shows something of it.
    pub(super) fn is_in(&self, receipt: &SignedReceipt) -> bool {
        match self {
            Self::Certificates => receipt.clone().without_certificates().encode() != receipt.encode(),
            Self::Evidence => receipt.unverified_evidence().is_some(),
            _ => receipt.unverified_disclosures().iter().any(|disclosure| self.hides(disclosure)),
        }
    }

    /// The length of the body that these bytes are not all of.
    pub(super) fn body_that_ends_before(&self, receipt: &SignedReceipt) -> Option<u64> {
        let Self::Bytes(side, range) = self else { return None };
        let leaves = receipt.unverified_disclosures().iter().filter_map(Disclosure::as_leaf);
        let body = leaves.filter_map(|leaf| leaf.value.body(*side)).next()?;
        (*range.end() >= body.bytes).then_some(body.bytes)
    }
}

/// Whether chunk `index` has some of these bytes.
fn overlaps(index: u64, range: &RangeInclusive<u64>) -> bool {
    let start = index.saturating_mul(CHUNK_BYTES as u64);
    let last = start.saturating_add(CHUNK_BYTES as u64 - 1);
    start <= *range.end() && *range.start() <= last
}

fn field_name(value: &Value) -> Option<&str> {
    match value {
        Value::RequestField(field)
        | Value::RequestTrailer(field)
        | Value::ResponseField(field)
        | Value::ResponseTrailer(field) => Some(&field.name),
        _ => None,
    }
}

/// Words that name these, in their order; chunks after each other are one range.
pub(super) fn names_of<'r>(disclosures: impl Iterator<Item = &'r Disclosure>) -> Vec<String> {
    let mut names: Vec<What> = Vec::new();
    for disclosure in disclosures {
        match disclosure {
            Disclosure::Leaf(leaf) => {
                let kind = leaf.value.kind();
                let field = field_name(&leaf.value).map(|name| What::Field(kind, name.to_owned()));
                names.push(field.unwrap_or(What::Leaves(kind)));
            }
            Disclosure::Chunk(chunk) => {
                let start = chunk.index.saturating_mul(CHUNK_BYTES as u64);
                let length = u64::try_from(chunk.bytes.len()).unwrap_or(u64::MAX);
                let last = start.saturating_add(length).saturating_sub(1);
                match names.last_mut() {
                    Some(What::Bytes(side, range))
                        if *side == chunk.body && range.end().saturating_add(1) == start =>
                    {
                        *range = *range.start()..=last;
                    }
                    _ => names.push(What::Bytes(chunk.body, start..=last)),
                }
            }
        }
    }
    names.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_written_alike() {
        for word in [
            "method",
            "path",
            "request-fields",
            "request-field:x-key",
            "response-trailer:digest",
            "response-body",
            "response-body:0-4095",
            "request-body:7-7",
            "certificates",
            "evidence",
        ] {
            assert_eq!(word.parse::<What>().unwrap().to_string(), word);
        }
        assert_eq!("request-field:X-Key".parse(), Ok(What::Field(Kind::RequestField, "x-key".into())));
        for word in [
            "",
            "body",
            "Method",
            "request-field",
            "request-field:",
            "response-body:",
            "response-body:5",
            "response-body:5-",
            "response-body:5-4",
            "response-body:+1-2",
            "status:1-2",
            "response-body:0-99999999999999999999",
        ] {
            assert_eq!(word.parse::<What>(), Err(WhatError), "{word}");
        }
    }

    #[test]
    fn ranges_are_of_whole_chunks() {
        let chunks =
            |range: RangeInclusive<u64>| (0..4).filter(|index| overlaps(*index, &range)).collect::<Vec<_>>();
        assert_eq!(chunks(0..=0), [0]);
        assert_eq!(chunks(4095..=4096), [0, 1]);
        assert_eq!(chunks(4096..=8191), [1]);
        assert_eq!(chunks(8192..=u64::MAX), [2, 3]);
    }
}
