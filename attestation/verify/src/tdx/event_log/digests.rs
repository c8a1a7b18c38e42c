//! The log of a guest that keeps it itself, as dstack does: a JSON list, the digests in it as the registers took them.

use alloc::borrow::Cow;
use alloc::string::ToString;
use core::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::super::document::hex_field;
use super::{EventLogError, Rtmrs, extend};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<'a> {
    imr: u8,
    #[serde(rename = "event_type")]
    _event_type: u32,
    #[serde(deserialize_with = "hex_field")]
    digest: [u8; 48],
    #[serde(borrow, rename = "event")]
    _event: Cow<'a, str>,
    #[serde(borrow, rename = "event_payload")]
    _event_payload: Cow<'a, str>,
}

/// Registers at the end of a list; the list itself is not kept.
struct Replayed(Rtmrs);

/// Extends the registers with every entry of the list.
pub(super) fn replay(bytes: &[u8]) -> Result<Rtmrs, EventLogError> {
    let replayed: Result<Replayed, _> = serde_json::from_slice(bytes);
    replayed.map(|Replayed(rtmrs)| rtmrs).map_err(|error| EventLogError::Json { found: error.to_string() })
}

impl<'de> Deserialize<'de> for Replayed {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_seq(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Replayed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Replayed, A::Error> {
        let mut rtmrs = [[0; 48]; 4];
        while let Some(entry) = list.next_element::<Entry<'de>>()? {
            let other = || A::Error::custom(format_args!("expected imr 0 to 3, found {}", entry.imr));
            extend(&mut rtmrs, entry.imr.into(), &entry.digest).ok_or_else(other)?;
        }
        Ok(Replayed(rtmrs))
    }
}
